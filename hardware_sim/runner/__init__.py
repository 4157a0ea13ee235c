"""The owner of a Lava run from start to cleanup; it knows graphs of Lava processes and nothing of networks."""
