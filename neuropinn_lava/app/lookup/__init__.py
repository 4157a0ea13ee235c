"""Look-ups for the verbs: networks by name or path, their problems and points, devices by name."""
