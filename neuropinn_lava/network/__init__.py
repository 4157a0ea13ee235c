"""What a network is: float and quantized records, activations and their integer tables, integer arithmetic, transforms."""
