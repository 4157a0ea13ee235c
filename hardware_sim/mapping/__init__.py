"""Where a network goes on a chip, and the traffic between its cores."""
