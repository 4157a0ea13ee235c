"""Any number of points through a network, from a file into a file, in constant memory; and probes of chosen points."""
