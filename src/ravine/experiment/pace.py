"""How fast a training is: a few steps that are thrown away."""

import time
from dataclasses import replace

from ravine.experiment.planned import Planned

WARM_UP, TIMED = 2, 6


def epoch_seconds(planned: Planned) -> float:
    """About how long one epoch of one member takes.

    Args:
        planned: The training, with its pictures.
    """
    plan = planned.plan
    loop = replace(planned, plan=replace(plan, epochs=1, rungs=())).prepare(
        planned.split.train, [plan.seed], "time", [0]
    )
    for step in range(WARM_UP):
        loop.step(step % len(loop.batches))
    began = time.perf_counter()
    for step in range(TIMED):
        loop.step((WARM_UP + step) % len(loop.batches))
    return (time.perf_counter() - began) / TIMED * len(loop.batches)
