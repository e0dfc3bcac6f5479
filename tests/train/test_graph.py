"""Eager and compiled passes: which one is taken, and that both give the same answer."""

import logging
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ravine.base.draws import KeyedDraws
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.regularize.dropout import Dropout
from ravine.train import graph as room
from ravine.train.graph import TIMED, WARM_UP, Graph, draws_inside
from ravine.train.graph_choice import Timing
from ravine.train.graph_memory import key_of, recall, remember
from ravine.train.precision import Precision, mean_loss
from ravine.train.state import PictureShape, Population


class Stage:
    """Networks and a clock that each pass moves on by its cost."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, 0.0
        self.eager, self.compiled, self.compiling = 1.0, 1.0, 20.0
        self.calls: list[str] = []
        self.failure: Exception | None = None
        self.asked = 0
        population = Population(SmallCNN(width=2, depth=2), PictureShape(1, 8, 3), [0])
        self.network = population.networks[0].train()
        self.population = population
        self.batch = torch.rand(6, 1, 8, 8), torch.arange(6) % 3

    def eager_loss(self, network: nn.Module, pixels: Tensor, targets: Tensor, precision: Precision = "full") -> Tensor:
        self.now += self.eager
        self.calls.append("eager")
        return mean_loss(network, pixels, targets, precision)

    def compiler(self, key: str, device: str):
        assert len(key) == 24
        assert device == "cpu"

        def loss(network: nn.Module, pixels: Tensor, targets: Tensor, precision: Precision = "full") -> Tensor:
            if self.failure:
                raise self.failure
            self.now += self.compiling if "compiled" not in self.calls else self.compiled
            self.calls.append("compiled")
            return mean_loss(network, pixels, targets, precision)

        return loss

    def graph(self, wish: room.Wish, blocked: str | None = None) -> Graph:
        return Graph(wish, blocked, "full", self.folder, self.compiler, lambda: self.now)

    def run(self, graph: Graph, remaining: int = 1000, batch: tuple[Tensor, Tensor] | None = None) -> str:
        """One pass; which kind it was."""
        graph.loss(self.network, *(batch or self.batch), lambda: self.remaining(remaining)).backward()
        return self.calls[-1]

    def remaining(self, count: int) -> int:
        self.asked += 1
        return count


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage(tmp_path)
    monkeypatch.setattr(room, "mean_loss", made.eager_loss)
    return made


def test_eager_is_eager_without_measurements(stage: Stage):
    graph = stage.graph("eager")
    assert stage.run(graph) == "eager"
    assert stage.calls == ["eager"]
    assert (graph.choice, graph.reason) == ("eager", "The plan says so.")


def test_a_short_training_stays_eager_and_the_question_is_asked_once(stage: Stage):
    graph = stage.graph("auto")
    for _ in range(3):
        assert stage.run(graph, remaining=100) == "eager"
    assert stage.calls == ["eager"] * (WARM_UP + 3)
    assert stage.asked == 1
    assert graph.choice == "eager"
    assert "of passes that are left" in graph.reason


def test_a_long_training_tries_and_keeps_what_gains(stage: Stage):
    stage.compiled = 0.5
    graph = stage.graph("auto")
    assert stage.run(graph) == "compiled"
    assert graph.choice == "compiled"
    assert graph.reason.startswith("A compiled pass saves 50 %: 500 ms instead of 1e+03 ms; compiling took 21.0 s")
    assert stage.calls.count("compiled") == WARM_UP + TIMED + 1
    known = recall(key_of(stage.network, *stage.batch, "full"), stage.folder)
    assert known == Timing(stage.compiling + (WARM_UP - 1) * 0.5, 1.0, 0.5)


@pytest.mark.parametrize("compiled", [0.98, 1.5])
def test_what_does_not_gain_is_dropped_and_not_tried_again(stage: Stage, compiled: float):
    stage.compiled = compiled
    graph = stage.graph("auto")
    assert stage.run(graph) == "eager"
    assert graph.choice == "eager"
    stage.calls.clear()
    again = stage.graph("auto")
    assert stage.run(again) == "eager"
    assert "compiled" not in stage.calls
    assert again.reason.startswith("An earlier run on this machine measured")


def test_what_is_remembered_lets_a_shorter_training_compile(stage: Stage):
    key = key_of(stage.network, *stage.batch, "full")
    stage.compiled = 0.5
    assert stage.run(stage.graph("auto"), remaining=50) == "eager"
    remember(key, Timing(20.0, 1.0, 0.5), stage.folder)
    assert stage.run(stage.graph("auto"), remaining=50) == "compiled"
    assert stage.run(stage.graph("auto"), remaining=39) == "eager"


def test_compiled_is_compiled_although_it_does_not_gain(stage: Stage):
    stage.compiled = 2.0
    graph = stage.graph("compiled")
    assert stage.run(graph, remaining=1) == "compiled"
    assert stage.asked == 0
    assert graph.reason.startswith("The plan says so. A compiled pass takes 100 % longer")


def test_batches_of_another_shape_run_eager(stage: Stage):
    graph = stage.graph("compiled")
    stage.run(graph)
    pixels, targets = stage.batch
    assert stage.run(graph, batch=(pixels[:4], targets[:4])) == "eager"
    assert stage.run(graph, batch=(pixels, nn.functional.one_hot(targets, 3).float())) == "eager"
    assert stage.run(graph) == "compiled"


@pytest.mark.parametrize("wish", ["auto", "compiled"])
@pytest.mark.parametrize("failure", [RuntimeError("no compiler\nat all"), OSError("no headers"), AssertionError()])
def test_a_compiler_that_fails_says_so_once_and_eager_goes_on(
    stage: Stage, wish: room.Wish, failure: Exception, caplog: pytest.LogCaptureFixture
):
    stage.failure = failure
    graph = stage.graph(wish)
    with caplog.at_level(logging.WARNING, "ravine"):
        assert [stage.run(graph) for _ in range(3)] == ["eager"] * 3
    said = str(failure).partition("\n")[0] or "AssertionError"
    assert caplog.messages == [
        f"The network cannot be compiled here ({said}). It runs eager, which gives the same answer."
    ]
    assert graph.choice == "eager"


def test_a_compiler_that_is_not_there_is_one_that_fails(stage: Stage, caplog: pytest.LogCaptureFixture):
    def nobody(key: str, device: str):
        raise RuntimeError(f"nothing compiles {len(key)} letters on a {device}")

    graph = Graph("compiled", folder=stage.folder, compiler=nobody)
    assert stage.run(graph) == "eager"
    assert graph.reason == "The network cannot be compiled here (nothing compiles 24 letters on a cpu)."
    assert len(caplog.messages) == 1


def test_what_cannot_be_captured_stays_eager(stage: Stage, caplog: pytest.LogCaptureFixture):
    graph = stage.graph("auto", "It draws.")
    assert stage.run(graph) == "eager"
    assert (graph.choice, graph.reason) == ("eager", "It draws.")
    assert caplog.messages == []
    forced = stage.graph("compiled", "It draws.")
    assert stage.run(forced) == "eager"
    assert caplog.messages == ["The network stays eager. It draws."]
    assert stage.run(stage.graph("eager", "It draws.")) == "eager"


@pytest.mark.parametrize("wish", ["auto", "compiled"])
@pytest.mark.parametrize("fails", [False, True])
def test_deciding_leaves_no_trace(stage: Stage, wish: room.Wish, fails: bool):
    stage.failure = RuntimeError("no") if fails else None
    stage.population.gradient.fill_(0.25)
    views = [parameter.grad for parameter in stage.network.parameters()]
    buffers = [buffer.clone() for buffer in stage.network.buffers()]
    theta = stage.population.theta.clone()
    stage.graph(wish).loss(stage.network, *stage.batch, lambda: 1000)
    after = [buffer.clone() for buffer in stage.network.buffers()]
    assert torch.equal(stage.population.theta, theta)
    assert bool((stage.population.gradient == 0.25).all())
    assert all(parameter.grad is view for parameter, view in zip(stage.network.parameters(), views, strict=True))
    for buffer, before in zip(stage.network.buffers(), buffers, strict=True):
        buffer.copy_(before)
    stage.graph("eager").loss(stage.network, *stage.batch, lambda: 1)
    assert all(torch.equal(buffer, one) for buffer, one in zip(stage.network.buffers(), after, strict=True))


def test_parameters_without_gradients_have_none_afterwards(stage: Stage):
    for parameter in stage.network.parameters():
        parameter.grad = None
    stage.graph("auto").loss(stage.network, *stage.batch, lambda: 1)
    assert all(parameter.grad is None for parameter in stage.network.parameters())


def test_what_draws_inside_a_network_is_found():
    plain, dropped = (SmallCNN(width=2, depth=2).build(1, 8, 3) for _ in range(2))
    assert draws_inside(plain) is None
    Dropout(0.5).install(dropped, KeyedDraws(0))
    assert "DropoutLayer acts inside the network" in str(draws_inside(dropped))
    assert "dropout of its own" in str(draws_inside(nn.Sequential(nn.Dropout2d(0.1))))
    assert draws_inside(nn.Sequential(nn.Dropout(0.0))) is None


@pytest.mark.parametrize(("dtype", "steps", "tolerance"), [(torch.float64, 50, 1e-9), (torch.float32, 5, 1e-5)])
def test_both_give_the_same_losses(dtype: torch.dtype, steps: int, tolerance: float, tmp_path: Path):
    losses = {}
    for wish in ("eager", "compiled"):
        population = Population(MLP(width=8, depth=1), PictureShape(1, 4, 3), [0, 1], dtype=dtype)
        graph = Graph(wish, folder=tmp_path)
        losses[wish] = trained(population, graph, steps)
        assert graph.choice == wish
    assert torch.allclose(losses["eager"], losses["compiled"], rtol=tolerance, atol=0)
    assert not torch.allclose(losses["eager"][0], losses["eager"][-1], rtol=0.01)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("architecture", [MLP(width=8, depth=1), SmallCNN(width=4)])
def test_both_give_the_same_losses_on_a_gpu(architecture: MLP | SmallCNN, tmp_path: Path):
    losses = {}
    for wish in ("eager", "compiled"):
        population = Population(architecture, PictureShape(1, 16, 3), [0, 1], "cuda", torch.float64)
        losses[wish] = trained(population, Graph(wish, folder=tmp_path), 50)
    assert torch.allclose(losses["eager"], losses["compiled"], rtol=1e-9, atol=0)


def trained(population: Population, graph: Graph, steps: int) -> Tensor:
    """The losses [steps, K] of gradient descent on one batch, with a shorter one every tenth step."""
    generator = torch.Generator().manual_seed(3)
    size = population.shape.size
    pixels = torch.rand(12, 1, size, size, generator=generator, dtype=population.theta.dtype)
    pixels, targets = pixels.to(population.theta.device), (torch.arange(12) % 3).to(population.theta.device)
    losses = []
    for step in range(steps):
        count = 7 if step % 10 == 9 else 12
        population.gradient.zero_()
        for network in population.networks:
            loss = graph.loss(network, pixels[:count], targets[:count], lambda: steps)
            loss.backward()
            losses.append(loss.detach().clone())
        with torch.no_grad():
            population.theta.sub_(0.3 * population.gradient)
    return torch.stack(losses).reshape(steps, -1).cpu()
