"""Lava processes (what a layer does) and their models (how), in a folder of their own, which Lava's compiler reads whole."""
