"""Every rule that torch has, for 16 members with 16 sets of hyperparameters, against 16 torch optimizers."""

from typing import Any

import pytest
import torch
from optim_population import Problem, by_torch, random_layout, spread, trained

from ravine.optim.adagrad import Adagrad
from ravine.optim.adam import Adam
from ravine.optim.adamw import AdamW
from ravine.optim.momentum import Momentum
from ravine.optim.nadam import NAdam
from ravine.optim.nesterov import Nesterov
from ravine.optim.rmsprop import RMSProp
from ravine.optim.sgd import SGD
from ravine.penalties.l2 import L2

LR, MOMENTUM, BETA1, BETA2 = spread(0.002, 0.05), spread(0.0, 0.95), spread(0.5, 0.95), spread(0.9, 0.999)
EPS, DECAY, STRENGTH = spread(1e-8, 1e-3), spread(0.0, 0.1), spread(0.0, 0.05)
RATES: dict[str, Any] = {"lr": LR}
ADAM: dict[str, Any] = {"lr": LR, "beta1": BETA1, "beta2": BETA2, "eps": EPS}
DAMPENING = spread(0.0, 0.5)
RMSPROP: dict[str, Any] = {"lr": LR, "alpha": BETA2, "eps": EPS}


def _torch_adam(kind: Any, **names: Any) -> Any:
    def make(i: int, parameters: Any) -> torch.optim.Optimizer:
        own = {name: values[i] if isinstance(values, tuple) else values for name, values in names.items()}
        return kind(parameters, lr=LR[i], betas=(BETA1[i], BETA2[i]), eps=EPS[i], **own)

    return make


def _torch(kind: Any, **names: Any) -> Any:
    def make(i: int, parameters: Any) -> torch.optim.Optimizer:
        own = {name: values[i] if isinstance(values, tuple) else values for name, values in names.items()}
        return kind(parameters, lr=LR[i], weight_decay=STRENGTH[i], **own)

    return make


COUPLED = [
    (SGD(**RATES), _torch(torch.optim.SGD)),
    (Momentum(momentum=MOMENTUM, **RATES), _torch(torch.optim.SGD, momentum=MOMENTUM)),
    (
        Momentum(momentum=MOMENTUM, dampening=DAMPENING, **RATES),
        _torch(torch.optim.SGD, momentum=MOMENTUM, dampening=DAMPENING),
    ),
    (Nesterov(momentum=BETA1, **RATES), _torch(torch.optim.SGD, momentum=BETA1, nesterov=True)),
    (
        Adagrad(eps=EPS, lr_decay=DECAY, initial=STRENGTH, **RATES),
        _torch(torch.optim.Adagrad, eps=EPS, lr_decay=DECAY, initial_accumulator_value=STRENGTH),
    ),
    (RMSProp(**RMSPROP), _torch(torch.optim.RMSprop, alpha=BETA2, eps=EPS)),
    (
        RMSProp(momentum=MOMENTUM, **RMSPROP),
        _torch(torch.optim.RMSprop, alpha=BETA2, eps=EPS, momentum=MOMENTUM),
    ),
    (RMSProp(centred=True, **RMSPROP), _torch(torch.optim.RMSprop, alpha=BETA2, eps=EPS, centered=True)),
    (Adam(**ADAM), _torch_adam(torch.optim.Adam, weight_decay=STRENGTH)),
]


def test_adamw_with_l2_equals_adam_of_torch() -> None:
    problem = Problem(5, random_layout(5))
    theta, _ = trained(problem, AdamW(weight_decay=STRENGTH, decay="l2", biases_and_norms=True, **ADAM))
    reference = by_torch(problem, _torch_adam(torch.optim.Adam, weight_decay=STRENGTH))
    assert (theta - reference).abs().max() <= 1e-12


@pytest.mark.parametrize("case", range(len(COUPLED)), ids=[type(rule).__name__ for rule, _ in COUPLED])
def test_equals_torch_with_its_weight_decay(case: int) -> None:
    rule, make = COUPLED[case]
    problem = Problem(case, random_layout(case))
    theta, _ = trained(problem, rule, [L2(strength=STRENGTH, biases_and_norms=True)])
    assert (theta - by_torch(problem, make)).abs().max() <= 1e-12


def test_adamw_equals_torch() -> None:
    problem = Problem(3, random_layout(3))
    theta, _ = trained(problem, AdamW(weight_decay=STRENGTH, biases_and_norms=True, **ADAM))
    reference = by_torch(problem, _torch_adam(torch.optim.AdamW, weight_decay=STRENGTH))
    assert (theta - reference).abs().max() <= 1e-12


def test_nadam_equals_torch_as_far_as_torch_goes() -> None:
    """Torch keeps the product of the momenta in float32."""
    problem = Problem(4, random_layout(4))
    theta, _ = trained(problem, NAdam(momentum_decay=spread(0.001, 0.01), **ADAM))
    reference = by_torch(problem, _torch_adam(torch.optim.NAdam, momentum_decay=spread(0.001, 0.01)))
    assert (theta - reference).abs().max() <= 1e-9
