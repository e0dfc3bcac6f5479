"""From a run to the content of its page."""

import math
from pathlib import Path

import numpy as np

from ravine.data.audit import Audit, Sets
from ravine.device.machine import describe
from ravine.ensemble.committee import Committee
from ravine.report import content as page
from ravine.report import found
from ravine.stats.calibration import probabilities
from ravine.stats.scores import reliability
from ravine.stories import folder
from ravine.stories.page_transfer import transfer
from ravine.stories.run import Run
from ravine.train.record import Epoch

METRICS = {"nll": "negative log-likelihood", "accuracy": "accuracy", "macro_f1": "macro-F1"}
KINDS = {"folder": "class folders", "manifest": "CSV table", "arrays": "NumPy arrays", "demo": "built-in pictures"}
STAGES = ("scan", "pack", "features", "race", "train", "evaluate", "report")
THUMBNAILS = 24


def content(run: Run, out: Path, command: str, seconds: dict[str, float]) -> page.Content:
    """What the page of a run shows.

    Args:
        run: The run.
        out: Its folder, where the files lie already.
        command: How it was asked for.
        seconds: By stage, and "total".
    """
    pictures, classes = len(run.audit), run.audit.classes
    p = probabilities(run.tested.logits, run.model.temperature)
    scores = run.tested.scores(classes, run.model.temperature)
    return page.Content(
        title=f"A classifier of {len(classes)} classes from {pictures:,} pictures",
        subtitle=f"Source: {run.source}",
        headline=_headline(run, out, seconds["total"]),
        data=_data(run),
        plan=page.PlanChosen(tuple(page.Choice(r.name, r.value, r.why) for r in run.reasons)),
        transfer=run.decision and transfer(run.decision),
        training=_training(run),
        calibration=page.Calibration(
            before=reliability(probabilities(run.tested.logits), run.tested.labels),
            after=reliability(p, run.tested.labels),
            temperature=run.model.temperature,
            fitted_on=run.fitted.unseen.name if run.fitted.unseen else "no pictures: it was left at 1",
        ),
        committee=_committee(run),
        confusion=page.Confusion(classes, scores.confusion),
        per_class=page.PerClass(scores.classes),
        mistakes=_mistakes(run, p),
        time=_time(seconds, run.fitted.course),
        agreement=page.Agreement(**vars(run.shift)),
        reproduction=_reproduction(run, out, command),
    )


def _headline(run: Run, out: Path, total_seconds: float) -> page.Headline:
    scores = run.tested.scores(run.audit.classes, run.model.temperature)
    counts = np.bincount(run.tested.labels, minlength=len(run.audit.classes))
    held = run.fitted.unseen
    on = held.name if held else "no pictures: there was one candidate"
    failed = tuple(f"Member {member + 1} failed: its loss was not finite." for member in run.fitted.failed)
    return page.Headline(
        classes=len(run.audit.classes),
        pictures=len(run.audit),
        scores=scores,
        baseline=float(counts.max() / counts.sum()),
        baseline_class=run.audit.classes[int(counts.argmax())],
        selection_metric=f"{METRICS[run.plan.select]} on {on}",
        seconds=total_seconds,
        model_bytes=(out / folder.MODEL).stat().st_size,
        caveats=failed,
    )


def _data(run: Run) -> found.Data:
    audit, parts = run.audit, run.parts
    by_part = [
        np.bincount(audit.labels[rows], minlength=len(audit.classes)).tolist()
        for rows in (parts.train, parts.validation, parts.test)
    ]
    counts = tuple(found.ClassCount(*row) for row in zip(audit.classes, *by_part, strict=True))
    return found.Data(
        source=run.source,
        kind=KINDS[audit.kind],
        split=f"{parts.origin}, seed {run.plan.seed}.",
        classes=counts,
        sizes=_sizes(audit),
        set_aside=tuple(found.SetAside(aside.name, aside.reason) for aside in audit.set_aside),
        duplicates=_groups(audit, audit.duplicates),
        near_duplicates=_groups(audit, audit.near_duplicates),
        conflicts=_groups(audit, audit.conflicts),
        leaks=_leaks(run),
        notes=tuple(found.Note(text, count) for text, count in audit.notes.items()),
    )


