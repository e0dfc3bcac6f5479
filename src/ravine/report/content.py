"""Everything that a report page shows: plain numbers, words and small pictures.

One frozen dataclass a section. A section that is None is left out of the page. Any number may be non-finite; the
page then shows a dash.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ravine.report.candidates import Candidate, ranked
from ravine.report.found import Data
from ravine.report.transfer import Transfer
from ravine.stats.scores import ClassScore, Reliability, Scores


@dataclass(frozen=True)
class Headline:
    """What was made, how good it is, and how far to trust it.

    Attributes:
        classes: How many classes the model tells apart.
        pictures: How many usable pictures there were, all parts together.
        scores: The measures on the test pictures.
        baseline: Accuracy on the same test pictures of always guessing the most frequent class.
        baseline_class: The name of that class.
        selection_metric: What candidates were compared by, such as "negative log-likelihood on validation pictures".
        seconds: Wall-clock time of the whole run.
        model_bytes: Size of the model file.
        caveats: Further sentences that a reader must know before trusting the figures.
    """

    classes: int
    pictures: int
    scores: Scores
    baseline: float
    baseline_class: str
    selection_metric: str
    seconds: float
    model_bytes: int
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """One choice of the plan: what, which, and why."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True)
class PlanChosen:
    """The plan and why."""

    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Curve:
    """One member's course of training, one value an epoch; an empty tuple where something was not measured."""

    member: str
    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]
    chosen: bool = False


@dataclass(frozen=True)
class PenaltyPath:
    """Strength of the penalty against out-of-fold negative log-likelihood, for a head on frozen features."""

    penalties: tuple[float, ...]
    nll: tuple[float, ...]
    chosen: int


@dataclass(frozen=True)
class Training:
    """How it was trained.

    Attributes:
        metric: The selection metric, as the head of a column.
        better: Whether less or more of it is better.
        candidates: What was compared.
        curves: One a member, for models trained by epochs.
        penalty_path: For a head on frozen features.
        combined: What an ensemble made, in a few words; may be empty.
        refit: What was fitted again on training and validation pictures together, in a sentence; may be empty.
    """

    metric: str
    better: Literal["lower", "higher"] = "lower"
    candidates: tuple[Candidate, ...] = ()
    curves: tuple[Curve, ...] = ()
    penalty_path: PenaltyPath | None = None
    combined: str = ""
    refit: str = ""

    @property
    def ranked(self) -> tuple[Candidate, ...]:
        """The candidates in their order where they are few; else the chosen one, the best, and those that ended."""
        return ranked(self.candidates, self.better)


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy on the test pictures, before and after the temperature.

    Attributes:
        before: Bins at temperature 1.
        after: Bins at the temperature that the model uses.
        temperature: What the logits are divided by.
        fitted_on: The pictures that chose it, such as "the 52 validation pictures".
    """

    before: Reliability
    after: Reliability
    temperature: float
    fitted_on: str


@dataclass(frozen=True)
class Committee:
    """How far the answers that an ensemble averages differ on the test pictures, in nats of mutual information.

    Attributes:
        answers: How many answers are averaged.
        right: Mean disagreement on pictures that were answered rightly; not a number without such pictures.
        wrong: The same for wrong answers.
        tenth: Pictures in the tenth with the most disagreement.
        mistakes: How many of these were answered wrongly.
        all_mistakes: How many of all test pictures were.
    """

    answers: int
    right: float
    wrong: float
    tenth: int
    mistakes: int
    all_mistakes: int


@dataclass(frozen=True)
class Confusion:
    """Counts [true, predicted] on the test pictures, with the names of the classes."""

    classes: tuple[str, ...]
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class PerClass:
    """Precision, recall and F1 of every class on the test pictures."""

    rows: tuple[ClassScore, ...]


@dataclass(frozen=True)
class Mistake:
    """A test picture that got a wrong answer; the thumbnail is uint8 [H, W, 3] or [H, W]."""

    thumbnail: NDArray[np.uint8]
    true: str
    predicted: str
    confidence: float
    file: str


@dataclass(frozen=True)
class Mistakes:
    """The most confident wrong answers, worst first; at most 24 are shown.

    Attributes:
        tested: Test pictures.
        wrong: How many of them got a wrong answer.
        worst: Those to show.
    """

    tested: int
    wrong: int
    worst: tuple[Mistake, ...]


@dataclass(frozen=True)
class Stage:
    """A stage of the run and its wall-clock time."""

    name: str
    seconds: float


@dataclass(frozen=True)
class TimeSpent:
    """Where the time went, in order; and how the training was carried out, in sentences."""

    stages: tuple[Stage, ...]
    course: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """Seconds of all stages, those left out whose time is not finite."""
        return sum(stage.seconds for stage in self.stages if isfinite(stage.seconds))

    @property
    def shares(self) -> tuple[float, ...]:
        """Each stage's share of the total, 0 where it is not known."""
        total = self.total or 1.0
        return tuple(stage.seconds / total if isfinite(stage.seconds) else 0.0 for stage in self.stages)


@dataclass(frozen=True)
class Agreement:
    """What training read of the pictures against the picture files that `predict` reads.

    Attributes:
        read: What training read, such as "packed copies".
        largest: Largest absolute change of any class probability, in [0, 1].
        pictures: How many pictures were compared.
        changed: How many of them got another answer.
    """

    read: str
    largest: float
    pictures: int
    changed: int


@dataclass(frozen=True)
class WrittenFile:
    """A file of the run: its name, its size, and what it is for."""

    name: str
    bytes: int
    purpose: str


@dataclass(frozen=True)
class Reproduction:
    """How to get the same model again, and how to use it.

    Attributes:
        command: The command line as given.
        seed: The seed of the run.
        plan: The plan file as text.
        versions: Pairs of a package and its version.
        machine: Pairs of a property (cores, device, …) and its value.
        files: What the run wrote.
        model: The name of the model file, as shown in the examples of use.
    """

    command: str
    seed: int
    plan: str
    versions: tuple[tuple[str, str], ...] = ()
    machine: tuple[tuple[str, str], ...] = ()
    files: tuple[WrittenFile, ...] = ()
    model: str = "model.ravine"


@dataclass(frozen=True)
class Content:
    """A whole page.

    Attributes:
        title: The headline, such as "A classifier of 9 classes from 257 pictures".
        subtitle: A smaller line under it (source, date), may be empty.
    """

    title: str
    subtitle: str = ""
    headline: Headline | None = None
    data: Data | None = None
    plan: PlanChosen | None = None
    transfer: Transfer | None = None
    training: Training | None = None
    calibration: Calibration | None = None
    committee: Committee | None = None
    confusion: Confusion | None = None
    per_class: PerClass | None = None
    mistakes: Mistakes | None = None
    time: TimeSpent | None = None
    agreement: Agreement | None = None
    reproduction: Reproduction | None = None
