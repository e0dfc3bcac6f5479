import json
import shutil

import numpy as np
import pytest
from PIL import Image

from ravine.base.errors import ImageError, SourceError
from ravine.data.scan import scan
from ravine.data.sources import read_source


def test_usable_pictures_in_order_with_their_facts(make_folders):
    root = make_folders(count=3)
    Image.new("L", (7, 5), 9).save(root / "dog/zz.png")
    audit = scan(read_source(root), threads=2)
    assert audit.names == (
        "cat/00.png",
        "cat/01.png",
        "cat/02.png",
        "dog/00.png",
        "dog/01.png",
        "dog/02.png",
        "dog/zz.png",
    )
    assert audit.labels.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert (audit.heights[-1], audit.widths[-1]) == (5, 7)
    assert audit.grey.tolist() == [False] * 6 + [True]
    assert not audit.all_grey
    assert audit.class_counts.tolist() == [3, 4]
    assert audit.pixels(6).shape == (5, 7, 3)


def test_bad_files_are_set_aside_by_name(make_folders):
    root = make_folders()
    (root / "cat/empty.jpg").touch()
    (root / "cat/text.jpg").write_text("no picture")
    whole = (root / "dog/00.png").read_bytes()
    (root / "dog/cut\nshort.png").write_bytes(whole[: len(whole) // 2])
    audit = scan(read_source(root))
    assert len(audit) == 8
    reasons = dict(audit.set_aside)
    assert list(reasons) == ["cat/empty.jpg", "cat/text.jpg", "dog/cut\nshort.png"]
    assert "empty" in reasons["cat/empty.jpg"]
    assert "not JPEG" in reasons["cat/text.jpg"]


def test_a_listed_file_that_is_missing_is_set_aside(make_folders):
    root = make_folders()
    lines = [f"{name}/{index:02}.png,{name}" for name in ("cat", "dog") for index in (0, 1, 9)]
    (root / "table.csv").write_text("\n".join(["path,label", *lines]))
    audit = scan(read_source(root / "table.csv"))
    assert [aside.name for aside in audit.set_aside] == ["cat/09.png", "dog/09.png"]
    assert "no such file" in audit.set_aside[0].reason


def test_a_class_with_one_usable_picture(make_folders):
    root = make_folders(count=2)
    (root / "dog/01.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"'dog' \(1\)(.|\n)*'dog/01.png'.*empty"):
        scan(read_source(root))


def test_nothing_usable(make_folders):
    root = make_folders(count=2)
    for path in root.rglob("*.png"):
        path.write_bytes(b"x")
    with pytest.raises(SourceError, match=r"'cat' \(0\), 'dog' \(0\)"):
        scan(read_source(root))


def test_duplicates_and_the_same_picture_under_two_labels(make_folders):
    root = make_folders()
    shutil.copy(root / "cat/00.png", root / "cat/copy.png")
    Image.open(root / "cat/01.png").save(root / "dog/same pixels.bmp")
    audit = scan(read_source(root))
    named = [sorted(audit.names[index] for index in members) for members in audit.duplicates]
    assert named == [["cat/00.png", "cat/copy.png"], ["cat/01.png", "dog/same pixels.bmp"]]
    assert audit.conflicts == audit.duplicates[1:]
    assert audit.near_duplicates == ()
    blocks = dict(zip(audit.names, audit.blocks, strict=True))
    assert blocks["cat/01.png"] == blocks["dog/same pixels.bmp"]
    assert len(set(blocks.values())) == 8


def test_grey_in_one_channel_and_in_three_is_the_same_picture(make_folders):
    root = make_folders()
    grey = Image.open(root / "cat/00.png").convert("L")
    grey.save(root / "cat/a.png")
    grey.convert("RGB").save(root / "dog/b.png")
    assert len(scan(read_source(root)).duplicates) == 1


def test_near_duplicates_are_found(make_folders, make_picture):
    root = make_folders()
    picture = Image.fromarray(make_picture(5, 120, 160))
    picture.save(root / "cat/a.png")
    picture.save(root / "cat/b.jpg", quality=70)
    picture.resize((80, 60)).save(root / "cat/c.png")
    audit = scan(read_source(root))
    assert [[audit.names[index] for index in members] for members in audit.near_duplicates] == [
        ["cat/a.png", "cat/b.jpg", "cat/c.png"]
    ]
    assert len(set(audit.copies.tolist())) == len(audit) - 2


def test_notes_are_counted(make_folders):
    root = make_folders()
    Image.new("RGBA", (9, 9)).save(root / "cat/a.png")
    Image.new("CMYK", (8, 8)).save(root / "dog/a.jpg")
    assert scan(read_source(root)).notes == {"transparency laid on white": 1, "CMYK converted": 1}


def test_pixels_beyond_the_limit_are_decoded_again(make_folders):
    root = make_folders()
    one = 24 * 24 * 3
    audit = scan(read_source(root), keep_bytes=3 * one)
    assert sorted(audit.store.kept) == [0, 1, 2]
    all_kept = scan(read_source(root))
    assert all(np.array_equal(audit.pixels(index), all_kept.pixels(index)) for index in range(len(audit)))
    (root / "dog/03.png").unlink()
    with pytest.raises(ImageError, match="no such file"):
        audit.pixels(7)
    all_kept.release_pixels()
    with pytest.raises(ImageError, match="no such file"):
        all_kept.pixels(7)


def test_the_digest_depends_on_content_name_and_label_alone(make_folders):
    root = make_folders()
    first = scan(read_source(root), threads=1).digest
    assert scan(read_source(root), threads=3, keep_bytes=0).digest == first
    (root / "cat/00.png").rename(root / "cat/0.png")
    renamed = scan(read_source(root)).digest
    (root / "cat/0.png").rename(root / "dog/0.png")
    assert len({first, renamed, scan(read_source(root)).digest}) == 3


def test_arrays_and_files_of_the_same_pictures_have_the_same_hashes(make_folders, tmp_path):
    files = scan(read_source(make_folders()))
    x = np.stack([files.pixels(index) for index in range(len(files))])
    np.savez(tmp_path / "a.npz", x=x, y=files.labels, group=["a", "a", "", "", "b", "", "", "b"])
    arrays = scan(read_source(tmp_path / "a.npz"))
    assert arrays.hashes == files.hashes
    assert arrays.groups.tolist() == [0, 0, -1, -1, 1, -1, -1, 1]
    assert np.shares_memory(arrays.pixels(3), arrays.stack)
    assert arrays.blocks[0] == arrays.blocks[1] != arrays.blocks[2]


def test_progress_sums_to_the_number_of_pictures(make_folders):
    done: list[int] = []
    scan(read_source(make_folders()), advance=done.append)
    scan(read_source("demo"), advance=done.append)
    assert sum(done) == 8 + 2500


def test_the_built_in_pictures(tmp_path):
    audit = scan(read_source("demo"))
    assert audit.all_grey
    assert (audit.duplicates, audit.near_duplicates, audit.set_aside) == ((), (), ())
    assert audit.parts.count("test") == 500


def test_the_summary_is_json(make_folders):
    root = make_folders()
    shutil.copy(root / "cat/00.png", root / "dog/copy.png")
    (root / "cat/bad.png").touch()
    summary = json.loads(json.dumps(scan(read_source(root)).summary()))
    assert summary["classes"] == {"cat": 4, "dog": 5}
    assert summary["under_two_labels"] == [
        [{"name": "cat/00.png", "label": "cat"}, {"name": "dog/copy.png", "label": "dog"}]
    ]
    assert summary["set_aside"][0]["name"] == "cat/bad.png"
    assert summary["height"] == {"least": 24, "median": 24, "greatest": 24}
