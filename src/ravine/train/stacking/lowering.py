"""The one table of which layers can be stacked, and by what."""

from collections.abc import Callable

from torch import nn

from ravine.moments import Block, Site
from ravine.regularize.batch_norm import NormalisedLinear, Unnormalised
from ravine.regularize.dropout import DropoutLayer
from ravine.train.stacking.alike import ELEMENTWISE, POOLING, Alike, StackedFlatten
from ravine.train.stacking.convolution import StackedConvolution
from ravine.train.stacking.dropout import StackedDropout
from ravine.train.stacking.linear import StackedLinear
from ravine.train.stacking.norm import StackedBatchNorm, StackedNormalisedLinear, StackedUnnormalised
from ravine.train.stacking.place import Place
from ravine.train.stacking.residual import StackedBlock

PASSED = (nn.Identity, Site)
"""Do nothing."""


def stacked(place: Place) -> nn.Module:
    """The layers of all members at a place as one module from `Activations` to `Activations`.

    Raises:
        PlanError: A layer is not known here, or the members differ in it.
    """
    kinds = {type(module) for module in place.modules}
    if len(kinds) > 1:
        first, second, *_ = sorted(kind.__name__ for kind in kinds)
        raise place.refusal(f"some members have {first}, others {second}")
    (kind,) = kinds
    make = TABLE.get(kind)
    if make is None:
        raise place.refusal(f"{kind.__name__} is not stacked")
    return make(place)


def _sequence(place: Place) -> nn.Module:
    lengths = {len(list(module.children())) for module in place.modules}
    if len(lengths) > 1:
        raise place.refusal("some members have more layers than others")
    children = [place.child(name) for name, _ in place.modules[0].named_children()]
    return nn.Sequential(*[stacked(child) for child in children if not isinstance(child.modules[0], PASSED)])


def _block(place: Place) -> nn.Module:
    branch, shortcut = (stacked(place.child(name)) for name in ("branch", "shortcut"))
    return StackedBlock(branch, shortcut, place.members)


def _nothing(place: Place) -> nn.Module:
    del place
    return nn.Identity()


TABLE: dict[type[nn.Module], Callable[[Place], nn.Module]] = {
    nn.Sequential: _sequence,
    Block: _block,
    nn.Linear: StackedLinear,
    nn.Conv2d: StackedConvolution,
    nn.BatchNorm1d: StackedBatchNorm,
    nn.BatchNorm2d: StackedBatchNorm,
    NormalisedLinear: StackedNormalisedLinear,
    Unnormalised: StackedUnnormalised,
    DropoutLayer: StackedDropout,
    nn.Flatten: StackedFlatten,
    **dict.fromkeys((*ELEMENTWISE, *POOLING), Alike),
    **dict.fromkeys(PASSED, _nothing),
}
