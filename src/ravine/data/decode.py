"""One picture to eight-bit RGB pixels, the same way wherever a picture is read."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from ravine.base.errors import ImageError
from ravine.data import jpeg

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM")  # JPEG opens MPO too
_ALLOWED = "JPEG, PNG, WebP, GIF, BMP, TIFF or PPM"
_ORIENTATION = 0x0112  # EXIF 2.32, tag 274
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_WIDE = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


class Decoded(NamedTuple):
    """One picture, upright and opaque.

    Attributes:
        pixels: uint8 [H, W, 3], RGB; to be read, not written.
        notes: What was done beyond plain decoding, such as ``"EXIF orientation applied"``.
        grey: Whether the three channels are equal everywhere.
    """

    pixels: np.ndarray
    notes: tuple[str, ...]
    grey: bool


def decode(picture: Path | Image.Image | np.ndarray) -> Decoded:
    """Decode one picture in full.

    EXIF orientation is applied; transparency is laid on white; CMYK, palette, one-bit, Lab and YCbCr become RGB; grey
    of more than eight bits is scaled down from the range of its mode (0 to 65,535 for 16 bits; for floats 0 to 1, or 0
    to 255; where values lie outside, from the least to the greatest); of several frames the first is taken. Colour
    profiles are not applied. The format is told by the bytes, never by the suffix.

    Args:
        picture: A file, an opened picture, or uint8 pixels [H, W], [H, W, 1], [H, W, 3] or [H, W, 4].

    Returns:
        The pixels, with notes.

    Raises:
        ImageError: The picture is missing, empty, truncated, damaged, in a format that is not allowed, or has more
            pixels than `PIL.Image.MAX_IMAGE_PIXELS`; the message names it and gives the reason.

    Example:
        >>> decode(np.full((2, 3), 7, np.uint8)).pixels.shape
        (2, 3, 3)
    """
    if isinstance(picture, np.ndarray):
        return _from_array(picture)
    name = str(getattr(picture, "filename", "") or "the picture") if isinstance(picture, Image.Image) else str(picture)
    with quiet():
        try:
            if isinstance(picture, Image.Image):
                return _from_image(picture)
            if picture.exists() and not picture.is_file():
                raise ValueError("it is not a file")
            with Image.open(picture, formats=FORMATS) as image:
                return _plain(image, picture) or _from_image(image)
        except Exception as failure:  # damaged bytes make the decoders raise nearly anything
            raise ImageError(f"{name!r} cannot be read: {_reason(picture, failure)}.") from failure


def _reason(picture: Path | Image.Image, failure: Exception) -> str:
    if isinstance(failure, Image.DecompressionBombError):
        return str(failure)
    if isinstance(failure, FileNotFoundError):
        return "there is no such file"
    if isinstance(picture, Path) and picture.is_file() and picture.stat().st_size == 0:
        return "the file is empty"
    if isinstance(failure, UnidentifiedImageError):
        return f"its bytes are not {_ALLOWED}"
    return str(failure).rstrip(".") or type(failure).__name__


def _from_array(array: np.ndarray) -> Decoded:
    if (
        array.dtype != np.uint8
        or array.ndim not in (2, 3)
        or 0 in array.shape
        or array.shape[2:] not in ((), (1,), (3,), (4,))
    ):
        raise ImageError(
            f"An array {array.dtype} {list(array.shape)} is no picture. It must be uint8 [H, W], [H, W, 1], [H, W, 3] "
            "or [H, W, 4], values 0 to 255."
        )
    if array.shape[2:] == (4,):
        return _from_image(Image.fromarray(array))
    if array.shape[2:] == (3,):
        return Decoded(array, (), is_grey(array))
    return Decoded(spread(array.reshape(array.shape[:2])), (), True)


def _plain(image: Image.Image, path: Path) -> Decoded | None:
    """A JPEG picture whose pixels need no more than decoding; None for any other."""
    if image.format != "JPEG" or image.mode not in ("L", "RGB") or _orientation(image) in _UPRIGHT:
        return None
    _check_size(image)
    pixels = jpeg.decoders.read(image, path)
    if pixels.ndim == 2:
        return Decoded(spread(pixels), (), True)
    return Decoded(pixels, (), is_grey(pixels))


def _from_image(image: Image.Image) -> Decoded:
    _check_size(image)
    notes: list[str] = []
    if getattr(image, "is_animated", False):
        notes.append("first of several frames taken")
        image.seek(0)
    if _orientation(image) in _UPRIGHT:
        notes.append("EXIF orientation applied")
    image.load()
    turn = _UPRIGHT.get(_orientation(image))  # TIFF pictures have turned themselves by now
    if turn is not None:
        image = image.transpose(turn)
    image = _opaque(image, notes)
    grey = image.mode == "L"
    pixels = spread(np.asarray(image)) if grey else np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    return Decoded(pixels, tuple(notes), grey or is_grey(pixels))


def _check_size(image: Image.Image) -> None:
    limit, pixels = Image.MAX_IMAGE_PIXELS, image.width * image.height
    if limit is not None and pixels > limit:
        raise Image.DecompressionBombError(
            f"it has {image.width}×{image.height} pixels, more than the {limit:,} that a picture may have"
        )
    if pixels == 0:
        raise ValueError("it has no pixels")


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a damaged EXIF block does not make the pixels unusable
        return 1


def _opaque(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.mode in _WIDE:
        return _narrow(image, notes)
    if image.has_transparency_data:
        notes.append("transparency laid on white")
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    elif image.mode == "P":
        notes.append("palette converted")
    elif image.mode not in ("L", "RGB", "RGBX", "1"):
        notes.append(f"{image.mode} converted")
    return image.convert("L") if image.mode == "1" else image


def _narrow(image: Image.Image, notes: list[str]) -> Image.Image:
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("it holds values that are not finite")
    low, high = float(values.min()), float(values.max())
    tops = [top for top in ((1, 255) if image.mode == "F" else (65535,)) if low >= 0 and high <= top]
    low, high = (0, tops[0]) if tops else (low, high)
    kind = "float" if image.mode == "F" else "more than 8-bit"
    notes.append(f"{kind} grey scaled from {f'0 to {high}' if tops else 'its least to its greatest value'}")
    scaled = (values - low) * (255 / ((high - low) or 1))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def is_grey(pixels: np.ndarray) -> bool:
    """Whether the channels of uint8 [..., H, W, 3] are equal everywhere."""
    few = pixels[..., ::16, ::16, :]  # in most colour pictures it is seen there
    if not np.array_equal(few[..., 0], few[..., 1]):
        return False
    red = pixels[..., 0]
    return np.array_equal(red, pixels[..., 1]) and np.array_equal(red, pixels[..., 2])


def spread(grey: np.ndarray) -> np.ndarray:
    """View grey pixels [..., H, W] as three equal channels [..., H, W, 3], without a copy."""
    return np.broadcast_to(grey[..., None], (*grey.shape, 3))


class _Quiet:
    """Silences warnings while any thread decodes; the filters of Python are shared by all threads."""

    def __init__(self) -> None:
        self.lock, self.depth = threading.Lock(), 0
        self.context: warnings.catch_warnings | None = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self.lock:
            self.depth += 1
            if self.depth == 1:
                self.context = warnings.catch_warnings()
                self.context.__enter__()
                warnings.simplefilter("ignore")
        try:
            yield
        finally:
            with self.lock:
                self.depth -= 1
                if self.depth == 0 and self.context is not None:
                    self.context.__exit__(None, None, None)


quiet = _Quiet()
"""Context in which no warning is shown."""
