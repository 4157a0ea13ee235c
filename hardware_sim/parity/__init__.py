"""Comparison of two runs of one network value by value, and the certificate that gathers such comparisons."""
