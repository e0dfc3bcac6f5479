"""Residual blocks side by side."""

import torch
from torch import nn

from ravine.train.stacking.activations import Activations


class StackedBlock(nn.Module):
    """max(0, shortcut(x) + branch(x)); see `ravine.moments.Block`."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module, members: int) -> None:
        super().__init__()
        self.branch, self.shortcut, self.members = branch, shortcut, members

    def forward(self, x: Activations) -> Activations:
        """From maps [N, M·C, H, W] to [N, K·C', H', W']."""
        shortcut, branch = self.shortcut(x), self.branch(x)
        total = shortcut.spread(self.members) + branch.spread(self.members)
        return Activations(torch.relu(total), self.members)
