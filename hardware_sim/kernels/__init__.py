"""The arithmetic of a layer: compiled loops, the same in numpy, and the object that process models call."""
