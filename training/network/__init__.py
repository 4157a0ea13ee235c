"""A torch network of Variable Spiking Neurons: built, traced, exported to the core's record, and rebuilt from it."""
