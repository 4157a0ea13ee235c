"""What a run costs: counts, accesses, cores, energies, latencies, and other tools' names for them."""
