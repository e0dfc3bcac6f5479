"""What to run, and what came of it."""
