"""Learning rates as closed forms of the step, one a file."""
