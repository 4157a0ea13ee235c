"""What a run does, counted: events, synaptic operations, memory accesses, and NeuroBench's names for them."""
