"""Ravine's parts with PyTorch's interfaces, for networks and loops of your own."""

from ravine.drop_in.adaptive import Adagrad, Adam, AdamW, NAdam, RMSprop
from ravine.drop_in.decoupled import Lion, Muon
from ravine.drop_in.lbfgs import LBFGS
from ravine.drop_in.modules import DropConnectLinear, Dropout, FractionalMaxPool2d, StochasticDepth
from ravine.drop_in.muon import Muon
from ravine.drop_in.optimizers import SGD, Adagrad, Adam, AdamW, Lion, NAdam, RMSprop

__all__ = [
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "DropConnectLinear",
    "Dropout",
    "FractionalMaxPool2d",
    "Lion",
    "Muon",
    "NAdam",
    "RMSprop",
    "StochasticDepth",
]
