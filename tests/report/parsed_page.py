"""A report page taken apart, for tests."""

import re
from html.parser import HTMLParser

from ravine.report.content import Content
from ravine.report.page import render
from ravine.report.wording import SPACE

VOID = {"meta", "img", "br", "hr", "link", "input"}
CELLS = {"td", "th", "dt", "dd", "p", "h2", "h3", "li", "strong"}
LOADING = {"src", "href", "srcset", "poster", "data", "action", "background"}


class Page(HTMLParser):
    """The tags, the attributes that load something, and the visible text of each section."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.texts: dict[str, str] = {}
        self.styles = ""
        self.place = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in LOADING]
        self.styles += " ".join(value or "" for name, value in attrs if name == "style")
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self.place = dict(attrs)["id"] or ""

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes nothing"
        if tag == "section":
            self.place = ""
        elif tag in CELLS:
            self.handle_data(" ")

    def handle_data(self, data):
        if self.open[-1:] == ["style"]:
            self.styles += data
        elif self.open[-1:] != ["script"]:
            self.texts[self.place] = self.texts.get(self.place, "") + data

    def text(self, place: str) -> str:
        return re.sub(r"\s+", " ", self.texts[place].replace(SPACE, " "))


def light(content: Content) -> str:
    """The page without plotly's megabytes."""
    return re.sub(r"<script>/\*\*\n\* plotly.*?</script>", "", render(content), flags=re.S)
