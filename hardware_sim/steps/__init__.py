"""What each part of a Lava run does in a step: schedule, work of layers and networks, recording, and checks of a graph."""
