"""C99 of a quantized network: one header for any microcontroller, a folder to build it in, and a run on this machine's compiler."""
