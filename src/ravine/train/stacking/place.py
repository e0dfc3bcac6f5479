"""One place in the networks of a population, and the tensors that the members have there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from ravine.base.errors import PlanError
from ravine.train.state import Population


@dataclass(frozen=True)
class Place:
    """The modules that stand at one path.

    Attributes:
        path: Where, such as "1.0"; empty for the whole network.
        modules: One a member.
        tensors: Parameters and floating-point buffers of the population by their full names, [K, *shape].
    """

    path: str
    modules: Sequence[nn.Module]
    tensors: Mapping[str, Tensor]

    @property
    def members(self) -> int:
        """K."""
        return len(self.modules)

    def child(self, name: str) -> "Place":
        """A place within this one."""
        modules = [module.get_submodule(name) for module in self.modules]
        return Place(self._full(name), modules, self.tensors)

    def tensor(self, name: str) -> Tensor | None:
        """A parameter or buffer of these modules, [K, *shape]; None where they have none of this name.

        Raises:
            PlanError: They have one, but it is not trained.
        """
        found = self.tensors.get(self._full(name))
        if found is None and getattr(self.modules[0], name, None) is not None:
            raise self.refusal(f"{name} is not trained")
        return found

    def same(self, *settings: str) -> None:
        """Check that the members do not differ here.

        Args:
            settings: Names of attributes; without any, what the modules print of themselves.

        Raises:
            PlanError: They differ.
        """
        names = sorted({_described(module, settings) for module in self.modules})
        if len(names) > 1:
            raise self.refusal(f"members differ: {names[0]} and {names[1]}")

    def refusal(self, reason: str) -> PlanError:
        """Why the members cannot be stacked."""
        return PlanError(f"Layer {self.path or 'of the whole network'}: {reason}.")

    def _full(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def _described(module: nn.Module, settings: Sequence[str]) -> str:
    if settings:
        return ", ".join(f"{name}={getattr(module, name)}" for name in settings)
    return f"{type(module).__name__}({module.extra_repr()})"


def root(population: Population, leaves: Mapping[str, Tensor]) -> Place:
    """The place of the whole networks."""
    return Place("", population.networks, {**leaves, **_statistics(population)})


def _statistics(population: Population) -> dict[str, Tensor]:
    """The buffers of all members, by name, as views [K, *shape] of the buffer matrix."""
    found, offset = {}, 0
    for name, buffer in population.networks[0].named_buffers():
        if buffer.is_floating_point():
            columns = population.buffers[:, offset : offset + buffer.numel()]
            found[name] = columns.unflatten(1, buffer.shape)
            offset += buffer.numel()
    return found
