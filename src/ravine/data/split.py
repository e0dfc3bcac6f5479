"""Divide pictures into train, validation and test: by class, and never through a set of copies or a group."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from ravine.base.errors import OutputError, PlanError, SourceError
from ravine.base.ranges import Range
from ravine.base.seeds import numpy_generator
from ravine.data.apportion import apportion
from ravine.data.audit import Audit
from ravine.interfaces import Part

Share = Annotated[float, Range(0, 1, high_open=True)]


@dataclass(frozen=True)
class SplitChoices(Part):
    """How many of the pictures that are divided go where; the rest is for training.

    Attributes:
        test: Share for the one test at the end.
        validation: Share for choosing.
        nested: Whether the test pictures are drawn first, so that they do not depend on the share of validation.
    """

    test: Share = 0.2
    validation: Share = 0.15
    nested: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.test + self.validation >= 1:
            raise PlanError(
                f"SplitChoices.test + validation = {self.test + self.validation:g} leaves nothing for training. "
                "Choose two numbers with a sum below 1."
            )


@dataclass(frozen=True, eq=False)
class Split:
    """Which pictures are for what.

    Attributes:
        train: int64, ascending numbers of pictures.
        validation: The same, for choosing.
        test: The same, touched once at the end.
        origin: In words, which parts were given and which drawn.
        leaks: How many test pictures are exact or near copies of one for training or validation. Only a split that was
            given can leak.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    origin: str
    leaks: int

    def write_csv(self, path: Path, audit: Audit) -> None:
        """Write the columns name,label,part, one line a picture, in the order of the audit.

        Raises:
            OutputError: The file cannot be written.
        """
        part = np.empty(len(audit), dtype=object)
        for word in ("train", "validation", "test"):
            part[getattr(self, word)] = word
        try:
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["name", "label", "part"])
                labels = (audit.classes[label] for label in audit.labels)
                writer.writerows(zip(audit.names, labels, part, strict=True))
        except OSError as failure:
            raise OutputError(f"The split cannot be written to {str(path)!r}: {failure.strerror}.") from failure


def split(audit: Audit, choices: SplitChoices, seed: int) -> Split:
    """Divide the pictures of an audit.

    What the source gives is respected. What it leaves open is drawn from the pictures that it gives to training or to
    no part, class by class, so that blocks (groups, exact and near copies) stay whole and each class has a picture in
    each part where that is possible.

    Args:
        audit: The pictures.
        choices: The shares of test and validation among the pictures that are divided.
        seed: The same seed gives the same split.

    Returns:
        The three parts; together they hold each picture once.

    Raises:
        SourceError: A class has no picture left for training, or a part that is to be drawn stays empty.
    """
    parts = np.array([part or "" for part in audit.parts])
    given = {word: np.flatnonzero(parts == word) for word in ("validation", "test")}
    pool = np.flatnonzero((parts == "") | (parts == "train"))
    shares = {word: 0.0 if len(given[word]) else getattr(choices, word) for word in ("test", "validation")}
    drawn = _drawn(audit, pool, shares, seed, choices.nested)
    train = pool[drawn == 0]
    test = given["test"] if len(given["test"]) else pool[drawn == 1]
    validation = given["validation"] if len(given["validation"]) else pool[drawn == 2]
    _check_classes(audit, train)
    _check_drawn(audit, shares, {"test": test, "validation": validation})
    return Split(train, validation, test, _origin(given, shares), _leaks(audit, train, validation, test))


def _drawn(audit: Audit, pool: np.ndarray, shares: dict[str, float], seed: int, nested: bool) -> np.ndarray:
    """For each picture of the pool 0 for training, 1 for test, 2 for validation."""
    test, validation = shares["test"], shares["validation"]
    weights = [1 - test, test, 0.0] if nested else [1 - test - validation, test, validation]
    generator = numpy_generator(seed, "split")
    drawn = apportion(audit.labels[pool], audit.blocks[pool], np.array(weights), generator)
    if nested and validation:
        rest = np.flatnonzero(drawn == 0)
        weights = np.array([1 - test - validation, validation])
        second = apportion(audit.labels[pool[rest]], audit.blocks[pool[rest]], weights, generator)
        drawn[rest[second == 1]] = 2
    return drawn


def folds(indices: np.ndarray, audit: Audit, count: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide pictures into folds for out-of-fold work, by class and with blocks whole.

    Args:
        indices: The numbers of the pictures to divide.
        audit: What they belong to.
        count: How many folds, at least 2.
        seed: The same seed gives the same folds.

    Returns:
        ``count`` pairs (fit, held) of picture numbers; the held parts together are ``indices``.

    Raises:
        PlanError: There are fewer than two folds.
    """
    if count < 2:
        raise PlanError(f"folds = {count} is not allowed. Choose 2 or more.")
    generator = numpy_generator(seed, "folds")
    drawn = apportion(audit.labels[indices], audit.blocks[indices], np.ones(count), generator)
    return [(indices[drawn != fold], indices[drawn == fold]) for fold in range(count)]


def fitting_folds(indices: np.ndarray, audit: Audit, count: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Those of the folds that leave pictures to fit and pictures to judge; see `folds`.

    Raises:
        PlanError: There are none, since there are too few pictures or groups.
    """
    found = [(fit, held) for fit, held in folds(indices, audit, count, seed) if len(fit) and len(held)]
    if not found:
        raise PlanError(
            f"The {len(indices):,} pictures that are left to fit are too few, or of too few groups (copies count as "
            "one), to be fitted to some and judged by others. Give more pictures, of more groups."
        )
    return found


def _check_classes(audit: Audit, train: np.ndarray) -> None:
    counts = np.bincount(audit.labels[train], minlength=len(audit.classes))
    if len(empty := np.flatnonzero(counts == 0)):
        names = ", ".join(repr(audit.classes[number]) for number in empty)
        raise SourceError(
            f"No picture of these classes is left for training: {names}. Give each class more pictures, in more than "
            "one group, or a split that leaves some for training."
        )


def _check_drawn(audit: Audit, shares: dict[str, float], drawn: dict[str, np.ndarray]) -> None:
    for word, part in drawn.items():
        if shares[word] > 0 and not len(part):
            largest = int(np.bincount(audit.blocks).max())
            raise SourceError(
                f"No picture is left for {word}. Give each class at least three pictures that are neither copies of "
                f"each other nor in one group (the largest set of such has {largest} of the {len(audit)} pictures), "
                f"or choose {word} = 0."
            )


def _origin(given: dict[str, np.ndarray], shares: dict[str, float]) -> str:
    says = []
    for word in ("validation", "test"):
        if len(given[word]):
            says.append(f"{word} as given")
        elif shares[word] == 0:
            says.append(f"no fixed {word}")
        elif any(len(rows) for rows in given.values()):
            says.append(f"{word} drawn from training ({shares[word]:.0%})")
        else:
            says.append(f"{word} drawn ({shares[word]:.0%})")
    return ", ".join(says)


def _leaks(audit: Audit, train: np.ndarray, validation: np.ndarray, test: np.ndarray) -> int:
    return int(np.isin(audit.copies[test], audit.copies[np.concatenate([train, validation])]).sum())
