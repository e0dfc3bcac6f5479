"""The choice of a program, with clocks and programs made for the purpose."""

import torch
from torch import Tensor

from ravine.transfer.engine import Answer, Candidate, agree, choose_engine

SAMPLE = torch.rand(4, 3, 2, 2)


class _Time:
    """A clock that only programs move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def program(self, seconds: float, change: float = 0.0) -> Answer:
        """A program that takes so long for a sample, and whose answers are off by so much."""

        def answer(pictures: Tensor) -> Tensor:
            self.now += seconds
            return pictures.flatten(1) * (1 + change)

        return answer

    def candidate(self, name: str, answer: Answer, seconds: float = 10.0, speed_up: float = 2.0) -> Candidate:
        """A candidate that takes as long to make as expected."""

        def make() -> Answer:
            self.now += seconds
            return answer

        return Candidate(name, seconds, speed_up, make)


def test_a_faster_program_is_used_where_it_pays() -> None:
    clock = _Time()
    fast = clock.program(0.25)
    engine = choose_engine(clock.program(1.0), [clock.candidate("fast", fast)], SAMPLE, 1_000, clock=clock)
    assert engine.name == "fast"
    assert engine.answer is fast
    assert engine.rates == {"eager": 4.0, "fast": 16.0}
    assert engine.making == {"fast": 10.25}
    assert engine.reason == "Pictures a second and core: 4 with eager and 16 with fast; making fast took 10.2 s."


def test_nothing_is_made_for_few_pictures() -> None:
    clock = _Time()
    made: list[str] = []
    candidate = Candidate("fast", 10.0, 2.0, lambda: made.append("fast") or clock.program(0.1))
    engine = choose_engine(clock.program(1.0), [candidate], SAMPLE, 80, clock=clock)
    assert (engine.name, made) == ("eager", [])
    assert "80 pictures take eager PyTorch about 20 s" in engine.reason
    assert choose_engine(clock.program(1.0), [candidate], SAMPLE, 81, cores=2, clock=clock).name == "eager"
    assert choose_engine(clock.program(1.0), [candidate], SAMPLE, 81, clock=clock).name == "fast"


def test_the_program_that_should_save_most_is_made_first_and_the_next_must_pay_beside_it() -> None:
    clock = _Time()
    made: list[str] = []

    def candidate(name: str, seconds: float, speed_up: float) -> Candidate:
        return Candidate(name, seconds, speed_up, lambda: made.append(name) or clock.program(1 / speed_up))

    both = [candidate("quick", 1.0, 1.25), candidate("fast", 20.0, 2.0)]
    assert choose_engine(clock.program(1.0), both, SAMPLE, 1_000, clock=clock).name == "fast"
    assert made == ["fast"]
    made.clear()
    assert choose_engine(clock.program(1.0), both, SAMPLE, 180, clock=clock).name == "quick"
    assert made == ["quick"]
    made.clear()
    slow = Candidate("slow", 0.0, 3.0, lambda: made.append("slow") or clock.program(2.0))
    engine = choose_engine(clock.program(1.0), [*both, slow], SAMPLE, 1_000, clock=clock)
    assert (engine.name, made) == ("fast", ["slow", "fast"])
    assert engine.rates == {"eager": 4.0, "slow": 2.0, "fast": 8.0}


def test_other_features_are_refused_and_the_next_program_is_made() -> None:
    clock = _Time()
    wrong = clock.candidate("wrong", clock.program(0.1, change=0.01))
    right = clock.candidate("right", clock.program(0.5, change=1e-5))
    engine = choose_engine(clock.program(1.0), [wrong, right], SAMPLE, 1_000, clock=clock)
    assert engine.name == "right"
    assert engine.reason.endswith("making right took 10.5 s. Wrong gave other features.")
    alone = choose_engine(clock.program(1.0), [wrong], SAMPLE, 1_000, clock=clock)
    told = "1,000 pictures take eager PyTorch about 250 s. Wrong gave other features."
    assert (alone.name, alone.reason) == ("eager", told)


def test_a_program_that_cannot_be_made_is_named() -> None:
    clock = _Time()

    def broken() -> Answer:
        raise RuntimeError("no compiler")

    engine = choose_engine(clock.program(1.0), [Candidate("broken", 1.0, 2.0, broken)], SAMPLE, 1_000, clock=clock)
    assert engine.name == "eager"
    assert engine.reason.endswith("Broken could not be made (RuntimeError).")


def test_the_fastest_so_far_wins_a_tie() -> None:
    clock = _Time()
    candidate = clock.candidate("equal", clock.program(0.98))
    assert choose_engine(clock.program(1.0), [candidate], SAMPLE, 1_000, clock=clock).name == "eager"


def test_every_group_of_features_must_agree() -> None:
    expected = torch.tensor([[1e3, 1.0]])
    found = expected + torch.tensor([[0.0, 0.1]])
    assert agree(found, expected)
    assert not agree(found, expected, (slice(0, 1), slice(1, 2)))
    assert not agree(found[:, :1], expected)
    assert not agree(found * torch.nan, expected)
