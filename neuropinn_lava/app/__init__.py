"""Composition, and nothing else: the verbs as functions, and the command line.

It may know everything, and imports it lazily, inside the functions that need it. Nothing imports it."""
