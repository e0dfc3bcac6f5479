"""How large a dense matrix of parameters by parameters may become."""

from torch import Tensor

from ravine.base.errors import PlanError

ROOM_BYTES = 2 << 30


def check_room(method: str, theta: Tensor) -> None:
    """Refuse matrices [K, P, P] over 2 GiB.

    Args:
        method: Who asks, for the message.
        theta: The parameters [K, P].

    Raises:
        PlanError: They would not fit; the message gives the numbers.
    """
    members, parameters = theta.shape
    needed = members * parameters * parameters * theta.element_size()
    if needed > ROOM_BYTES:
        raise PlanError(
            f"{method} keeps a matrix of {parameters:,} × {parameters:,} numbers for each of {members} members: "
            f"{needed / 2**30:,.1f} GiB, and {ROOM_BYTES / 2**30:.0f} are allowed. Choose lbfgs or newton_cg, which "
            "keep a few vectors, or a smaller model."
        )
