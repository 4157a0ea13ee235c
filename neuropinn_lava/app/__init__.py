"""Composition, and nothing else: the verbs of the package as functions, and the command line over them.

The only package that knows all the others; it imports them inside functions, so that nothing heavy loads before it is needed.
"""
