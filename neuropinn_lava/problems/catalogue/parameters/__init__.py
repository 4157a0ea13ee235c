"""Equations whose coefficients are inputs of the network, or are found from data."""
