"""The choices of a linear head on a frozen body, and what can act beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from ravine.augment.augmentation import Augmentation
from ravine.augment.cutmix import CutMix
from ravine.augment.mixup import Mixup
from ravine.base.errors import PlanError
from ravine.base.ranges import Count, Range, check_ranges
from ravine.interfaces import Part
from ravine.moments import Technique
from ravine.regularize.class_balance import ClassBalance


@dataclass(frozen=True)
class HeadChoices(Part):
    """How a linear head on frozen features is chosen.

    Attributes:
        l2: The penalties that compete, each the weight of ½‖W‖² beside the mean loss, above 0; from strong to weak,
            until the likelihood has fallen clearly.
        folds: Parts of the pictures that are held out in turn, at least 2.
        views: How often each picture is seen: as it is, and, from the second on, augmented as the plan says.
        depths: The depths of the body that the head reads, ascending from 1; the highest number is that of the last
            features. For transfer=depth alone; left out, they are decided by measurement, and the decision is written
            to the plan of the run.
    """

    l2: Annotated[tuple[float, ...], Range(0, low_open=True)] = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)
    folds: Annotated[int, Range(2)] = 5
    views: Count = 1
    depths: Annotated[tuple[int, ...] | None, Range(1)] = None

    def __post_init__(self) -> None:
        check_ranges(self)
        if not self.l2:
            raise PlanError("head.l2 is empty. Give at least one penalty above 0, such as head.l2=[0.001].")
        if self.depths is not None and list(self.depths) != sorted(set(self.depths) or {0}):
            raise PlanError(
                f"head.depths = {list(self.depths)} must be numbers of depths in ascending order, each once. "
                "Give, for example, head.depths=[2, 3], or leave it out to have them measured."
            )


def check_frozen_technique(part: Technique, views: int) -> None:
    """Refuse a technique that cannot act while a head is fitted.

    Args:
        part: A technique of the plan.
        views: How often each picture is seen.

    Raises:
        PlanError: It acts on steps, on orders, on targets, or on pictures that are seen once.
    """
    if isinstance(part, ClassBalance):
        if part.by == "sampling":
            raise PlanError(
                "class_balance.by = 'sampling' decides which pictures come in an epoch, and a head is fitted to "
                "all of them at once. Choose class_balance=weights."
            )
    elif isinstance(part, Mixup | CutMix):
        raise PlanError(
            f"{type(part).__name__} mixes the targets of two pictures, and a head is fitted to pictures of one class "
            "each. Leave it out."
        )
    elif isinstance(part, Augmentation):
        if views < 2:
            raise PlanError(
                f"{type(part).__name__} acts on the steps of an update rule, and here there are none: features are "
                "computed once, from each picture as it is. Leave it out, or have further views of each picture "
                "computed, such as head.views=4."
            )
    else:
        raise PlanError(
            f"{type(part).__name__} acts on the steps of an update rule, and here there are none: "
            "features are computed once, or all pictures pass at each evaluation. Leave it out."
        )


def check_views(views: int, techniques: Sequence[Technique]) -> None:
    """Refuse views that would all be the same.

    Args:
        views: How often each picture is seen.
        techniques: Of the plan.

    Raises:
        PlanError: There are several views, and nothing makes them differ.
    """
    if views > 1 and not any(isinstance(part, Augmentation) for part in techniques):
        raise PlanError(
            f"head.views = {views} would show each picture {views} times as it is, since the plan has no augmentation. "
            "Add one that keeps the labels, such as flip or resized_crop, or leave head.views out."
        )
