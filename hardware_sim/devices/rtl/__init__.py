"""An event-driven core of a quantized network for FPGAs: generation, simulation, synthesis, export."""
