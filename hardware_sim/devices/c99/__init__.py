"""C99 of a quantized network: one header for any microcontroller, a folder to build it in, a run with a local compiler."""
