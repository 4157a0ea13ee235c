"""Post-training quantization: scales, rounding to the nearest, and the passes that repair what rounding costs."""
