"""Pieces of C: names, constants, payload tables, memory, nodes and steps of a network, written from its integer plan."""
