"""Measurements against other ways to do the same; each module is a command that prints tables."""
