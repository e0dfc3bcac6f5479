"""Terms on the weights, one a file."""
