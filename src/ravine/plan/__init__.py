"""All choices of a run: the plan, its names, its presets, its file."""
