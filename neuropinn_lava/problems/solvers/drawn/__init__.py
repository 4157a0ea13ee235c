"""Solutions for data that are drawn: sources, starts and signals of a distribution, observations with noise."""
