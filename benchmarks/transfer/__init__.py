"""Transfer learning against the clock and against others: `python -m benchmarks.transfer`."""
