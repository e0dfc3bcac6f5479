"""Augmentations of a batch of pictures, one a file."""
