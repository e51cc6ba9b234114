"""Denoising score matching (Vincent 2011): match the score of the noised data by matching the noise.

With x = x0 + σ ε, ε ~ N(0, I), the conditional score is known without any density,

    ∇ₓ log q(x | x0) = -(x - x0) / σ² = -ε / σ                                                        (DSM.1)

and regressing on it gives the score of the noised marginal q_σ, since the two regressions differ by a constant in s:

    ½ E |s(x) + ε/σ|² = ½ E |s(x) - ∇ log q_σ(x)|² + ½ (d/σ² - F(q_σ)),   F(q) = E |∇ log q|²         (DSM.2)

Its expectation on Gaussian data, its variance and its minimiser stand under the same name in ``refscore.exact``.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, of_shape, positive, samples
from refscore.models.protocol import ParametricScore

__all__ = ["denoising", "denoising_gradient"]


def denoising(score: Callable[[Float], Float], x0: ArrayLike, noise: ArrayLike, sigma: float) -> Float:
    """Denoising score matching at one noise level, per sample.

        ℓ = ½ |s(x0 + σ ε) + ε/σ|²                                                                    (DSM.3)

    Parameters
    ----------
    score : callable
        s, from (\\*batch, d) to (\\*batch, d).
    x0, noise : (\\*batch, d)
        Clean data, in the data's unit, and standard normal noise ε.
    sigma : float
        Noise level, in the data's unit; σ > 0.

    Returns
    -------
    (\\*batch,)
        ℓ, in 1/unit². Never averaged: a reduction is the caller's.

    Raises
    ------
    ValueError
        If `sigma` is not one positive number, or `noise`, or what `score` returns, has not the shape of `x0`.

    Notes
    -----
    Not to be confused with the form without ½ (Song & Ermon 2019 code has it, many tutorials have not), nor with σ⁴
    times this, which energy-based code writes as ½ |σ² s + σ ε|² (Song et al. 2020 code, ``dsm``). For a noise level
    of its own in each sample see ``objectives.multilevel``.

    References
    ----------
    Vincent (2011), A connection between score matching and denoising autoencoders, eq. 11.

    Examples
    --------
    The mean over the nodes ε = ±1 is exact for an affine score, by a second route:

    >>> from refscore.models import AffineScore
    >>> s = AffineScore([[2]], [0])
    >>> float(denoising(s, [[1], [1]], [[1], [-1]], 0.5).mean())  # ½[(2·1)² + (2·½ - 1/½)²]
    2.5
    """
    _, residual = _residual(score, x0, noise, sigma)
    value: Float = 0.5 * (residual**2).sum(-1)  # (DSM.3)
    return value


def denoising_gradient(score: ParametricScore, x0: ArrayLike, noise: ArrayLike, sigma: float) -> Float:
    """Gradient of the batch sum of :func:`denoising` in the parameters of `score`.

        ∂ℓ/∂θ = (s(x) + ε/σ)ᵀ ∂s(x)/∂θ,   x = x0 + σ ε                                                (DSM.4)

    Parameters
    ----------
    score : ParametricScore
        The model, :class:`~refscore.models.AffineScore` or another with `vjp_parameters`.
    x0, noise : (\\*batch, d)
        As for :func:`denoising`.
    sigma : float
        Noise level, in the data's unit; σ > 0.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    x, residual = _residual(score, x0, noise, sigma)
    return score.vjp_parameters(x, residual)  # (DSM.4)


def _residual(score: Callable[[Float], Float], x0: ArrayLike, noise: ArrayLike, sigma: float) -> tuple[Float, Float]:
    """The noised point, and s there minus the score of the kernel (DSM.1)."""
    x0 = samples(x0, "x0")
    noise = of_shape(noise, "noise", x0.shape, "x0")
    level = lift(sigma, x0, "sigma", positive)
    if level.ndim:
        raise ValueError(
            f"sigma has shape {level.shape[:-1]}; expected one noise level (multilevel takes one a sample)"
        )
    x = x0 + level * noise
    return x, of_shape(score(x), "score(x)", x.shape, "x") + noise / level  # (DSM.1)
