"""PNDM: classical methods for equal steps, with DDIM's transfer in the place of adding.

The transfer is DDIM's step with a noise that is given,

    φ(x, e, t, s) = (α_s/α_t) x + (σ_s - (α_s/α_t) σ_t) e                                               (PNDM.1)

which is exact in ρ = σ/α for a constant e. RK4 and Adams-Bashforth put the noise together as for equal steps: so the
order is 4 where the steps are equal *in ρ*, and 2 on every other smooth grid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float
from refscore.paths import Path
from refscore.samplers.arguments import grid
from refscore.samplers.linear_multistep import linear_multistep
from refscore.samplers.multistep import Multistep
from refscore.samplers.replay import Sampler, Score

__all__ = ["pndm", "pseudo_runge_kutta"]

PLMS = np.array([55, -59, 37, -9]) / 24


def pseudo_runge_kutta(path: Path, times: ArrayLike) -> Sampler:
    """The pseudo Runge-Kutta method (PRK) of PNDM as a :class:`Sampler`.

        e_1 = ε̂(x, t),   e_2 = ε̂(φ(x, e_1, t, r), r),   e_3 = ε̂(φ(x, e_2, t, r), r),   e_4 = ε̂(φ(x, e_3, t, s), s)
        x_s = φ(x, (e_1 + 2 e_2 + 2 e_3 + e_4)/6, t, s),   r = (t + s)/2                                 (PNDM.2)

    Parameters
    ----------
    path : Path
        α and σ.
    times : (n + 1,)
        Descending time grid, where α > 0.

    Returns
    -------
    Sampler
        Of n steps with four evaluations each, no noise.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or has a level with α = 0.

    Notes
    -----
    Order 4 on EDM's path, where ρ = t, and 2 where ρ is no linear function of t over a step.

    References
    ----------
    Liu et al. (2022), Pseudo numerical methods for diffusion models on manifolds, eq. 13.

    Examples
    --------
    On EDM's path it is RK4:

    >>> import refscore as rs
    >>> p, times = rs.targets.gaussian([1.0], 0.25), [2.0, 1.5, 0.7]
    >>> prk = rs.exact.law(pseudo_runge_kutta(rs.paths.EDM(), times), p)
    >>> rk4 = rs.exact.law(rs.samplers.runge_kutta(rs.paths.EDM(), times, tableau=rs.samplers.RK4), p)
    >>> bool(rs.exact.wasserstein2(prk, rk4) < 1e-12)
    True
    """
    t, alpha, sigma = _grid(path, times)

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:  # noqa: ARG001  an ODE draws nothing
        middle = 0.5 * (t[k] + t[k + 1])
        start, half = (float(alpha[k]), float(sigma[k])), (float(path.alpha(middle)), float(path.sigma(middle)))
        end = (float(alpha[k + 1]), float(sigma[k + 1]))

        def said(y: Float, level: tuple[float, float]) -> Float:
            return -level[1] * score(y, *level)

        def moved(e: Float, to: tuple[float, float]) -> Float:
            ratio = to[0] / start[0]
            return ratio * x + (to[1] - ratio * start[1]) * e  # (PNDM.1)

        first = said(x, start)
        second = said(moved(first, half), half)
        third = said(moved(second, half), half)
        fourth = said(moved(third, end), end)
        return moved((first + 2 * second + 2 * third + fourth) / 6, end)  # (PNDM.2)

    ends = (float(alpha[0]), float(sigma[0])), (float(alpha[-1]), float(sigma[-1]))
    return Sampler("pseudo runge-kutta", len(t) - 1, 0, path.prior_scale, *ends, step)


def pndm(path: Path, times: ArrayLike) -> Multistep:
    """PNDM (F-PNDM): three steps of PRK, then the pseudo linear multistep method (PLMS), as a :class:`Multistep`.

        x_{k+1} = φ(x_k, (55 ε̂_k - 59 ε̂_{k-1} + 37 ε̂_{k-2} - 9 ε̂_{k-3})/24, t_k, t_{k+1})                 (PNDM.3)

    Parameters
    ----------
    path : Path
        α and σ.
    times : (n + 1,)
        Descending time grid, where α > 0.

    Returns
    -------
    Multistep
        Of n steps, no noise.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or has a level with α = 0.

    Notes
    -----
    The paper claims order 2, which is right. The classical methods it is made of have order 4, and so has this one
    where the steps are equal in ρ, such as uniform times on EDM's path. :func:`adams_bashforth` has the weights that
    are right on every grid. Not to be confused with PLMS of Stable Diffusion, which starts with lower orders and one
    Heun step.

    References
    ----------
    Liu et al. (2022), Pseudo numerical methods for diffusion models on manifolds, eq. 11 and 12, Algorithm 2.

    Examples
    --------
    >>> import refscore as rs
    >>> pndm(rs.paths.EDM(), rs.schedules.uniform_times(n=50, t_start=80.0, t_stop=0.0))
    Multistep(pndm: 50 steps from (α, σ) = (1, 80) to (1, 0), no noise)
    """
    _, alpha, sigma = _grid(path, times)
    ratio = np.asarray(alpha[1:] / alpha[:-1])
    return linear_multistep(
        "pndm",
        levels=(alpha, sigma),
        prior_scale=path.prior_scale,
        order=4,
        predict=lambda s, x, k: -sigma[k] * s,  # noqa: ARG005
        keep=ratio,
        weights=[gain * PLMS for gain in sigma[1:] - ratio * sigma[:-1]],  # (PNDM.3)
        starter=pseudo_runge_kutta(path, times),
    )


def _grid(path: Path, times: ArrayLike) -> tuple[Float, Float, Float]:
    t, alpha, sigma = grid(path, times)
    if not (alpha > 0).all():
        raise ValueError(f"path.alpha is {alpha.min():g} at times[0] = {t[0]:g}; expected α > 0")
    return t, alpha, sigma
