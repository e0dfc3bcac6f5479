"""Regularizers, one a file: each a pure function, a module, and the part that a plan names."""
