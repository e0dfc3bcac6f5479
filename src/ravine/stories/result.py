"""What a run leaves in the hands of the caller."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ravine.bundle import Model, load
from ravine.stories.folder import MODEL, REPORT


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        path: Its folder.
        summary: What `result.json` holds.
    """

    path: Path
    summary: dict[str, Any]

    @cached_property
    def model(self) -> Model:
        """The classifier."""
        return load(self.path / MODEL)

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / REPORT

    @property
    def test(self) -> dict[str, Any]:
        """The measures on the test pictures."""
        return self.summary["test"]

    @property
    def validation(self) -> dict[str, Any] | None:
        """The measures on pictures that the chosen candidate had not seen; None without such pictures."""
        return self.summary["validation"]

    @property
    def seconds(self) -> dict[str, float]:
        """Where the time went."""
        return self.summary["seconds"]
