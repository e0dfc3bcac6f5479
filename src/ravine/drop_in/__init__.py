"""Ravine's parts with PyTorch's interfaces, for networks and loops of your own."""

from ravine.drop_in.modules import DropConnectLinear, Dropout, FractionalMaxPool2d, StochasticDepth

__all__ = ["DropConnectLinear", "Dropout", "FractionalMaxPool2d", "StochasticDepth"]
