"""The velocity of a path and the other predictions: the eight conversions that need α' and σ'.

    u = α' x̂0 + σ' ε̂                                                                                  (PRED.16)

is dx/dt at a fixed pair (x̂0, ε̂). With the score of the noised data it is the drift of the probability-flow ODE.
Back from u, the two equations for x and u are solved for the pair; their determinant is

    w = α σ' - α' σ = -α σ λ'                                                                         (PRED.17)

positive wherever the signal-to-noise ratio falls. On the flow path w = 1, on EDM's w = 1 too, on a variance-preserving
path w = σ'/α.

Not to be confused with: the velocity of code that has the data at t = 1, which is -u; v of (PRED.3), which is u only on
the path α = cos t, σ = sin t.

References
----------
Lipman et al. (2023), Flow matching for generative modeling, eq. 15; Albergo et al. (2023), Stochastic interpolants,
for general α and σ.

Examples
--------
x0 = 2 and ε = -1 at t = ¼ of the flow path make x = 1¼ and u = ε - x0 = -3:

>>> pair = {"score": [4.0], "noise": [-1.0], "data": [2.0], "v": [-1.25]}
>>> all(globals()[f"{a}_to_velocity"](pair[a], [1.25], 0.75, 0.25, -1, 1).item() == -3 for a in pair)
True
>>> all(globals()[f"velocity_to_{a}"]([-3.0], [1.25], 0.75, 0.25, -1, 1).item() == pair[a][0] for a in pair)
True
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from refscore.arrays import Float
from refscore.predictions.operands import nonzero, operands, rates

__all__ = [
    "data_to_velocity",
    "noise_to_velocity",
    "score_to_velocity",
    "v_to_velocity",
    "velocity_to_data",
    "velocity_to_noise",
    "velocity_to_score",
    "velocity_to_v",
]


def score_to_velocity(
    value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike, alpha_dot: ArrayLike, sigma_dot: ArrayLike
) -> Float:
    """The velocity that the score stands for.

        u = α' x̂0 + σ' ε̂ = α' (x + σ² s) / α - σ' σ s                                               (PRED.18)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The score s, and the noised sample it belongs to.
    alpha, sigma, alpha_dot, sigma_dot : () or (\\*batch,)
        α > 0, σ ≥ 0 and their derivatives α', σ' in time.

    Returns
    -------
    (\\*batch, d)
        The velocity u.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    alpha_dot, sigma_dot = rates(alpha_dot, sigma_dot, x)
    data = (x + sigma**2 * value) / nonzero(alpha, "alpha")
    result: Float = alpha_dot * data - sigma_dot * sigma * value  # (PRED.18)
    return result


def noise_to_velocity(
    value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike, alpha_dot: ArrayLike, sigma_dot: ArrayLike
) -> Float:
    """The velocity that the noise stands for.

        u = α' (x - σ ε̂) / α + σ' ε̂                                                                 (PRED.19)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The noise ε̂, and the noised sample it belongs to.
    alpha, sigma, alpha_dot, sigma_dot : () or (\\*batch,)
        α > 0, σ ≥ 0 and their derivatives α', σ' in time.

    Returns
    -------
    (\\*batch, d)
        The velocity u.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    alpha_dot, sigma_dot = rates(alpha_dot, sigma_dot, x)
    result: Float = alpha_dot * (x - sigma * value) / nonzero(alpha, "alpha") + sigma_dot * value  # (PRED.19)
    return result


def data_to_velocity(
    value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike, alpha_dot: ArrayLike, sigma_dot: ArrayLike
) -> Float:
    """The velocity that the data stands for.

        u = α' x̂0 + σ' (x - α x̂0) / σ                                                               (PRED.20)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The data x̂0, and the noised sample it belongs to.
    alpha, sigma, alpha_dot, sigma_dot : () or (\\*batch,)
        α ≥ 0, σ > 0 and their derivatives α', σ' in time.

    Returns
    -------
    (\\*batch, d)
        The velocity u.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    alpha_dot, sigma_dot = rates(alpha_dot, sigma_dot, x)
    result: Float = alpha_dot * value + sigma_dot * (x - alpha * value) / nonzero(sigma, "sigma")  # (PRED.20)
    return result


