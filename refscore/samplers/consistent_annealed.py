"""Consistent annealed sampling: annealed Langevin whose noise fits the next level.

Let x be the data plus noise of size σ. A step with the score of that level removes a share η of the noise; so much is
added that the next level's is there, not more:

    x' = x + η σ² s(x, σ) + √(σ'² - (1 - η)² σ²) z                                                    (CAS.1)

For data that are a point this is exact: variance σ² becomes (1 - η)² σ² + σ'² - (1 - η)² σ² = σ'². So the family joins
three steps that have other names, and are exact in the limit of many levels, since η goes to 0 with σ - σ' there:

    η = 1 - σ'/σ: DDIM's step,   η = 1 - σ'²/σ²: ancestral sampling,   η = 1: denoise, and add noise anew    (CAS.2)

With a fixed η more levels do not lead to the target: see ``refscore.exact.consistent_annealed``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, not_negative, number, of_shape, positive, read_only, samples
from refscore.samplers.replay import Sampler, Score

__all__ = ["added_variance", "consistent_annealed", "consistent_annealed_step"]


def added_variance(sigma: ArrayLike, sigma_next: ArrayLike, eta: ArrayLike) -> Float:
    """The variance of the noise that a step of consistent annealed sampling adds.

        q = σ'² - (1 - η)² σ² = (σ' - (1 - η) σ)(σ' + (1 - η) σ)                                       (CAS.3)

    Parameters
    ----------
    sigma, sigma_next : (\\*shape)
        The level where the step starts and ends.
    eta : (\\*shape)
        η, the share of the noise that the step removes.

    Returns
    -------
    (\\*shape)
        q ≥ 0, in squared units of x.

    Raises
    ------
    ValueError
        If q is negative by more than rounding: η is too small to reach σ' without adding noise of negative variance.

    References
    ----------
    Jolicoeur-Martineau et al. (2021), Adversarial score matching and improved sampling for image generation, Algorithm
    2: β² σ'² with β² = 1 - (1 - η)²/γ², γ = σ'/σ.

    Examples
    --------
    >>> float(added_variance(2.0, 1.0, 0.75))  # ancestral: σ'² (1 - σ'²/σ²)
    0.75
    """
    before, after, share = as_float64(sigma, "sigma"), as_float64(sigma_next, "sigma_next"), as_float64(eta, "eta")
    left = np.abs(1 - share) * before
    value: Float = (after - left) * (after + left)  # (CAS.3)
    if (after < left * (1 - 256 * 2.0**-53)).any():  # a rounded η, and levels from powers
        worst = int(np.argmin(value))
        kept, level = (float(np.broadcast_to(v, value.shape).flat[worst]) for v in (left, after))
        raise ValueError(
            f"eta leaves noise of size |1 - η| σ = {kept:.6g}, more than the next level {level:.6g}; "
            "expected |1 - η| σ ≤ σ', thus η ≥ 1 - σ'/σ"
        )
    return np.maximum(value, 0.0)


def consistent_annealed_step(
    score: Callable[[Float], ArrayLike],
    x: ArrayLike,
    noise: ArrayLike,
    *,
    sigma: ArrayLike,
    sigma_next: ArrayLike,
    eta: ArrayLike,
) -> Float:
    """One step of consistent annealed sampling, from the level σ to σ'.

        x' = x + η σ² s(x) + √(σ'² - (1 - η)² σ²) z                                                   (CAS.1)

    Parameters
    ----------
    score : callable
        s at the level σ, from (\\*batch, d) to (\\*batch, d).
    x, noise : (\\*batch, d)
        State at σ, and standard normal z.
    sigma, sigma_next : float
        σ > 0 and σ' ≥ 0.
    eta : float
        η > 0, without unit; |1 - η| ≤ σ'/σ.

    Returns
    -------
    (\\*batch, d)
        x'.

    Raises
    ------
    ValueError
        If a level or η is not positive, |1 - η| σ > σ', or a shape is not that of `x`.

    Notes
    -----
    Not to be confused with annealed Langevin of one step a level, the same drift with ε = 2 η σ² and noise of variance
    ε. Not to be confused with DDIM's η either, which is 0 where no noise is added.

    References
    ----------
    Jolicoeur-Martineau et al. (2021), Adversarial score matching and improved sampling for image generation, Algorithm
    2.

    Examples
    --------
    Data at 0, s = -x/σ²: half the noise removed, and 0.75 added in squares. (2/2)² + 0.75 (1)² - and σ'² = 1.75.

    >>> new = consistent_annealed_step(lambda x: -x / 4, [[2.0]], [[1.0]], sigma=2, sigma_next=1.75**0.5, eta=0.5)
    >>> bool(abs(new[0, 0] - (1 + 0.75**0.5)) < 1e-15)
    True
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    level, share = number(sigma, "sigma", positive), number(eta, "eta", positive)
    q = added_variance(level, number(sigma_next, "sigma_next", not_negative), share)
    drift = share * level**2 * of_shape(score(x), "score(x)", x.shape, "x")
    value: Float = x + drift + np.sqrt(q) * noise  # (CAS.1)
    return value


def consistent_annealed(sigmas: ArrayLike, *, eta: ArrayLike) -> Sampler:
    """Consistent annealed sampling along descending levels, by (CAS.1), as a :class:`Sampler`.

    Parameters
    ----------
    sigmas : (n + 1,)
        σ_0 > … > σ_n ≥ 0, in the data's unit.
    eta : () or (n,)
        η of every step, or of each.

    Returns
    -------
    Sampler
        Of n steps, one noise vector each, from N(0, σ_0² I) unless told otherwise.

    Raises
    ------
    ValueError
        If the levels do not descend, or an η is not positive or too small for its step.

    Examples
    --------
    With η = 1 - σ'²/σ² it is ancestral sampling:

    >>> import refscore as rs
    >>> sigmas, p = np.array([4.0, 2.0, 1.0]), rs.targets.gaussian([1.0], 0.5)
    >>> law = rs.exact.law(consistent_annealed(sigmas, eta=0.75), p)
    >>> other = rs.exact.law(rs.samplers.ancestral_ve(rs.paths.EDM(), sigmas), p, rs.targets.gaussian([0.0], 16.0))
    >>> bool(rs.exact.wasserstein2(law, other) < 1e-14)
    True
    """
    level = read_only(sigmas, "sigmas")
    if level.ndim != 1 or len(level) < 2 or not (np.diff(level) < 0).all() or not level[-1] >= 0:
        raise ValueError(f"sigmas of shape {level.shape} do not descend; expected σ_0 > … > σ_n ≥ 0 with n ≥ 1")
    n = len(level) - 1
    shares = positive(eta, "eta")
    if shares.shape not in ((), (n,)):
        raise ValueError(f"eta has shape {shares.shape}; expected () or ({n},), one for each step")
    share = np.broadcast_to(shares, (n,))
    added_variance(level[:-1], level[1:], share)  # refuses an η that is too small before anything runs

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:
        assert noise is not None
        sigma = float(level[k])
        return consistent_annealed_step(
            lambda y: score(y, 1.0, sigma), x, noise, sigma=sigma, sigma_next=level[k + 1], eta=share[k]
        )

    first, last = float(level[0]), float(level[-1])
    return Sampler("consistent annealed sampling", n, 1, first, (1.0, first), (1.0, last), step)
