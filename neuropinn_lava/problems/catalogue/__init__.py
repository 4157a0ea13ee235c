"""The problems that ship, one file each."""
