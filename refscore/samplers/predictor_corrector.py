"""Predictor-corrector sampling: steps down a path, with Langevin steps at the levels in between.

The corrector is Langevin's step in the form of the image codes, and what names it is the rule for its size e:

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

from refscore.arrays import Float, integer, number, of_shape, positive, samples
from refscore.paths import Path
from refscore.samplers.arguments import grid
from refscore.samplers.replay import Sampler, Score

__all__ = [
    "annealed_corrector_step",
    "batch_corrector_step",
    "corrector_predictor",
    "langevin_corrector_step",
    "predictor_corrector",
]

PlainScore = Callable[[Float], ArrayLike]
Corrector = Callable[[PlainScore, Float, Float, float], Float]
"""corrector(score, x, noise, t): one step at the path's time t, with the score of that level as score(x)."""
Predictor = Callable[[Path, ArrayLike], Sampler]


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
    A sample's new state depends on who else is in the batch. Within one batch the map is affine, so that
    ``refscore.exact.law`` takes it for one; what it then returns is no law. ``probe(…, rows_per_call=1)`` sees it.
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


def predictor_corrector(
    path: Path, times: ArrayLike, *, predictor: Predictor, corrector: Corrector, corrector_steps: int = 1
) -> Sampler:
    """Predict, then correct at the new level: the paper's order, as a :class:`Sampler`.

        x̃ = predictor(x, t_k → t_{k+1}),   then M times x ← corrector(x, t_{k+1})                     (PCS.7)

    Parameters
    ----------
    path : Path
        The forward process.
    times : (n + 1,)
        Descending time grid.
    predictor : callable
        Makes a :class:`Sampler` of path and times, such as ``reverse_diffusion``, ``ancestral_ve`` or ``euler_ode``.
    corrector : callable
        ``corrector(score, x, noise, t)``: one step at time t, with the score of that level.
    corrector_steps : int
        M ≥ 1.

    Returns
    -------
    Sampler
        Of n (1 + M) steps, one noise vector each, which a predictor without noise leaves unused.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path, or `corrector_steps` is below 1.

    Notes
    -----
    Not to be confused with :func:`corrector_predictor`, the order of score_sde's code. Here the last thing done is a
    correction at the last level, whose bias stays.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through stochastic differential equations, Algorithm 1.

    Examples
    --------
    >>> import refscore as rs
    >>> path = rs.paths.VE()
    >>> def corrector(score, x, noise, t):
    ...     return annealed_corrector_step(score, x, noise, snr=0.16, sigma=path.sigma(t))
    >>> predictor_corrector(path, [1.0, 0.5, 0.0], predictor=rs.samplers.reverse_diffusion, corrector=corrector)
    Sampler(reverse diffusion, then 1 correction: 4 steps from (α, σ) = (1, 50) to (1, 0.01), one noise vector a step)
    """
    return _made(path, times, predictor, corrector, corrector_steps, predicts_at=0)


def corrector_predictor(
    path: Path, times: ArrayLike, *, predictor: Predictor, corrector: Corrector, corrector_steps: int = 1
) -> Sampler:
    """Correct at the present level, then predict: the order of score_sde's code, as a :class:`Sampler`.

        M times x ← corrector(x, t_k),   then x̃ = predictor(x, t_k → t_{k+1})                         (PCS.8)

    Parameters
    ----------
    path : Path
        The forward process.
    times : (n + 1,)
        Descending time grid.
    predictor : callable
        Makes a :class:`Sampler` of path and times, such as ``reverse_diffusion``, ``ancestral_ve`` or ``euler_ode``.
    corrector : callable
        ``corrector(score, x, noise, t)``: one step at time t, with the score of that level.
    corrector_steps : int
        M ≥ 1.

    Returns
    -------
    Sampler
        Of n (1 + M) steps, one noise vector each, which a predictor without noise leaves unused.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path, or `corrector_steps` is below 1.

    Notes
    -----
    Not to be confused with :func:`predictor_corrector`, the order of the paper. Here the first thing done is a
    correction at the prior, and the last level is never corrected.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through stochastic differential equations, code
    (``get_pc_sampler``).

    Examples
    --------
    >>> import refscore as rs
    >>> path = rs.paths.VE()
    >>> def corrector(score, x, noise, t):
    ...     return batch_corrector_step(score, x, noise, snr=0.16)
    >>> corrector_predictor(path, [1.0, 0.5, 0.0], predictor=rs.samplers.ancestral_ve, corrector=corrector).n_steps
    4
    """
    return _made(path, times, predictor, corrector, corrector_steps, predicts_at=corrector_steps)


def _made(
    path: Path, times: ArrayLike, predictor: Predictor, corrector: Corrector, corrector_steps: int, *, predicts_at: int
) -> Sampler:
    m = integer(corrector_steps, "corrector_steps", 1)
    grid_t, alpha, sigma = grid(path, times)
    inner = predictor(path, grid_t)
    later = 1 if predicts_at == 0 else 0  # corrections belong to the level of the step's end, or of its start

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:
        assert noise is not None
        i, j = divmod(k, 1 + m)
        if j == predicts_at:
            return inner.step(score, x, i, noise if inner.draws else None)
        a, s = float(alpha[i + later]), float(sigma[i + later])
        return corrector(lambda y: score(y, a, s), x, noise, float(grid_t[i + later]))  # (PCS.7) (PCS.8)

    corrections = f"{m} correction{'s' * (m != 1)}"
    name = f"{inner.name}, then {corrections}" if later else f"{corrections}, then {inner.name}"
    start, stop = (float(alpha[0]), float(sigma[0])), (float(alpha[-1]), float(sigma[-1]))
    return Sampler(name, (len(grid_t) - 1) * (1 + m), 1, path.prior_scale, start, stop, step)


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