def _sizes(audit: Audit) -> found.PictureSizes:
    order = np.argsort(audit.heights * audit.widths, kind="stable")
    smallest, median, largest = (
        (int(audit.widths[index]), int(audit.heights[index])) for index in order[[0, len(order) // 2, -1]]
    )
    return found.PictureSizes(smallest, median, largest)


def _groups(audit: Audit, sets: Sets) -> tuple[found.PictureGroup, ...]:
    return tuple(
        found.PictureGroup(
            tuple(audit.names[index] for index in members),
            tuple(audit.classes[audit.labels[index]] for index in members),
        )
        for members in sets
    )


def _leaks(run: Run) -> tuple[found.PictureGroup, ...]:
    part = np.empty(len(run.audit), dtype=object)
    for word in ("train", "validation", "test"):
        part[getattr(run.parts, word)] = word
    sets = (*run.audit.duplicates, *run.audit.near_duplicates)
    return tuple(
        found.PictureGroup(tuple(run.audit.names[i] for i in members), tuple(part[list(members)]))
        for members in sets
        if "test" in part[list(members)] and len(set(part[list(members)])) > 1
    )


def _training(run: Run) -> page.Training:
    fitted = run.fitted
    members = sorted({epoch.member for epoch in fitted.history})
    chosen = next((place for place, one in enumerate(fitted.candidates) if one.chosen), 0)
    inside = set(fitted.members) if fitted.combined else {chosen}
    penalties = tuple(strength for strength, _ in fitted.penalties)
    path = page.PenaltyPath(penalties, tuple(nll for _, nll in fitted.penalties), chosen) if penalties else None
    return page.Training(
        metric=METRICS[run.plan.select],
        better="lower" if run.plan.select == "nll" else "higher",
        candidates=tuple(
            page.Candidate(one.name, one.value, one.chosen, one.note, row in fitted.ended)
            for row, one in enumerate(fitted.candidates)
        ),
        curves=tuple(_curve(fitted.history, member, member in inside) for member in members),
        penalty_path=path,
        combined=fitted.combined,
        refit=fitted.refit,
    )


def _curve(history: tuple[Epoch, ...], member: int, chosen: bool) -> page.Curve:
    own = [epoch for epoch in history if epoch.member == member and epoch.run == "choose"]
    return page.Curve(
        member=f"member {member + 1}",
        train_loss=tuple(epoch.train_loss for epoch in own),
        validation_loss=tuple(epoch.validation_nll for epoch in own if epoch.validation_nll is not None),
        validation_accuracy=tuple(epoch.validation_accuracy for epoch in own if epoch.validation_accuracy is not None),
        chosen=chosen,
    )


def _committee(run: Run) -> page.Committee | None:
    if run.disagreement is None or not isinstance(run.model.network, Committee):
        return None
    right, nats = run.right(), run.disagreement.mutual_information
    most = np.argsort(-nats, kind="stable")[: max(1, len(nats) // 10)]
    return page.Committee(
        answers=len(run.model.network.votes),
        right=float(nats[right].mean()) if right.any() else math.nan,
        wrong=float(nats[~right].mean()) if not right.all() else math.nan,
        tenth=len(most),
        mistakes=int((~right[most]).sum()),
        all_mistakes=int((~right).sum()),
    )


def _mistakes(run: Run, p: np.ndarray) -> page.Mistakes:
    labels, classes = run.tested.labels, run.audit.classes
    predicted = p.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(-p.max(axis=1)[wrong], kind="stable")][:THUMBNAILS]
    shown = tuple(
        page.Mistake(
            thumbnail=run.audit.pixels(int(run.parts.test[place])),
            true=classes[labels[place]],
            predicted=classes[predicted[place]],
            confidence=float(p[place, predicted[place]]),
            file=run.audit.names[run.parts.test[place]],
        )
        for place in worst
    )
    return page.Mistakes(tested=len(labels), wrong=len(wrong), worst=shown)


def _time(seconds: dict[str, float], course: tuple[str, ...]) -> page.TimeSpent:
    known = [page.Stage(name, seconds[name]) for name in STAGES if name in seconds]
    other = seconds["total"] - sum(stage.seconds for stage in known)
    return page.TimeSpent((*known, page.Stage("other", max(0.0, other))), course)


def _reproduction(run: Run, out: Path, command: str) -> page.Reproduction:
    files = tuple(
        page.WrittenFile(name, (out / name).stat().st_size, purpose)
        for name, purpose in folder.PURPOSES.items()
        if (out / name).is_file()
    )
    return page.Reproduction(
        command=command,
        seed=run.plan.seed,
        plan=run.model.plan,
        versions=tuple(run.model.versions.items()),
        machine=tuple(describe(run.plan.device).items()),
        files=files,
        model=str(out / folder.MODEL),
    )
