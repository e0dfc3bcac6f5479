"""Each measured run is a process of its own, as a user would start it; its time includes the start of Python."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RAVINE = Path(sys.executable).with_name("ravine")
PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Fit:
    """A finished run of `ravine fit`: its folder, what result.json holds, and the seconds of the whole process."""

    folder: Path
    summary: dict[str, Any]
    wall_seconds: float

    @property
    def accuracy(self) -> float:
        """On the run's own test pictures."""
        return self.summary["test"]["accuracy"]

    @property
    def tested(self) -> int:
        """How many test pictures there were."""
        return self.summary["test"]["n"]

    @property
    def seconds(self) -> dict[str, float]:
        """Where the time went, by result.json."""
        return self.summary["seconds"]


def fit(source: str | Path, out: Path, *options: str, cache: Path | None = None, python: str | None = None) -> Fit:
    """Run `ravine fit` in a new process, as on the first day: nothing packed or compiled by an earlier run is found.

    Args:
        source: As on the command line.
        out: A folder that holds no run.
        options: Further words of the command.
        cache: Where what is kept lies, if something from an earlier run is to be found; a new folder if not given.
        python: An interpreter that finds Ravine; this one if not given.
    """
    kept = str(cache or out.with_name(f"{out.name}-cache"))
    variables = {"RAVINE_CACHE": kept, "TORCHINDUCTOR_CACHE_DIR": kept}
    command = [python, "-c", "from ravine.cli import main; main()"] if python else [str(RAVINE)]
    _, seconds = _timed([*command, "fit", str(source), "--out", str(out), *options], variables)
    return Fit(out, json.loads((out / "result.json").read_text(encoding="utf-8")), seconds)


def peer(script: str, *arguments: str, python: str = sys.executable) -> tuple[list[dict[str, Any]], float]:
    """Run a script of `benchmarks/peers` in a new process.

    Args:
        script: Its file name.
        arguments: What it is given.
        python: The interpreter, of another environment if need be.

    Returns:
        The JSON objects that it printed, one a line, and the seconds of the whole process.
    """
    output, seconds = _timed([python, str(PEERS / script), *arguments], {})
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")], seconds


def reports(script: str, *arguments: str, python: str = sys.executable) -> Iterator[dict[str, Any]]:
    """The same, an object as soon as it is printed; the process ends when no more of them are asked for."""
    command = [python, str(PEERS / script), *arguments]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            for line in process.stdout or ():
                if line.startswith("{"):
                    yield json.loads(line)
            if process.wait():
                errors.seek(0)
                raise SystemExit(f"{' '.join(command)}\nended with exit code {process.returncode}:\n{errors.read()}")
        finally:
            process.kill()
            process.wait()


@contextmanager
def answering(script: str, *arguments: str, python: str = sys.executable) -> Iterator[Callable[[], dict[str, Any]]]:
    """A script that waits, and does its work once each time that it is asked; what it answers is a JSON object."""
    command = [python, str(PEERS / script), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        asks, answers = process.stdin, process.stdout

        def ask() -> dict[str, Any]:
            if asks is None or answers is None:
                raise SystemExit(f"{' '.join(command)} cannot be asked.")
            asks.write("\n")
            asks.flush()
            line = answers.readline()
            if not line:
                raise SystemExit(f"{' '.join(command)}\nended with exit code {process.wait()}.")
            return json.loads(line)

        try:
            yield ask
        finally:
            process.kill()


def _timed(command: list[str], variables: dict[str, str]) -> tuple[str, float]:
    environment = {**os.environ, **variables}
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nended with exit code {done.returncode}:\n{done.stderr or done.stdout}")
    return done.stdout, seconds
