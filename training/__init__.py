"""Training in torch: the VSN layer, surrogates, losses, the trainer, checkpoints, and export to the core's records.

It knows the core and torch. It must not know Lava, conversion or hardware_sim."""
