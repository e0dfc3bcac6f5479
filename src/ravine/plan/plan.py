"""The plan: every choice of one run, frozen and typed; with it, a run can be repeated bit for bit."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ravine.base.errors import PlanError
from ravine.base.ranges import Count, Range, check_ranges
from ravine.data.preprocess import Preprocess
from ravine.data.split import SplitChoices
from ravine.ensemble.ensemble import Ensemble
from ravine.ensemble.test_time import Views
from ravine.interfaces import Part, Penalty, Rule, Schedule
from ravine.models.architecture import Architecture
from ravine.models.backbone import Backbone
from ravine.moments import Technique
from ravine.optim.second_order.minimizer import Minimizer
from ravine.plan.head import HeadChoices, check_frozen_technique, check_views
from ravine.plan.rungs import Rung, Way, check_rungs
from ravine.plan.unfrozen import check_unfrozen, check_unfrozen_parts
from ravine.regularize.batch_norm import BatchNorm
from ravine.regularize.class_balance import ClassBalance
from ravine.regularize.early_stopping import EarlyStopping

Select = Literal["nll", "accuracy", "macro_f1"]

Transfer = Literal["scratch", "head", "depth", "last1", "last2", "all"]
"""What is trained: everything from fresh parameters; a linear layer on the last features of a frozen body, or on those
of earlier depths; or, from a fitted head on, the last stage of the body, its last two, or all of it."""

FROZEN, UNFROZEN = ("head", "depth"), ("last1", "last2", "all")


@dataclass(frozen=True)
class TuningChoices(Part):
    """How the stages of a pretrained body are trained.

    Attributes:
        decay: The learning rate of a stage relative to the stage above it, above 0; the head has the plan's rate.
    """

    decay: Annotated[float, Range(0, 1, low_open=True)] = 0.5


@dataclass(frozen=True)
class Plan:
    """All choices of a run.

    Attributes:
        model: The network.
        transfer: What is trained, see `Transfer`.
        picture: How pixels become tensors.
        split: Shares of the pictures for testing and for validation, where the source does not say.
        optimizer: The update rule, or the full-batch minimizer.
        schedule: The learning rate over time; for update rules.
        penalty: Terms on the weights, unless all that is fitted is a head.
        epochs: Passes over the pictures, at most, for a minimizer; a head has none.
        batch_size: Pictures in one step; for update rules. A minimizer takes all of them, and has none.
        head: The choice of a head on a pretrained body; it comes first where stages of the body are trained too.
        tuning: How these stages are trained.
        techniques: Everything else that touches training.
        ensemble: What is made of members, or of several moments of one; None for the best member alone.
        select: The measure on validation pictures by which one candidate is chosen.
        refit: Whether the chosen candidate is fitted again, on training and validation pictures together.
        allow_minibatch: Whether a minimizer may run on mini-batches all the same, to see it fail.
        members: How many networks are trained, with seeds that follow one another.
        same_order: Whether all members see the pictures in one order, that of the first seed, rather than each in its
            own. Members side by side then read one batch in place of one each, which takes less time.
        rungs: After which epochs only the best members go on; none if left out.
        seed: The seed of the first.
        device: Where it is computed.
        threads: Threads of one computation on a CPU; sums are in another order with another number.
        precision: The numbers that networks compute with; bfloat16 only where the device has instructions for it.
        compiled: Whether the update of the weights runs compiled. This, execution and graph can change last bits; left
            out, they are decided by measurement, and the decision is written to the plan of the run.
        execution: How several members take their passes: one after another, in threads, side by side, or both. A rung
            may say it anew for those that go on.
        graph: Whether passes of networks run eager, or compiled.

    Raises:
        PlanError: A choice is out of range, or can have no effect beside the others.
    """

    model: Architecture
    transfer: Transfer
    picture: Preprocess
    split: SplitChoices
    optimizer: Rule | Minimizer
    schedule: Schedule | None = None
    penalty: tuple[Penalty, ...] | None = None
    epochs: Count | None = None
    batch_size: Count | None = None
    head: HeadChoices | None = None
    tuning: TuningChoices | None = None
    techniques: tuple[Technique, ...] = ()
    ensemble: Ensemble | None = None
    select: Select = "nll"
    refit: bool = True
    allow_minibatch: bool = False
    members: Count = 1
    same_order: bool = False
    rungs: tuple[Rung, ...] = ()
    seed: Annotated[int, Range(0)] = 0
    device: Literal["cpu", "cuda"] = "cpu"
    threads: Annotated[int, Range(1, 1024)] = 1
    precision: Literal["full", "bfloat16"] = "full"
    compiled: bool | None = None
    execution: Way | None = None
    graph: Literal["eager", "compiled"] | None = None

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.head and self.head.depths and self.transfer != "depth":
            raise PlanError(f"head.depths has no effect with transfer={self.transfer}. Leave it out.")
        for part in self.techniques:
            self._check_technique(part)
        if self.ensemble is not None:
            self._check_ensemble(self.ensemble)
        self._check_passes()
        if self.same_order:
            self._check_same_order()
        if self.rungs:
            self._check_rungs()
        if self.transfer in FROZEN:
            self._check_frozen()
        elif self.transfer in UNFROZEN:
            self._check_unfrozen()
        else:
            self._check_scratch()

    @property
    def reads_pack(self) -> bool:
        """Whether training reads packed pictures; frozen stages read the files, unless in several views."""
        return self.transfer in ("all", "scratch") or (self.head is not None and self.head.views > 1)

    def _check_technique(self, part: Technique) -> None:
        if isinstance(part, BatchNorm) and part.state == "on" and self.batch_size == 1:
            raise PlanError("batch_norm = 'on' needs at least two pictures in a batch. Set batch_size=32, for example.")
        if self.transfer in FROZEN:
            check_frozen_technique(part, self.head.views if self.head else 1)
        elif isinstance(self.optimizer, Minimizer):
            raise PlanError(
                f"{type(part).__name__} acts on the steps of an update rule, and here there are none: "
                "features are computed once, or all pictures pass at each evaluation. Leave it out."
            )

    def _check_ensemble(self, ensemble: Ensemble) -> None:
        if self.transfer in FROZEN:
            raise PlanError(
                f"ensemble has no effect with transfer={self.transfer}: the loss of a head is convex, so that there is "
                "one answer, and it answers from the features of each picture as it is. Leave ensemble out."
            )
        reason = ensemble.refuses(self.optimizer if isinstance(self.optimizer, Rule) else None, self.members)
        if reason:
            raise PlanError(reason)
        if isinstance(ensemble, Views) and 2 * ensemble.shift >= self.picture.size:
            raise PlanError(
                f"ensemble.shift = {ensemble.shift} leaves less than half of a picture of {self.picture.size} pixels. "
                "Choose a smaller one."
            )
        if ensemble.collects and any(isinstance(part, EarlyStopping) for part in self.techniques):
            raise PlanError(
                f"early_stopping keeps the weights of one epoch, and {type(ensemble).__name__} gathers those of "
                "several. Leave one of them out."
            )

    def _check_same_order(self) -> None:
        if self.members == 1:
            reason = "there is one member"
        elif isinstance(self.optimizer, Minimizer):
            reason = "a minimizer looks at all pictures at once"
        elif any(isinstance(part, ClassBalance) and part.by == "sampling" for part in self.techniques):
            reason = "class_balance.by = 'sampling' draws an order for each member"
        else:
            return
        raise PlanError(f"same_order has no effect: {reason}. Leave same_order out.")

    def _check_rungs(self) -> None:
        if self.transfer in FROZEN:
            reason = "the loss of a head is convex, so that there is one answer and no epoch to compare at"
        elif isinstance(self.optimizer, Minimizer):
            reason = "members of a minimizer take different numbers of passes, so that no epoch is the same for all"
        elif self.members == 1:
            reason = "there is one member, and nothing to choose between"
        elif self.ensemble and self.ensemble.pools:
            reason = f"{type(self.ensemble).__name__} combines all members, and needs each of them trained to its end"
        else:
            check_rungs(self.rungs, self.epochs or self.rungs[-1].epoch + 1, self.members)
            return
        raise PlanError(f"rungs have no place here: {reason}. Leave rungs out.")

    def _check_body(self) -> None:
        if not isinstance(self.model, Backbone):
            raise PlanError(
                f"transfer={self.transfer} needs a pretrained body. Choose model=timm:NAME, or transfer=scratch."
            )

    def _check_frozen(self) -> None:
        self._check_body()
        if not isinstance(self.optimizer, Minimizer):
            raise PlanError(
                f"transfer={self.transfer} fits a convex loss to all pictures at once; its optimizer is a minimizer "
                "such as lbfgs. Leave optimizer out, or choose transfer=last1, last2, all or scratch."
            )
        if self.members > 1:
            raise PlanError("members > 1 would give the same head each time, since its loss is convex. Use members=1.")
        check_views(self.head.views if self.head else 1, self.techniques)
        self._refuse(
            ("schedule", "penalty", "epochs", "batch_size", "tuning", "compiled", "execution", "graph"),
            "the head is fitted to all pictures until it converges",
        )

    def _check_unfrozen(self) -> None:
        self._check_body()
        if not isinstance(self.optimizer, Rule):
            raise PlanError(
                f"transfer={self.transfer} trains stages of a body in mini-batches; its optimizer is an update rule. "
                "Leave optimizer out, or choose transfer=head."
            )
        self._require("schedule", "penalty", "epochs", "batch_size", "head", "tuning")
        if self.head is not None and self.tuning is not None:
            check_unfrozen(self.transfer, self.optimizer, self.tuning.decay, self.head.views)
        check_unfrozen_parts(self.transfer, self.techniques, self.ensemble)

    def _check_scratch(self) -> None:
        if isinstance(self.model, Backbone) and self.model.weights != "random":
            raise PlanError(
                f"transfer=scratch starts from fresh parameters, so that the weights of timm:{self.model.timm} would "
                f"have no effect. Choose model=timm:{self.model.timm}@random, or transfer=head."
            )
        self._refuse(("head", "tuning"), "nothing is pretrained")
        rule = () if isinstance(self.optimizer, Minimizer) else ("schedule", "batch_size")
        self._require("penalty", "epochs", *rule)
        if isinstance(self.optimizer, Minimizer):
            self._check_minimizer()
        elif self.allow_minibatch:
            raise PlanError(
                "allow_minibatch has no effect on an update rule, which takes mini-batches anyway. Leave it out."
            )

    def _check_minimizer(self) -> None:
        if self.schedule is not None:
            raise PlanError("A minimizer finds its own step length; schedule has no effect. Leave it out.")
        for name in ("compiled", "execution", "graph"):
            if getattr(self, name) is not None:
                raise PlanError(f"A minimizer evaluates members in its own way; {name} has no effect. Leave it out.")
        if self.batch_size is not None and not self.allow_minibatch:
            raise PlanError(
                f"{type(self.optimizer).__name__} needs the gradient over all pictures: it learns curvature from "
                "differences of gradients, and between two mini-batches these are mostly noise. Leave batch_size out, "
                "choose an update rule, or set allow_minibatch=true to see it fail."
            )

    def _check_passes(self) -> None:
        if self.precision != "full" and (self.transfer in FROZEN or isinstance(self.optimizer, Minimizer)):
            raise PlanError(
                "precision = 'bfloat16' acts on training in mini-batches, and here there is none. Leave it out."
            )
        for way in (self.execution, *(rung.execution for rung in self.rungs)):
            if self.precision != "full" and way not in (None, "looped"):
                raise PlanError(
                    f"execution = {way!r} has full precision alone. Choose execution=looped, or precision=full."
                )
        if self.execution not in (None, "looped") and self.members == 1:
            raise PlanError(f"execution = {self.execution!r} is for several members, and there is one. Leave it out.")
        lone = self.refit or self.rungs  # a refit may have one member, and those behind a rung another execution
        if self.graph == "compiled" and self.execution not in (None, "looped") and not lone:
            raise PlanError(f"graph = 'compiled' has no effect beside execution = {self.execution!r}. Leave one out.")

    def _require(self, *names: str) -> None:
        missing = [name for name in names if getattr(self, name) is None]
        if missing:
            raise PlanError(f"transfer={self.transfer} needs {', '.join(missing)}. Add it to the plan.")

    def _refuse(self, names: tuple[str, ...], reason: str) -> None:
        for name in names:
            if getattr(self, name) is not None:
                raise PlanError(f"{name} has no effect with transfer={self.transfer}: {reason}. Leave {name} out.")
