"""From a source of pictures to a classifier in one file, with a report.

scan ▶ plan ▶ split ▶ pack ▶ fit (choose, calibrate, refit) ▶ evaluate on the test pictures, once ▶ bundle ▶ report

A pack is made where training reads one.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from ravine.base.errors import PlanError
from ravine.bundle import Model
from ravine.data.audit import Audit
from ravine.data.mirror import look
from ravine.data.pack import Pack, Packed, pack
from ravine.data.scan import scan
from ravine.data.sources import read_source
from ravine.data.split import Split
from ravine.device.machine import choose_device, enough_memory, threads, usable_cores, versions
from ravine.experiment.fitted import Evidence, Fitted
from ravine.experiment.scratch import Scratch
from ravine.experiment.stages import Progress, Stages
from ravine.optim.second_order.minimizer import Minimizer
from ravine.plan.plan import FROZEN, UNFROZEN, Plan
from ravine.plan.presets import Facts, Reason, propose
from ravine.plan.toml import dumps, parse, wishes
from ravine.report.page import write_report
from ravine.report.wording import plural
from ravine.stories import folder
from ravine.stories.agreement import agreement
from ravine.stories.budget import affordable_epochs, epochs_after_head, seconds_of
from ravine.stories.choosing import AUTO, Choice, check, choose, divided
from ravine.stories.page import content
from ravine.stories.result import Result
from ravine.stories.run import Run
from ravine.train.record import write_jsonl
from ravine.transfer.head import FrozenBody
from ravine.transfer.unfrozen import Unfrozen


def fit(
    source: str | Path,
    out: str | Path | None = None,
    *,
    budget: str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    members: int | None = None,
    plan: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    resume: bool = False,
    progress: Progress | None = None,
    command: str | None = None,
) -> Result:
    """Train a classifier on labelled pictures.

    Args:
        source: A folder of class folders, a CSV table, a .npz file, or "demo".
        out: The folder to write; "runs/NAME of the source" if not given.
        budget: Time that the whole run may take, such as "60s"; it limits the epochs of training in steps, and with
            transfer=auto which ways to transfer are raced.
        epochs: Passes over the pictures, for training from scratch.
        seed: Fixes the split, the initialisation, the order of the pictures and all other chance; 0 if not given.
        members: How many networks are trained, of which the best on validation pictures is kept; 1 if not given.
        plan: The plan.toml of an earlier run, to be repeated.
        settings: Further choices by name, such as {"optimizer": "adam", "optimizer.lr": 0.001, "split.test": 0.25};
            {"transfer": "auto"} decides by measurement how much of a pretrained body is trained.
        device: "auto", "cpu" or "cuda".
        resume: Go on with a run that is in `out` already; a finished one is returned at once.
        progress: Shows how far the run is.
        command: How the run was asked for, to be shown in the report.

    Returns:
        The finished run.

    Raises:
        RavineError: Pictures, choices or the output folder cannot be used as given; the message says what to do.
    """
    target = Path(out) if out is not None else Path("runs") / (Path(source).resolve().stem or "run")
    if folder.prepare(target, resume):
        return Result(target, json.loads((target / folder.RESULT).read_text(encoding="utf-8")))
    if budget and epochs is not None:
        raise PlanError("budget and epochs both decide how long to train. Give one of them.")
    seconds = seconds_of(budget) if budget else None
    named = {"epochs": epochs, "seed": seed, "members": members, "device": None if device == "auto" else device}
    asked = _asked(plan, {**(settings or {}), **{name: value for name, value in named.items() if value is not None}})
    check(asked, seconds)
    stages = Stages(progress or Progress())
    run = _train(source, asked, choose_device(device), seconds, stages)
    return _write(run, target, command or f"ravine.fit({str(source)!r}, out={str(target)!r})", stages)


def _train(source: str | Path, asked: Mapping[str, Any], device: str, seconds: float | None, stages: Stages) -> Run:
    """Everything up to the evaluation on the test pictures, which happens here and only here."""
    listing = read_source(source)
    with stages.stage("scan", "scan", len(listing.items)) as advance:
        audit = scan(listing, advance=advance)
    choice = _choice(audit, facts_of(audit, device), asked, seconds, stages)
    plan, reasons = choice.plan, choice.reasons
    choose_device(plan.device)
    parts = divided(audit, plan)

    @cache
    def packed() -> Pack:
        with stages.stage("pack", "pack", len(audit)) as advance:
            return pack(audit, plan.picture, advance=advance)

    if plan.reads_pack:
        packed()
    with threads(plan.threads), enough_memory():
        if seconds:
            plan, reasons = _within(seconds - stages.total, plan, reasons, packed, parts, audit)
        fitted = _fit(plan, audit, packed, parts, stages)
        plan = fitted.decided.into(plan)
        model = Model(
            fitted.network, audit.classes, plan.picture, fitted.temperature, dumps(plan), {}, versions(), fitted.members
        )
        with stages.stage("evaluate", "evaluate", len(parts.test)) as advance:
            if fitted.said:
                z, differ = fitted.said(parts.test, advance), None
            else:
                z, differ = model.said(audit.pixels, parts.test, advance)
            tested = Evidence(z, audit.labels[parts.test], f"the {len(parts.test):,} test pictures")
            shift = agreement(model, fitted, audit, packed, parts.test, tested)
    model = replace(model, scores=tested.scores(model.classes, model.temperature).summary())
    return Run(str(source), audit, parts, plan, tuple(reasons), fitted, model, tested, shift, differ, choice.decision)


def _choice(audit: Audit, facts: Facts, asked: Mapping[str, Any], seconds: float | None, stages: Stages) -> Choice:
    """The plan: as asked and preset, or that of the way to transfer that wins a race."""
    if asked.get("transfer") == AUTO:
        return choose(audit, facts, asked, stages, seconds)
    return Choice(*propose(facts, asked))


def _write(run: Run, out: Path, command: str, stages: Stages) -> Result:
    """Write the files of a run; `result.json`, which marks it as finished, last."""
    folder.make(out)
    run.model.save(out / folder.MODEL)
    folder.write_text(out / folder.PLAN, run.model.plan)
    run.parts.write_csv(out / folder.SPLIT, run.audit)
    write_jsonl(run.fitted.history, out / folder.METRICS)
    summary = run.summary()
    with stages.stage("report", "report", 1) as advance:
        seconds = stages.seconds | {"total": stages.total}
        write_report(content(run, out, command, seconds), out / folder.REPORT)
        advance(1)
    every = dict.fromkeys(("scan", "pack", "features", "train", "evaluate"), 0.0)
    summary["seconds"] = {
        name: round(value, 3) for name, value in (every | stages.seconds | {"total": stages.total}).items()
    }
    folder.write_json(out / folder.RESULT, summary)
    return Result(out, summary)


def _asked(plan: str | Path | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the user wants, from a plan file and from single settings; the settings go first."""
    if plan is None:
        return wishes(settings)
    path = Path(plan)
    if not path.is_file():
        raise PlanError(f"There is no plan at {path}. Give the plan.toml of an earlier run.")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise PlanError(f"{path} is no plan ({wrong}). Give the plan.toml of an earlier run.") from wrong
    return wishes(parse(text, str(path)) | dict(settings))


