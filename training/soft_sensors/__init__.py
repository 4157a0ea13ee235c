"""Networks that read a signal step by step and keep a state: linear memory around spiking layers, and their training."""
