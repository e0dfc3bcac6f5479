"""`python -m ravine`, the same as `ravine`."""

from ravine.cli import main

main()
