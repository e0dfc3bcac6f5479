"""Several networks, or several looks at one picture, that answer as one; one way a file."""
