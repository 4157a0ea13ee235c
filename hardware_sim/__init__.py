"""Networks on Lava's simulator: processes, graph builder, runner, counting, energy, parity and reports.

It knows the core and conversion, and Lava only in its process and runner files. It must not know torch or training."""
