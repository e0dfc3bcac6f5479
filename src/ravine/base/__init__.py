"""What everything else stands on: errors, seeds, ranges, and the layout of parameters in a row."""
