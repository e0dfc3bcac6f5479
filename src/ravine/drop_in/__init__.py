"""Ravine's parts with PyTorch's interfaces, for networks and loops of your own."""

from ravine.drop_in.adaptive import Adagrad, Adam, AdamW, NAdam, RMSprop
from ravine.drop_in.lbfgs import LBFGS
from ravine.drop_in.lion import Lion
from ravine.drop_in.modules import DropConnectLinear, Dropout, FractionalMaxPool2d, StochasticDepth
from ravine.drop_in.muon import Muon
from ravine.drop_in.sgd import SGD

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
