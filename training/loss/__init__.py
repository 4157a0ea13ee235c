"""The terms of the loss of a training: residuals, energies, the distance to a distillation target, the activity."""
