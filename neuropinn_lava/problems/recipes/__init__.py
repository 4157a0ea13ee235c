"""How a network is trained on a problem: records of networks, clouds and phases, which stand in the file of the problem."""
