"""Sweeps over word lengths, thresholds, steps and activities, with a cache of finished work."""
