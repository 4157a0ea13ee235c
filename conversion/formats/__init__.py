"""Networks from torch modules, snnTorch and NIR, and into NIR."""
