import io
import os
import struct
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ravine.base.errors import ImageError
from ravine.data.decode import decode, quiet

CORNERS = np.zeros((4, 6, 3), np.uint8)
CORNERS[0, 0], CORNERS[0, -1], CORNERS[-1, 0] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
FORMS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM")
# How an upright picture was turned before it was stored under each orientation (EXIF 2.32, tag 274).
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


def saved(tmp_path, image: Image.Image, name: str, **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


@pytest.mark.parametrize("suffix", ["png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[274] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](CORNERS)))
    options = {"lossless": True} if suffix == "webp" else {}
    decoded = decode(saved(tmp_path, stored, f"a.{suffix}", exif=exif, **options))
    assert np.array_equal(decoded.pixels, CORNERS)
    assert decoded.notes == (("EXIF orientation applied",) if orientation > 1 else ())


def test_orientation_in_jpeg(tmp_path, make_picture):
    exif = Image.Exif()
    exif[274] = 6
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(make_picture())))
    decoded = decode(saved(tmp_path, turned, "a.jpg", exif=exif, quality=95))
    assert decoded.pixels.shape == (40, 60, 3)
    assert np.abs(decoded.pixels.astype(int) - make_picture()).mean() < 3


def test_a_damaged_exif_block_does_not_matter(tmp_path, make_picture):
    path = saved(tmp_path, Image.fromarray(make_picture()), "a.jpg", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff\xff")
    assert decode(path).pixels.shape == (40, 60, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_is_laid_on_white(mode):
    image = Image.new(mode, (2, 1))
    if mode == "PA":
        image.putpalette([value for value in range(256) for _ in range(3)])
    for place, (level, alpha) in enumerate([(10, 255), (90, 0)]):
        image.putpixel((place, 0), (level,) * (len(image.getbands()) - 1) + (alpha,))
    decoded = decode(image)
    assert decoded.pixels.tolist() == [[[10] * 3, [255] * 3]]
    assert decoded.notes == ("transparency laid on white",)
    assert decoded.grey


def test_half_transparency_is_mixed():
    assert decode(np.array([[[0, 100, 200, 128]]], np.uint8)).pixels.tolist() == [[[127, 177, 227]]]


@pytest.mark.parametrize(("mode", "transparent"), [("L", 7), ("RGB", (7, 7, 7)), ("P", 7)])
def test_a_transparent_colour_is_white(tmp_path, mode, transparent):
    image = Image.fromarray(np.array([[7, 9]], np.uint8))
    image = image.convert(mode) if mode != "P" else Image.frombytes("P", (2, 1), bytes([7, 9]))
    if mode == "P":
        image.putpalette([value for value in range(256) for _ in range(3)])
    decoded = decode(saved(tmp_path, image, "a.png", transparency=transparent))
    assert decoded.pixels.tolist() == [[[255] * 3, [9] * 3]]


def test_palette_and_one_bit(tmp_path):
    palette = Image.fromarray(CORNERS).quantize(4)
    assert np.array_equal(decode(saved(tmp_path, palette, "a.png")).pixels, CORNERS)
    bit = Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")
    decoded = decode(saved(tmp_path, bit, "b.png"))
    assert decoded.pixels[..., 0].tolist() == [[0, 255]]
    assert decoded.grey


@pytest.mark.parametrize(("mode", "suffix"), [("CMYK", "jpg"), ("CMYK", "tiff"), ("LAB", "tiff"), ("YCbCr", "tiff")])
def test_other_colour_spaces_become_rgb(tmp_path, mode, suffix):
    # L*a*b* of sRGB (201, 80, 51), D50: 51, 46, 43; YCbCr by JFIF 1.02.
    flat = {"CMYK": (54, 175, 204, 0), "LAB": (130, 128 + 46, 128 + 43), "YCbCr": (113, 93, 191)}[mode]
    decoded = decode(saved(tmp_path, Image.new(mode, (16, 16), flat), f"a.{suffix}"))
    assert np.abs(decoded.pixels.astype(int) - (201, 80, 51)).max() <= 3
    assert not decoded.grey


def test_sixteen_bit_grey_is_scaled_from_its_full_range(tmp_path):
    image = Image.fromarray(np.array([[0, 257, 32896, 65535]], np.uint16))
    for suffix in ("png", "tiff", "pgm"):
        decoded = decode(saved(tmp_path, image, f"a.{suffix}"))
        assert decoded.pixels[..., 0].tolist() == [[0, 1, 128, 255]]
        assert decoded.notes == ("more than 8-bit grey scaled from 0 to 65535",)
        assert decoded.grey


@pytest.mark.parametrize(
    ("values", "levels", "note"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255], "float grey scaled from 0 to 1"),
        ([0.0, 12.4, 255.0], [0, 12, 255], "float grey scaled from 0 to 255"),
        ([-1.0, 0.0, 3.0], [0, 64, 255], "float grey scaled from its least to its greatest value"),
    ],
)
def test_float_grey(tmp_path, values, levels, note):
    decoded = decode(saved(tmp_path, Image.fromarray(np.array([values], np.float32)), "a.tiff"))
    assert decoded.pixels[..., 0].tolist() == [levels]
    assert decoded.notes == (note,)


def test_integers_beyond_sixteen_bits_and_flat_ones():
    assert decode(Image.fromarray(np.array([[0, 1 << 20]], np.int32))).pixels[0, :, 0].tolist() == [0, 255]
    assert decode(Image.fromarray(np.array([[-5, -5]], np.int32))).pixels[0, :, 0].tolist() == [0, 0]


def test_values_that_are_not_finite_are_refused(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.array([[np.nan, 1]], np.float32)), "a.tiff")
    with pytest.raises(ImageError, match="not finite"):
        decode(path)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tiff", "mpo"])
