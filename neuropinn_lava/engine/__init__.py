"""The two numpy engines that define what a network computes, the trace of a run, and what the host does around it."""
