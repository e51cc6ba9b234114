"""The exact probability flow: where the ODE takes a state, with no step size.

In y = x/α and ρ = σ/α every path is the same ODE, driven by the predicted noise:

    dy/dρ = ε̂(y, ρ) = -ρ ∇ log p_{1,ρ}(y),   p_{1,ρ} the law of x0 + ρ ε                              (FLOWMAP.1)

so a flow has two ends and no path between them. On N(m, Σ) it is linear in the eigenbasis of Σ; on any other target it
is integrated here to the accuracy of float64, with the error that was made.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from refscore.arrays import Float, as_float64, samples
from refscore.exact.maps import AffineMap
from refscore.samplers.replay import Perturbable, noisy_score
from refscore.targets.gaussian import Gaussian

__all__ = ["flow", "flow_map"]


class _Target(Perturbable, Protocol):
    @property
    def d(self) -> int: ...

    @property
    def cov(self) -> Float: ...


def flow_map(target: Gaussian, *, start: tuple[float, float], stop: tuple[float, float]) -> AffineMap:
    """The probability flow of a Gaussian between two levels, in closed form.

        x_s = α_s m + R (x_t - α_t m),   R = (Σ_s Σ_t⁻¹)^½,   Σ_t = α_t² Σ + σ_t² I                     (FLOWMAP.2)

    Parameters
    ----------
    target : Gaussian
        N(m, Σ), the law of x0.
    start, stop : (float, float)
        (α_t, σ_t) and (α_s, σ_s), in either order of noise.

    Returns
    -------
    AffineMap
        x_t ↦ x_s, without noise.

    Raises
    ------
    ValueError
        If a level has α < 0, σ < 0 or is (0, 0), or the start has no noise and a signal of 0.

    References
    ----------
    Pierret & Galerne (2025), Diffusion models for Gaussian distributions: exact solutions and Wasserstein errors.

    Examples
    --------
    It takes the law at the start to the law at the stop:

    >>> import refscore as rs
    >>> p = rs.targets.gaussian([1.0, -2.0], [[2.0, 0.5], [0.5, 1.0]])
    >>> end = flow_map(p, start=(0.6, 0.8), stop=(1.0, 0.0)).push(p.perturb(0.6, 0.8))
    >>> rs.exact.wasserstein2(end, p) < 1e-14
    True
    """
    (alpha_t, sigma_t), (alpha_s, sigma_s) = _level(start, "start"), _level(stop, "stop")
    covariance = target.covariance
    # hypot: α √ℓ and σ may differ by more than the range of their squares.
    roots = np.sqrt(covariance.values)
    ratio = np.hypot(alpha_s * roots, sigma_s) / np.hypot(alpha_t * roots, sigma_t)
    shift = covariance.times((alpha_s - alpha_t * ratio)[None], target.mean[None])[0]
    return AffineMap(covariance.at(ratio), np.zeros((0, target.d, target.d)), shift)  # (FLOWMAP.2)


def flow(
    target: _Target, x: ArrayLike, *, start: tuple[float, float], stop: tuple[float, float]
) -> tuple[Float, Float]:
    """The probability flow of any target with a noisy score, by integration, with its error.

        dy/du = -ρ² ∇ log p_{1,ρ}(y),   y = x/α,   ρ = σ/α,   u = log ρ                                 (FLOWMAP.3)

    is solved twice by the Runge-Kutta method of order 8 of Dormand and Prince (DOP853), with tolerances 1e-13 and 16
    times that, so with two different sequences of steps. The difference is the error reported.

    Parameters
    ----------
    target : Mixture, Gaussian or Empirical
        The law of x0.
    x : (\\*batch, d)
        States at the start.
    start, stop : (float, float)
        (α_t, σ_t) and (α_s, σ_s), in either order of noise; α > 0.

    Returns
    -------
    x_s : (\\*batch, d)
        States at the stop.
    error : (\\*batch,)
        |x_s - x_s'|, the distance between the two solutions: an estimate that lies above the error of `x_s` unless both
        solutions miss the same feature of the target.

    Raises
    ------
    ValueError
        If a level has α ≤ 0 or σ < 0.
    ArithmeticError
        If the integration fails.

    Notes
    -----
    Towards the data the flow tears the states between the modes apart, so that there `error` is large for good reason:
    the problem itself magnifies the rounding of x. A level σ = 0 is reached from ρ = 1e-12 of the target's width by
    Tweedie's formula, exact for data that are points and for others wrong by 1e-24.

    Examples
    --------
    The closed form by another route:

    >>> import refscore as rs
    >>> p = rs.targets.gaussian([1.0, -2.0], [[2.0, 0.5], [0.5, 1.0]])
    >>> end, error = flow(p, [[3.0, 0.0]], start=(0.1, 1.0), stop=(1.0, 0.0))
    >>> exact = flow_map(p, start=(0.1, 1.0), stop=(1.0, 0.0))([[3.0, 0.0]])
    >>> bool(abs(end - exact).max() < 1e-12), bool(error.max() < 1e-12)
    (True, True)
    """
    (alpha_t, sigma_t), (alpha_s, sigma_s) = _level(start, "start"), _level(stop, "stop")
    for name, alpha in (("start", alpha_t), ("stop", alpha_s)):
        if alpha == 0:
            raise ValueError(f"{name} is a level without signal, α = 0; expected α > 0, since the flow runs in x/α")
    x = samples(x, "x", target.d)
    width = math.sqrt(float(np.trace(target.cov)) / target.d) or 1.0
    least = 1e-12 * width
    ends = [math.log(max(sigma / alpha, least)) for alpha, sigma in ((alpha_t, sigma_t), (alpha_s, sigma_s))]
    score = noisy_score(target)

    def slope(u: float, flat: Float) -> Float:
        rho = math.exp(u)
        return -(rho**2 * score(flat.reshape(x.shape), 1.0, rho)).ravel()  # (FLOWMAP.3)

    def solve(rtol: float) -> Float:
        # SciPy's criterion is a root mean square over all numbers of the batch: 1/√n makes every one of them meet it.
        each = max(rtol / math.sqrt(x.size), 2.3e-14)
        found = solve_ivp(slope, ends, (x / alpha_t).ravel(), method="DOP853", rtol=each, atol=each * width)
        if not found.success:
            raise ArithmeticError(f"the flow from {start} to {stop} was not integrated: {found.message}")
        y: Float = found.y[:, -1].reshape(x.shape)
        return alpha_s * (y + least**2 * score(y, 1.0, least) if sigma_s < least * alpha_s else y)

    if x.size == 0 or ends[0] == ends[1]:
        return x * (alpha_s / alpha_t), np.zeros(x.shape[:-1])
    fine, coarse = solve(1e-13), solve(16e-13)
    return fine, np.linalg.norm(fine - coarse, axis=-1)


def _level(level: tuple[float, float], name: str) -> tuple[float, float]:
    pair = as_float64(level, name)
    if pair.shape != (2,) or not (pair >= 0).all() or not pair.any():
        raise ValueError(f"{name} is {level}; expected (α, σ), both at least 0 and not both 0")
    return float(pair[0]), float(pair[1])
