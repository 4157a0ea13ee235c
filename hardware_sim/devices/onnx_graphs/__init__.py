"""Networks as ONNX graphs of standard operators and as QONNX graphs with MultiThreshold nodes: written, checked, executed."""
