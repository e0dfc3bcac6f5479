"""Pictures that are told apart by their colour, and small bodies with fixed weights."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ravine.data.audit import Audit
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.models.backbone import Backbone

CLASSES = ("blue", "green", "red")


def coloured(
    root: Path, count: int, noise: int, tint: int, shape: Callable[[int], tuple[int, int]] = lambda _: (32, 32)
) -> Audit:
    """Three classes of so many pictures each.

    Args:
        root: Where the files go.
        count: Pictures of each class.
        noise: Levels of grey to full colour that tell nothing.
        tint: What the colour of the class adds to them.
        shape: Height and width of each picture, by its number.
    """
    numbers = np.random.default_rng(0)
    for place, name in enumerate(CLASSES):
        (root / name).mkdir()
        for number in range(count):
            pixels = numbers.integers(0, noise, (*shape(number), 3))
            pixels[..., 2 - place] += tint
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{number}.png")
    return scan(read_source(root))


def stored(path: Path, seed: int, name: str = "test_resnet") -> Backbone:
    """A body whose random weights lie in a file, so that it is the same each time."""
    torch.manual_seed(seed)
    torch.save(Backbone(name, "random").load_pretrained().state_dict(), path)
    return Backbone(name, str(path))
