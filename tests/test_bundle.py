"""The model file: what is saved is what is loaded, and nothing else is."""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, safe_open, save_file
from torch import nn

from ravine.base.errors import BundleError, ImageError, OutputError, SourceError
from ravine.bundle import KEY, Model, load
from ravine.data.preprocess import Preprocess
from ravine.data.split import SplitChoices
from ravine.ensemble.committee import Committee, answering
from ravine.ensemble.ema import EMA
from ravine.ensemble.ensemble import Ensemble
from ravine.ensemble.independent import Independent
from ravine.ensemble.monte_carlo import MonteCarlo
from ravine.ensemble.snapshot import Snapshot
from ravine.ensemble.test_time import Views
from ravine.models.architecture import Architecture
from ravine.models.backbone import Backbone
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.sgd import SGD
from ravine.plan.members import of_members
from ravine.plan.plan import HeadChoices, Plan
from ravine.plan.toml import dumps
from ravine.regularize.dropout import Dropout, DropoutLayer
from ravine.schedules.constant import Constant
from ravine.train import evaluate
from ravine.train.techniques import MemberTechniques

RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 256, (30 + n, 40, 3), dtype=np.uint8) for n in range(4)]
PICTURE = Preprocess(size=32, channels=3)
CLASSES = ("ähre", "b/c", "zebra")


SMALL = MLP(width=4, depth=1)


def _model(architecture: Architecture = SMALL, picture: Preprocess = PICTURE) -> Model:
    torch.manual_seed(0)
    plan = Plan(architecture, "scratch", picture, SplitChoices(), SGD(), Constant(), penalty=(), epochs=1, batch_size=2)
    network = architecture.build(picture.channels, picture.size, len(CLASSES))
    network(torch.randn(8, picture.channels, picture.size, picture.size))
    scores = {"accuracy": 0.75, "accuracy_interval": [0.5, 0.9], "n": 4}
    return Model(network.eval(), CLASSES, picture, 1.7, dumps(plan), scores, {"torch": "2.14.0"})


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "model.ravine"
    _model().save(path)
    return path


@pytest.mark.parametrize(
    "architecture",
    [MLP(width=4, depth=1), SmallCNN(width=4, depth=2), Backbone("test_resnet", "random")],
    ids=["mlp", "small_cnn", "backbone"],
)
def test_what_is_loaded_is_what_was_saved(architecture: Architecture, tmp_path: Path) -> None:
    model = _model(architecture)
    model.save(tmp_path / "m.ravine")
    again = load(tmp_path / "m.ravine")
    state = again.network.state_dict()
    assert list(state) == list(model.network.state_dict())
    assert all(torch.equal(value, state[name]) for name, value in model.network.state_dict().items())
    assert (again.classes, again.picture, again.temperature) == (CLASSES, PICTURE, 1.7)
    assert (again.plan, again.scores, again.versions) == (model.plan, model.scores, model.versions)
    assert not again.network.training
    for one, other in zip(model.predict(PICTURES), again.predict(PICTURES), strict=True):
        assert one.label == other.label
        assert list(other.probabilities) == list(CLASSES)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)


ENSEMBLES = [
    (Independent(), (0, 1, 2), [0.5, 0.2, 0.3]),
    (Snapshot(), (1, 1), [0.5, 0.5]),
    (EMA(), (0,), [1.0]),
    (Views(1, mirror=True), (0,), [1.0]),
    (MonteCarlo(3), (0,), [1.0]),
]


