"""What a float network does on calibration points, what it can reach at all, and how much each drive matters."""
