import numpy as np
import pytest
import torchvision.io
from PIL import Image

from ravine.base.errors import ImageError
from ravine.data.decode import decode
from ravine.data.rereading import Rereading, by_pillow, by_torchvision, race


@pytest.fixture
def files(tmp_path, make_picture):
    paths = []
    for seed in range(4):
        paths.append(tmp_path / f"{seed}.jpg")
        Image.fromarray(make_picture(seed, 40, 53)).save(paths[-1], quality=85)
    return paths


def clock_of(seconds):
    """Every second reading is the end of a decoder's turn: Pillow's, torchvision's, Pillow's …"""
    now, turns, ends = 0.0, 0, False

    def clock():
        nonlocal now, turns, ends
        if ends:
            now += seconds[turns % 2]
            turns += 1
        ends = not ends
        return now

    return clock


@pytest.mark.parametrize(("seconds", "winner"), [((1.0, 0.7), by_torchvision), ((0.7, 1.0), by_pillow)])
def test_the_faster_reader_wins(files, seconds, winner):
    assert race(files, clock_of(seconds)) is winner


def test_a_reader_with_other_pixels_loses(files, monkeypatch):
    read = torchvision.io.read_image
    monkeypatch.setattr("torchvision.io.read_image", lambda path, mode: read(path, mode).bitwise_xor(1))
    assert race(files, clock_of((1.0, 0.1))) is by_pillow


def test_pictures_that_are_no_plain_jpeg_files_are_left_to_pillow(tmp_path, make_picture):
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(make_picture(0, 40, 53)).save(tmp_path / "turned.jpg", exif=turned)
    Image.fromarray(make_picture(1, 40, 53)).convert("CMYK").save(tmp_path / "cmyk.jpg")
    Image.fromarray(make_picture(2, 40, 53)).save(tmp_path / "a.png")
    pictures = [*sorted(tmp_path.iterdir()), make_picture(3, 8, 9)]
    assert race(pictures) is by_pillow
    for picture in pictures:
        assert np.array_equal(by_torchvision(picture), decode(picture).pixels)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("progressive", [False, True])
def test_both_readers_give_the_same_pixels(tmp_path, make_picture, mode, progressive):
    path = tmp_path / "a.jpg"
    Image.fromarray(make_picture(5, 61, 47)).convert(mode).save(path, quality=70, progressive=progressive)
    assert np.array_equal(by_torchvision(path), by_pillow(path))


def test_a_file_that_was_cut_off_since_the_scan_is_named(files):
    again = Rereading(files)
    assert np.array_equal(again[1], decode(files[1]).pixels)
    files[2].write_bytes(files[2].read_bytes()[:300])
    with pytest.raises(ImageError, match=r"2\.jpg"):
        by_torchvision(files[2])
    files[3].unlink()
    with pytest.raises(ImageError, match=r"3\.jpg"):
        by_torchvision(files[3])