@pytest.mark.parametrize(("ensemble", "members", "votes"), ENSEMBLES)
def test_an_ensemble_is_loaded_as_it_was_saved(
    ensemble: Ensemble, members: tuple[int, ...], votes: list[float], tmp_path: Path
) -> None:
    part = Dropout(p=(0.2, 0.3, 0.4))
    plan = Plan(SMALL, "scratch", PICTURE, SplitChoices(), SGD(), Constant(), penalty=(), epochs=1, batch_size=2)
    plan = replace(plan, members=3, techniques=(part,), ensemble=ensemble)
    networks = [
        MemberTechniques(member, [of_members(part, [member])]).installed(SMALL.build(3, 32, 3)) for member in members
    ]
    network = ensemble.finish(answering(networks, votes))
    model = Model(network, CLASSES, PICTURE, 1.3, dumps(plan), {}, {}, members)
    model.save(tmp_path / "m.ravine")
    again = load(tmp_path / "m.ravine")
    assert again.members == members
    assert again.predict(PICTURES) == model.predict(PICTURES)
    each = model.predict(PICTURES[:1])[0]
    answers = len(network.votes) if isinstance(network, Committee) else 1
    assert (each.disagreement is None) == (answers == 1)
    assert ("disagreement" in each.facts()) == (answers > 1)


def test_the_members_of_an_ensemble_that_agree_have_no_disagreement() -> None:
    network = SMALL.build(3, 32, 3)
    votes = [0.5, 0.5]
    same = Model(answering([network, network], votes), CLASSES, PICTURE, 1.0, "", {}, {}, (0, 0))
    other = Model(answering([network, SMALL.build(3, 32, 3)], votes), CLASSES, PICTURE, 1.0, "", {}, {}, (0, 1))
    assert same.predict(PICTURES[0])[0].disagreement == pytest.approx(0, abs=1e-6)
    assert other.predict(PICTURES[0])[0].disagreement > 1e-4


def test_saving_twice_gives_the_same_bytes_and_leaves_nothing_beside(tmp_path: Path) -> None:
    model = _model()
    model.save(tmp_path / "a.ravine")
    model.save(tmp_path / "b.ravine")
    (tmp_path / "b.ravine").write_text("old")
    model.save(tmp_path / "b.ravine")
    assert (tmp_path / "a.ravine").read_bytes() == (tmp_path / "b.ravine").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ravine", "b.ravine"]


def test_a_place_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot be written to .*nowhere.*Choose another folder"):
        _model().save(tmp_path / "nowhere" / "m.ravine")
    (tmp_path / "m.ravine").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        _model().save(tmp_path / "m.ravine")
    assert [path.name for path in tmp_path.iterdir()] == ["m.ravine"]


def test_probabilities_are_the_softmax_of_the_logits_at_the_temperature(saved: Path) -> None:
    model = load(saved)
    with torch.no_grad():
        z = model.network(PICTURE(PICTURES)).double() / 1.7
    for row, one in zip(torch.softmax(z, dim=1).tolist(), model.predict(PICTURES), strict=True):
        assert list(one.probabilities.values()) == pytest.approx(row, abs=1e-6)
        assert one.confidence == max(one.probabilities.values())
        assert one.probabilities[one.label] == one.confidence
        assert sum(one.probabilities.values()) == pytest.approx(1)


def test_paths_folders_arrays_and_pil_images_say_the_same(saved: Path, tmp_path: Path) -> None:
    model = load(saved)
    Image.fromarray(PICTURES[0]).save(tmp_path / "0.png")
    Image.fromarray(PICTURES[1]).save(tmp_path / "1.png")
    expected = [one.probabilities for one in model.predict(PICTURES[:2])]
    ways: list[Any] = [
        [tmp_path / "0.png", str(tmp_path / "1.png")],
        tmp_path,
        str(tmp_path),
        [Image.fromarray(PICTURES[0]), tmp_path / "1.png"],
        (picture for picture in PICTURES[:2]),
    ]
    for way in ways:
        assert [one.probabilities for one in model.predict(way)] == expected
    assert [one.name for one in model.predict(tmp_path)] == [str(tmp_path / "0.png"), str(tmp_path / "1.png")]
    assert [one.name for one in model.predict([PICTURES[0], tmp_path / "1.png"])] == ["0", str(tmp_path / "1.png")]


