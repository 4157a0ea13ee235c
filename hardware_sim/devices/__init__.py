"""The same integers on other hardware: C99 for microcontrollers, a core in Verilog for FPGAs, graphs in ONNX."""
