"""Update rules, one formula a file; full-batch minimizers in `second_order`; `minimize` for functions of one's own."""

from ravine.optim.minimum import Minimum, minimize

__all__ = ["Minimum", "minimize"]
