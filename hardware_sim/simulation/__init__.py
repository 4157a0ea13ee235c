"""A network as a Lava graph: plan, schedule, assembly, recording, streaming."""
