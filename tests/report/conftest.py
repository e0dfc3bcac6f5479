"""A page's content with something in every section."""

import numpy as np
import pytest
from transfer_example import transfer_example

from ravine.report.content import (
    Agreement,
    Calibration,
    Candidate,
    Choice,
    Committee,
    Confusion,
    Content,
    Curve,
    Headline,
    Mistake,
    Mistakes,
    PenaltyPath,
    PerClass,
    PlanChosen,
    Reproduction,
    Stage,
    TimeSpent,
    Training,
    WrittenFile,
)
from ravine.report.found import ClassCount, Data, Note, PictureGroup, PictureSizes, SetAside
from ravine.stats.calibration import probabilities
from ravine.stats.scores import reliability, score

CLASSES = ("ankle boot", "bag", "coat", "dress", "pullover", "sandal", "shirt", "sneaker", "<script>alert(1)</script>")


@pytest.fixture
def full() -> Content:
    return full_content()


def full_content() -> Content:
    rng = np.random.default_rng(0)
    labels = np.arange(104) % len(CLASSES)
    logits = rng.normal(size=(len(labels), len(CLASSES))) + 2.6 * np.eye(len(CLASSES))[labels]
    sharp, calm = probabilities(1.8 * logits), probabilities(logits)
    scores = score(calm, labels, CLASSES)
    return Content(
        title="A classifier of 9 classes from 918 pictures",
        subtitle="photos/ · 3 March, 14:05",
        headline=Headline(
            classes=9,
            pictures=918,
            scores=scores,
            baseline=0.1154,
            baseline_class="ankle boot",
            selection_metric="negative log-likelihood on pictures held out of each fit",
            seconds=83.4,
            model_bytes=13_642_112,
            caveats=("Two labels contradict each other; see below.",),
        ),
        data=_data(),
        plan=_plan(),
        transfer=transfer_example(),
        training=_training(),
        calibration=Calibration(
            reliability(sharp, labels), reliability(calm, labels), 1.8, "the 104 validation pictures"
        ),
        committee=Committee(answers=5, right=0.012, wrong=0.187, tenth=10, mistakes=7, all_mistakes=18),
        confusion=Confusion(CLASSES, scores.confusion),
        per_class=PerClass(scores.classes),
        mistakes=_mistakes(calm, labels),
        time=TimeSpent(
            tuple(
                Stage(name, seconds)
                for name, seconds in (
                    ("scan", 1.92),
                    ("pack", 6.1),
                    ("features", 48.3),
                    ("train", 22.7),
                    ("evaluate", 3.4),
                    ("other", 0.98),
                )
            )
        ),
        agreement=Agreement(read="packed copies of the pictures", largest=0.0213, pictures=104, changed=1),
        reproduction=_reproduction(),
    )


def _data() -> Data:
    return Data(
        source="photos/",
        kind="class folders",
        split="Ravine divided them at random within each class, copies kept together.",
        classes=tuple(ClassCount(name, 136 - 14 * i, 14 - i, 12 - (i > 4)) for i, name in enumerate(CLASSES)),
        sizes=PictureSizes((120, 160), (1024, 768), (6000, 4000)),
        set_aside=tuple(SetAside(f"photos/bag/IMG_{i:04}.jpg", "truncated: 812 of 40,311 bytes") for i in range(7)),
        duplicates=(PictureGroup(("photos/bag/a.jpg", "photos/bag/a (copy).jpg")),),
        near_duplicates=(),
        conflicts=(PictureGroup(("photos/coat/x.jpg", "photos/dress/x.jpg"), ("coat", "dress")),),
        leaks=(),
        notes=(Note("turned upright as EXIF says", 112), Note("transparent, put on white", 3)),
    )


def _plan() -> PlanChosen:
    return PlanChosen(
        (
            Choice("backbone", "efficientnet_lite0", "Knows ImageNet; comes with Ravine, so nothing is downloaded."),
            Choice("head", "multinomial logistic", "With 115 pictures a class, a convex head has nothing to go wrong."),
            Choice("penalty", "l2 = 1.0e-3", "Chosen by 5-fold cross-validation."),
        )
    )


def _training() -> Training:
    epochs = np.arange(1, 21)
    curves = tuple(
        Curve(
            f"member {i}",
            tuple(2 * np.exp(-0.25 * epochs * (1 + 0.1 * i))),
            tuple(0.35 + 1.8 * np.exp(-0.25 * epochs) + 0.004 * i * epochs),
            tuple(0.9 - 0.7 * np.exp(-0.3 * epochs) - 0.01 * i),
            chosen=i == 0,
        )
        for i in range(3)
    )
    return Training(
        metric="validation NLL",
        candidates=(
            Candidate("head on the last features", 0.3412, True),
            Candidate("head on stage 5", 0.4127, False, "fewer features"),
            Candidate("small network from scratch", float("nan"), False, "stopped: out of time"),
        ),
        curves=curves,
        penalty_path=PenaltyPath((1e-5, 1e-4, 1e-3, 1e-2, 1e-1), (0.52, 0.41, 0.3412, 0.44, 0.9), 2),
        refit="The chosen head was fitted again on the 936 training and validation pictures together.",
    )


def _mistakes(found: np.ndarray, labels: np.ndarray) -> Mistakes:
    rng = np.random.default_rng(1)
    predicted, confidence = found.argmax(axis=1), found.max(axis=1)
    wrong = [int(i) for i in np.argsort(-confidence) if predicted[i] != labels[i]]
    shapes = [(28, 28), (120, 160, 3), (200, 90, 3)]
    worst = tuple(
        Mistake(
            rng.integers(0, 255, shapes[i % 3], dtype=np.uint8),
            CLASSES[labels[i]],
            CLASSES[predicted[i]],
            float(confidence[i]),
            f"photos/{CLASSES[labels[i]]}/IMG_{i:04}.jpg",
        )
        for i in wrong
    )
    return Mistakes(len(labels), len(wrong), worst)


def _reproduction() -> Reproduction:
    return Reproduction(
        command="ravine fit photos/ --out runs/photos --seed 0",
        seed=0,
        plan='backbone = "efficientnet_lite0"\n\n[head]\npenalty = 0.001\n',
        versions=(("ravine", "0.1.0"), ("torch", "2.14.0")),
        machine=(("device", "cpu"), ("cores", "2")),
        files=(
            WrittenFile("model.ravine", 13_642_112, "the model"),
            WrittenFile("report.html", 4_900_000, "this page"),
        ),
    )
