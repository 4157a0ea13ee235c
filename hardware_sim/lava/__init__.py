"""A network as a Lava graph: the plan of a run, its assembly, its simulation, and streams of points."""
