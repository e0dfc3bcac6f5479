"""Several networks that answer as one, one way a file."""
