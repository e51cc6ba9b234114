"""The best variances of ancestral steps: what a learned variance should find.

A step with the exact score has the right mean. Of the Gaussians with that mean and a variance Σ that does not see x_t,
the one nearest to the law of x_s given x_t, in mean Kullback-Leibler divergence over x_t, has

    Σ* = β̃ + (τ α_s)² E tr Cov[x_0 | x_t]/d,   E tr Cov[x_0 | x_t]/d = (σ_t²/α_t²) (1 - σ_t² Γ)          (BVA.1)

with Γ = E |s(x_t)|²/d, since σ_t² s = α_t x̂_0 - x_t splits the noise into what x_t tells of it and what it does not.
On a Gaussian Γ = tr Σ_t⁻¹/d, and the covariance (LRN.2) is the same for all x_t: an ancestral step that has it in full
is exact, whatever its size.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from refscore.arrays import Float, not_negative, number, positive
from refscore.exact.arguments import hold_kind
from refscore.exact.quadrature import expectation
from refscore.samplers.ancestral import large_variance, small_variance
from refscore.samplers.ancestral_variances import analytic_variance
from refscore.samplers.arguments import levels_of_step
from refscore.targets import Gaussian, Mixture

__all__ = ["best_variance", "best_variances", "mean_square_score"]


def mean_square_score(target: Gaussian | Mixture, alpha: float, sigma: float) -> float:
    """The mean square of the score of the noisy data, per dimension.

        Γ = E |s(x_t)|²/d = tr Σ_t⁻¹/d,   Σ_t = α² Σ + σ² I                                            (BVA.2)

    Parameters
    ----------
    target : Gaussian or Mixture
        The law of x0. For a mixture the middle is integrated, for d ≤ 2, to 1e-10 of itself.
    alpha, sigma : float
        Scales of signal and noise.

    Returns
    -------
    float
        Γ, between 0 and 1/σ², in 1/unit².

    Raises
    ------
    ValueError
        If `target` is a mixture in more than two dimensions, or a level is out of its range.

    Examples
    --------
    A mixture of one, by both routes:

    >>> import refscore as rs
    >>> one, p = rs.targets.mixture([1.0], [[2.0]], 0.25), rs.targets.gaussian([2.0], 0.25)
    >>> bool(abs(mean_square_score(one, 0.6, 0.8) - mean_square_score(p, 0.6, 0.8)) < 1e-9)
    True
    """
    a, s = number(alpha, "alpha", positive), number(sigma, "sigma", not_negative)
    if isinstance(target, Gaussian):
        return float(np.mean(1 / (a**2 * target.covariance.values + s**2)))  # (BVA.2)
    noisy = target.perturb(a, s)
    return float(expectation(lambda x: (noisy.score(x) ** 2).mean(-1), noisy).value)


def best_variance(target: Gaussian | Mixture) -> Callable[[float, float, float, float], Float]:
    """The best variance of an ancestral step for a target, one number a step.

        Σ* = β̃ + (b²/a)² (1 - σ_t² Γ)/σ_t²                                                            (LRN.4)

    Parameters
    ----------
    target : Gaussian or Mixture
        The law of x0; a mixture in d ≤ 2.

    Returns
    -------
    callable
        Of (α_t, σ_t, α_s, σ_s), for ``samplers.ancestral_vp``; a ValueError if the noise rises.

    Examples
    --------
    On N(m, ℓ I) every step is exact, and three steps lead from the noisy law to the data's:

    >>> import refscore as rs
    >>> p, path = rs.targets.gaussian([0.7, -1.0], 0.25), rs.paths.VP()
    >>> sampler = rs.samplers.ancestral_vp(path, [1.0, 0.6, 0.3, 0.0], variance=best_variance(p))
    >>> start = p.perturb(float(path.alpha(1)), float(path.sigma(1)))
    >>> rs.exact.wasserstein2(rs.exact.law(sampler, p, start), p) < 1e-13
    True
    """

    hold_kind(target, "target", Gaussian, Mixture)

    def variance(alpha_t: float, sigma_t: float, alpha_s: float, sigma_s: float) -> Float:
        _hold_levels(alpha_t, sigma_t, alpha_s, sigma_s)
        gamma = mean_square_score(target, alpha_t, sigma_t)
        return analytic_variance(gamma, alpha_t, sigma_t, alpha_s, sigma_s)

    return variance


def best_variances(target: Gaussian) -> Callable[[float, float, float, float], Float]:
    """The best variances of an ancestral step for a Gaussian, one number for each coordinate.

        Σ*_i = β̃ + (τ α_s)² Cov[x_0 | x_t]_ii,   Cov[x_0 | x_t] = σ_t² Σ (α_t² Σ + σ_t² I)⁻¹             (BVA.3)

    Parameters
    ----------
    target : Gaussian
        N(m, Σ), the law of x0.

    Returns
    -------
    callable
        Of (α_t, σ_t, α_s, σ_s) to (d,), for ``samplers.ancestral_vp``; a ValueError if the noise rises.

    Notes
    -----
    With a diagonal Σ every step is exact. With another the covariances between coordinates are missing from the noise.

    References
    ----------
    Bao et al. (2022), Estimating the optimal covariance with imperfect mean in diffusion probabilistic models.

    Examples
    --------
    >>> import refscore as rs
    >>> p, path = rs.targets.gaussian([0.7, -1.0], [0.25, 4.0]), rs.paths.VP()
    >>> sampler = rs.samplers.ancestral_vp(path, [1.0, 0.6, 0.3, 0.0], variance=best_variances(p))
    >>> start = p.perturb(float(path.alpha(1)), float(path.sigma(1)))
    >>> rs.exact.wasserstein2(rs.exact.law(sampler, p, start), p) < 1e-13
    True
    """

    hold_kind(target, "target", Gaussian)

    def variances(alpha_t: float, sigma_t: float, alpha_s: float, sigma_s: float) -> Float:
        _hold_levels(alpha_t, sigma_t, alpha_s, sigma_s)
        ell = target.covariance.values
        unknown = np.diag(target.covariance.at(sigma_t**2 * ell / (alpha_t**2 * ell + sigma_t**2)))
        tau = large_variance(alpha_t, sigma_t, alpha_s, sigma_s) / sigma_t**2
        value: Float = small_variance(alpha_t, sigma_t, alpha_s, sigma_s) + (tau * alpha_s) ** 2 * unknown  # (BVA.3)
        return value

    return variances


def _hold_levels(alpha_t: float, sigma_t: float, alpha_s: float, sigma_s: float) -> None:
    """The other way round the clipped τ is 0, and so is the variance: an answer that looks like one."""
    levels_of_step(np.zeros((1, 1)), alpha_t=alpha_t, sigma_t=sigma_t, alpha_s=alpha_s, sigma_s=sigma_s)
