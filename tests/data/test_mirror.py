"""Whether pictures may be mirrored, on sets whose answer is known."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits

from ravine.data.mirror import LEAST, LEAST_OF_CLASS, MOST, look, measure, not_measured
from ravine.data.scan import scan
from ravine.data.sources import read_source

SIDE = 16
CLASSES = tuple("abcdefghijklmnopqrstuvwxyz")


def letters(text: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Letters of several sizes at several places, a little turned."""
    generator = np.random.default_rng(0)
    pictures = np.stack([_letter(letter, generator) for letter in text for _ in range(count)])
    return pictures[..., None], np.repeat(np.arange(len(text)), count)


def _letter(letter: str, generator: np.random.Generator) -> np.ndarray:
    picture = Image.new("L", (32, 32), 255)
    font = ImageFont.load_default(size=float(generator.uniform(18, 26)))
    place = tuple(16 + generator.integers(-2, 3, 2))
    ImageDraw.Draw(picture).text(place, letter, fill=0, font=font, anchor="mm")
    turned = picture.rotate(float(generator.normal(0, 4)), fillcolor=255)
    return np.asarray(turned.resize((SIDE, SIDE), Image.Resampling.BOX))


def things(count: int, *, either: bool) -> tuple[np.ndarray, np.ndarray]:
    """Three kinds of things that all face left, or either way."""
    generator = np.random.default_rng(1)
    shapes = ([(1, 8), (14, 2), (14, 14)], [(1, 6), (14, 6), (14, 14), (8, 14), (8, 10), (1, 10)], [(1, 14), (14, 1)])
    pictures = np.full((3 * count, SIDE, SIDE, 1), 255, np.uint8)
    for place in range(3 * count):
        picture = Image.new("L", (SIDE, SIDE), 255)
        corners = [tuple(np.array(corner) + generator.normal(0, 0.8, 2)) for corner in shapes[place % 3]]
        for one, other in pairwise([*corners, corners[0]]):
            ImageDraw.Draw(picture).line([*one, *other], fill=int(generator.integers(0, 90)), width=2)
        pictures[place, ..., 0] = np.asarray(picture)
    turned = generator.random(3 * count) < 0.5
    if either:
        pictures[turned] = pictures[turned][:, :, ::-1]
    return pictures, np.arange(3 * count) % 3


def digits() -> tuple[np.ndarray, np.ndarray]:
    pixels, labels = load_digits(return_X_y=True)
    return np.minimum(255, 16 * pixels).astype(np.uint8)[:600].reshape(600, 8, 8, 1), labels[:600]


