"""The measured table, from pictures to its cell."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ravine.data.preprocess import Preprocess
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.models.backbone import Backbone
from ravine.transfer.data_size import SizeCurve
from ravine.transfer.measure import ADVICE, Measurement, measure, measure_source
from ravine.transfer.probes import Probe, Similarity
from ravine.transfer.taps import tap


def test_a_measurement_of_pictures_that_differ_in_colour() -> None:
    torch.manual_seed(0)
    taps = tap(Backbone("test_resnet", "random").load_pretrained(), 32)
    labels = np.arange(48) % 3
    pictures = 0.3 * torch.randn(48, 3, 32, 32)
    pictures[torch.arange(48), torch.from_numpy(labels)] += 1
    asked: list[int] = []

    def batches(rows: np.ndarray) -> Iterable[tuple[Tensor, Tensor]]:
        asked.extend(rows.tolist())
        yield pictures[rows], torch.from_numpy(labels)[rows]

    with torch.inference_mode():
        features = taps(pictures).numpy()
    found = measure(taps, features, labels, 3, batches=batches)
    assert asked == list(range(48))
    assert len(found.similarity.probes) == 5
    assert found.similarity.probes[0].accuracy > 0.9
    assert found.gradients is not None
    assert min(found.gradients.relative) > 0
    assert set(found.seconds) == {"probes", "size", "gradients"}
    assert len(found.sentences) == 4
    assert ADVICE[found.cell] in found.sentences[-1]
    without = measure(taps, features, labels, 3)
    assert (without.gradients, without.similarity.peak) == (None, found.similarity.peak)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("pictures", [300, 50_000])
def test_the_cell_and_the_control(flat: bool, late: bool, pictures: int) -> None:
    good, poor = np.arange(100) < 95, np.arange(100) < 40
    first, last = (poor, good) if late else (good, poor)
    probes = tuple(
        Probe(name, 4, right.mean(), right.mean(), right) for name, right in (("stage 1", first), ("last", last))
    )
    curve = SizeCurve((50, 100), (0.9, 0.9 if flat else 0.95), 0.0 if flat else 0.05, 0.001)
    found = Measurement(Similarity(probes, 0.1), curve, None, pictures, {})
    assert found.cell == ("large" if flat else "small", "similar" if late else "different")
    assert found.by_number_alone == ("small" if pictures == 300 else "large")
    assert ("would have said" in found.sentences[-1]) == (found.by_number_alone != found.cell[0])


def test_pictures_of_a_source_are_measured_from_their_stored_features(
    make_folders: Callable[..., Path], tmp_path: Path
) -> None:
    audit = scan(read_source(make_folders(count=12)))
    torch.manual_seed(0)
    weights = tmp_path / "body.pth"
    torch.save(Backbone("test_resnet", "random").load_pretrained().state_dict(), weights)
    rows, picture, done = np.arange(2, 24), Preprocess(size=32, channels=3), []
    backbone = Backbone("test_resnet", str(weights))
    found = measure_source(backbone, audit, rows, picture, advance=done.append)
    assert found.pictures == sum(done) == 22
    assert found.gradients is not None
    assert found.gradients.pictures == 22
    assert set(found.seconds) == {"features", "probes", "size", "gradients"}
    assert [path.suffix for path in tmp_path.rglob("*.features")] == [".features"]
    again = measure_source(backbone, audit, rows, picture)
    assert again.sentences == found.sentences
