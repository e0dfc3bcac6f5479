"""Maps of frozen stages: those of each picture, in order, from memory or from a file."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ravine.base.errors import TrainingError
from ravine.data.audit import Audit
from ravine.data.preprocess import Preprocess
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.train.evaluate import direct
from ravine.transfer import prefix as room
from ravine.transfer.prefix import prefix_maps

PICTURE = Preprocess(size=16, channels=3)


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 20, 20, 3)).astype(np.uint8)
    path = tmp_path_factory.mktemp("pictures") / "pictures.npz"
    np.savez(path, x=pixels, y=np.arange(9) % 2, classes=np.array(["a", "b"]))
    return scan(read_source(path))


@pytest.mark.parametrize("free", [None, 10**12, 100])
def test_they_are_those_of_the_pictures(
    audit: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int | None
) -> None:
    monkeypatch.setattr(room, "available_bytes", lambda _: free)
    stage = nn.Conv2d(3, 5, 3, 2).eval()
    rows, seen = np.array([7, 1, 4]), []
    maps = prefix_maps(stage, audit, rows, PICTURE, seen.append)
    with torch.no_grad():
        whole = torch.cat([stage(chunk) for chunk in direct(audit.pixels, rows, PICTURE)])
    assert maps.dtype == np.float16
    assert isinstance(maps, np.memmap) == (free == 100)
    assert np.array_equal(maps, whole.movedim(1, -1).half().numpy())
    assert sum(seen) == 3
    assert not list(tmp_path.rglob("*.*"))


class _Large(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 1e6


def test_numbers_that_do_not_fit_are_an_error(audit: Audit) -> None:
    with pytest.raises(TrainingError, match=r"numbers that float16 cannot hold. Choose transfer=all"):
        prefix_maps(_Large(), audit, np.arange(2), PICTURE)
