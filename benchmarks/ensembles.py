"""Ensembles and averages on the built-in pictures, beside the single network that their plan would give.

    python -m benchmarks.ensembles                              seeds 0 to 9
    python -m benchmarks.ensembles --seeds 0,1 --results FILE   rows are added to FILE as they come; seeds whose rows
                                                                are there are not run again

The preset with one cycle of the rate, but 16 channels for 24 and 10 epochs for 20, so that ten seeds are affordable.
Trained on 1,700 pictures, 300 more for what chooses and for the temperature; judged on Fashion-MNIST's own 10,000 test
pictures; no refit. Ways that only watch or combine share a training, so that they are compared on the same weights.
Members of one seed have one split and seeds of their own, which no other seed has. Intervals are 95 % t-intervals over
seeds, of single comparisons.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.data.fashion_mnist import read
from benchmarks.lecture.demo import scratch
from benchmarks.lecture.intervals import difference, interval
from benchmarks.machine import machine
from benchmarks.options import parser
from benchmarks.several import Several
from benchmarks.table import Cell, mean, show
from ravine.ensemble.collector import Course
from ravine.ensemble.committee import log_mean_of_softmax
from ravine.ensemble.ema import EMA
from ravine.ensemble.ensemble import Ensemble
from ravine.ensemble.independent import Independent
from ravine.ensemble.judge import Judge
from ravine.ensemble.polyak import Polyak
from ravine.ensemble.recipe import Mixture
from ravine.ensemble.selection import Selection
from ravine.ensemble.snapshot import Snapshot
from ravine.ensemble.soup import Soup
from ravine.ensemble.swa import SWA
from ravine.ensemble.test_time import Views, views
from ravine.experiment.assembly import Answer, Assembly
from ravine.experiment.fitted import Trained
from ravine.experiment.scratch import Scratch
from ravine.interfaces import Schedule
from ravine.stats.calibration import fit_temperature, probabilities
from ravine.stats.scores import negative_log_likelihood
from ravine.train.evaluate import logits, packed

MEMBERS = 5
EPOCHS = 10
NETWORK: dict[str, Any] = {"model.width": 16, "epochs": EPOCHS, "compiled": False, "refit": False}
TRAININGS: dict[str, dict[str, Any]] = {
    "one cycle": {"members": MEMBERS},
    "restarts": {"schedule": "cosine_restarts", "schedule.first": 1 / MEMBERS},
    "constant": {"schedule": "constant", "optimizer.lr": 0.02},
    "short": {"members": MEMBERS, "epochs": EPOCHS // MEMBERS},
    "augmented": {"flip": True, "crop.share": 0.04},
}
SOUP = Soup(of="epochs", start=0.5)


@dataclass(frozen=True)
class Way:
    """A way to an answer: a training, and what is made of it; None for the weights at the end of its first member."""

    name: str
    training: str
    ensemble: Ensemble | None = None


SINGLE = "single network"
LAST = "last weights, constant rate"
AUGMENTED = "single, trained with flip and 1-pixel crop"
WAYS = (
    Way(SINGLE, "one cycle"),
    Way("5 independent members", "one cycle", Independent()),
    Way("selection among 5 members", "one cycle", Selection()),
    Way("5 snapshots of one run", "restarts", Snapshot()),
    Way("last snapshot alone", "restarts"),
    Way("5 members of a fifth of the epochs", "short", Independent()),
    Way("EMA, one cycle", "one cycle", EMA()),
    Way("greedy soup of epochs, one cycle", "one cycle", SOUP),
    Way(LAST, "constant"),
    Way("EMA, constant rate", "constant", EMA()),
    Way("SWA, constant rate", "constant", SWA()),
    Way("Polyak, constant rate", "constant", Polyak()),
    Way("greedy soup of epochs, constant rate", "constant", SOUP),
    Way("10 views (shift 1, mirror)", "one cycle", Views(shift=1, mirror=True)),
    Way(AUGMENTED, "augmented"),
    Way("10 views, trained with flip and crop", "augmented", Views(shift=1, mirror=True)),
)
BESIDE = {
    **{way.name: LAST for way in WAYS if way.training == "constant" and way.ensemble},
    "5 snapshots of one run": "last snapshot alone",
    "10 views, trained with flip and crop": AUGMENTED,
}


@dataclass(frozen=True)
class Row:
    """What one way reached with one seed."""

    seed: int
    way: str
    steps: int
    networks: int
    nll: float
    calibrated: float
    accuracy: float


def trained(source: Scratch, ensembles: Iterable[Ensemble | None]) -> dict[Ensemble | None, Trained]:
    """Train the members of a plan once, for all of these ensembles."""
    members = range(source.plan.members)
    loop = source.prepare(source.split.train, [source.plan.seed + member for member in members], "choose", members)
    if not isinstance(source.plan.schedule, Schedule):
        raise TypeError("An update rule has a schedule.")
    course = Course(len(members), loop.epochs, len(loop.batches), source.plan.schedule)
    found = {ensemble: ensemble.collector(course) if ensemble else None for ensemble in ensembles}
    loop.collector = Several([collector for collector in found.values() if collector])
    history = tuple(loop.train())
    return {
        ensemble: Trained(loop.population, loop.alive, history, collector=collector)
        for ensemble, collector in found.items()
    }


@dataclass(frozen=True, eq=False)
class Run:
    """One training that is over, and the pictures that judge what is made of it.

    Attributes:
        seed: Its number.
        source: Its plan and pictures.
        found: What each ensemble works on.
        members: The logits of single members on the 10,000 test pictures, as far as they were needed.
    """

    seed: int
    source: Scratch
    found: Mapping[Ensemble | None, Trained]
    members: dict[int, NDArray[np.float32]] = field(init=False, default_factory=dict)

    def row(self, way: Way) -> Row:
        """What one way is worth on the 10,000 test pictures."""
        answer = self.answer(way)
        far, labels = self._far(way, answer), _far()[1]
        temperature = fit_temperature(self._validation(answer.network), self._labels)
        plan = self.source.plan
        steps = (plan.epochs or 0) * -(-len(self.source.split.train) // (plan.batch_size or 1))
        looks = len(views(way.ensemble.shift, way.ensemble.mirror)) if isinstance(way.ensemble, Views) else 1
        return Row(
            seed=self.seed,
            way=way.name,
            steps=steps * (plan.members if way.ensemble and way.ensemble.pools else 1),
            networks=looks * len(answer.rows),
            nll=negative_log_likelihood(probabilities(far), labels),
            calibrated=negative_log_likelihood(probabilities(far, temperature), labels),
            accuracy=float((far.argmax(1) == labels).mean()),
        )

    def answer(self, way: Way) -> Answer:
        """What an ensemble makes of the training; a greedy soup is checked against the best of its candidates."""
        assembly, judges = self._assembly(way), []

        def worth(build: Callable[[Mixture], nn.Module]) -> Judge:
            judges.append(Judge(lambda shares: self._validation(build(shares)), self._labels))
            return judges[-1]

        answer = assembly.answer(assembly.groups()[0], worth)
        if isinstance(way.ensemble, Soup) and answer.recipe:
            (judge,), shares = judges, answer.recipe.mixtures[0]
            best = max(judge.worth(said) for said in judge.alone(len(shares)))
            soup = judge.worth(judge.probabilities(shares))
            assert soup >= best, f"The greedy soup is worth {soup} on validation, its best candidate {best}."
        return answer

    def _assembly(self, way: Way) -> Assembly:
        source, images = self.source, torch.as_tensor(self.source.pack.images)
        own = self.found[way.ensemble]
        rows = source.mixed(source.split.train)
        return Assembly(own, way.ensemble, lambda: packed(images, rows, source.plan.picture))

    @property
    def _labels(self) -> NDArray[np.int64]:
        return self.source.pack.labels[self.source.split.validation]

    def _validation(self, network: nn.Module) -> NDArray[np.float32]:
        images, rows = torch.as_tensor(self.source.pack.images), self.source.split.validation
        return logits(network, packed(images, rows, self.source.plan.picture))

    def _far(self, way: Way, answer: Answer) -> NDArray[np.floating]:
        """Logits of the 10,000; those of a member are computed once for all ensembles that it is in."""
        if not (way.ensemble and way.ensemble.pools and answer.recipe):
            return self._logits(answer.network)
        own = torch.stack([torch.from_numpy(self._member(row)).log_softmax(1) for row in answer.rows])
        return log_mean_of_softmax(own, torch.tensor(answer.recipe.votes, dtype=torch.float64)).numpy()

    def _member(self, row: int) -> NDArray[np.float32]:
        if row not in self.members:
            self.members[row] = self._logits(Assembly(self.found[None], None, lambda: ()).alone(row).network)
        return self.members[row]

    def _logits(self, network: nn.Module) -> NDArray[np.float32]:
        images, labels = _far()
        return logits(network, packed(images, np.arange(len(labels)), self.source.plan.picture))


@cache
def _far() -> tuple[Tensor, NDArray[np.int64]]:
    x, y = read("t10k")
    return torch.from_numpy(x.copy())[..., None], y.astype(np.int64)


def of_training(name: str, seed: int, done: set[str]) -> Iterable[Row]:
    """The rows of one training that are not there yet."""
    ways = [way for way in WAYS if way.training == name and way.name not in done]
    if ways:
        source = scratch({**NETWORK, **TRAININGS[name], "seed": MEMBERS * seed})
        run = Run(seed, source, trained(source, {way.ensemble for way in ways} | {None}))
        yield from map(run.row, ways)


def measured(seeds: Sequence[int], results: Path | None) -> list[Row]:
    """The rows of all seeds, read or run."""
    lines = results.read_text(encoding="utf-8").splitlines() if results and results.exists() else []
    rows = [row for row in (Row(**json.loads(line)) for line in lines) if row.seed in seeds]
    for name, seed in product(TRAININGS, seeds):
        for row in of_training(name, seed, {row.way for row in rows if row.seed == seed}):
            rows.append(row)
            if results:
                with results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(row)) + "\n")
    return rows


def tables(rows: Sequence[Row]) -> None:
    """Each way beside the single network, then beside the weights that it was made of; pairs are of one seed."""
    of = {way.name: {row.seed: row for row in rows if row.way == way.name} for way in WAYS}
    there = [way.name for way in WAYS if len(of[way.name]) > 1]
    table: list[list[Cell]] = []
    for way in there:
        own = list(of[way].values())
        cost: list[Cell] = [f"{mean([row.steps for row in own]):,.0f}", f"{mean([row.networks for row in own]):g}"]
        level: list[Cell] = [interval(_values(own, measure), 4) for measure in ("nll", "accuracy")]
        gains: list[Cell] = ["", "", ""] if way == SINGLE else _gains(of[way], of[SINGLE])
        table.append([way, len(own), *cost, *level, *gains])
    gain = ("NLL, gain", "NLL calibrated, gain", "accuracy, gain")
    heads = ("answer", "seeds", "steps trained", "passes a picture", "NLL", "accuracy", *gain)
    show("Ensembles; gain: minus the single network, paired", heads, table)
    beside: list[list[Cell]] = [
        [way, base, *_gains(of[way], of[base])] for way, base in BESIDE.items() if way in there and base in there
    ]
    show("Beside the weights that they were made of, paired", ("answer", "minus", *gain), beside)


def _gains(own: Mapping[int, Row], base: Mapping[int, Row]) -> list[Cell]:
    seeds = sorted(own.keys() & base.keys())
    ours, theirs = [own[seed] for seed in seeds], [base[seed] for seed in seeds]
    measures = ("nll", "calibrated", "accuracy")
    return [difference(_values(ours, measure), _values(theirs, measure), 4) for measure in measures]


def _values(rows: Sequence[Row], measure: str) -> NDArray[np.float64]:
    return np.array([getattr(row, measure) for row in rows])


def main() -> None:
    """Run what is missing, then show both tables."""
    words = parser(__doc__, "0,1,2,3,4,5,6,7,8,9")
    words.add_argument("--results", type=Path, help="a file of JSON lines to add to, and to go on from")
    choices = words.parse_args()
    print(machine())
    tables(measured(choices.seeds, choices.results))


if __name__ == "__main__":
    main()