def reference(thumbnails: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """The three shares, picture by picture."""
    x = thumbnails.astype(float)
    among, right, turned = [], [], []
    for number, label in enumerate(labels):
        others = np.arange(len(x)) != number
        plain = np.square(x - x[number]).sum((1, 2, 3))
        mirrored = np.square(x[:, :, ::-1] - x[number]).sum((1, 2, 3))
        own = others & (labels == label)
        among.append(np.heaviside(plain[own].min() - mirrored[own].min(), 0.5))
        for found, distance in ((right, plain), (turned, mirrored)):
            found.append(distance[own].min() < distance[labels != label].min())
    medians = [np.mean(np.array(among)[labels == label]) for label in np.unique(labels)]
    return float(np.median(medians)), float(np.mean(right)), float(np.mean(turned))


@pytest.mark.parametrize(("seed", "channels"), [(0, 1), (1, 3)])
def test_shares_are_those_of_the_definition(seed: int, channels: int) -> None:
    generator = np.random.default_rng(seed)
    thumbnails = generator.integers(0, 4, (LEAST, 2, 3, channels)).astype(np.uint8) * 85
    labels = generator.integers(0, 4, LEAST)
    found = measure(thumbnails, labels, CLASSES)
    assert (found.neighbours, found.right, found.mirrored_right) == pytest.approx(reference(thumbnails, labels))


def test_things_that_face_either_way_may_be_mirrored() -> None:
    found = measure(*things(100, either=True), CLASSES)
    assert found.safe
    assert found.pictures == 300
    assert found.neighbours == pytest.approx(0.5, abs=0.15)
    assert "Sides hardly matter" in found.why


def test_things_that_all_face_one_way_are_not_mirrored() -> None:
    found = measure(*things(100, either=False), CLASSES)
    assert not found.safe
    assert found.neighbours < 0.1


def test_where_only_the_label_is_safe_mirror_images_do_not_occur() -> None:
    pictures, labels = things(100, either=False)
    pictures[labels == 0], pictures[labels == 1] = pictures[labels == 0] // 8, pictures[labels == 1] // 8 + 110
    found = measure(pictures, labels, CLASSES)
    assert found.mirrored_right == pytest.approx(found.right, abs=0.1)
    assert "Pictures face one way" in found.why


def test_digits_are_not_mirrored() -> None:
    found = measure(*digits(), tuple("0123456789"))
    assert not found.safe
    assert found.neighbours < 0.08
    assert found.mirrored_right < 0.5 < 0.9 < found.right


@pytest.mark.parametrize("text", ["bd", "pq", "bdpq", "bdovwxiH"])
def test_letters_that_are_mirror_images_of_each_other_are_not_mirrored(text: str) -> None:
    found = measure(*letters(text, 100), tuple(text))
    assert not found.safe
    assert "lose their label" in found.why


def test_one_class_that_is_taken_for_another_is_enough_and_is_named() -> None:
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (400, 6, 6, 1))
    right = 128 + generator.integers(-30, 31, (12, 6, 6, 1)) + np.linspace(-60, 60, 6).astype(int)[:, None]
    left = right[:, :, ::-1] + generator.integers(-2, 3, right.shape)
    pictures = np.concatenate([noise, right, right + 1, left]).astype(np.uint8)
    labels = np.repeat([0, 1, 2, 3], [200, 200, 24, 12])
    found = measure(pictures, labels, ["noise", "more noise", "right", "left"])
    assert not found.safe
    assert found.why.endswith(
        "with them among the neighbours, 12 of 12 pictures of 'left' lose their label, and 0 find it."
    )


def test_symmetric_letters_may_be_mirrored() -> None:
    assert measure(*letters("ovwxi8", 50), tuple("ovwxi8")).safe


@pytest.mark.parametrize(("count", "classes"), [(LEAST - 1, 2), (LEAST, 1), (LEAST, LEAST)])
def test_too_few_pictures_say_nothing(count: int, classes: int) -> None:
    found = measure(np.zeros((count, 4, 4, 1), np.uint8), np.arange(count) % classes, ["x"] * classes)
    assert (found.safe, found.pictures, found.why) == (False, 0, not_measured().why)
    assert "Not measured" in found.why


def test_pictures_without_content_are_not_mirrored_by_mistake() -> None:
    found = measure(np.zeros((LEAST, 4, 4, 1), np.uint8), np.arange(LEAST) % 2, CLASSES)
    assert (found.right, found.mirrored_right, found.neighbours) == (0, 0, 0.5)


def test_a_source_is_looked_at_without_its_test_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (x, y), (digit, number) = things(100, either=True), digits()
    spread = digit.repeat(2, axis=1).repeat(2, axis=2)
    both, labels = np.concatenate([x, spread])[..., 0], np.concatenate([y, number % 3])
    split = np.array(["train"] * len(x) + ["test"] * len(spread))
    np.savez(tmp_path / "both.npz", x=both, y=labels, split=split)
    audit = scan(read_source(tmp_path / "both.npz"))
    found = look(audit)
    assert found.safe
    assert found.pictures == len(np.unique(audit.copies[: len(x)]))
    assert look(audit) == found
    monkeypatch.setattr("ravine.data.mirror.MOST", 3 * 80)
    assert look(audit).pictures == 240


def test_few_pictures_of_a_source_are_not_looked_at(make_folders: Callable[[], Path]) -> None:
    assert not look(scan(read_source(make_folders()))).safe


def test_small_pictures_of_many_sizes(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for place in range(LEAST):
        folder = tmp_path / "ab"[place % 2]
        folder.mkdir(exist_ok=True)
        size = (*generator.integers(1, 40, 2).tolist(), 3)
        Image.fromarray(generator.integers(0, 256, size, dtype=np.uint8)).save(folder / f"{place}.png")
    assert look(scan(read_source(tmp_path))).pictures in range(LEAST_OF_CLASS, MOST)
