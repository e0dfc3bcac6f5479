"""Results in a file of JSON lines, each under what was asked; what is in it is not done again."""

import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

Values = Mapping[str, Any]


class NotOnRecordError(Exception):
    """Something was to come from the file alone, and is not in it."""


class Journal:
    """Keeps every result as soon as it is there, so that a benchmark that was broken off goes on."""

    def __init__(self, path: Path) -> None:
        """Read what is there.

        Args:
            path: A file of JSON lines, or where one is to be made.
        """
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        self._known = {_key(line["asked"]): line["found"] for line in map(json.loads, lines)}

    def known(self, asked: Values, work: Callable[[], Values]) -> dict[str, Any]:
        """From the file alone.

        Args:
            asked: See `result`.
            work: Is not called.

        Raises:
            NotOnRecordError: It is not there.
        """
        del work
        key = _key(asked)
        if key not in self._known:
            raise NotOnRecordError(key)
        return self._known[key]

    def result(self, asked: Values, work: Callable[[], Values]) -> dict[str, Any]:
        """From the file, or else from the machine; what failed is not kept, and tried again another time.

        Args:
            asked: What tells the result from others; plain values.
            work: Finds it; plain values, with the reason under "failed" where it did. The load of the machine before it
                is kept too.
        """
        key = _key(asked)
        if key not in self._known:
            print(f"{datetime.now():%H:%M:%S} {' '.join(map(str, asked.values()))} …", end=" ", flush=True)
            load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
            found = {**work(), "load": round(load, 2)}
            print(_short(found), flush=True)
            if "failed" in found:
                return found
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"asked": dict(asked), "found": found}) + "\n")
            self._known[key] = found
        return self._known[key]


def _key(asked: Values) -> str:
    return json.dumps(asked, sort_keys=True)


def _short(found: Values) -> str:
    """The numbers of a result, or why there are none."""
    if "failed" in found:
        return f"failed: {found['failed']}"
    return ", ".join(f"{name} {value:.4g}" for name, value in found.items() if isinstance(value, int | float))
