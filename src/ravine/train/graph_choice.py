"""When a static graph repays: measured seconds against what compiling takes.

    compiling repays  when  share · eager · passes > compile

with the share of an eager pass that the compiled one saves, the seconds of an eager pass, the number of passes left,
and the seconds of compiling. An eager pass is timed before the decision; the share and the seconds of compiling are
remembered from an earlier run of the same network on the same machine (`ravine.train.graph_memory`), or assumed.

What is assumed on a CPU was measured on two cores of an AMD EPYC with AVX-512, torch 2.14, two threads, forward and
backward pass, 28 pixels:

    network          layers   batch   eager      compiled   cold compile
    mlp                   3      32     1.0 ms     1.2 ms     14.7 s
    mlp                   3     128     2.4 ms     2.7 ms     11.5 s
    small_cnn             7      32    12.4 ms    14.2 ms     22.3 s
    small_cnn             7     128    56.6 ms    75.7 ms     19.1 s
    residual             31      32    49.4 ms    43.5 ms     33.5 s
    residual             31     128   156.0 ms   146.7 ms     48.4 s

So it saved nothing in two networks, and 6 to 12 % in the third, which five thousand steps repay. A network that was
never compiled here is therefore tried only where compiling takes at most 3 % of the time that is left: then a try that
comes to nothing costs no more than that. For small_cnn and batches of 32 that means 51,000 steps, for mlp 500,000.

On a GPU a small network waits for the launches of its operations, which a captured graph does away with: 30 % are
assumed; that is not measured.
"""

from dataclasses import dataclass

from torch import nn

GAIN = 0.03
"""A compiled pass must save more than this share, else eager goes on."""

ASSUMED_SHARE = {"cpu": GAIN, "cuda": 0.3}
FIRST_SECONDS, LAYER_SECONDS = 12.0, 1.0
"""Assumed for compiling: this, and this for each layer with parameters."""


@dataclass(frozen=True)
class Timing:
    """What was measured of one network on one machine, in seconds.

    Attributes:
        compile: Until the first compiled passes were done.
        eager: Of an eager forward and backward pass.
        compiled: Of a compiled one.
    """

    compile: float
    eager: float
    compiled: float

    @property
    def share(self) -> float:
        """The share of an eager pass that compiling saves; below zero where it is slower."""
        return 1 - self.compiled / self.eager


def compile_seconds(network: nn.Module) -> float:
    """How long compiling a network is assumed to take.

    Example:
        >>> compile_seconds(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)))
        14.0
    """
    layers = sum(any(True for _ in module.parameters(recurse=False)) for module in network.modules())
    return FIRST_SECONDS + LAYER_SECONDS * layers


def why_not(eager: float, passes: int, known: Timing | None, assumed: float, device: str) -> str | None:
    """Why compiling is not even tried, in a sentence; None where it is.

    Args:
        eager: Seconds of an eager pass.
        passes: How many are left.
        known: What an earlier run measured.
        assumed: Seconds of compiling, where nothing is known.
        device: cpu or cuda.

    Example:
        >>> why_not(0.012, 1250, None, 19.0, "cpu")
        'Compiling takes about 19 s, and would save about 3 % of the 15 s of passes that are left.'
        >>> why_not(0.012, 100_000, None, 19.0, "cpu") is None
        True
    """
    left = eager * passes
    share = known.share if known else ASSUMED_SHARE.get(device, GAIN)
    if known and share <= GAIN:
        return f"An earlier run on this machine measured that a compiled pass {_saves(share)}."
    seconds = known.compile if known else assumed
    if share * left > seconds:
        return None
    source = "as an earlier run measured" if known else ""
    words = (
        f"Compiling takes about {seconds:.0f} s, and would save about {share:.0%} of the {left:.3g} s of passes that"
    )
    return f"{words} are left{', ' + source if source else ''}.".replace("%", " %")


def gains(measured: Timing) -> tuple[bool, str]:
    """Whether the compiled graph is kept, and why, in a sentence."""
    kept = measured.share > GAIN
    words = f"A compiled pass {_saves(measured.share)}: {_milliseconds(measured.compiled)} instead of "
    return kept, f"{words}{_milliseconds(measured.eager)}; compiling took {measured.compile:.1f} s."


def _saves(share: float) -> str:
    if share < 0:
        return f"takes {-share:.0%} longer".replace("%", " %")
    return f"saves {share:.0%}".replace("%", " %")


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"
