"""Fixtures that make pictures, and what holds for every test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from PIL import Image

collect_ignore_glob = ["*conftest.py"]
"""Several rooms have one; as modules with doctests they would clash."""

hypothesis.settings.register_profile("ravine", deadline=None)
hypothesis.settings.load_profile("ravine")

MakePicture = Callable[..., np.ndarray]
MakeFolders = Callable[..., Path]


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Packs go to a temporary folder, never to the user's; fixtures of a module are made after this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAVINE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Where assets are required, a test that is skipped for want of them has failed."""
    report = yield
    if report.skipped and item.get_closest_marker("assets") and os.environ.get("RAVINE_REQUIRE_ASSETS"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but RAVINE_REQUIRE_ASSETS is set: {report.longrepr}"
    return report


@pytest.fixture
def make_picture() -> MakePicture:
    """A function of seed, height and width to a smooth random picture, uint8 [H, W, 3]."""

    def make(seed: int = 0, height: int = 40, width: int = 60) -> np.ndarray:
        coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
        return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))

    return make


@pytest.fixture
def make_folders(tmp_path: Path, make_picture: MakePicture) -> MakeFolders:
    """A function of class names and a count to a folder of class folders with that many PNG files each."""

    def make(classes: tuple[str, ...] = ("cat", "dog"), count: int = 4, root: str = "photos", size: int = 24) -> Path:
        for number, name in enumerate(classes):
            folder = tmp_path / root / name
            folder.mkdir(parents=True)
            for index in range(count):
                Image.fromarray(make_picture(1000 * number + index, size, size)).save(folder / f"{index:02}.png")
        return tmp_path / root

    return make
