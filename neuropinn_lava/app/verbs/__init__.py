"""The verbs of the package as functions of Python: train, convert, run, verify, profile, demo, homogenize."""
