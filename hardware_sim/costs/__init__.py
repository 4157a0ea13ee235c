"""What a run costs: energy by named models, latency, the constants of both with their sources, SANA-FE's replay."""
