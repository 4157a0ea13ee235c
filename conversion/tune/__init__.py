"""Quantization-aware tuning: the integer engine in torch with straight-through gradients."""
