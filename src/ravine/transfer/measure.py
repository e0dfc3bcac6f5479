"""The textbook's table of transfer learning, measured: is the data small or large, similar or different?

The table (CS231n, "Transfer learning") says what to train by the size of a data set and by its similarity to the one
that the body was trained on, and leaves both to the eye. Here similarity is the probe curve over depth, and size is
whether accuracy still rises with the number of pictures. Which cell a data set is in is a first guess at what to train;
a race of the candidates decides.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ravine.base.seeds import numpy_generator
from ravine.data.audit import Audit
from ravine.data.preprocess import Preprocess
from ravine.data.workers import Advance
from ravine.models.backbone import Backbone
from ravine.models.taps import Taps
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.train.evaluate import direct
from ravine.transfer.data_size import SizeCurve, size_curve
from ravine.transfer.features import stored_features
from ravine.transfer.gradients import FEWEST_PICTURES, MOST_PICTURES, GradientNorms, gradient_norms
from ravine.transfer.heads import fit_heads
from ravine.transfer.probes import Similarity, probe_depths
from ravine.transfer.taps import tap

LARGE = 20_000
"""Pictures from which on a data set is no longer small, by its number alone: the first threshold of BiT-HyperRule
(A. Kolesnikov et al., "Big Transfer", ECCV 2020, section 3.3)."""

HEAD_PENALTY = 1e-2
"""Of the head whose gradients are taken."""

ADVICE = {
    ("small", "similar"): "train a head on the last features",
    ("small", "different"): "train a head on the features of an earlier stage",
    ("large", "similar"): "train the head and then the last stages",
    ("large", "different"): "train the head and then all stages",
}

Batches = Callable[[NDArray[np.int64]], Iterable[tuple[Tensor, Tensor]]]
"""Row numbers → batches of pictures and labels."""


@dataclass(frozen=True)
class Measurement:
    """What was measured before anything was trained.

    Attributes:
        similarity: The probe curve over depth.
        size: Accuracy by the number of pictures.
        gradients: How much each stage would change; None where it was not asked.
        pictures: N.
        seconds: What each measurement took, by name.
    """

    similarity: Similarity
    size: SizeCurve
    gradients: GradientNorms | None
    pictures: int
    seconds: dict[str, float]

    @property
    def cell(self) -> tuple[Literal["small", "large"], Literal["similar", "different"]]:
        """The cell of the table; small unless it is clear that more pictures would hardly help."""
        return "large" if self.size.course == "flat" else "small", "similar" if self.similarity.similar else "different"

    @property
    def by_number_alone(self) -> Literal["small", "large"]:
        """What the number of pictures alone would have said; a control, which decides nothing."""
        return "small" if self.pictures < LARGE else "large"

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was measured, and the cell that follows from it, a sentence each."""
        size, likeness = self.cell
        measured = [self.similarity.sentence, self.size.sentence]
        if self.gradients is not None:
            measured.append(self.gradients.sentence)
        verdict = f"In the textbook's table this is “{size} and {likeness}”: {ADVICE[self.cell]}."
        if self.by_number_alone != size:
            verdict += f" The number of pictures alone ({self.pictures:,}) would have said “{self.by_number_alone}”."
        return (*measured, verdict)


def measure(
    taps: Taps,
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
    blocks: NDArray[np.int64] | None = None,
    batches: Batches | None = None,
    seed: int = 0,
) -> Measurement:
    """Measure similarity and size on pictures that are not for testing.

    Args:
        taps: The tapped body.
        features: What it says of the pictures, [N, D₁ + … + D_T].
        labels: [N].
        classes: C.
        blocks: [N]; pictures with one number (copies, groups) do not judge one another.
        batches: Gives the pictures of some rows again, for the gradients; without it they are not taken.
        seed: The same seed divides and chooses the pictures alike.

    Raises:
        PlanError: All pictures are one block.
    """
    seconds: dict[str, float] = {}
    last = features[:, taps.columns[-1]]
    began = time.perf_counter()
    similarity = probe_depths(features, taps.columns, taps.names, labels, classes, blocks)
    seconds["probes"] = time.perf_counter() - began
    began = time.perf_counter()
    size = size_curve(last, labels, classes, blocks, seed)
    seconds["size"] = time.perf_counter() - began
    gradients = None
    if batches is not None:
        began = time.perf_counter()
        gradients = _gradients(taps, last, labels, classes, batches, seed)
        seconds["gradients"] = time.perf_counter() - began
    return Measurement(similarity, size, gradients, len(labels), seconds)


def measure_source(
    backbone: Backbone,
    audit: Audit,
    rows: NDArray[np.int64],
    picture: Preprocess,
    device: str = "cpu",
    seed: int = 0,
    advance: Advance | None = None,
) -> Measurement:
    """Measure the pictures of an audit; features that a head was fitted to are not computed again.

    Args:
        backbone: The pretrained body.
        audit: The pictures.
        rows: Which of them, without those for testing.
        picture: How pixels become tensors.
        device: Where the body runs.
        seed: The same seed divides and chooses the pictures alike.
        advance: Called with the number of pictures whose features are there.

    Raises:
        PlanError: The body cannot be tapped, or all pictures are one group.
    """
    began = time.perf_counter()
    taps = tap(backbone.load_pretrained().to(device).to(memory_format=torch.channels_last), picture.size)
    found = stored_features(backbone.timm, taps, audit, rows, picture, advance)
    seconds = {"features": time.perf_counter() - began}
    labels = audit.labels[rows]

    def batches(chosen: NDArray[np.int64]) -> Iterator[tuple[Tensor, Tensor]]:
        start = 0
        for pictures in direct(audit.pixels, rows[chosen], picture, device):
            part = chosen[start : start + len(pictures)]
            yield pictures, torch.from_numpy(labels[part]).to(device)
            start += len(pictures)

    measured = measure(taps, found.values, labels, len(audit.classes), audit.blocks[rows], batches, seed)
    return replace(measured, seconds=seconds | measured.seconds)


def _gradients(
    taps: Taps, last: NDArray[np.float32], labels: NDArray[np.int64], classes: int, batches: Batches, seed: int
) -> GradientNorms:
    everyone = np.ones((1, len(labels)), bool)
    head = fit_heads(last, labels, classes, np.array([HEAD_PENALTY]), everyone, LBFGS())
    count = min(len(labels), MOST_PICTURES, max(FEWEST_PICTURES, len(labels) // 4))
    chosen = np.sort(numpy_generator(seed, "gradients").choice(len(labels), count, replace=False))
    return gradient_norms(taps, head.weight[0], head.bias[0], batches(chosen))
