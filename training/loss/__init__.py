"""What a training minimises: residuals, energies, the distance to a distillation target, the activity."""
