"""What each part of a Lava run does in a step, without Lava: schedule, work of layers and networks, recording."""
