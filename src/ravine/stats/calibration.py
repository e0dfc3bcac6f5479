"""Temperature scaling: one number that makes probabilities honest.

p = softmax(z / T), with T > 0 chosen to minimize the negative log-likelihood of pictures that the model has not seen.

Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, On calibration of modern neural networks, ICML 2017, section 4.2.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, softmax

LIMITS = (0.05, 20.0)


def probabilities(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Softmax of logits [N, C] divided by a temperature, in float64."""
    return softmax(logits.astype(np.float64) / temperature, axis=1)


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Find the temperature with the least negative log-likelihood.

    The objective is unimodal in log T (it is convex in 1/T), so a bounded scalar search finds its minimum.

    Args:
        logits: [N, C], of pictures that the model was not fitted to.
        labels: [N], class numbers.

    Returns:
        T in [0.05, 20]; 1 where there is no picture.

    Example:
        >>> logits = np.array([[9.0, 0.0]] * 9 + [[9.0, 0.0]])
        >>> round(fit_temperature(logits, np.array([0] * 9 + [1])), 2)
        4.1
    """
    if len(labels) == 0:
        return 1.0
    z = logits.astype(np.float64)
    chosen = z[np.arange(len(labels)), labels]

    def loss(log_temperature: float) -> float:
        t = np.exp(log_temperature)
        return float((logsumexp(z / t, axis=1) - chosen / t).mean())

    found = minimize_scalar(loss, bounds=np.log(LIMITS), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))
