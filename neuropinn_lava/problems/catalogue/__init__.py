"""The problems that ship, one file each, in rooms by their kind."""
