import os
from pathlib import Path

import pytest

from ravine.base.errors import SourceError
from ravine.data.sources import read_pictures, read_source


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def listed(root: Path) -> list[tuple[str, str, str | None]]:
    return [(item.name, item.label, item.part) for item in read_source(root).items]


def test_flat_class_folders_with_nested_files(tmp_path):
    touch(tmp_path, "dog/a.PNG", "cat/deep/er/b.jpg", "cat/a.jpg")
    listing = read_source(str(tmp_path))
    assert listing.classes == ("cat", "dog")
    assert listed(tmp_path) == [
        ("cat/a.jpg", "cat", None),
        ("cat/deep/er/b.jpg", "cat", None),
        ("dog/a.PNG", "dog", None),
    ]
    assert listing.items[0].picture == tmp_path / "cat/a.jpg"


@pytest.mark.parametrize(
    ("word", "part"),
    [("val", "validation"), ("Valid", "validation"), ("dev", "validation"), ("TEST", "test"), ("testing", "test")],
)
def test_split_folders_and_their_synonyms(tmp_path, word, part):
    touch(tmp_path, "Training/cat/a.jpg", "Training/dog/b.jpg", f"{word}/cat/c.jpg")
    listing = read_source(tmp_path)
    assert listing.classes == ("cat", "dog")
    assert {item.part for item in listing.items} == {"train", part}


def test_train_may_be_the_name_of_a_class(tmp_path):
    touch(tmp_path, "train/a.jpg", "plane/b.jpg")
    assert read_source(tmp_path).classes == ("plane", "train")


def test_parts_beside_other_folders_are_refused(tmp_path):
    touch(tmp_path, "train/cat/a.jpg", "test/cat/a.jpg", "extra/b.jpg")
    with pytest.raises(SourceError, match="'extra'"):
        read_source(tmp_path)


def test_hidden_entries_and_other_files_are_counted(tmp_path):
    touch(
        tmp_path, "cat/a.jpg", "dog/b.jpg", "cat/Thumbs.db", "cat/.c.jpg", ".git/x.jpg", "__MACOSX/y.jpg", "notes.txt"
    )
    listing = read_source(tmp_path)
    assert [item.name for item in listing.items] == ["cat/a.jpg", "dog/b.jpg"]
    assert listing.ignored == 5


def test_loose_pictures_and_empty_class_folders_are_set_aside_by_name(tmp_path):
    touch(tmp_path, "cat/a.jpg", "dog/b.jpg", "loose.jpg")
    (tmp_path / "bird").mkdir()
    assert [aside.name for aside in read_source(tmp_path).set_aside] == ["loose.jpg", "bird/"]


def test_pictures_in_formats_that_are_not_read_are_listed(tmp_path):
    touch(tmp_path, "cat/a.jpg", "dog/b.heic")
    assert [item.name for item in read_source(tmp_path).items] == ["cat/a.jpg", "dog/b.heic"]


def test_links_are_followed_but_not_in_circles(tmp_path):
    touch(tmp_path / "root", "cat/a.jpg", "dog/b.jpg")
    touch(tmp_path / "elsewhere", "c.jpg")
    (tmp_path / "root/cat/more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/cat/circle").symlink_to(tmp_path / "root/cat")
    assert [item.name for item in read_source(tmp_path / "root").items] == ["cat/a.jpg", "cat/more/c.jpg", "dog/b.jpg"]


def test_names_with_unicode_newlines_and_foreign_bytes(tmp_path):
    touch(tmp_path, "Katze/grün.jpg", "犬/zwei\nZeilen.jpg")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/Katze/\xff.jpg")).write_bytes(b"x")
    listing = read_source(tmp_path)
    assert listing.classes == ("Katze", "犬")
    names = [item.name for item in listing.items]
    assert names == ["Katze/grün.jpg", "Katze/\\xff.jpg", "犬/zwei\nZeilen.jpg"]
    assert all(item.picture.exists() for item in listing.items)
    assert "\n".join(names).encode()


def test_a_missing_folder(tmp_path):
    with pytest.raises(SourceError, match=r"no file or folder.*Give a folder"):
        read_source(tmp_path / "nowhere")


def test_an_empty_folder(tmp_path):
    with pytest.raises(SourceError, match="no pictures"):
        read_source(tmp_path)


def test_only_loose_pictures(tmp_path):
    touch(tmp_path, "a.jpg")
    with pytest.raises(SourceError, match=r"'a\.jpg': it lies outside of any class folder"):
        read_source(tmp_path)


def test_a_single_class(tmp_path):
    touch(tmp_path, "cat/a.jpg", "cat/b.jpg")
    with pytest.raises(SourceError, match=r"single class, 'cat'.*at least two"):
        read_source(tmp_path)


def test_a_folder_around_the_class_folders_is_named(tmp_path):
    touch(tmp_path, "photos/cat/a.jpg", "photos/dog/b.jpg")
    with pytest.raises(SourceError, match=r"give '.*photos' instead"):
        read_source(tmp_path)


def test_a_file_of_another_kind(tmp_path):
    touch(tmp_path, "a.xlsx")
    with pytest.raises(SourceError, match=r"no source.*\.csv.*\.npz.*demo"):
        read_source(tmp_path / "a.xlsx")


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    touch(tmp_path, "cat/a.jpg", "dog/b.jpg")
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "dog":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match=r"dog.* cannot be read: Permission denied"):
        read_source(tmp_path)


def test_pictures_for_prediction_keep_their_order(tmp_path):
    touch(tmp_path, "b/2.png", "b/1.png", "b/.3.png", "b/notes.txt", "a.anything")
    items = read_pictures([tmp_path / "b", tmp_path / "a.anything"])
    assert [item.picture.name for item in items] == ["1.png", "2.png", "a.anything"]
    assert [item.label for item in items] == ["", "", ""]


def test_pictures_for_prediction_must_exist(tmp_path):
    with pytest.raises(SourceError, match="no file or folder"):
        read_pictures([tmp_path / "nowhere.jpg"])
    with pytest.raises(SourceError, match="no pictures"):
        read_pictures([tmp_path])
