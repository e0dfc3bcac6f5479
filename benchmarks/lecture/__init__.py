"""What the lecture says, measured with Ravine's own parts: `python -m benchmarks.lecture`."""
