"""Unadjusted Langevin dynamics: the Euler step of dx = ½ ∇log p dt + dw.

The diffusion has p as its stationary law. Its Euler step has another: on N(μ, Σ), along an eigenvector with variance ℓ,

    v_∞ = ℓ / (1 - ε / (4 ℓ)),   stable for ε < 4 ℓ                                                   (ULA.2)

so the variance is too large by about ε/4 in every direction, whatever the number of steps. No rejection mends it here.
The law after any number of steps is ``refscore.exact.law``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, number, of_shape, positive, samples
from refscore.samplers.replay import Sampler, Score

__all__ = ["langevin", "langevin_step"]


def langevin_step(
    score: Callable[[Float], ArrayLike], x: ArrayLike, noise: ArrayLike, *, step_size: ArrayLike
) -> Float:
    """One step of unadjusted Langevin dynamics.

        x' = x + (ε/2) s(x) + √ε z                                                                    (ULA.1)

    Parameters
    ----------
    score : callable
        s = ∇log p, from (\\*batch, d) to (\\*batch, d).
    x, noise : (\\*batch, d)
        State, and standard normal z.
    step_size : float
        ε > 0, in squared units of x.

    Returns
    -------
    (\\*batch, d)
        x'.

    Raises
    ------
    ValueError
        If `step_size` is not positive, or a shape is not that of `x`.

    Notes
    -----
    Not to be confused with x + ε s + √(2ε) z of the image codes (NCSN, NCSNv2, score_sde), which is this with 2ε: their
    ``step_lr=2e-5`` is ε = 4e-5 here.

    References
    ----------
    Song & Ermon (2019), Generative modeling by estimating gradients of the data distribution, eq. 4; Roberts & Tweedie
    (1996), Exponential convergence of Langevin distributions and their discrete approximations, for the bias.

    Examples
    --------
    With ε = 1 on N(0, 1) the variance ends at 4/3 and not at 1. It is a fixed point of v ↦ v (1 - ε/2)² + ε, which the
    step gives from the nodes x = ±√v, z = ±1:

    >>> import numpy as np
    >>> x = np.sqrt(4 / 3) * np.array([[1.0], [1.0], [-1.0], [-1.0]])
    >>> z = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    >>> float(round((langevin_step(lambda x: -x, x, z, step_size=1) ** 2).mean(), 12))
    1.333333333333
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    eps = number(step_size, "step_size", positive)
    value: Float = x + 0.5 * eps * of_shape(score(x), "score(x)", x.shape, "x") + np.sqrt(eps) * noise  # (ULA.1)
    return value


def langevin(step_size: ArrayLike) -> Sampler:
    """Langevin dynamics at the data themselves, s(x, 1, 0), as a :class:`Sampler` of any number of equal steps.

        x' = x + (ε/2) s(x, 1, 0) + √ε z                                                              (ULA.3)

    Parameters
    ----------
    step_size : float
        ε > 0, in squared units of x.

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
    The law after many steps is the biased one of (ULA.2), 0.36 / (1 - 0.1 / (4 · 0.36)):

    >>> import refscore as rs
    >>> law = rs.exact.law(rs.samplers.langevin(step_size=0.1), rs.targets.gaussian([0.7], 0.36), steps=1000)
    >>> float(round(law.cov[0, 0], 12)), round(0.36 / (1 - 0.1 / 1.44), 12)
    (0.386865671642, 0.386865671642)
    """
    eps = number(step_size, "step_size", positive)

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:  # noqa: ARG001  every step is the same
        assert noise is not None
        return langevin_step(lambda y: score(y, 1.0, 0.0), x, noise, step_size=eps)  # (ULA.3)

    return Sampler("langevin", None, 1, 1.0, None, None, step)
