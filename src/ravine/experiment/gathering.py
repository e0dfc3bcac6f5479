"""What the ensemble of a plan gathers while members are trained, known before anything is trained."""

from collections.abc import Sequence

from ravine.base.errors import PlanError
from ravine.data.batches import batches_of
from ravine.ensemble.collector import Collector, Course
from ravine.plan.members import of_members
from ravine.plan.plan import Plan


def collector(plan: Plan, members: Sequence[int], pictures: int) -> Collector | None:
    """What gathers, in a training of some members; None where nothing does.

    Args:
        plan: The choices.
        members: Which of its members, from 0.
        pictures: How many are trained on.

    Raises:
        PlanError: The schedule and the length of the training leave the ensemble nothing to gather.
    """
    if plan.ensemble is None or plan.schedule is None or plan.epochs is None or plan.batch_size is None:
        return None
    steps, schedule = batches_of(pictures, plan.batch_size), of_members(plan.schedule, members)
    return of_members(plan.ensemble, members).collector(Course(len(members), plan.epochs, steps, schedule))


def check_gathering(plan: Plan, trained: int, every: int) -> None:
    """Refuse what cannot be gathered, or would be something else when the training is repeated on all pictures.

    Args:
        plan: The choices.
        trained: Pictures of the first training.
        every: Pictures of its repetition.

    Raises:
        PlanError: One of both; the message says what to do.
    """
    first = collector(plan, range(plan.members), trained)
    if first is None or not plan.refit or trained == every:
        return
    again = collector(plan, range(plan.members), every)
    if again and again.copies != first.copies:
        raise PlanError(
            f"The training gathers {first.copies} sets of weights, and its repetition on all pictures, whose epochs "
            f"have more steps, {again.copies}. Set schedule.unit=run, or refit=false."
        )
