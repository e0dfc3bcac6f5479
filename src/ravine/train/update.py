"""One update of a population as a pure function: penalties, rule, proximal step, and the mask of finished members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ravine.base.layout import Layout
from ravine.interfaces import Columns, Penalty, Rule


@dataclass(frozen=True)
class Update:
    """The formula of one step, put together from its parts.

    Attributes:
        rule: The update rule.
        penalties: Penalties, in the order in which they act.
        layout: The shapes of the layers within a row.
    """

    rule: Rule
    penalties: tuple[Penalty, ...]
    layout: Layout

    def columns(self, h: Columns, penalties: Sequence[Columns], t: Tensor) -> dict[str, Tensor]:
        """Every number of one step, float64 [K, 1], under names that tell the parts apart.

        Args:
            h: The rule's hyperparameters and running scalars, the scheduled rate `lr`, and its `peak`.
            penalties: The hyperparameters of each penalty.
            t: Steps taken including this one, float64 [K, 1].
        """
        rates = {"lr": h.lr, "peak": h.peak}
        named = {f"rule.{name}": value for name, value in self.rule.coefficients(h, t).items()}
        for index, (penalty, own) in enumerate(zip(self.penalties, penalties, strict=True)):
            for name, value in penalty.coefficients(Columns({**own, **rates})).items():
                named[f"{index}.{name}"] = value
        return {name: value for name, value in named.items() if isinstance(value, Tensor)}

    def __call__(
        self,
        p: Tensor,
        g: Tensor,
        state: Mapping[str, Tensor],
        columns: Mapping[str, Tensor],
        penalized: Tensor,
        active: Tensor | None,
        rates: Tensor | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Parameters and state after the step.

        Args:
            p: Parameters [K, P].
            g: Gradients [K, P].
            state: The rule's matrices [K, P].
            columns: From `columns`, in the dtype of p, [K, 1] each.
            penalized: Bool [1, P] or [1, 1], true where penalties act.
            active: Bool [K, 1], false for members that are finished and keep their bits; None if there are none.
            rates: Factor on the step of each parameter, decay and proximal step included, [1, P]; None for 1.
        """
        own = [_part_columns(columns, f"{index}.") for index in range(len(self.penalties))]
        step = self.rule.step(
            p,
            self._coupled(p, g, own, penalized),
            Columns(state),
            Columns(_part_columns(columns, "rule."), penalized=penalized),
            self.layout,
        )
        moved = self._decayed(p, p + _slowed(step.delta, rates), own, penalized, rates)
        moved = self._proximal(moved, _slowed(step.scale, rates), own, penalized)
        if active is None:
            return moved, dict(step.state)
        kept = {name: torch.where(active, value, state[name]) for name, value in step.state.items()}
        return torch.where(active, moved, p), kept

    def _coupled(self, p: Tensor, g: Tensor, own: Sequence[Columns], penalized: Tensor) -> Tensor:
        for penalty, c in zip(self.penalties, own, strict=True):
            extra = penalty.gradient(p, c)
            g = g if extra is None else _where(penalty, penalized, g + extra, g)
        return g

    def _decayed(
        self, p: Tensor, moved: Tensor, own: Sequence[Columns], penalized: Tensor, rates: Tensor | None
    ) -> Tensor:
        for penalty, c in zip(self.penalties, own, strict=True):
            extra = penalty.decay(p, c)
            moved = moved if extra is None else _where(penalty, penalized, moved + _slowed(extra, rates), moved)
        return moved

    def _proximal(self, moved: Tensor, scale: Tensor, own: Sequence[Columns], penalized: Tensor) -> Tensor:
        for penalty, c in zip(self.penalties, own, strict=True):
            shrunk = penalty.proximal(moved, scale, c)
            moved = moved if shrunk is None else _where(penalty, penalized, shrunk, moved)
        return moved


def _slowed(change: Tensor, rates: Tensor | None) -> Tensor:
    return change if rates is None else change * rates


def _part_columns(columns: Mapping[str, Tensor], prefix: str) -> Columns:
    return Columns({name.removeprefix(prefix): value for name, value in columns.items() if name.startswith(prefix)})


def _where(penalty: Penalty, penalized: Tensor, changed: Tensor, unchanged: Tensor) -> Tensor:
    return changed if penalty.biases_and_norms else torch.where(penalized, changed, unchanged)
