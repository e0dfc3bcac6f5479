"""Networks that answer with the mean of several softmaxes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax


def log_mean_of_softmax(log_probabilities: Tensor, votes: Tensor) -> Tensor:
    """Log of the weighted mean Σₘ votesₘ·pₘ, without ever leaving the logarithm: no probability underflows.

    Args:
        log_probabilities: Log p, [M, N, C].
        votes: [M], positive, with sum 1.

    Returns:
        [N, C]; a temperature divides it as it divides logits.

    Example:
        >>> two = torch.tensor([[[0.5, 0.5]], [[0.1, 0.9]]]).log()
        >>> log_mean_of_softmax(two, torch.tensor([0.5, 0.5])).exp()
        tensor([[0.3000, 0.7000]])
    """
    return torch.logsumexp(log_probabilities + votes.to(log_probabilities.dtype).log().view(-1, 1, 1), dim=0)


class Committee(nn.Module, ABC):
    """Several answers to one picture; together one network whose logits are the log of their mean probabilities.

    Attributes:
        votes: float64 [M], with sum 1.
    """

    votes: Tensor

    def __init__(self, votes: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("votes", torch.tensor(votes, dtype=torch.float64))

    @abstractmethod
    def members(self, x: Tensor) -> Tensor:
        """The log-probabilities of each answer, [M, N, C], to pictures [N, C, H, W]."""

    def forward(self, x: Tensor) -> Tensor:
        """Log of the weighted mean of the answers' probabilities, [N, C]."""
        return log_mean_of_softmax(self.members(x), self.votes)


class MeanOfSoftmax(Committee):
    """The weighted mean of the probabilities of several networks.

    Attributes:
        networks: M of them, in the order of `votes`.

    Example:
        >>> both = MeanOfSoftmax([nn.Identity(), nn.Identity()], [0.5, 0.5])
        >>> both(torch.tensor([[0.0, 0.0]])).exp()
        tensor([[0.5000, 0.5000]])
    """

    def __init__(self, networks: Sequence[nn.Module], votes: Sequence[float]) -> None:
        super().__init__(votes)
        self.networks = nn.ModuleList(networks)

    def members(self, x: Tensor) -> Tensor:
        """See `Committee.members`."""
        return torch.stack([log_softmax(network(x), dim=1) for network in self.networks])


def answering(networks: Sequence[nn.Module], votes: Sequence[float]) -> nn.Module:
    """One network for all of them: the mean of their softmaxes, or the one that there is, with its logits as they are.

    Example:
        >>> answering([nn.Identity()], [1.0])
        Identity()
    """
    return networks[0] if len(networks) == 1 else MeanOfSoftmax(networks, votes)


class EachMember(nn.Module):
    """The log-probabilities of each answer of a committee as [N, M, C], so that batches of pictures can be joined."""

    def __init__(self, committee: Committee) -> None:
        super().__init__()
        self.committee = committee

    def forward(self, x: Tensor) -> Tensor:
        """From pictures [N, C, H, W]."""
        return self.committee.members(x).transpose(0, 1)
