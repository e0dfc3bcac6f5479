"""The one table of names: what a plan may say, and the part that it means."""

from typing import Any

from ravine.augment.colour import Colour
from ravine.augment.crop import Crop
from ravine.augment.cutmix import CutMix
from ravine.augment.cutout import Cutout
from ravine.augment.flip import Flip
from ravine.augment.mixup import Mixup
from ravine.augment.noise import Noise
from ravine.augment.resized_crop import ResizedCrop
from ravine.augment.rotate import Rotate
from ravine.augment.scale import Scale
from ravine.base.errors import PlanError, unknown
from ravine.ensemble.ema import EMA
from ravine.ensemble.ensemble import Ensemble
from ravine.ensemble.independent import Independent
from ravine.ensemble.monte_carlo import MonteCarlo
from ravine.ensemble.polyak import Polyak
from ravine.ensemble.selection import Selection
from ravine.ensemble.snapshot import Snapshot
from ravine.ensemble.soup import Soup
from ravine.ensemble.swa import SWA
from ravine.ensemble.test_time import Views
from ravine.interfaces import Part, Penalty, Rule, Schedule
from ravine.models.architecture import Architecture
from ravine.models.backbone import PACKAGED, Backbone
from ravine.models.mlp import MLP
from ravine.models.residual import Residual
from ravine.models.small_cnn import SmallCNN
from ravine.moments import Technique
from ravine.optim.adagrad import Adagrad
from ravine.optim.adam import Adam
from ravine.optim.adamw import AdamW
from ravine.optim.lion import Lion
from ravine.optim.momentum import Momentum
from ravine.optim.muon import Muon
from ravine.optim.nadam import NAdam
from ravine.optim.nesterov import Nesterov
from ravine.optim.rmsprop import RMSProp
from ravine.optim.sam import SAM
from ravine.optim.schedule_free import ScheduleFree
from ravine.optim.second_order.bfgs import BFGS
from ravine.optim.second_order.gauss_newton import GaussNewton
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.second_order.minimizer import Minimizer
from ravine.optim.second_order.newton import Newton
from ravine.optim.second_order.newton_cg import NewtonCG
from ravine.optim.sgd import SGD
from ravine.penalties.decoupled_decay import DecoupledDecay
from ravine.penalties.elastic_net import ElasticNet
from ravine.penalties.l1 import L1
from ravine.penalties.l2 import L2
from ravine.regularize.batch_norm import BatchNorm
from ravine.regularize.class_balance import ClassBalance
from ravine.regularize.dropconnect import DropConnect
from ravine.regularize.dropout import Dropout
from ravine.regularize.early_stopping import EarlyStopping
from ravine.regularize.fractional_pool import FractionalPool
from ravine.regularize.label_smoothing import LabelSmoothing
from ravine.regularize.max_norm import MaxNorm
from ravine.regularize.stochastic_depth import StochasticDepth
from ravine.schedules.constant import Constant
from ravine.schedules.cosine import Cosine
from ravine.schedules.cosine_restarts import CosineRestarts
from ravine.schedules.cyclic import Cyclic
from ravine.schedules.exponential import Exponential
from ravine.schedules.inverse_time import InverseTime
from ravine.schedules.one_cycle import OneCycle
from ravine.schedules.polynomial import Polynomial
from ravine.schedules.step import StepDecay
from ravine.schedules.warm_up import WarmUp
from ravine.schedules.warm_up_stable_decay import WarmUpStableDecay

# The order of techniques is that in which they act: in the network, on pictures, on targets, on weights.
PARTS: dict[str, tuple[type[Part], ...]] = {
    "optimizer": (
        *(SGD, Momentum, Nesterov, Adagrad, RMSProp, Adam, AdamW, NAdam, Lion, Muon, ScheduleFree, SAM),
        *(Newton, NewtonCG, BFGS, LBFGS, GaussNewton),
    ),
    "schedule": (
        *(Constant, StepDecay, Exponential, InverseTime, Polynomial, Cosine, CosineRestarts, Cyclic),
        *(WarmUp, OneCycle, WarmUpStableDecay),
    ),
    "penalty": (L1, L2, ElasticNet, DecoupledDecay),
    "model": (MLP, SmallCNN, Residual, Backbone),
    "technique": (
        *(BatchNorm, StochasticDepth, FractionalPool, DropConnect, Dropout),
        *(ResizedCrop, Scale, Rotate, Crop, Flip, Colour, Noise, Cutout, Mixup, CutMix),
        *(LabelSmoothing, ClassBalance, MaxNorm, EarlyStopping),
    ),
    "ensemble": (Independent, Snapshot, Polyak, EMA, SWA, Soup, Selection, Views, MonteCarlo),
}

BASES: dict[type[Part], str] = {
    Rule: "optimizer",
    Minimizer: "optimizer",
    Schedule: "schedule",
    Penalty: "penalty",
    Architecture: "model",
    Technique: "technique",
    Ensemble: "ensemble",
}


def kind_of(cls: type) -> str | None:
    """Which kind of part a class is, or None where plans do not name it."""
    return next((kind for base, kind in BASES.items() if issubclass(cls, base)), None)


def name_of(part: type[Part] | Part) -> str:
    """The name of a part in plans: that of its file, since each has a file of its own.

    Example:
        >>> name_of(OneCycle), name_of(AdamW()), name_of(SmallCNN)
        ('one_cycle', 'adamw', 'small_cnn')
    """
    return part.__module__.rpartition(".")[2]


def table(kind: str) -> dict[str, type[Part]]:
    """The names of one kind of part."""
    return {name_of(cls): cls for cls in PARTS[kind]}


def find(kind: str, name: str) -> type[Part]:
    """The part of a kind that a name means.

    Raises:
        PlanError: There is no such name; the message offers the nearest.
    """
    known = table(kind)
    if name not in known:
        raise PlanError(unknown(kind, name, known))
    return known[name]


def parse_word(kind: str, word: str) -> dict[str, Any]:
    """Read the short form of a part: a name, or ``timm:NAME[@weights]`` for a model.

    Example:
        >>> parse_word("optimizer", "adam")
        {'name': 'adam'}
        >>> parse_word("model", "timm:resnet18@/weights/r18.pth")
        {'name': 'backbone', 'timm': 'resnet18', 'weights': '/weights/r18.pth'}
    """
    if kind == "model" and word.startswith("timm:"):
        timm_name, _, weights = word.removeprefix("timm:").partition("@")
        return {"name": "backbone", "timm": timm_name, "weights": weights or "packaged"}
    if kind == "model" and word == "backbone":
        return {"name": "backbone", "timm": PACKAGED, "weights": "packaged"}
    return {"name": word}
