"""The state of training: one row a member, one column a parameter.

A member's network is an ordinary `torch.nn.Module` whose parameters are views of its row of theta, whose `.grad` are
views of the same row of the gradient slab, and whose buffers are views of its row of the buffer matrix. So a rule sees
matrices, a network sees its parameters, and nothing is copied between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ravine.base.layout import Kind, Layout
from ravine.base.seeds import stream
from ravine.models.architecture import Architecture
from ravine.moments import Technique
from ravine.train.techniques import MemberTechniques, check_places

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)


@dataclass(frozen=True)
class PictureShape:
    """What goes into a network and what comes out: channels, size in pixels, number of classes."""

    channels: int
    size: int
    classes: int


class Population:
    """K networks of one architecture, stored as matrices.

    Attributes:
        networks: K modules that view the rows.
        techniques: Those of each member, at work in its network.
        shape: What goes in and what comes out.
        layout: Where each trained parameter lies in a row.
        theta: Parameters [K, P].
        gradient: Their gradients [K, P]; backward passes add to it.
        buffers: Floating-point buffers [K, B], such as batch-norm statistics.

    Example:
        >>> from ravine.models.mlp import MLP
        >>> population = Population(MLP(width=4, depth=1), PictureShape(1, 2, 3), seeds=[0, 1])
        >>> population.theta.shape
        torch.Size([2, 35])
        >>> population.networks[1](torch.zeros(5, 1, 2, 2)).sum().backward()
        >>> population.gradient[0].any().item(), population.gradient[1].any().item()
        (False, True)
    """

    def __init__(
        self,
        architecture: Architecture,
        shape: PictureShape,
        seeds: Sequence[int],
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        techniques: Sequence[Sequence[Technique]] | None = None,
    ) -> None:
        """Build the members.

        Args:
            architecture: Their kind of network.
            shape: What goes in and what comes out.
            seeds: One a member.
            device: Where the matrices live.
            dtype: Of the matrices.
            techniques: Those of each member; None for none.

        Raises:
            PlanError: A technique finds no place in the network.
        """
        parts = techniques if techniques is not None else [()] * len(seeds)
        self.techniques = [MemberTechniques(seed, own) for seed, own in zip(seeds, parts, strict=True)]
        self.networks = [
            member.installed(_initialised(architecture, shape, member.seed)).to(device, dtype)
            for member in self.techniques
        ]
        check_places(self.techniques)
        self.shape = shape
        self.layout = layout_of(self.networks[0])
        self.theta = torch.empty(len(seeds), self.layout.size, device=device, dtype=dtype)
        self.gradient = torch.zeros_like(self.theta)
        width = sum(buffer.numel() for _, buffer in _float_buffers(self.networks[0]))
        self.buffers = torch.empty(len(seeds), width, device=device, dtype=dtype)
        for row, network in enumerate(self.networks):
            self._adopt(row, network)

    @property
    def members(self) -> int:
        """K."""
        return len(self.networks)

    def answering(self) -> list[nn.Module]:
        """What answers in place of each network, such as a mean over several passes; it views the same rows."""
        return [member.finished(network) for member, network in zip(self.techniques, self.networks, strict=True)]

    def _adopt(self, row: int, network: nn.Module) -> None:
        """Move a network's numbers into row `row`, and make the network view them."""
        values, gradients = self.theta[row : row + 1], self.gradient[row : row + 1]
        old = dict(network.named_parameters())
        for name, value in self.layout.split(values).items():
            value[0].copy_(old[name].detach())
            parameter = nn.Parameter(value[0])
            parameter.grad = self.layout.split(gradients)[name][0]
            _set(network, name, parameter)
        offset = 0
        for name, buffer in _float_buffers(network):
            view = self.buffers[row, offset : offset + buffer.numel()].view(buffer.shape)
            view.copy_(buffer)
            # .data has a version counter of its own: with a common one, autograd would take what another member's
            # batch norm notes, in another thread, for a change of this one's statistics.
            _set(network, name, view.data)
            offset += buffer.numel()


def layout_of(network: nn.Module) -> Layout:
    """The layout of a network's trained parameters, in the order of its modules."""
    owners = dict(network.named_modules())
    return Layout.of(
        (name, tuple(parameter.shape), _kind(owners[name.rpartition(".")[0]], name))
        for name, parameter in network.named_parameters()
        if parameter.requires_grad
    )


def _kind(owner: nn.Module, name: str) -> Kind:
    if isinstance(owner, NORMS):
        return "norm"
    return "bias" if name.endswith("bias") else "weight"


def _initialised(architecture: Architecture, shape: PictureShape, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, "initialisation"))
        return architecture.build(shape.channels, shape.size, shape.classes)


def _float_buffers(network: nn.Module) -> list[tuple[str, Tensor]]:
    return [(name, buffer) for name, buffer in network.named_buffers() if buffer.is_floating_point()]


def _set(network: nn.Module, name: str, value: Tensor) -> None:
    owner, _, leaf = name.rpartition(".")
    setattr(network.get_submodule(owner), leaf, value)
