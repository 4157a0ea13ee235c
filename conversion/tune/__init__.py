"""Quantization-aware tuning: the integer engine in torch with straight-through gradients."""

from ...base.extras import import_extra

import_extra("torch", "torch")
