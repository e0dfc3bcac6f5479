"""Environments of the peers: made once from the package index, in a cache folder; nothing in them is Ravine's.

`NAME.txt` beside this file says what an environment holds. Peers that need the same packages share one.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PEERS = Path(__file__).parent
_DONE = "complete.txt"


def cache() -> Path:
    """Where environments and records are kept: $RAVINE_BENCHMARKS, or a folder in the user's cache."""
    named = os.environ.get("RAVINE_BENCHMARKS")
    home = os.environ.get("XDG_CACHE_HOME")
    return Path(named) if named else (Path(home) if home else Path.home() / ".cache") / "ravine-benchmarks"


def python(name: str, above: bool = False) -> str:
    """The interpreter of an environment, which is made if it is not there, or holds something else.

    Args:
        name: Of a file NAME.txt beside this one, with a requirement a line.
        above: Whether it finds the packages of this environment too, Ravine with them, and adds what it lacks.
    """
    wanted, folder = (PEERS / f"{name}.txt").read_text(encoding="utf-8"), cache() / name
    interpreter, done = folder / "bin" / "python", folder / _DONE
    if not (done.is_file() and done.read_text(encoding="utf-8") == wanted):
        print(f"Making the environment {folder} of {', '.join(wanted.split())} …", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(folder))
        if above:
            here, there = (
                Path(sysconfig.get_path("purelib", vars={"base": base})) for base in (sys.prefix, str(folder))
            )
            (there / "above.pth").write_text(f"import site; site.addsitedir({str(here)!r})\n", encoding="utf-8")
        _run(str(interpreter), "-m", "pip", "install", "--quiet", "-r", str(PEERS / f"{name}.txt"))
        done.write_text(wanted, encoding="utf-8")
    return str(interpreter)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nended with exit code {done.returncode}:\n{done.stderr or done.stdout}")
