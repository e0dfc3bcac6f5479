"""What is proposed where stages of a pretrained body are trained, after the head."""

from dataclasses import dataclass

from ravine.plan.facts import Facts, Reason
from ravine.plan.toml import Tree


@dataclass(frozen=True)
class Course:
    """How some stages are trained.

    Attributes:
        trained: What is trained, in words.
        rate: Of the head.
        decay: The rate of a stage relative to the stage above it.
        epochs: Passes over the pictures.
    """

    trained: str
    rate: float
    decay: float
    epochs: int


COURSES = {
    "last1": Course("the last stage of the body", 3e-4, 0.9, 8),
    "last2": Course("the last two stages of the body", 3e-4, 0.9, 8),
    "all": Course("all stages of the body", 3e-4, 0.9, 8),
}
BATCH_SIZE = 32

_REPLACED = ("transfer", "split", "optimizer", "head", "refit")


def tuned(tree: Tree, reasons: list[Reason], facts: Facts, transfer: str) -> None:
    """Turn the proposal of a head into one that trains stages after it.

    Args:
        tree: The proposal; changed.
        reasons: Its reasons; changed.
        facts: The pictures.
        transfer: last1, last2 or all.
    """
    course = COURSES[transfer]
    tree |= {
        "transfer": transfer,
        "split": {"validation": 0.0, "nested": True},
        "optimizer": {"name": "adamw", "lr": course.rate},
        "schedule": {"name": "one_cycle", "rise": 0.2},
        "penalty": [],
        "epochs": course.epochs,
        "batch_size": BATCH_SIZE,
        "tuning": {"decay": course.decay},
    }
    reasons[:] = [*(reason for reason in reasons if reason.name not in _REPLACED), *_reasons(course, transfer)]
    if transfer == "all":
        _mirrored(tree, reasons, facts)


def _mirrored(tree: Tree, reasons: list[Reason], facts: Facts) -> None:
    """Pixels are seen anew in every epoch, so that they may be mirrored."""
    mirror = facts.mirror()
    if mirror.safe:
        tree["flip"] = {}
    reasons.append(Reason("flip", "on" if mirror.safe else "off", mirror.why))


def _reasons(course: Course, transfer: str) -> list[Reason]:
    return [
        Reason(
            "transfer", transfer, f"A linear layer on the last features is fitted first; then {course.trained} too."
        ),
        Reason("split", "test 20 %", "No fixed validation pictures: a fifth of the others judges the training."),
        Reason("optimizer", f"adamw, lr {course.rate:g}", "It needs little tuning, whatever the scale of a stage."),
        Reason("schedule", "one_cycle", "The rate rises from near 0, so that the fitted head is not lost at once."),
        Reason("penalty", "none", "Few epochs from a pretrained start need no more than the rule's own weight decay."),
        Reason("epochs", str(course.epochs), "A pretrained start needs few."),
        Reason("batch_size", str(BATCH_SIZE), "Small batches take more steps, which few pictures need."),
        Reason(
            "head", "up to 8 penalties, 5 folds", "Where training begins: a head fitted to the pictures that it sees."
        ),
        Reason("tuning", f"decay {course.decay:g}", "Early stages, which see edges and colours, change least."),
        Reason("refit", "yes", "The same training on all pictures that are not for testing uses all there is."),
    ]
