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

    A batch norm of PyTorch or timm goes into a convolution of theirs, where nothing else reads its output. Others stay.

    Args:
        network: A body of timm, or one with taps, in evaluation mode.

    Returns:
        The copy; the network itself where nothing can be folded.

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
    pairs = _pairs(body)
    for before, after in pairs:
        convolution: Any = body.get_submodule(before)
        norm: Any = body.get_submodule(after)
        fused = fuse_conv_bn_eval(convolution, norm)
        convolution.weight, convolution.bias = fused.weight, fused.bias
        body.set_submodule(after, _rest(norm))
    return copy.requires_grad_(False) if pairs else network


class _Tracer(fx.Tracer):
    """Records convolutions and batch norms, of whatever kind, as one step each."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.Conv2d | nn.BatchNorm2d) or super().is_leaf_module(m, module_qualified_name)


def _pairs(body: nn.Module) -> list[tuple[str, str]]:
    """The names of convolutions and of the batch norms that follow them, each called once."""
    try:
        graph = _Tracer().trace(body)
    except Exception:  # what a body does can depend on its pictures in ways that cannot be recorded
        return []
    nodes = [node for node in graph.nodes if node.op == "call_module"]
    called = [node.target for node in nodes]
    found = []
    for node in nodes:
        before: Any = node.args[0] if node.args else None
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) != 1:
            continue
        once = called.count(before.target) == called.count(node.target) == 1
        names = str(before.target), str(node.target)
        if once and _foldable(*(body.get_submodule(name) for name in names)):
            found.append(names)
    return found


def _foldable(convolution: nn.Module, norm: Any) -> bool:
    """Whether these are known to compute with their weights as they are, and nothing else looks on."""
    from timm.layers.conv2d_same import Conv2dSame
    from timm.layers.norm_act import BatchNormAct2d

    known = type(convolution) in (nn.Conv2d, Conv2dSame) and type(norm) in (nn.BatchNorm2d, BatchNormAct2d)
    watched = any(vars(one)[hooks] for one in (convolution, norm) for hooks in ("_forward_hooks", "_forward_pre_hooks"))
    return known and not watched and norm.running_mean is not None


def _rest(norm: Any) -> nn.Module:
    """What a batch norm of timm does after it has normalised: an activation."""
    if type(norm) is nn.BatchNorm2d:
        return nn.Identity()
    parts: list[Any] = [norm.drop, norm.act]
    return nn.Sequential(*parts)
