"""What the first section of a report shows: the pictures as they were found."""

from dataclasses import dataclass

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class ClassCount:
    """Pictures of one class in each part of the split."""

    name: str
    train: int
    validation: int
    test: int

    @property
    def total(self) -> int:
        """Pictures of the class in all parts."""
        return self.train + self.validation + self.test


@dataclass(frozen=True)
class PictureSizes:
    """Width and height in pixels of the smallest, the median and the largest picture."""

    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]


@dataclass(frozen=True)
class SetAside:
    """A file that was not used, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class PictureGroup:
    """Files that belong together; `marks` says of each its label or its part of the split, or is empty."""

    files: tuple[str, ...]
    marks: tuple[str, ...] = ()

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Each file with its mark, an empty one where there are none."""
        marks = self.marks or ("",) * len(self.files)
        return tuple(zip(self.files, marks, strict=True))


@dataclass(frozen=True)
class Note:
    """Something that was done to many pictures, and to how many ("turned upright as EXIF says", 12)."""

    text: str
    count: int


@dataclass(frozen=True)
class Data:
    """What was found in the data. Of the groups, None says that nobody looked, and empty that none was found.

    Attributes:
        source: Where the pictures came from, as the user named it.
        kind: What sort of source it is, such as "class folders".
        split: Who divided the pictures into parts, and how, in a sentence; may be empty.
        classes: Counts, one entry a class.
        sizes: Picture sizes; None where they are not known.
        set_aside: Files that were not used.
        duplicates: Groups of the same picture stored more than once.
        near_duplicates: Groups of pictures that look alike.
        conflicts: Groups of the same picture under different labels; the marks are the labels.
        leaks: Groups of the same picture in different parts of the split; the marks are the parts.
        notes: What was done to how many pictures.
    """

    source: str
    kind: str
    classes: tuple[ClassCount, ...]
    split: str = ""
    sizes: PictureSizes | None = None
    set_aside: tuple[SetAside, ...] = ()
    duplicates: tuple[PictureGroup, ...] | None = None
    near_duplicates: tuple[PictureGroup, ...] | None = None
    conflicts: tuple[PictureGroup, ...] | None = None
    leaks: tuple[PictureGroup, ...] | None = None
    notes: tuple[Note, ...] = ()

    @property
    def total(self) -> ClassCount:
        """The counts of all classes added up."""
        train, validation, test = (sum(getattr(row, part) for row in self.classes) for part in PARTS)
        return ClassCount("all classes", train, validation, test)

    @property
    def largest_class(self) -> int:
        """Pictures in the most frequent class, at least 1."""
        return max([1, *(row.total for row in self.classes)])
