"""Cut a pretrained body in two: stages that stay as they are, and stages that are trained.

The stages are those that Ravine taps (at most five, evenly spread, of those that timm names), and each ends after a
module of the body. What stands before the first end belongs to the first stage, what comes after the last end to the
last one:

    last1    trains everything after the end of the last stage but one
    last2    trains everything after the end of the last stage but two
    all      trains the whole body

A body can be cut where one tensor alone goes on. `torch.fx` records in which order the body calls its parts; modules
that do not hold an end are recorded as one step and run as they always do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from ravine.base.errors import PlanError
from ravine.models.taps import spread_stages, stage_modules

TRAINED = {"last1": 1, "last2": 2}
"""Stages that are trained; where a name is missing, all of them."""

INSTEAD = "Choose transfer=all, transfer=head, or another backbone."


@dataclass(frozen=True, eq=False)
class Divided:
    """A body in two parts, which share its tensors.

    Attributes:
        prefix: From pictures [N, 3, S, S] to maps; None where all is trained.
        suffix: From maps, or pictures, to features [N, D]; its tensors have the names that they have in the body.
        depths: For each parameter of the suffix, how many stages below the head it is, from 1.
    """

    prefix: nn.Module | None
    suffix: nn.Module
    depths: dict[str, int]


def divide(body: nn.Module, transfer: str, size: int) -> Divided:
    """Cut a body.

    Args:
        body: A network of timm without a head, in evaluation mode.
        transfer: last1, last2 or all.
        size: S, the pixels of the pictures that it will see.

    Raises:
        PlanError: timm does not say where the stages end, there are too few, or more than one tensor goes on there.

    Example:
        >>> from ravine.models.backbone import Backbone
        >>> divided = divide(Backbone("test_resnet", "random").load_pretrained(), "last2", 32)
        >>> sorted({name.split(".")[0] for name, _ in divided.suffix.named_parameters()})
        ['layer3', 'layer4']
        >>> divided.depths["layer4.0.conv1.weight"], divided.depths["layer3.0.conv1.weight"]
        (1, 2)
    """
    ends = stage_ends(body)
    stages = stages_of(body, ends)
    if transfer not in TRAINED:
        return Divided(None, body, {name: len(ends) - stage for name, stage in stages.items()})
    trained = TRAINED[transfer]
    if trained >= len(ends):
        raise PlanError(f"{type(body).__name__} has {len(ends)} stages, too few for transfer={transfer}. {INSTEAD}")
    prefix, suffix = _cut(body, ends[-1 - trained])
    _check(body, prefix, suffix, size)
    own = dict(suffix.named_parameters())
    return Divided(prefix, suffix, {name: len(ends) - stage for name, stage in stages.items() if name in own})


def stage_ends(body: nn.Module) -> list[str]:
    """The modules after which the stages of a body end.

    Raises:
        PlanError: timm does not say.
    """
    modules = stage_modules(body)
    return [modules[place] for place in spread_stages(len(modules))]


def stages_of(body: nn.Module, ends: Sequence[str]) -> dict[str, int]:
    """The stage of each parameter, from 0, in the order in which modules are defined."""
    order = {name: place for place, (name, _) in enumerate(body.named_modules())}
    last = [max(place for name, place in order.items() if f"{name}.".startswith(f"{end}.")) for end in ends[:-1]]
    places = {name: order[name.rpartition(".")[0]] for name, _ in body.named_parameters()}
    return {name: sum(place > end for end in last) for name, place in places.items()}


class _Tracer(fx.Tracer):
    """Records what a body does as calls of its modules; only modules that hold the end are looked into."""

    def __init__(self, end: str) -> None:
        super().__init__()
        self._end = end

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        del m
        return not self._end.startswith(f"{module_qualified_name}.")


def _cut(body: nn.Module, end: str) -> tuple[nn.Module, nn.Module]:
    """The body up to the output of a module, and after it."""
    try:
        graph = _Tracer(end).trace(body)
    except (RuntimeError, TypeError, ValueError, NameError, AttributeError, AssertionError) as wrong:
        raise PlanError(
            f"{type(body).__name__} cannot be cut after {end}: its steps cannot be recorded ({wrong}). {INSTEAD}"
        ) from wrong
    nodes = list(graph.nodes)
    calls = [place for place, node in enumerate(nodes) if node.op == "call_module" and node.target == end]
    if len(calls) != 1:
        raise PlanError(
            f"{type(body).__name__} cannot be cut after {end}, which it calls {len(calls)} times. {INSTEAD}"
        )
    before, after = nodes[: calls[0] + 1], nodes[calls[0] + 1 :]
    crossing = {node for node in before if any(user in after for user in node.users)}
    if crossing != {before[-1]}:
        raise PlanError(f"{type(body).__name__} cannot be cut after {end}: {len(crossing)} values go on. {INSTEAD}")
    return _module(body, before, before[0], before[-1]), _module(body, after, before[-1], after[-1].args[0])


def _module(body: nn.Module, nodes: Sequence[fx.Node], start: fx.Node, answer: Any) -> nn.Module:
    """Some recorded steps as a module of their own."""
    graph = fx.Graph()
    copies = {start: graph.placeholder("x")}
    for node in nodes:
        if node.op not in ("placeholder", "output"):
            copies[node] = graph.node_copy(node, lambda one: copies[one])
    graph.output(copies[answer])
    return fx.GraphModule(body, graph).eval()


def _check(body: nn.Module, prefix: nn.Module, suffix: nn.Module, size: int) -> None:
    """Refuse parts that do not answer together what the body answers."""
    like = next(body.parameters())
    probe = torch.linspace(-1, 1, 6 * size * size, device=like.device, dtype=like.dtype).reshape(2, 3, size, size)
    with torch.inference_mode():
        maps: Tensor = prefix(probe)
        joined, own = suffix(maps), body(probe)
    if maps.dim() != 4:
        raise PlanError(
            f"{type(body).__name__} goes on with a tensor of {maps.dim()} dimensions where it would be cut, and not "
            f"with maps. {INSTEAD}"
        )
    if not torch.allclose(joined, own, rtol=1e-4, atol=1e-5):
        raise PlanError(f"The two parts of {type(body).__name__} do not answer what the whole does. {INSTEAD}")
