"""Independent members: networks of the same plan and other seeds, which vote."""

from dataclasses import dataclass

from ravine.ensemble.ensemble import Ensemble


@dataclass(frozen=True)
class Independent(Ensemble):
    """The mean of the probabilities of all members.

        p(y | x) = (1/M)·Σₘ softmax(fₘ(x))_y

    Members differ in their initialization, in the order of their pictures, and in their masks; in a population they are
    rows that are there anyway. The mean is never worse in negative log-likelihood than the members are on average, by
    Jensen's inequality; it can be worse than the best of them.

    Helps almost always, in negative log-likelihood and calibration more than in accuracy, and most with the first five
    members. Training and answering take M times as long as with one network. Suggested: members = 5.

    Source: Lakshminarayanan, Pritzel and Blundell, "Simple and Scalable Predictive Uncertainty Estimation using Deep
    Ensembles", 2017, section 2.4, without its adversarial training.
    """

    @property
    def pools(self) -> bool:
        """All members answer together."""
        return True
