"""Correctors: Langevin's step at one level, and three rules for its size.

The step is in the form of the image codes, and what names it is the rule for its size e:

    x' = x + e s(x) + √(2e) z                                                                         (PCS.1)
    e = 2 c (r |z| / |s(x)|)²                 per sample, the paper                                    (PCS.2)
    e = 2 c (r mean|z| / mean|s(x)|)²         means over the batch, score_sde's code                   (PCS.3)
    e = 2 c (r σ)²                            fixed, score_sde's "ald"                                 (PCS.4)

with r the "signal-to-noise ratio" and c = 1 but for VP. By (PCS.2) and (PCS.3) e depends on state and noise: the step
is no affine map, and no rule has p as its limit. On N(0, v I), with the exact score and states from N(0, w I), a batch
that grows without end has the variance w' after a step, in any dimension, and its limit:

    w' = w - 4 r² v + 4 r² (1 + r²) v²/w,   w_∞ = (1 + r²) v                                           (PCS.5)

and the rule per sample has, in every dimension, if its stationary law has a second moment,

    1 / E[1/|x|²] = (d + 2)(1 + r²) v,   so that   E|x|² ≥ (d + 2)(1 + r²) v                           (PCS.6)

where p has d v: the variance is too large by 1 + 2/d even as r → 0. Laws of whole runs are exact with (PCS.4).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, number, of_shape, positive, samples

__all__ = ["annealed_corrector_step", "batch_corrector_step", "langevin_corrector_step"]

PlainScore = Callable[[Float], ArrayLike]


def langevin_corrector_step(
    score: PlainScore, x: ArrayLike, noise: ArrayLike, *, snr: ArrayLike, scale: ArrayLike = 1.0
) -> Float:
    """One Langevin corrector step whose size is set sample by sample, as in the paper.

        x' = x + e s(x) + √(2e) z                                                                     (PCS.1)
        e = 2 c (r |z| / |s(x)|)²                                                                     (PCS.2)

    Parameters
    ----------
    score : callable
        s = ∇log p at one level, from (\\*batch, d) to (\\*batch, d).
    x, noise : (\\*batch, d)
        State, and standard normal z.
    snr : float
        r > 0.
    scale : float
        c > 0: 1 for VE; for VP the ratio 1 - β of one step.

    Returns
    -------
    (\\*batch, d)
        x'.

    Raises
    ------
    ValueError
        If `snr` or `scale` is not positive, a shape is not that of `x`, or the score of a sample is 0.

    Notes
    -----
    Not to be confused with :func:`batch_corrector_step`, which is what score_sde runs; nor c with the path's α, the
    product of all ratios, although the paper writes both as α_i.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through stochastic differential equations, Algorithms 4 and 5.

    Examples
    --------
    Drift and noise always have the lengths 2 r² |z|²/|s| and 2 r |z|²/|s|, so that their ratio is r:

    >>> import numpy as np
    >>> x, z = np.array([[3.0, 4.0]]), np.array([[0.8, -0.6]])
    >>> moved = langevin_corrector_step(lambda x: -x, x, z, snr=0.5) - x
    >>> float(round(-(moved @ x[0] / 5)[0], 12)), float(round((moved @ z[0])[0], 12))
    (0.1, 0.2)
    """
    x, z, s, r, c = _checked(score, x, noise, snr, scale)
    lengths = np.linalg.norm(s, axis=-1, keepdims=True)
    _nonzero(lengths)
    e = 2 * c * (r * np.linalg.norm(z, axis=-1, keepdims=True) / lengths) ** 2  # (PCS.2)
    value: Float = x + e * s + np.sqrt(2 * e) * z  # (PCS.1)
    return value


def batch_corrector_step(
    score: PlainScore, x: ArrayLike, noise: ArrayLike, *, snr: ArrayLike, scale: ArrayLike = 1.0
) -> Float:
    """One Langevin corrector step with one size for the whole batch, as in score_sde's code.

        x' = x + e s(x) + √(2e) z                                                                     (PCS.1)
        e = 2 c (r mean|z| / mean|s(x)|)²                                                             (PCS.3)

    Parameters
    ----------
    score : callable
        s = ∇log p at one level, from (\\*batch, d) to (\\*batch, d).
    x, noise : (\\*batch, d)
        State, and standard normal z; the means run over all of `batch`.
    snr : float
        r > 0.
    scale : float
        c > 0: 1 for VE; for VP the ratio 1 - β of one step.

    Returns
    -------
    (\\*batch, d)
        x'.

    Raises
    ------
    ValueError
        If `snr` or `scale` is not positive, a shape is not that of `x`, or the score is 0 everywhere.

    Notes
    -----
    A sample's new state depends on who else is in the batch. Within one batch the map is affine, and another batch has
    another one: ``refscore.exact.law`` refuses it.
    Not to be confused with means of the squares, nor with (PCS.2), which it is for a batch of one.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through stochastic differential equations, code
    (``LangevinCorrector``).

    Examples
    --------
    Lengths 1 and 3 of the score have the mean 2, those of the noise 1: e = 2 (0.5 · 1/2)² = 1/8.

    >>> batch_corrector_step(lambda x: -x, [[1.0], [3.0]], [[1.0], [1.0]], snr=0.5)
    array([[1.375],
           [3.125]])
    """
    x, z, s, r, c = _checked(score, x, noise, snr, scale)
    length = np.linalg.norm(s, axis=-1).mean()
    _nonzero(length)
    e = 2 * c * (r * np.linalg.norm(z, axis=-1).mean() / length) ** 2  # (PCS.3)
    value: Float = x + e * s + np.sqrt(2 * e) * z  # (PCS.1)
    return value


def annealed_corrector_step(
    score: PlainScore, x: ArrayLike, noise: ArrayLike, *, snr: ArrayLike, sigma: ArrayLike, scale: ArrayLike = 1.0
) -> Float:
    """One Langevin corrector step whose size is fixed by the level: an affine map, so that laws stay exact.

        x' = x + e s(x) + √(2e) z                                                                     (PCS.1)
        e = 2 c (r σ)²                                                                                (PCS.4)

    Parameters
    ----------
    score : callable
        s = ∇log p at one level, from (\\*batch, d) to (\\*batch, d).
    x, noise : (\\*batch, d)
        State, and standard normal z.
    snr : float
        r > 0.
    sigma : float
        σ > 0 of the level.
    scale : float
        c > 0: 1 for VE; for VP the ratio 1 - β of one step.

    Returns
    -------
    (\\*batch, d)
        x'.

    Raises
    ------
    ValueError
        If `snr`, `sigma` or `scale` is not positive, or a shape is not that of `x`.

    Notes
    -----
    NCSN's step ``step_lr`` (σ/σ_L)² is this one with r = √(step_lr/2)/σ_L.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through stochastic differential equations, code
    (``AnnealedLangevinDynamics``).

    Examples
    --------
    It is :func:`refscore.samplers.langevin_step` with ε = 2e = 4 (r σ)²:

    >>> import refscore as rs
    >>> annealed_corrector_step(lambda x: -x, [[1.0]], [[2.0]], snr=0.5, sigma=1)
    array([[2.5]])
    >>> rs.samplers.langevin_step(lambda x: -x, [[1.0]], [[2.0]], step_size=1)
    array([[2.5]])
    """
    x, z, s, r, c = _checked(score, x, noise, snr, scale)
    e = 2 * c * (r * number(sigma, "sigma", positive)) ** 2  # (PCS.4)
    value: Float = x + e * s + np.sqrt(2 * e) * z  # (PCS.1)
    return value


def _checked(
    score: PlainScore, x: ArrayLike, noise: ArrayLike, snr: ArrayLike, scale: ArrayLike
) -> tuple[Float, Float, Float, float, float]:
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    r, c = number(snr, "snr", positive), number(scale, "scale", positive)
    return x, noise, of_shape(score(x), "score(x)", x.shape, "x"), r, c


def _nonzero(length: ArrayLike) -> None:
    if not (np.asarray(length) > 0).all():
        raise ValueError("score(x) has the length 0; expected a positive length, by which the step size is divided")
