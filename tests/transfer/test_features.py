"""What a frozen body says of pictures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ravine.data.preprocess import Preprocess
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.models.backbone import Backbone
from ravine.train.evaluate import direct, logits, packed
from ravine.transfer.features import stored_features
from ravine.transfer.taps import tap

PICTURE = Preprocess(size=48, channels=3)
RNG = np.random.default_rng(0)


def test_features_of_the_right_size_are_the_same_from_a_pack() -> None:
    torch.manual_seed(0)
    body = Backbone("test_resnet", "random").load_pretrained()
    images = RNG.integers(0, 256, (5, 48, 48, 3), dtype=np.uint8)
    done: list[int] = []
    rows = np.array([4, 1])
    x = logits(body, direct(images.__getitem__, rows, PICTURE, advance=done.append))
    assert np.abs(x - logits(body, packed(torch.from_numpy(images), rows, PICTURE))).max() < 1e-5
    with torch.no_grad():
        expected = body(PICTURE(images[[4, 1]]))
    assert np.abs(x - expected.numpy()).max() < 1e-5
    assert sum(done) == 2


def test_stored_features_are_computed_once(make_folders: Callable[..., Path], tmp_path: Path) -> None:
    torch.manual_seed(0)
    taps = tap(Backbone("test_resnet", "random").load_pretrained(), 48)
    audit = scan(read_source(make_folders(count=5)))
    rows, done = np.array([7, 2, 9]), []
    first = stored_features("test_resnet", taps, audit, rows, PICTURE, done.append)
    expected = logits(taps, direct(audit.pixels, rows, PICTURE))
    assert np.abs(first.values - expected).max() < 2e-3 * np.abs(expected).max()
    assert first.computed == 3
    assert first.engine is not None
    assert first.engine.name == "eager"
    again = stored_features("test_resnet", taps, audit, rows, PICTURE, done.append)
    assert (again.computed, again.engine) == (0, None)
    assert np.array_equal(again.values, first.values)
    assert sum(done) == 6
    more = stored_features("test_resnet", taps, audit, np.arange(10), PICTURE)
    assert more.computed == 7
    assert np.array_equal(more.values[rows], first.values)
