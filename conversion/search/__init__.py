"""Where the error of a quantized network comes from, and which bits and thresholds a stated error allows."""
