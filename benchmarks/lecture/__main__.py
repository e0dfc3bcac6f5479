"""Run all demonstrations, or those that are named, such as python -m benchmarks.lecture regularizers ensembles."""

import sys
from importlib import import_module

from benchmarks.machine import machine

ALL = (
    *("functions", "gradients", "newton", "minibatches", "training"),
    *("regularizers", "dropconnect", "fractional", "ensembles", "transfer"),
)

if __name__ == "__main__":
    print(machine())
    for name in sys.argv[1:] or ALL:
        import_module(f"benchmarks.lecture.{name}").main()
