"""Pictures turned and scaled about their centres, read between pixels by bilinear interpolation."""

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from ravine.augment.pixels import Border, as_pixels


def warp(images: Tensor, matrices: Tensor, border: Border = "reflect", value: float = 0.0) -> Tensor:
    """Linear maps about the centre of each picture.

        y(u) = x(M·u)        u: the place of a pixel, (right, down) from the centre

    Args:
        images: [N, H, W, C].
        matrices: M, from places in the result to places in the picture, float32 [N, 2, 2].
        border: What lies outside: the picture's reflection, in which the border itself is repeated; or a constant.
        value: The constant, 0 to 255.

    Returns:
        Pictures of the same shape and dtype. Interpolation is between the four pixels around a place, so that pictures
        made more than twice as small miss some pixels.

    Example:
        >>> picture = torch.tensor([10.0, 20.0, 30.0]).reshape(1, 1, 3, 1)
        >>> turned = warp(picture, -torch.eye(2)[None])
        >>> turned.flatten().tolist()
        [30.0, 20.0, 10.0]
    """
    channels_first = images.movedim(-1, 1).float()
    grid = _places(matrices, images.shape[1], images.shape[2])
    if border == "reflect":
        values = grid_sample(channels_first, grid, padding_mode="reflection", align_corners=False)
    else:
        values = grid_sample(channels_first - value, grid, padding_mode="zeros", align_corners=False).add_(value)
    return as_pixels(values, images.dtype).movedim(1, -1).contiguous()


def _places(matrices: Tensor, height: int, width: int) -> Tensor:
    """Where each pixel is read, in halves of the picture from its centre, [N, H, W, 2]."""
    right, down = (_from_centre(length, matrices.device) for length in (width, height))
    in_x, in_y = matrices[:, :, 0, None] * right, matrices[:, :, 1, None] * down
    halves = torch.tensor([2 / width, 2 / height], device=matrices.device)
    return (in_x[:, :, None, :] + in_y[:, :, :, None]).movedim(1, -1) * halves


def _from_centre(length: int, device: torch.device) -> Tensor:
    return torch.arange(length, device=device) - (length - 1) / 2
