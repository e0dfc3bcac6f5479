"""Augmentations of a batch of pictures, one a file: each a pure function, and the part that a plan names."""
