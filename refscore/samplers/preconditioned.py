"""Langevin dynamics with a constant preconditioner: plain Langevin in other coordinates.

With P = F Fᵀ the diffusion dx = ½ P ∇log p dt + F dw has p as its stationary law for every invertible F. Its Euler step
is that of y = F⁻¹ x, so that what the step size does is told by the eigenvalues k of K = Fᵀ Σ⁻¹ F in the place of 1/ℓ:
on N(μ, Σ) the step is stable for ε k < 4, forgets at the rate max |1 - ε k/2|, and ends at

    C = (Σ⁻¹ - (ε/4) Σ⁻¹ P Σ⁻¹)⁻¹                                                                     (PRE2.2)

With P = Σ all k are 1: every direction is equally fast, and equally biased.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, number, of_shape, positive, read_only, samples
from refscore.samplers.factors import applied, as_factor, transposed
from refscore.samplers.replay import Sampler, Score

__all__ = ["preconditioned_langevin", "preconditioned_langevin_step"]


def preconditioned_langevin_step(
    score: Callable[[Float], ArrayLike],
    x: ArrayLike,
    noise: ArrayLike,
    *,
    step_size: ArrayLike,
    factor: ArrayLike,
) -> Float:
    """One step of Langevin dynamics with preconditioner P = F Fᵀ.

        x' = x + (ε/2) F Fᵀ s(x) + √ε F z                                                             (PRE2.1)

    Parameters
    ----------
    score : callable
        s = ∇log p, from (\\*batch, d) to (\\*batch, d).
    x, noise : (\\*batch, d)
        State, and standard normal z.
    step_size : float
        ε > 0; without unit where F has that of x.
    factor : (), (d,) or (d, d)
        F: a number, a diagonal, or an invertible matrix, such as a Cholesky factor of P.

    Returns
    -------
    (\\*batch, d)
        x'.

    Raises
    ------
    ValueError
        If `step_size` is not positive, F is singular, or a shape is not that of `x`.

    Notes
    -----
    `factor` is a root of P, not P. F and F Q with an orthogonal Q give the same law from other states. A P that depends
    on x needs a divergence of P in the drift as well; without it, as in RMSprop-style codes, p is not stationary.

    Examples
    --------
    It is the plain step of y = F⁻¹ x, whose score is Fᵀ s(F y):

    >>> import numpy as np
    >>> from refscore.samplers import langevin_step
    >>> F, x, z = np.array([[2.0, 0.0], [1.0, 0.5]]), np.array([[1.0, -1.0]]), np.array([[0.5, 2.0]])
    >>> y = langevin_step(lambda y: np.sin(y @ F.T) @ F, x @ np.linalg.inv(F).T, z, step_size=0.1)
    >>> new = preconditioned_langevin_step(np.sin, x, z, step_size=0.1, factor=F)
    >>> bool(np.allclose(new, y @ F.T, rtol=1e-14))
    True
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    eps, root = number(step_size, "step_size", positive), as_factor(factor, x.shape[-1])
    drift = transposed(root, of_shape(score(x), "score(x)", x.shape, "x"))
    value: Float = x + applied(root, 0.5 * eps * drift + np.sqrt(eps) * noise)  # (PRE2.1)
    return value


def preconditioned_langevin(step_size: ArrayLike, *, factor: ArrayLike) -> Sampler:
    """Preconditioned Langevin at the data, s(x, 1, 0), by (PRE2.1), as a :class:`Sampler` of any number of equal steps.

    Parameters
    ----------
    step_size : float
        ε > 0.
    factor : (), (d,) or (d, d)
        F, with P = F Fᵀ.

    Returns
    -------
    Sampler
        From N(0, I) unless told otherwise.

    Raises
    ------
    ValueError
        If `step_size` is not positive.

    Examples
    --------
    With P = Σ the variance is 1/(1 - ε/4) of what it should be, in every direction:

    >>> import refscore as rs
    >>> p = rs.targets.gaussian([0.0, 0.0], [0.01, 4.0])
    >>> law = rs.exact.law(preconditioned_langevin(0.4, factor=[0.1, 2.0]), p, steps=200)
    >>> (law.cov.diagonal() * (1 - 0.4 / 4)).round(13)
    array([0.01, 4.  ])
    """
    eps, root = number(step_size, "step_size", positive), read_only(factor, "factor")

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:  # noqa: ARG001  every step is the same
        assert noise is not None
        return preconditioned_langevin_step(lambda y: score(y, 1.0, 0.0), x, noise, step_size=eps, factor=root)

    return Sampler("preconditioned langevin", None, 1, 1.0, None, None, step)
