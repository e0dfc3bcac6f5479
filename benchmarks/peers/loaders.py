"""Loaders as they are usually written: torch's DataLoader over single pictures, and a whole epoch at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.io import ImageReadMode, decode_jpeg, read_file
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

MARGIN = 4


class Pictures(Dataset):
    """Anything that is opened by one function and changed by another, with a label."""

    def __init__(self, sources: Any, opened: Callable[[Any], Any], changed: Callable[[Any], Tensor]) -> None:
        self.sources, self.opened, self.changed = sources, opened, changed

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.changed(self.opened(self.sources[index])), index % 10


def loader(pictures: Pictures, workers: int, batch_size: int) -> DataLoader:
    """Shuffled; workers stay from epoch to epoch."""
    return DataLoader(pictures, batch_size, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


def pad_crop_flip(side: int, pil: bool) -> v2.Compose:
    """Four pixels of reflection, a crop at random, a flip at random; on uint8 tensors [C, H, W] or PIL pictures."""
    changes: list[Any] = [v2.RandomCrop(side, padding=MARGIN, padding_mode="reflect"), v2.RandomHorizontalFlip()]
    return v2.Compose([*changes, v2.PILToTensor()] if pil else changes)


def crop_flip(resized: int, side: int, pil: bool) -> v2.Compose:
    """A square of pixels by bilinear resizing, a crop at random, a flip at random."""
    changes: list[Any] = [v2.Resize((resized, resized)), v2.RandomCrop(side), v2.RandomHorizontalFlip()]
    return v2.Compose([*changes, v2.PILToTensor()] if pil else changes)


def by_pil(file: Path) -> Image.Image:
    """As torchvision's ImageFolder opens a file."""
    with file.open("rb") as opened:
        return Image.open(opened).convert("RGB")


def by_torchvision(file: Path) -> Tensor:
    """uint8 [3, H, W], by libjpeg-turbo without PIL."""
    return decode_jpeg(read_file(str(file)), mode=ImageReadMode.RGB)


def one_by_one(images: Tensor, top: Tensor, left: Tensor, mirrored: Tensor, side: int) -> Tensor:
    """Crops and flips by torchvision's functions with given numbers, uint8 [N, H, W, C]."""
    seen = []
    for image, row, column, turn in zip(images, top.tolist(), left.tolist(), mirrored.tolist(), strict=True):
        part = functional.crop(image.movedim(-1, 0), row, column, side, side)
        seen.append(functional.horizontal_flip(part) if turn else part)
    return torch.stack(seen).movedim(1, -1)


def padded(images: Tensor) -> Tensor:
    """Reflected by torchvision, uint8 [N, H, W, C]."""
    return functional.pad(images.movedim(-1, 1), [MARGIN] * 4, padding_mode="reflect").movedim(1, -1)


def epoch_at_once(wide: Tensor, top: Tensor, left: Tensor, mirrored: Tensor, side: int) -> Tensor:
    """Crops of an epoch grouped by their shifts, rows first, then columns; flips by a mask.

    After `batch_crop` and `batch_flip_lr` of airbench (Jordan, 2024), which run on a GPU.

    Args:
        wide: Padded pictures [N, C, H + 8, W + 8].
        top: First row of each crop, int64 [N].
        left: First column of each crop, int64 [N].
        mirrored: Which are flipped, bool [N].
        side: Of the crops.
    """
    rows = wide.new_empty(*wide.shape[:2], side, wide.shape[3])
    for row in range(wide.shape[2] - side + 1):
        chosen = top == row
        rows[chosen] = wide[chosen, :, row : row + side]
    result = wide.new_empty(*wide.shape[:2], side, side)
    for column in range(wide.shape[3] - side + 1):
        chosen = left == column
        result[chosen] = rows[chosen, :, :, column : column + side]
    return torch.where(mirrored[:, None, None, None], result.flip(-1), result)