def facts_of(audit: Audit, device: str) -> Facts:
    """What the presets know of pictures and machine."""
    sides = np.maximum(audit.heights, audit.widths)
    return Facts(
        pictures=sum(part != "test" for part in audit.parts),
        classes=len(audit.classes),
        median_side=int(np.median(sides)),
        same_size=bool((audit.heights == audit.widths).all() and (sides == sides[0]).all()),
        grey=audit.all_grey,
        cores=usable_cores(),
        device=device,
        mirror=partial(look, audit),
    )


def _within(
    seconds: float, plan: Plan, reasons: list[Reason], packed: Packed, parts: Split, audit: Audit
) -> tuple[Plan, list[Reason]]:
    """Cut the epochs to what the time allows; a head has none, and takes what it takes."""
    if plan.epochs is None:
        return plan, reasons
    if isinstance(plan.optimizer, Minimizer):
        raise PlanError("budget limits epochs of mini-batches; a full-batch minimizer has none. Give epochs instead.")
    if plan.transfer in UNFROZEN:
        epochs = epochs_after_head(Unfrozen(plan, audit, packed, parts), seconds)
    else:
        epochs = affordable_epochs(Scratch(plan, packed(), parts, audit.classes), seconds)
    last = max((rung.epoch for rung in plan.rungs), default=0)
    if epochs <= last:
        raise PlanError(
            f"The budget allows {plural(epochs, 'epoch')}, and a rung is after epoch {last} of {plan.epochs}. Give a "
            "longer budget, or rungs at earlier epochs."
        )
    if epochs < plan.epochs:
        reasons = [reason for reason in reasons if reason.name != "epochs"]
        reasons.append(
            Reason("epochs", str(epochs), f"As many as the budget allows; without it there were {plan.epochs}.")
        )
    return replace(plan, epochs=epochs), reasons


def _fit(plan: Plan, audit: Audit, packed: Packed, parts: Split, stages: Stages) -> Fitted:
    if plan.transfer in FROZEN:
        return FrozenBody(plan, audit, packed, parts).fit(stages)
    if plan.transfer in UNFROZEN:
        return Unfrozen(plan, audit, packed, parts).fit(stages)
    return Scratch(plan, packed(), parts, audit.classes).fit(stages)