def v_to_velocity(
    value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike, alpha_dot: ArrayLike, sigma_dot: ArrayLike
) -> Float:
    """The velocity that the v stands for.

        u = (α' (α x - σ v) + σ' (σ x + α v)) / (α² + σ²)                                             (PRED.21)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The v, and the noised sample it belongs to.
    alpha, sigma, alpha_dot, sigma_dot : () or (\\*batch,)
        α ≥ 0, σ ≥ 0 and their derivatives α', σ' in time.

    Returns
    -------
    (\\*batch, d)
        The velocity u.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    alpha_dot, sigma_dot = rates(alpha_dot, sigma_dot, x)
    total = nonzero(alpha**2 + sigma**2, "alpha**2 + sigma**2")
    result: Float = (
        alpha_dot * (alpha * x - sigma * value) + sigma_dot * (sigma * x + alpha * value)
    ) / total  # (PRED.21)
    return result


def velocity_to_score(
    value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike, alpha_dot: ArrayLike, sigma_dot: ArrayLike
) -> Float:
    """The score that the velocity stands for.

        s = -(α u - α' x) / (σ w)                                                                     (PRED.22)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The velocity u, and the noised sample it belongs to.
    alpha, sigma, alpha_dot, sigma_dot : () or (\\*batch,)
        α ≥ 0, σ > 0 and their derivatives α', σ' in time, with w ≠ 0.

    Returns
    -------
    (\\*batch, d)
        The score s.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    alpha_dot, sigma_dot = rates(alpha_dot, sigma_dot, x)
    w = _wronskian(alpha, sigma, alpha_dot, sigma_dot)
    result: Float = -(alpha * value - alpha_dot * x) / (nonzero(sigma, "sigma") * w)  # (PRED.22)
    return result


def velocity_to_noise(
    value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike, alpha_dot: ArrayLike, sigma_dot: ArrayLike
) -> Float:
    """The noise that the velocity stands for.

        ε̂ = (α u - α' x) / w                                                                         (PRED.23)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The velocity u, and the noised sample it belongs to.
    alpha, sigma, alpha_dot, sigma_dot : () or (\\*batch,)
        α ≥ 0, σ ≥ 0 and their derivatives α', σ' in time, with w ≠ 0.

    Returns
    -------
    (\\*batch, d)
        The noise ε̂.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    alpha_dot, sigma_dot = rates(alpha_dot, sigma_dot, x)
    w = _wronskian(alpha, sigma, alpha_dot, sigma_dot)
    result: Float = (alpha * value - alpha_dot * x) / w  # (PRED.23)
    return result


def velocity_to_data(
    value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike, alpha_dot: ArrayLike, sigma_dot: ArrayLike
) -> Float:
    """The data that the velocity stands for.

        x̂0 = (σ' x - σ u) / w                                                                        (PRED.24)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The velocity u, and the noised sample it belongs to.
    alpha, sigma, alpha_dot, sigma_dot : () or (\\*batch,)
        α ≥ 0, σ ≥ 0 and their derivatives α', σ' in time, with w ≠ 0.

    Returns
    -------
    (\\*batch, d)
        The data x̂0.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    alpha_dot, sigma_dot = rates(alpha_dot, sigma_dot, x)
    w = _wronskian(alpha, sigma, alpha_dot, sigma_dot)
    result: Float = (sigma_dot * x - sigma * value) / w  # (PRED.24)
    return result


def velocity_to_v(
    value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike, alpha_dot: ArrayLike, sigma_dot: ArrayLike
) -> Float:
    """The v that the velocity stands for.

        v = (α (α u - α' x) - σ (σ' x - σ u)) / w                                                     (PRED.25)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The velocity u, and the noised sample it belongs to.
    alpha, sigma, alpha_dot, sigma_dot : () or (\\*batch,)
        α ≥ 0, σ ≥ 0 and their derivatives α', σ' in time, with w ≠ 0.

    Returns
    -------
    (\\*batch, d)
        The v.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    alpha_dot, sigma_dot = rates(alpha_dot, sigma_dot, x)
    w = _wronskian(alpha, sigma, alpha_dot, sigma_dot)
    result: Float = (alpha * (alpha * value - alpha_dot * x) - sigma * (sigma_dot * x - sigma * value)) / w  # (PRED.25)
    return result


def _wronskian(alpha: Float, sigma: Float, alpha_dot: Float, sigma_dot: Float) -> Float:
    return nonzero(alpha * sigma_dot - alpha_dot * sigma, "w = alpha * sigma_dot - alpha_dot * sigma")  # (PRED.17)
