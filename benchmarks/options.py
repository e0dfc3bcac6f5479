"""Words that several benchmarks take on the command line."""

import argparse
from collections.abc import Callable, Collection


def seeds(text: str) -> list[int]:
    """Whole numbers with commas between them: "0,1,2".

    Example:
        >>> seeds("0,1,2")
        [0, 1, 2]
    """
    try:
        return [int(word) for word in text.split(",")]
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of seeds; write 0,1,2") from wrong


def names(known: Collection[str]) -> Callable[[str], list[str]]:
    """What reads some of these from text, with commas between.

    Example:
        >>> names(("small", "large"))("large")
        ['large']
    """

    def read(text: str) -> list[str]:
        chosen = text.split(",")
        if strange := set(chosen) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(strange))}: write some of {','.join(known)}")
        return chosen

    return read


def parser(description: str | None, seed_list: str) -> argparse.ArgumentParser:
    """A parser that knows --seeds.

    Args:
        description: What the benchmark measures.
        seed_list: The default seeds.
    """
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seeds", type=seeds, default=seed_list, help=f"with commas; {seed_list} if not given")
    return made
