"""Run all demonstrations, or those that are named: python -m benchmarks.lecture [functions] [gradients] [training]."""

import sys
from importlib import import_module

from benchmarks.machine import machine

ALL = ("functions", "gradients", "newton", "training")

if __name__ == "__main__":
    print(machine())
    for name in sys.argv[1:] or ALL:
        import_module(f"benchmarks.lecture.{name}").main()
