"""Words to calls: the command line."""

import json
import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import Annotated, Any, NoReturn

import typer

from ravine import __version__

app = typer.Typer(
    help="Train an image classifier on your own pictures, and know which technique paid.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Source = Annotated[str, typer.Argument(help="Folder of class folders, .csv table, .npz arrays, or the word demo.")]
ModelFile = Annotated[Path, typer.Argument(help="A model.ravine that `ravine fit` wrote.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Any choice, such as optimizer=adam or split.test=0.25. Repeatable."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def main() -> NoReturn:
    """Run the command line; a user's mistake ends with one message and exit code 2."""
    from ravine.base.errors import RavineError
    from ravine.device.allocator import keep_freed_memory
    from ravine.device.garbage import collect_seldom

    keep_freed_memory()
    collect_seldom()
    try:
        app()
    except RavineError as mistake:
        print(f"ravine: {mistake}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    sys.exit(0)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"ravine {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


@app.command()
def fit(
    source: Source,
    out: Annotated[Path | None, typer.Option(help="Folder to write. [default: runs/NAME of the source]")] = None,
    budget: Annotated[
        str | None, typer.Option(help="Time for the whole run, such as 60s or 5m; limits the epochs.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the pictures, when training from scratch.")] = None,
    seed: Annotated[int | None, typer.Option(help="Fixes all chance. [default: 0]")] = None,
    members: Annotated[int | None, typer.Option(help="Networks to train; the best is kept. [default: 1]")] = None,
    plan: Annotated[Path | None, typer.Option(help="A plan.toml of an earlier run, to be repeated.")] = None,
    set_: Settings = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that is in the folder.")] = False,
) -> None:
    """Train a classifier on labelled pictures.

    With --set transfer=auto, a race on your pictures decides how much of a pretrained body is trained.
    """
    from ravine.plan.toml import read_settings
    from ravine.stories import fit as story
    from ravine.stories.terminal import progress, show_result

    result = story.fit(
        source,
        out,
        budget=budget,
        epochs=epochs,
        seed=seed,
        members=members,
        plan=plan,
        settings=read_settings(set_ or []),
        device=device,
        resume=resume,
        progress=progress(),
        command=_command(),
    )
    show_result(result)


@app.command()
def predict(
    model: ModelFile,
    paths: Annotated[list[Path], typer.Argument(help="Pictures, or folders of them.")],
    as_json: Json = False,
) -> None:
    """Classify pictures."""
    from ravine.stories.prediction import predict_paths
    from ravine.stories.terminal import progress, show_predictions

    predictions, mistakes = predict_paths(model, paths, progress())
    if as_json:
        _print_json(
            [one.facts() for one in predictions] + [{"path": name, "error": reason} for name, reason in mistakes]
        )
    else:
        show_predictions(predictions)
    for name, reason in () if as_json else mistakes:
        print(f"ravine: {name}: {reason}", file=sys.stderr)
    if mistakes:
        raise typer.Exit(2)


@app.command()
def evaluate(model: ModelFile, source: Source, as_json: Json = False) -> None:
    """Judge a model on labelled pictures: on the part marked as test where there is one, else on all."""
    from ravine.stories import evaluation
    from ravine.stories.terminal import progress, show_scores

    scores = evaluation.evaluate(model, source, progress())
    if as_json:
        _print_json(evaluation.facts(scores))
    else:
        show_scores(scores)


@app.command()
def check(source: Source, as_json: Json = False) -> None:
    """Open every picture, and say what can be used and what cannot."""
    from ravine.stories import evaluation
    from ravine.stories.terminal import progress, show_audit

    audit = evaluation.check(source, progress())
    if as_json:
        _print_json(audit.summary())
    else:
        show_audit(audit)


@app.command()
def device(
    source: Annotated[
        str | None, typer.Argument(help="Pictures, whose decoding and whose plan are looked at. [default: demo]")
    ] = None,
    set_: Settings = None,
    as_json: Json = False,
) -> None:
    """Measure what this machine can do, and say which device `auto` takes."""
    from ravine.plan.toml import read_settings
    from ravine.stories.device import bench
    from ravine.stories.device_table import as_json as facts
    from ravine.stories.device_table import render

    found = bench(source, read_settings(set_ or []))
    if as_json:
        _print_json(facts(found))
    else:
        print(render(found, get_terminal_size((100, 24)).columns))


@app.command()
def techniques(name: Annotated[str | None, typer.Argument(help="One of them, to read its card.")] = None) -> None:
    """List what a plan can say, or explain one technique."""
    from ravine.stories.techniques import card, listing

    print(card(name) if name else listing())


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def _command() -> str:
    from shlex import join

    return join(["ravine", *sys.argv[1:]])
