import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

from ravine.base.errors import PlanError
from ravine.regularize.label_smoothing import LabelSmoothing, smoothed


@pytest.mark.parametrize("strength", [0.0, 0.1, 0.9])
def test_the_loss_is_pytorchs(strength):
    logits, labels = torch.randn(6, 5).double(), torch.randint(5, (6,))
    targets = LabelSmoothing(strength).targets(one_hot(labels, 5).double(), torch.ones(5))
    ours, theirs = cross_entropy(logits, targets), cross_entropy(logits, labels, label_smoothing=strength)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)


def test_mixed_targets_stay_distributions():
    targets = torch.rand(6, 5).double().softmax(1)
    after = smoothed(targets, 0.3)
    torch.testing.assert_close(after.sum(1), torch.ones(6).double())
    assert torch.equal(after.argsort(1), targets.argsort(1))


def test_range():
    with pytest.raises(PlanError, match=r"\[0, 1\)"):
        LabelSmoothing(1.0)