def test_of_several_frames_the_first_is_taken(tmp_path, suffix):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("black", "white", "red")]
    path = saved(tmp_path, frames[0], f"a.{suffix}", save_all=True, append_images=frames[1:])
    decoded = decode(path)
    assert decoded.pixels.max() <= 2
    assert "first of several frames taken" in decoded.notes


def test_an_opened_picture_is_read_from_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("black", "white")]
    with Image.open(saved(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:])) as image:
        image.seek(1)
        assert decode(image).pixels.max() == 0


def test_grey_is_told_by_equal_channels(make_picture):
    grey = np.repeat(make_picture()[..., :1], 3, axis=2)
    assert decode(grey).grey
    assert decode(grey[..., 0]).grey
    assert decode(grey[..., :1]).grey
    assert not decode(make_picture()).grey


@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.zeros((2, 2, 2), np.uint8), np.zeros((0, 2), np.uint8)])
def test_arrays_that_are_no_pictures(array):
    with pytest.raises(ImageError, match="is no picture"):
        decode(array)


def test_the_bytes_decide_not_the_suffix(tmp_path):
    saved(tmp_path, Image.fromarray(CORNERS), "a.png").rename(tmp_path / "a.jpg")
    assert np.array_equal(decode(tmp_path / "a.jpg").pixels, CORNERS)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "the file is empty"), (b"hello", "its bytes are not JPEG"), (b"\x89PNG\r\n\x1a\n", "cannot be read")],
)
def test_files_that_hold_no_picture(tmp_path, content, reason):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ImageError, match=rf"a\.jpg.*{reason}"):
        decode(tmp_path / "a.jpg")


def test_formats_that_are_not_allowed(tmp_path):
    with pytest.raises(ImageError, match="its bytes are not JPEG"):
        decode(saved(tmp_path, Image.fromarray(CORNERS), "a.ico"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match="not a file"):
        decode(tmp_path / "a.jpg")


@settings(max_examples=150)
@given(form=st.sampled_from(FORMS), places=st.lists(st.integers(0, 10_000), max_size=8), byte=st.integers(0, 255))
def test_damaged_bytes_give_a_picture_or_the_one_error(form, places, byte):
    buffer = io.BytesIO()
    Image.fromarray(CORNERS.repeat(4, 0).repeat(4, 1)).save(buffer, form)
    content = bytearray(buffer.getvalue())
    for place in places:
        content[place % len(content)] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jpg"
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                assert decode(path).pixels.shape[2:] == (3,)
            except ImageError as failure:
                assert "a.jpg" in str(failure)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        decode(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match="not a file"):
        decode(tmp_path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "tiff", "bmp", "ppm"])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_truncated_files(tmp_path, make_picture, suffix, share):
    path = saved(tmp_path, Image.fromarray(make_picture()), f"a.{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ImageError, match=rf"a\.{suffix}.*cannot be read: .+\."):
        decode(path)


def test_too_many_pixels_are_refused_from_the_header(tmp_path, monkeypatch):
    path = saved(tmp_path, Image.new("1", (300, 200)), "a.png")
    for limit in (59_999, 20_000):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(ImageError, match="pixels"):
            decode(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60_000)
    assert decode(path).pixels.shape == (200, 300, 3)


def test_a_header_of_a_bomb_is_enough(tmp_path):
    header = (
        b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 50_000, 50_000, 1, 24, *[0] * 6)
    )
    (tmp_path / "a.bmp").write_bytes(header)
    with pytest.raises(ImageError, match="pixels"):
        decode(tmp_path / "a.bmp")


def test_no_warning_leaks(make_picture):
    buffer = io.BytesIO()
    Image.fromarray(make_picture()).save(buffer, "TIFF")
    content = bytearray(buffer.getvalue())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with quiet(), quiet():
            warnings.warn("inside", stacklevel=1)
        decode(Image.open(io.BytesIO(bytes(content))))
        with pytest.raises(UserWarning, match="outside"):
            warnings.warn("outside", stacklevel=1)
