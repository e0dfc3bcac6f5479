"""A frozen body without its batch norms: each goes into the convolution before it.

In evaluation mode   γ (W∗x + b − μ) / √(σ² + ε) + β  =  W′∗x + b′   with   W′ = W γ / √(σ² + ε)

Source: B. Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference",
CVPR 2018, equation 14.
"""

from copy import deepcopy
from typing import Any

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ravine.models.taps import Taps


def folded(network: nn.Module) -> nn.Module:
    """A copy that answers the same up to rounding, with less to do.

    A batch norm stays where it does not directly follow a convolution whose output nothing else reads.

    Args:
        network: A body of timm, or one with taps, in evaluation mode.

    Example:
        >>> import torch
        >>> body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
        >>> folded(body)[1]
        Identity()
        >>> x = torch.rand(2, 3, 8, 8)
        >>> torch.allclose(folded(body)(x), body(x), atol=1e-6)
        True
    """
    copy = deepcopy(network)
    body = copy.body if isinstance(copy, Taps) else copy
    for before, after in _pairs(body):
        convolution: Any = body.get_submodule(before)
        norm: Any = body.get_submodule(after)
        fused = fuse_conv_bn_eval(convolution, norm)
        convolution.weight, convolution.bias = fused.weight, fused.bias
        body.set_submodule(after, _rest(norm))
    return copy.requires_grad_(False)


class _Tracer(fx.Tracer):
    """Records convolutions and batch norms, of whatever kind, as one step each."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.Conv2d | nn.BatchNorm2d) or super().is_leaf_module(m, module_qualified_name)


def _pairs(body: nn.Module) -> list[tuple[str, str]]:
    """The names of convolutions and of the batch norms that follow them, each called once."""
    nodes = [node for node in _Tracer().trace(body).nodes if node.op == "call_module"]
    called = [node.target for node in nodes]
    found = []
    for node in nodes:
        before: Any = node.args[0] if node.args else None
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) != 1:
            continue
        kinds = [body.get_submodule(str(one.target)) for one in (before, node)]
        once = called.count(before.target) == called.count(node.target) == 1
        if isinstance(kinds[0], nn.Conv2d) and isinstance(kinds[1], nn.BatchNorm2d) and once:
            found.append((str(before.target), str(node.target)))
    return found


def _rest(norm: Any) -> nn.Module:
    """What a batch norm of timm does after it has normalised: an activation."""
    from timm.layers.norm_act import BatchNormAct2d

    if not isinstance(norm, BatchNormAct2d):
        return nn.Identity()
    parts: list[Any] = [norm.drop, norm.act]
    return nn.Sequential(*parts)