@pytest.mark.parametrize("drop", [False, True])
def test_shares_of_several_cores_say_what_one_core_says(monkeypatch: pytest.MonkeyPatch, drop: bool) -> None:
    monkeypatch.setattr(evaluate, "SHARE_BYTES", 1)
    model = _model(SmallCNN(width=4, depth=2))
    network = nn.Sequential(model.network, DropoutLayer(0.5, "inverted")) if drop else model.network
    model, rows = replace(model, network=network), np.array([3, 1, 0, 2])
    done: list[int] = []
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        said, _ = model.said(PICTURES.__getitem__, rows, done.append)
    finally:
        torch.set_num_threads(before)
    with torch.no_grad():
        expected = model.network(PICTURE([PICTURES[row] for row in rows])).numpy()
    assert np.abs(said - expected).max() < 1e-5
    assert sum(done) == 4


def test_one_picture_needs_no_list(saved: Path, tmp_path: Path) -> None:
    model = load(saved)
    Image.fromarray(PICTURES[0]).save(tmp_path / "0.png")
    expected = model.predict([PICTURES[0]])[0].probabilities
    for picture in (PICTURES[0], Image.fromarray(PICTURES[0]), tmp_path / "0.png"):
        found = model.predict(picture)
        assert [one.probabilities for one in found] == [expected]
    grey = PICTURES[0][..., 0]
    assert model.predict(grey)[0].probabilities == model.predict(np.stack([grey] * 3, axis=2))[0].probabilities
    assert len(model.predict(np.stack(PICTURES[:1] * 3))) == 3


def test_what_is_no_picture_is_an_error(saved: Path, tmp_path: Path) -> None:
    model = load(saved)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ImageError, match=r"text\.png"):
        model.predict(tmp_path / "text.png")
    with pytest.raises(ImageError, match="It must be uint8"):
        model.predict(np.zeros((4, 4, 3)))
    with pytest.raises(SourceError, match="There is no file or folder"):
        model.predict(tmp_path / "nowhere.png")
    with pytest.raises(SourceError, match="There are no pictures"):
        model.predict([])


def _loads_the_same(path: Path, original: Model) -> bool:
    model = load(path)
    state = model.network.state_dict()
    same = all(torch.equal(value, state[name]) for name, value in original.network.state_dict().items())
    return same and (model.classes, model.temperature, model.plan) == (CLASSES, 1.7, original.plan)


