"""Pictures a second from data to augmented batches: Ravine against loaders as they are usually written.

    OMP_WAIT_POLICY=PASSIVE python -m benchmarks.loader                    all tables
    OMP_WAIT_POLICY=PASSIVE python -m benchmarks.loader --only large --rounds 9

Equal numbers give equal crops and flips on all sides; that is checked before anything is timed. Candidates take turns;
rates are medians, a ratio is the median of the ratios within a round. A DataLoader without workers has one thread,
which is faster for single pictures. Threads that wait should sleep (the variable above): where the machine is not
quiet, those that spin take the time of the others. No network reads the batches: it would need far longer.
"""

import argparse

from benchmarks.loader.files import decoders, packing
from benchmarks.loader.large import large
from benchmarks.loader.small import small
from benchmarks.machine import machine
from ravine.device.allocator import keep_freed_memory


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sections = {"small": small, "large": large, "packing": packing, "decoders": decoders}
    words.add_argument("--only", choices=list(sections))
    words.add_argument("--rounds", type=int, default=7)
    given = words.parse_args()
    keep_freed_memory()
    print(machine())
    for name, section in sections.items():
        if given.only in (None, name):
            section(given.rounds)


if __name__ == "__main__":
    main()
