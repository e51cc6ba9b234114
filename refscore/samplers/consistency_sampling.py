"""Sampling with a consistency function: to the end of the path, back to a lower level, and to the end again.

A consistency function carries a state at any level to the end of its path of the probability flow, the boundary
(α_ε, σ_ε). From there the forward process leads to any level above, and the pair is one step:

    x' = a f(x) + b z,   a = α_s/α_ε,   b² = σ_s² - a² σ_ε²                                            (CSA.1)

On EDM's path it is f(x) + √(σ_s² - ε²) z. The last step goes to the boundary itself, where b = 0. With the exact f all
levels have their exact laws, at any number of steps. On a Gaussian f is affine, and so is the step; what an f that is
not exact makes of the law is in ``refscore.exact.consistency_sampling``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, not_negative, of_shape, positive, samples
from refscore.paths import Path
from refscore.samplers.arguments import grid
from refscore.samplers.replay import Sampler, Score

__all__ = ["consistency_multistep", "consistency_step"]


def consistency_step(
    function: Callable[[Float], ArrayLike],
    x: ArrayLike,
    noise: ArrayLike,
    *,
    alpha_s: ArrayLike,
    sigma_s: ArrayLike,
    alpha_min: ArrayLike = 1.0,
    sigma_min: ArrayLike,
) -> Float:
    """One step of multistep consistency sampling: to the boundary by f, and up to (α_s, σ_s) by noise.

        x' = a f(x) + b z,   a = α_s/α_ε,   b² = σ_s² - a² σ_ε²                                        (CSA.1)

    Parameters
    ----------
    function : callable
        f at the level of `x`, from (\\*batch, d) to (\\*batch, d).
    x, noise : (\\*batch, d)
        State, and standard normal z.
    alpha_s, sigma_s : () or (\\*batch,)
        Scales of signal and noise where the step ends, α_s > 0.
    alpha_min, sigma_min : () or (\\*batch,)
        α_ε > 0 and σ_ε ≥ 0 of the boundary, where f ends.

    Returns
    -------
    (\\*batch, d)
        x'; f(x), if the step ends at the boundary.

    Raises
    ------
    ValueError
        If a level is out of its range, the step ends below the boundary, or a shape is not that of `x`.

    Notes
    -----
    Not to be confused with noise of σ_s, which has the boundary's once too often: the difference is ε² in the variance.

    References
    ----------
    Song et al. (2023), Consistency models, Algorithm 1.

    Examples
    --------
    Data at the point 3 have f(x, σ) = 3 + (x - 3) ε/σ. From 3 + 4 · 2 at σ = 4 to ε = 1, then up to σ = √(1 + 4²):

    >>> f = lambda x: 3 + (x - 3) / 4
    >>> consistency_step(f, [[11.0]], [[0.5]], alpha_s=1, sigma_s=17**0.5, sigma_min=1).round(12)  # 5 + 4 · 0.5
    array([[7.]])
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    a_s, s_s = lift(alpha_s, x, "alpha_s", positive), lift(sigma_s, x, "sigma_s", not_negative)
    least, floor = lift(alpha_min, x, "alpha_min", positive), lift(sigma_min, x, "sigma_min", not_negative)
    a = a_s / least
    gap = s_s - a * floor
    if (gap < -4 * 2.0**-53 * s_s).any():
        raise ValueError(
            f"the step ends below the boundary: σ/α = {(s_s / a_s).min():.6g} < {(floor / least).max():.6g}; expected "
            "sigma_s/alpha_s >= sigma_min/alpha_min"
        )
    end = of_shape(function(x), "function(x)", x.shape, "x")
    value: Float = a * end + np.sqrt(np.maximum(gap, 0.0) * (s_s + a * floor)) * noise  # (CSA.1)
    return value


def consistency_multistep(
    function: Callable[[Float, float, float], ArrayLike], path: Path, times: ArrayLike
) -> Sampler:
    """Multistep consistency sampling along a path as a :class:`Sampler`; the steps are (CSA.1).

    Parameters
    ----------
    function : callable
        f(x, α, σ), which carries a state at (α, σ) to the level of the last time.
    path : Path
        α(t) and σ(t).
    times : (n + 1,)
        Descending time grid; the last is the boundary. f is asked at the n others.

    Returns
    -------
    Sampler
        Of n steps with one evaluation of f each, no score, and one noise vector, of which the last is multiplied by 0.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path.

    Notes
    -----
    n = 1 is one-step generation. The n - 1 levels between are the τ of the paper, from above.

    References
    ----------
    Song et al. (2023), Consistency models, Algorithm 1.

    Examples
    --------
    With the exact function of a Gaussian the law is exact, here after three steps from the exact law at σ = 80:

    >>> import refscore as rs
    >>> p = rs.targets.gaussian([1.0, -2.0], [[2.0, 0.5], [0.5, 1.0]])
    >>> f = rs.exact.consistency.GaussianConsistency(p, 0.002)
    >>> sampler = consistency_multistep(lambda x, alpha, sigma: f(x, sigma), rs.paths.EDM(), [80.0, 5.0, 0.5, 0.002])
    >>> sampler
    Sampler(consistency: 3 steps from (α, σ) = (1, 80) to (1, 0.002), one noise vector a step)
    >>> law = rs.exact.law(sampler, p, p.perturb(1.0, 80.0))
    >>> rs.exact.wasserstein2(law, p.perturb(1.0, 0.002)) < 1e-13
    True
    """
    _, alpha, sigma = grid(path, times)
    least = {"alpha_min": float(alpha[-1]), "sigma_min": float(sigma[-1])}

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:  # noqa: ARG001  f stands for the score
        assert noise is not None
        a_t, s_t, a_s, s_s = float(alpha[k]), float(sigma[k]), float(alpha[k + 1]), float(sigma[k + 1])
        return consistency_step(lambda y: function(y, a_t, s_t), x, noise, alpha_s=a_s, sigma_s=s_s, **least)

    start, stop = (float(alpha[0]), float(sigma[0])), (float(alpha[-1]), float(sigma[-1]))
    return Sampler("consistency", len(alpha) - 1, 1, path.prior_scale, start, stop, step)
