import pytest

from ravine.base.errors import SourceError
from ravine.data.sources import read_source


def table(tmp_path, text: str, encoding: str = "utf-8"):
    file = tmp_path / "table.csv"
    file.write_bytes(text.encode(encoding))
    return file


def test_all_columns_in_any_order_with_byte_order_mark(tmp_path):
    file = table(tmp_path, "\ufeffLabel,path,split,group\ncat,a.jpg,train,p1\ndog,sub/b.jpg,Dev,\ndog,c.jpg,,p2\n")
    listing = read_source(file)
    assert listing.kind == "manifest"
    assert listing.classes == ("cat", "dog")
    assert [(item.name, item.label, item.group, item.part) for item in listing.items] == [
        ("a.jpg", "cat", "p1", "train"),
        ("sub/b.jpg", "dog", None, "validation"),
        ("c.jpg", "dog", "p2", None),
    ]
    assert listing.items[1].picture == tmp_path / "sub/b.jpg"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators(tmp_path, separator):
    text = "path,label\na.jpg,cat\nb.jpg,dog\n".replace(",", separator)
    assert [item.label for item in read_source(table(tmp_path, text)).items] == ["cat", "dog"]


def test_quotes_newlines_and_unicode(tmp_path):
    file = table(tmp_path, 'path,label\r\n"zwei\nZeilen, grün.jpg",Katze\r\n\r\nb.jpg,犬\r\n')
    assert [(item.name, item.label) for item in read_source(file).items] == [
        ("zwei\nZeilen, grün.jpg", "Katze"),
        ("b.jpg", "犬"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header"),
        ("file,label\na,b\n", "line 1: the header is 'file,label'"),
        ("path,label,grp\na,b,c\n", "line 1: the header"),
        ("path,label,label\na,b,c\n", "line 1: the header"),
        ("path,label\na.jpg,cat\nb.jpg,\n", "line 3: there is no label"),
        ("path,label\na.jpg,cat\nb.jpg\n", "line 3: there is no label"),
        ("path,label\n,cat\n", "line 2: there is no path"),
        ("path,label\na,b,c\n", "line 2: 3 fields under 2 columns"),
        ("path,label,split\na.jpg,cat,exam\n", "line 2: the split is 'exam'. Allowed: train"),
        ("path,label\n", "no pictures"),
        ("path,label\na.jpg,cat\n", "single class"),
        ('path,label\n"a.jpg,cat' + "x" * 200_000 + "\n", "not a CSV table"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, message):
    with pytest.raises(SourceError, match=message):
        read_source(table(tmp_path, text))


def test_other_encodings_are_refused(tmp_path):
    with pytest.raises(SourceError, match="not in UTF-8"):
        read_source(table(tmp_path, "path,label\na.jpg,Bär\n", "latin-1"))
