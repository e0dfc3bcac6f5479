"""The folder of a run: checked before any work, and whole when `result.json` is there."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from ravine.base.errors import OutputError

MODEL, REPORT, RESULT, PLAN, SPLIT, METRICS = (
    "model.ravine",
    "report.html",
    "result.json",
    "plan.toml",
    "split.csv",
    "metrics.jsonl",
)
PURPOSES = {
    MODEL: "the classifier: give it to `ravine predict`",
    REPORT: "this page",
    RESULT: "the scores, for programs",
    PLAN: "every choice; `--plan` repeats the run",
    SPLIT: "which picture was for what",
    METRICS: "one line an epoch and member",
}


def prepare(out: Path, resume: bool) -> bool:
    """Check the folder of a run; one that is not there is made when there is something to write.

    Args:
        out: The folder.
        resume: Whether a run may be there already.

    Returns:
        Whether a finished run is there.

    Raises:
        OutputError: A run is there and `resume` is false, or nothing can be written there.
    """
    finished = (out / RESULT).is_file()
    if not resume and any((out / name).exists() for name in PURPOSES):
        raise OutputError(f"{out} already holds a run. Choose another --out, or add --resume to go on with that run.")
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    make(out)
    for folder in missing:
        with suppress(OSError):  # another run may be using it by now
            folder.rmdir()
    return finished


def make(out: Path) -> None:
    """Make the folder of a run, and its parents.

    Raises:
        OutputError: Nothing can be written there.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as wrong:
        raise OutputError(f"Nothing can be written to {out}: {wrong.strerror}. Choose another --out.") from wrong


def write_text(path: Path, text: str) -> None:
    """Write a file of the run, whole or not at all.

    Raises:
        OutputError: It cannot be written.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as wrong:
        raise OutputError(
            f"{path} cannot be written: {wrong.strerror}. Free some space, or choose another --out."
        ) from wrong


def write_json(path: Path, value: Any) -> None:
    """Write plain values as JSON; see `write_text`."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")
