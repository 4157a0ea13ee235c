"""The run of a training from the first step to the last: phases, checkpoints, history, interruption, outcome."""
