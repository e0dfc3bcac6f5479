"""Two decoders of JPEG: the same pixels, and the faster is chosen."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ravine.base.errors import ImageError
from ravine.data import jpeg
from ravine.data.decode import decode
from ravine.data.jpeg import RACE, Decoders, Reader, by_pillow, by_simplejpeg

KINDS = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "progressive": {"progressive": True},
    "restart markers": {"restart_marker_blocks": 2},
    "coarse": {"quality": 5},
    "fine": {"quality": 100},
}


def _picture(path: Path, size: tuple[int, int] = (37, 53), mode: str = "RGB", **how: object) -> Path:
    coarse = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).convert(mode).save(path, "JPEG", **how)
    return path


def _read(reader: Reader, path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return reader(image, path)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (16, 16), (37, 53), (640, 3)])
def test_both_give_the_same_pixels(tmp_path: Path, mode: str, kind: str, size: tuple[int, int]) -> None:
    pytest.importorskip("simplejpeg")
    path = _picture(tmp_path / "a.jpg", size, mode, **KINDS[kind])
    one, other = _read(by_pillow, path), _read(by_simplejpeg, path)
    assert one.shape == other.shape == (*size[::-1], 3)[: 3 if mode == "RGB" else 2]
    assert np.array_equal(one, other)


class _Time:
    """A clock that only decoders move."""

    def __init__(self) -> None:
        self.now, self.read = 0.0, 0

    def __call__(self) -> float:
        return self.now

    def reader(self, seconds: float, change: int = 0) -> Reader:
        def read(image: Image.Image, path: Path) -> np.ndarray:
            self.now += seconds
            self.read += 1
            return by_pillow(image, path) ^ np.uint8(change)

        return read


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Time:
    """Pillow takes a second."""
    clock = _Time()
    monkeypatch.setattr(jpeg, "by_pillow", clock.reader(1.0))
    return clock


@pytest.mark.parametrize(("seconds", "wins"), [(0.9, True), (0.96, False), (2.0, False)])
def test_the_faster_is_chosen_after_a_few_files(tmp_path: Path, clock: _Time, seconds: float, wins: bool) -> None:
    path, other = _picture(tmp_path / "a.jpg"), clock.reader(seconds)
    decoders = Decoders(other, clock)
    for _ in range(RACE):
        assert decoders.chosen is None
        _read(decoders.read, path)
    assert decoders.chosen is (other if wins else jpeg.by_pillow)
    before = clock.now
    assert np.array_equal(_read(decoders.read, path), _read(by_pillow, path))
    assert clock.now - before == pytest.approx(seconds if wins else 1.0)


def test_other_pixels_end_the_race(tmp_path: Path, clock: _Time) -> None:
    path = _picture(tmp_path / "a.jpg")
    decoders = Decoders(clock.reader(0.1, change=1), clock)
    assert np.array_equal(_read(decoders.read, path), _read(by_pillow, path))
    assert decoders.chosen is jpeg.by_pillow


def test_a_decoder_that_refuses_files_loses(tmp_path: Path, clock: _Time) -> None:
    def refusing(image: Image.Image, path: Path) -> np.ndarray:
        raise ValueError(f"{path} is {image.size}")

    path = _picture(tmp_path / "a.jpg")
    decoders = Decoders(refusing, clock)
    for _ in range(RACE):
        assert decoders.chosen is None
        assert _read(decoders.read, path).shape == (53, 37, 3)
    assert decoders.chosen is jpeg.by_pillow


def test_pixels_that_were_read_while_the_other_lost_are_not_used(tmp_path: Path, clock: _Time) -> None:
    path, wrong = _picture(tmp_path / "a.jpg"), clock.reader(0.1, change=1)

    def late(image: Image.Image, path: Path) -> np.ndarray:
        decoders.chosen = jpeg.by_pillow
        return wrong(image, path)

    decoders = Decoders(late, clock)
    assert np.array_equal(_read(decoders.read, path), _read(by_pillow, path))


def test_without_another_decoder_pillow_reads(tmp_path: Path) -> None:
    path = _picture(tmp_path / "a.jpg")
    decoders = Decoders(None)
    assert decoders.chosen is by_pillow
    assert np.array_equal(_read(decoders.read, path), _read(by_pillow, path))


def test_a_file_that_the_other_refuses_is_left_to_pillow(tmp_path: Path) -> None:
    pytest.importorskip("simplejpeg")
    path = _picture(tmp_path / "a.jpg")
    content = path.read_bytes()
    decoders = Decoders(by_simplejpeg)
    decoders.chosen = by_simplejpeg
    path.write_bytes(content[:-2] + bytes(500) + content[-2:])
    with pytest.raises(ValueError, match="extraneous"):
        _read(by_simplejpeg, path)
    assert _read(decoders.read, path).shape == (53, 37, 3)
    path.write_bytes(content[: len(content) - 100])
    with pytest.raises(OSError, match="truncated"):
        _read(decoders.read, path)


@pytest.mark.parametrize("reader", [by_pillow, by_simplejpeg])
def test_decode_says_the_same_whoever_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Reader) -> None:
    pytest.importorskip("simplejpeg")
    decoders = Decoders(by_simplejpeg)
    decoders.chosen = reader
    monkeypatch.setattr(jpeg, "decoders", decoders)
    colour, grey = _picture(tmp_path / "a.jpg"), _picture(tmp_path / "b.jpg", mode="L")
    assert decode(colour).pixels.shape == decode(grey).pixels.shape == (53, 37, 3)
    assert (decode(colour).grey, decode(grey).grey) == (False, True)
    content = colour.read_bytes()
    colour.write_bytes(content[: len(content) - 100])
    with pytest.raises(ImageError, match="truncated"):
        decode(colour)
