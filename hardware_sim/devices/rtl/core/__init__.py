"""The hardware itself, in Amaranth: rings of slots, multiply-accumulate lanes, neurons in a pipeline, streams."""
