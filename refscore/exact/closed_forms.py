"""Variances after all steps of a sampler in one formula, where the recursion of ``refscore.exact.recursions`` can be
summed.

Langevin's steps are equal, so that the sum is geometric. Ancestral sampling, and reverse diffusion where α = 1, have
factors that are quotients U_{k+1}/U_k, so that the product telescopes. Other samplers have no such form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64

__all__ = ["langevin_variance", "telescoped_variance"]


def langevin_variance(variance: ArrayLike, *, step_size: float, steps: int, start_variance: ArrayLike = 1.0) -> Float:
    """The variance after k steps of Langevin dynamics, in closed form.

        v_k = v_∞ + c^{2k} (v_0 - v_∞),   c = 1 - ε/(2ℓ),   v_∞ = ℓ / (1 - ε/(4ℓ))                      (REC.4)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ, the eigenvalues of Σ.
    step_size : float
        ε, not 4ℓ.
    steps : int
        k.
    start_variance : (\\*shape)
        v_0.

    Returns
    -------
    (\\*shape)
        v_k.

    Examples
    --------
    >>> from refscore.exact.recursions import langevin
    >>> recursion = langevin([0.5, 2.0], step_size=0.1, steps=7)
    >>> _, v = recursion.law([0.0, 0.0])
    >>> bool(abs(langevin_variance([0.5, 2.0], step_size=0.1, steps=7) - v).max() < 1e-15)
    True
    """
    ell, start = as_float64(variance, "variance"), as_float64(start_variance, "start_variance")
    limit = ell / (1 - step_size / (4 * ell))
    value: Float = limit + (1 - step_size / (2 * ell)) ** (2 * steps) * (start - limit)  # (REC.4)
    return value


def telescoped_variance(
    variance: ArrayLike, noise: ArrayLike, *, alphas: ArrayLike, sigmas: ArrayLike, start_variance: ArrayLike
) -> Float:
    """The variance after all steps of ancestral sampling, and of reverse diffusion with α = 1, as one sum.

        v_n = U_n² (v_0 / U_0² + Σ_k q_k / U_{k+1}²),   U = V/α                                        (REC.5)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ, the eigenvalues of Σ.
    noise : (n,)
        q_k, the variance of the noise of each step.
    alphas, sigmas : (n + 1,)
        The levels.
    start_variance : (\\*shape)
        v_0.

    Returns
    -------
    (\\*shape)
        v_n.

    Notes
    -----
    The factors of these steps are U_{k+1}/U_k, so that their product telescopes.
    """
    ell, q = as_float64(variance, "variance"), as_float64(noise, "noise")
    a, s, start = (
        as_float64(v, n) for v, n in ((alphas, "alphas"), (sigmas, "sigmas"), (start_variance, "start_variance"))
    )
    u2 = ((np.multiply.outer(a**2, ell).T + s**2).T / a.reshape(-1, *[1] * ell.ndim)) ** 2
    value: Float = u2[-1] * (start / u2[0] + (q.reshape(-1, *[1] * ell.ndim) / u2[1:]).sum(0))  # (REC.5)
    return value
