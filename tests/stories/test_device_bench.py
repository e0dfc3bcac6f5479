"""The measurements of a machine, put together and shown."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ravine.base.errors import PlanError, SourceError
from ravine.device.disk import DiskRates
from ravine.device.estimate import estimate
from ravine.device.probe import Probe
from ravine.plan.catalog import name_of
from ravine.stories import device as story
from ravine.stories.device import Bench, bench
from ravine.stories.device_table import as_json, render, rows

CPU = Probe("cpu", "CPU", 1.5e11, None, 2e-6, 2e-6, 1e10)
GPU = Probe("cuda", "GPU", 5e13, 4e14, 5e-6, 6e-6, 2e12, 6e9, 2.5e10)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given figures in place of measurements; pictures are decoded for real, but not for long."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(story, "probe", lambda *_: CPU)
    monkeypatch.setattr(story, "disk_rates", lambda _: DiskRates(5e8, 1e10))
    monkeypatch.setattr(story, "DECODE_SECONDS", 0.0)


def with_gpu(found: Bench) -> Bench:
    return replace(found, probes=(CPU, GPU), estimates=tuple(estimate(one, found.work) for one in (CPU, GPU)))


def test_without_a_source_the_plan_is_that_of_the_demo():
    found = bench()
    assert (name_of(found.plan.model), found.plan.picture.size, found.batch) == ("small_cnn", 28, 32)
    assert found.auto == ("cpu", "There is no CUDA device.")
    assert found.work.copied == 32 * 28 * 28
    assert found.decoding.rate > 0


def test_settings_change_the_plan_and_its_work():
    small, large = bench(settings={"model": "mlp"}), bench(settings={"model": "mlp", "model.width": 1024})
    assert name_of(large.plan.model) == "mlp"
    assert large.work.arithmetic > small.work.arithmetic
    assert large.estimates[0].seconds > small.estimates[0].seconds
    with pytest.raises(PlanError, match="Did you mean 'mlp'"):
        bench(settings={"model": "mlpp"})


def test_pictures_of_a_source_are_decoded_and_unreadable_ones_passed_over(make_folders):
    source = make_folders(count=6, size=40)
    (source / "cat" / "bad.jpg").write_text("no picture")
    found = bench(source)
    assert found.plan.picture.size == 40
    assert found.plan.picture.channels == 3
    assert "pictures of the source" in found.decoding.pictures


def test_large_pictures_make_features_of_a_frozen_body(make_folders):
    found = bench(make_folders(count=2, size=100), {"picture.size": 32})
    assert (name_of(found.plan.model), found.batch) == ("backbone", story.FEATURE_BATCH)
    assert "Features of backbone on 16 pictures of 32 × 32" in render(found, 200)


def test_arrays_have_nothing_to_decode(tmp_path: Path):
    file = tmp_path / "x.npz"
    np.savez(file, x=np.zeros((8, 12, 12), np.uint8), y=np.arange(8) % 2)
    found = bench(file)
    assert found.plan.picture.size == 12
    assert found.plan.picture.channels == 1
    assert found.decoding.pictures.startswith("a made-up JPEG of 500 × 375 pixels, JPEG by ")


def test_a_source_without_a_readable_picture_still_has_a_machine(tmp_path: Path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "bad.jpg").write_text("no picture")
    assert bench(tmp_path).decoding.pictures.startswith("a made-up")
    with pytest.raises(SourceError, match="There is no file or folder"):
        bench(tmp_path / "nowhere")


def test_the_picture_that_is_made_up_has_its_size(tmp_path: Path):
    (tmp_path / "photo.jpg").write_bytes(story._photo())
    with Image.open(tmp_path / "photo.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (500, 375))


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("width", [60, 100])
def test_the_table_fits_its_width_and_names_every_figure_with_its_unit(gpu, width):
    found = with_gpu(bench()) if gpu else bench()
    text = render(found, width)
    assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.split())
    for row in rows(found):
        assert row.unit in words
    assert f"auto takes {'cuda' if gpu else 'cpu'}." in words


def test_units_are_plain_and_a_gpu_adds_its_copies():
    found = {row.name: (row.value, row.unit) for row in rows(with_gpu(bench()))}
    assert found["products, float32, cpu"] == (150.0, "GFLOP/s")
    assert found["products, bfloat16, cuda"] == (400_000.0, "GFLOP/s")
    assert found["one operation, cpu"] == (pytest.approx(2.0), "µs")
    assert found["memory, cuda"] == (2000.0, "GB/s")
    assert found["copy from pinned memory, cuda"] == (25.0, "GB/s")
    assert found["disk, first read"] == (0.5, "GB/s")
    assert "copy from pinned memory" not in {row.name for row in rows(bench())}


def test_what_was_not_measured_is_not_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(story, "disk_rates", lambda _: DiskRates(None, 1e10))
    assert "disk, first read" not in {row.name for row in rows(bench())}
    monkeypatch.setattr(story, "disk_rates", lambda _: None)
    assert not {row.name for row in rows(bench()) if row.device == "disk"}


def test_json_holds_all_of_it():
    found = bench()
    told = json.loads(json.dumps(as_json(found), allow_nan=False))
    assert set(told) == {"machine", "measurements", "auto", "step", "seconds"}
    assert told["auto"] == {"device": "cpu", "why": "There is no CUDA device."}
    assert told["step"]["least_seconds"] == {"cpu": found.estimates[0].seconds}
    assert {"name", "device", "value", "unit", "meaning"} == set(told["measurements"][0])
