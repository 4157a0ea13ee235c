"""What a verb is asked about, looked up: networks by name or path, their problems and points, devices by name."""
