"""The collocation set of a training: points, built-in conditions, derivative operators, and how the points adapt."""
