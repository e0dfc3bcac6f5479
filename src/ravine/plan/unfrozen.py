"""What has no effect, or no place, where stages of a pretrained body are trained."""

from collections.abc import Sequence

from ravine.base.errors import PlanError
from ravine.ensemble.ensemble import Ensemble
from ravine.ensemble.test_time import Views
from ravine.interfaces import Rule
from ravine.moments import Technique
from ravine.regularize.dropout import Dropout

_ONCE = "what the frozen stages say of each picture is computed once"


def check_unfrozen(transfer: str, rule: Rule, decay: float, views: int) -> None:
    """Refuse rates by depth for a rule that cannot have them, and views of pictures for the head.

    Args:
        transfer: last1, last2 or all.
        rule: The update rule.
        decay: The learning rate of a stage relative to the stage above it.
        views: How often the head sees each picture.

    Raises:
        PlanError: One of them has no place here.
    """
    if rule.averages and decay != 1:
        raise PlanError(
            f"{type(rule).__name__} ties the weights that it trains to an average of them, so that stages cannot have "
            "rates of their own. Set tuning.decay=1, or choose another rule, such as adamw."
        )
    if views > 1:
        raise PlanError(
            f"head.views has no effect with transfer={transfer}: the head is only where training begins, and is fitted "
            "to pictures as they are. Leave it out."
        )


def check_unfrozen_parts(transfer: str, techniques: Sequence[Technique], ensemble: Ensemble | None) -> None:
    """Refuse what acts on pixels where none are left, and what replaces layers of a pretrained body.

    Args:
        transfer: last1, last2 or all.
        techniques: Of the plan.
        ensemble: Of the plan.

    Raises:
        PlanError: One of them has no place here.
    """
    for part in techniques:
        if _acts_inside(part) and not isinstance(part, Dropout):
            raise PlanError(
                f"{type(part).__name__} replaces layers of a network, and a pretrained body keeps its own. Leave it "
                "out; dropout acts before the head."
            )
        if transfer != "all" and _acts_on_pictures(part):
            raise PlanError(
                f"{type(part).__name__} changes pictures, and with transfer={transfer} {_ONCE}. Leave it out, or "
                "choose transfer=all."
            )
    if transfer != "all" and isinstance(ensemble, Views):
        raise PlanError(
            f"ensemble = test_time asks about several views of a picture, and with transfer={transfer} {_ONCE}. Leave "
            "it out, or choose transfer=all."
        )


def _acts_inside(part: Technique) -> bool:
    return type(part).install is not Technique.install


def _acts_on_pictures(part: Technique) -> bool:
    return any(getattr(type(part), moment) is not getattr(Technique, moment) for moment in ("augment", "mix"))
