"""What the lecture says of optimization, measured with Ravine's own parts: `python -m benchmarks.lecture`."""
