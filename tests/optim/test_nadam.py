"""NAdam against the paper's product of momenta, in float64."""

from optim_population import Problem, by_hand, random_layout, spread, trained
from torch import Tensor

from ravine.optim.nadam import NAdam

LR, BETA1, BETA2, PSI = spread(0.002, 0.05), spread(0.5, 0.95), spread(0.9, 0.999), spread(0.001, 0.01)


def test_equals_the_algorithm() -> None:
    """Dozat, 2016, Algorithm 2, with a constant β₁ in m and without the factor β₂ in v̂."""

    def member_step(member: int):
        m = v = 0.0
        momenta = [BETA1[member] * (1 - 0.5 * 0.96 ** (i * PSI[member])) for i in range(1, 202)]

        def step(row: Tensor, g: Tensor, t: int) -> Tensor:
            nonlocal m, v
            now = 1.0
            for mu in momenta[:t]:
                now *= mu
            following = now * momenta[t]
            m = BETA1[member] * m + (1 - BETA1[member]) * g
            v = BETA2[member] * v + (1 - BETA2[member]) * g**2
            bar = momenta[t] * m / (1 - following) + (1 - momenta[t - 1]) * g / (1 - now)
            return row - LR[member] * bar / ((v / (1 - BETA2[member] ** t)) ** 0.5 + 1e-8)

        return step

    problem = Problem(70, random_layout(70))
    theta, _ = trained(problem, NAdam(LR, BETA1, BETA2, momentum_decay=PSI))
    assert (theta - by_hand(problem, member_step)).abs().max() <= 1e-12
