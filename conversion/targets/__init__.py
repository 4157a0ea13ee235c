"""Hardware targets as data, and the rules by which a quantized network fits them."""
