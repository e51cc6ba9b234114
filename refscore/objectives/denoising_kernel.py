"""Denoising score matching with any kernel of ``objectives.kernels``: match the score of the kernel.

Why that learns the score of the noised data, (KER.1), is told there. Expectation, variance and minimiser of an affine
score on Gaussian data stand in ``refscore.exact.kernels``.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, samples
from refscore.models.protocol import ParametricScore
from refscore.objectives.kernels import Kernel

__all__ = ["denoising_kernel", "denoising_kernel_gradient"]


def denoising_kernel(score: Callable[[Float], Float], x0: ArrayLike, offset: ArrayLike, kernel: Kernel) -> Float:
    """Denoising score matching with a kernel, per sample.

        ℓ = ½ |s(x0 + δ) - ∇ log k(δ)|²                                                               (KER.6)

    Parameters
    ----------
    score : callable
        s, from (\\*batch, d) to (\\*batch, d).
    x0, offset : (\\*batch, d)
        Clean data and what is added to them, δ = ``kernel.offset(…)``, in the data's unit.
    kernel : Kernel
        The law of δ.

    Returns
    -------
    (\\*batch,)
        ℓ, in 1/unit². Never averaged: a reduction is the caller's.

    Raises
    ------
    ValueError
        If `offset`, or what `score` returns, has not the shape of `x0`.

    Notes
    -----
    δ is asked for and not x: x - x0 has lost digits where the noise is small. Not to be confused with a kernel as a
    weight, as in kernel estimators.

    References
    ----------
    Vincent (2011), A connection between score matching and denoising autoencoders, eq. 9, for any kernel.

    Examples
    --------
    >>> from refscore.models import AffineScore
    >>> from refscore.objectives import IsotropicKernel, denoising
    >>> s, x0, noise = AffineScore([[2]], [0]), [[1.0], [1.0]], [[1.0], [-1.0]]
    >>> k = IsotropicKernel(0.5)
    >>> denoising_kernel(s, x0, k.offset(noise), k), denoising(s, x0, noise, 0.5)
    (array([0.5, 4.5]), array([0.5, 4.5]))
    """
    _, residual = _residual(score, x0, offset, kernel)
    value: Float = 0.5 * (residual**2).sum(-1)  # (KER.6)
    return value


def denoising_kernel_gradient(score: ParametricScore, x0: ArrayLike, offset: ArrayLike, kernel: Kernel) -> Float:
    """Gradient of the batch sum of :func:`denoising_kernel` in the parameters of `score`.

        ∂ℓ/∂θ = (s(x) - ∇ log k(δ))ᵀ ∂s(x)/∂θ,   x = x0 + δ                                           (KER.7)

    Parameters
    ----------
    score : ParametricScore
        The model, with `vjp_parameters`.
    x0, offset : (\\*batch, d)
        As for :func:`denoising_kernel`.
    kernel : Kernel
        The law of δ.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    x, residual = _residual(score, x0, offset, kernel)
    return score.vjp_parameters(x, residual)  # (KER.7)


def _residual(score: Callable[[Float], Float], x0: ArrayLike, offset: ArrayLike, kernel: Kernel) -> tuple[Float, Float]:
    x0 = samples(x0, "x0")
    delta = of_shape(offset, "offset", x0.shape, "x0")
    x = x0 + delta
    target = of_shape(kernel.score(delta), "kernel.score(offset)", x.shape, "x0")
    return x, of_shape(score(x), "score(x)", x.shape, "x") - target
