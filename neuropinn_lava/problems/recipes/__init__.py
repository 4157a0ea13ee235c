"""Records of how a network is trained on a problem: its layers, the cloud of points, and the phases."""
