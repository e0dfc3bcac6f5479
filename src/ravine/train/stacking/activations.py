"""What passes between stacked layers."""

from typing import NamedTuple

from torch import Tensor


class Activations(NamedTuple):
    """Activations of M members: of all K of them, or M = 1 as long as they are the same for all.

    Features come before examples, [M, F, N]: then no matrix product has to be transposed, batch norm finds its channels
    side by side, and the softmax over a few classes runs along the examples, which took a tenth of the time on a CPU.

    Attributes:
        values: Maps [N, M·C, H, W], or features [M, F, N].
        members: M.
    """

    values: Tensor
    members: int

    def spread(self, members: int) -> Tensor:
        """The values of each of K members, also where they are the same."""
        if self.members == members:
            return self.values
        if self.values.dim() == 4:
            return self.values.repeat(1, members, 1, 1)
        return self.values.expand(members, -1, -1)

    def flat(self) -> "Activations":
        """Maps as features [M, C·H·W, N], in the order of `torch.nn.Flatten`."""
        if self.values.dim() == 3:
            return self
        examples = self.values.shape[0]
        features = self.values.reshape(examples, self.members, -1)
        return Activations(features.permute(1, 2, 0), self.members)
