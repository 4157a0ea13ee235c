"""Spiking physics-informed networks on neuromorphic hardware: convert, run, verify, profile.

This is the core: records, integer arithmetic, the reference engines, files and PDE problems. It must not know torch or
Lava; importing it loads neither.
"""
