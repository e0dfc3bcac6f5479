"""Ravine's regularizers as modules for networks and loops of your own.

They take their random numbers from torch's global generator, follow `train()` and `eval()`, and have the `state_dict`
of PyTorch's modules of the same kind.
"""

from torch import Tensor, nn

from ravine.base.errors import PlanError, unknown
from ravine.regularize import dropconnect, dropout, fractional_pool, stochastic_depth
from ravine.regularize.fractional_regions import Kind
from ravine.regularize.fractional_regions import Mode as RegionMode


class Dropout(dropout.DropoutLayer):
    """Dropout with either scaling; see `ravine.regularize.dropout`.

    Example:
        >>> import torch
        >>> drop = Dropout(p=0.25, mode="plain")
        >>> sorted(set(drop(torch.ones(1000)).tolist())), drop.eval()(torch.ones(2))
        ([0.0, 1.0], tensor([0.7500, 0.7500]))
    """

    def __init__(self, p: float = 0.5, mode: dropout.Mode = "inverted") -> None:
        """Choose.

        Args:
            p: Probability that a unit is dropped, in [0, 1].
            mode: "inverted" divides by 1 − p while training, "plain" multiplies by 1 − p at test.

        Raises:
            PlanError: One of them is not allowed.
        """
        dropout.Dropout(p, mode)
        super().__init__(p, mode)


class DropConnectLinear(dropconnect.DropConnectLayer):
    """A linear layer with DropConnect, and its activation; see `ravine.regularize.dropconnect`.

    In evaluation it gives the expected activation, by the normal distribution with the masked sums' moments.

    Example:
        >>> import torch
        >>> layer = DropConnectLinear(4, 3)
        >>> layer(torch.ones(2, 4)).shape, list(layer.state_dict())
        (torch.Size([2, 3]), ['weight', 'bias'])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        p: float = 0.5,
        activation: dropconnect.Activation = "relu",
        bias: bool = True,
    ) -> None:
        """Make the layer; its parameters start as those of `torch.nn.Linear`.

        Args:
            in_features: Entries of x.
            out_features: Units.
            p: Probability that a weight is dropped, in [0, 1].
            activation: What follows the masked sum; "identity" for nothing.
            bias: Whether there is a bias, which is masked like the weights.

        Raises:
            PlanError: p is out of range, or the activation is not known.
        """
        dropconnect.DropConnect(p)
        if activation not in dropconnect.FUNCTIONS:
            raise PlanError(unknown("activation", str(activation), dropconnect.FUNCTIONS))
        super().__init__(nn.Linear(in_features, out_features, bias), p, activation)


class FractionalMaxPool2d(fractional_pool.FractionalPoolLayer):
    """Fractional max-pooling with Graham's four kinds of regions; see `ravine.regularize.fractional_pool`.

    Regions are drawn for each picture, and shared by its channels; `torch.nn.FractionalMaxPool2d` draws pseudorandom
    overlapping ones for each channel. Like there, they are random in evaluation too: average over several passes.

    Example:
        >>> import torch
        >>> FractionalMaxPool2d()(torch.rand(2, 3, 28, 28)).shape
        torch.Size([2, 3, 19, 19])
    """

    def __init__(
        self,
        kernel_size: int = 2,
        output_ratio: float = 0.5**0.5,
        mode: RegionMode = "pseudorandom",
        kind: Kind = "overlapping",
    ) -> None:
        """Choose.

        Args:
            kernel_size: Rows and columns of an overlapping region, and at most of a disjoint one; at least 1.
            output_ratio: Size of the output over that of the input, in (0, 1); the size is rounded down.
            mode: How the regions are drawn.
            kind: Whether they overlap.

        Raises:
            PlanError: One of them is not allowed; or, when it is called, the regions do not fit the picture.
        """
        fractional_pool.FractionalPool(mode, kind)
        if kernel_size < 1 or not 0 < output_ratio < 1:
            raise PlanError(
                f"FractionalMaxPool2d has kernel_size={kernel_size!r} and output_ratio={output_ratio!r}. "
                "Choose a kernel of at least 1, and a ratio between 0 and 1."
            )
        super().__init__(kernel_size, mode, kind)
        self.output_ratio = output_ratio

    def sizes(self, size: int) -> tuple[int, ...]:
        """Such as 28, 19."""
        return size, int(size * self.output_ratio)

    def forward(self, x: Tensor) -> Tensor:
        """From [N, C, H, W] to [N, C, ⌊ratio·H⌋, ⌊ratio·W⌋]."""
        return self.pooled(x, self.draws, x.shape[0])

    def extra_repr(self) -> str:
        """Its settings."""
        return f"kernel_size={self.k}, output_ratio={self.output_ratio:g}, {super().extra_repr()}"


class StochasticDepth(stochastic_depth.StochasticDepthLayer):
    """Stochastic depth of one branch; see `ravine.regularize.stochastic_depth`.

    `x + depth(branch(x))` scales what the branch gave; `x + depth(x, branch)` is the same, but does not call the branch
    where a gate for the whole batch is closed. As in the paper nothing is scaled while training, and 1 − p is at test;
    `torchvision.ops.StochasticDepth` divides by 1 − p while training.

    Example:
        >>> import torch
        >>> depth, x = StochasticDepth(p=0.5).eval(), torch.ones(2)
        >>> x + depth(x, torch.exp)
        tensor([2.3591, 2.3591])
    """

    def __init__(self, p: float = 0.5, mode: stochastic_depth.Mode = "batch") -> None:
        """Choose.

        Args:
            p: Probability that the branch is dropped, in [0, 1].
            mode: "batch" for one gate in common, "sample" for one each.

        Raises:
            PlanError: One of them is not allowed.
        """
        stochastic_depth.StochasticDepth(p, mode)
        super().__init__(p, mode)