@how(max_examples=60)
@given(data=st.data())
def test_a_truncated_file_is_an_error(
    saved: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = saved.read_bytes()
    path = tmp_path_factory.getbasetemp() / "short.ravine"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(BundleError, match="Give the file that `ravine fit` wrote"):
        load(path)


@how(max_examples=150)
@given(data=st.data())
def test_a_changed_byte_is_an_error_or_of_no_account(
    saved: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray(saved.read_bytes())
    place = data.draw(st.one_of(st.integers(0, 3_000), st.integers(0, len(whole) - 1)))
    whole[min(place, len(whole) - 1)] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "flipped.ravine"
    path.write_bytes(whole)
    try:
        assert _loads_the_same(path, _model())
    except BundleError as mistake:
        assert str(path) in str(mistake)


def test_a_changed_weight_is_an_error(saved: Path, tmp_path: Path) -> None:
    whole = bytearray(saved.read_bytes())
    whole[-2] ^= 1
    (tmp_path / "m.ravine").write_bytes(whole)
    with pytest.raises(BundleError, match="damaged"):
        load(tmp_path / "m.ravine")


class Harmful:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("write", [lambda harm, path: path.write_bytes(pickle.dumps(harm)), torch.save])
def test_a_pickle_is_refused_and_runs_nothing(tmp_path: Path, write: Callable[[Any, Path], object]) -> None:
    write(Harmful(tmp_path / "harm"), tmp_path / "m.ravine")
    with pytest.raises(BundleError, match="is not a model file of Ravine"):
        load(tmp_path / "m.ravine")
    assert not (tmp_path / "harm").exists()


def test_loading_unpickles_nothing(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("something was unpickled")

    for owner, name in ((torch, "load"), (pickle, "load"), (pickle, "loads"), (pickle, "Unpickler")):
        monkeypatch.setattr(owner, name, refuse)
    assert load(saved).classes == CLASSES


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.ravine"
    with pytest.raises(BundleError, match="There is no model file at"):
        load(path)
    with pytest.raises(BundleError, match="There is no model file at"):
        load(tmp_path)
    for content in (b"", b"text", b"\x89PNG\r\n\x1a\n" + bytes(100), b"PK\x03\x04" + bytes(100), b"\xff" * 64):
        path.write_bytes(content)
        with pytest.raises(BundleError, match="is not a model file of Ravine, or is damaged"):
            load(path)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(BundleError, match="is not a model file of Ravine, or is damaged"):
        load(path)


def _rewritten(saved: Path, path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """The same file with another header, whose checksum fits: as someone would write it on purpose."""
    model = load(saved)
    state = load_file(saved)
    with safe_open(saved, framework="pt") as file:
        header = json.loads(file.metadata()[KEY])
    changed = change(header)
    from ravine import bundle

    if isinstance(changed, dict):
        changed.pop("sha256")
        changed["sha256"] = bundle._digest(changed, state)
    save_file(
        {name: value.clone() for name, value in model.network.state_dict().items()}, path, {KEY: json.dumps(changed)}
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: [], "is not a model file of Ravine"),
        (lambda _: 3, "is not a model file of Ravine"),
        (lambda header: {**header, "format": 1}, "has format 1; this version reads 2"),
        (lambda header: {**header, "plan": "model = "}, "is damaged, or was written by another version"),
        (lambda header: {**header, "plan": 3}, "is damaged, or was written by another version"),
        (lambda header: {**header, "plan": header["plan"].replace("mlp", "nlp")}, "Did you mean 'mlp'"),
        (lambda header: {**header, "plan": header["plan"].replace("width = 4", "width = 5")}, "size mismatch"),
        (lambda header: {**header, "classes": ["a", "b"]}, "size mismatch"),
        (lambda header: {**header, "classes": None}, "is damaged, or was written by another version"),
        (lambda header: {**header, "classes": [1, 2, 3]}, "classes"),
        (lambda header: {**header, "classes": ["a", "a", "b"]}, "classes"),
        (lambda header: {**header, "temperature": 0}, "temperature"),
        (lambda header: {**header, "temperature": -1.0}, "temperature"),
        (lambda header: {**header, "temperature": "hot"}, "is damaged, or was written by another version"),
        (lambda header: {key: value for key, value in header.items() if key != "temperature"}, "temperature"),
    ],
)
def test_headers_that_say_something_else_are_errors(
    saved: Path, tmp_path: Path, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    _rewritten(saved, tmp_path / "m.ravine", change)
    with pytest.raises(BundleError) as mistake:
        load(tmp_path / "m.ravine")
    assert message in str(mistake.value)


def test_a_header_that_is_nested_without_end_is_an_error(saved: Path, tmp_path: Path) -> None:
    save_file(load_file(saved), tmp_path / "m.ravine", {KEY: "[" * 200_000})
    with pytest.raises(BundleError, match="is not a model file of Ravine"):
        load(tmp_path / "m.ravine")


def test_a_file_that_names_a_network_elsewhere_never_asks_for_it(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("the network was asked")

    body = Backbone("test_resnet", "download")
    plan = dumps(Plan(body, "head", PICTURE, SplitChoices(), LBFGS(), head=HeadChoices()))
    plan = plan.replace("test_resnet", "hf-hub:a/b")
    _rewritten(saved, tmp_path / "m.ravine", lambda header: {**header, "plan": plan})
    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(BundleError, match="hf-hub:a/b"):
        load(tmp_path / "m.ravine")
