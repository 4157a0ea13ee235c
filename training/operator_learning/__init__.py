"""Networks that take a function: a trunk of features of a point, a branch of their coefficients, and the training of both."""
