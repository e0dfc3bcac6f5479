"""Words that several benchmarks take on the command line."""

import argparse


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


def parser(description: str | None, seed_list: str) -> argparse.ArgumentParser:
    """A parser that knows --seeds.

    Args:
        description: What the benchmark measures.
        seed_list: The default seeds.
    """
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seeds", type=seeds, default=seed_list, help=f"with commas; {seed_list} if not given")
    return made
