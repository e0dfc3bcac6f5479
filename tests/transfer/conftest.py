"""Every test of transfer learning begins without stored features."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def nothing_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs, features and exported networks of a test stay its own."""
    monkeypatch.setenv("RAVINE_CACHE", str(tmp_path / "cache"))
