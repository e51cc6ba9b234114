"""Progressive distillation: one step of the student for two of the teacher, again and again.

The teacher predicts the data, and takes two DDIM steps t → m → s with it,

    x_m = α_m x̂ + (σ_m/σ_t) (x_t - α_t x̂),   x̂ = x̂(x_t, t)                                          (PD.1)

The student's target is the data prediction with which one step t → s ends at the same point,

    x̃ = (x_s - (σ_s/σ_t) x_t) / (α_s - (σ_s/σ_t) α_t)                                                 (PD.2)

a function of x_t and nothing else: so its regression has no noise, and a student that is rich enough leaves nothing of
it. ``refscore.exact.progressive`` has the students of Gaussian data after any number of rounds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, of_shape, samples
from refscore.models.velocity import ParametricVelocity
from refscore.objectives.multilevel import level_weight
from refscore.paths.protocol import Path

__all__ = ["progressive", "progressive_gradient", "progressive_target", "truncated_snr"]

Predict = Callable[[Float, Float], Float]


def truncated_snr(log_snr: Float) -> Float:
    """The weight of Salimans & Ho for data predictions: that of the noise loss, but at least 1.

        w = max(α²/σ², 1)                                                                             (PD.3)

    Parameters
    ----------
    log_snr : (\\*times,)
        λ = log(α/σ).

    Returns
    -------
    (\\*times,)
        w.

    Notes
    -----
    Not to be confused with the other weight of the paper, α²/σ² + 1, which makes it the loss of v on a
    variance-preserving path. λ is half of VDM's log-SNR.

    References
    ----------
    Salimans & Ho (2022), Progressive distillation for fast sampling of diffusion models, eq. 8.

    Examples
    --------
    >>> import numpy as np
    >>> truncated_snr(np.log([2.0, 0.5])).round(12)
    array([4., 1.])
    """
    value: Float = np.exp(2 * np.maximum(log_snr, 0.0))  # (PD.3)
    return value


def progressive_target(
    teacher: Predict, x: ArrayLike, t: ArrayLike, middle: ArrayLike, s: ArrayLike, *, path: Path
) -> Float:
    """The data prediction that takes one DDIM step to where the teacher takes two, (PD.2).

    Parameters
    ----------
    teacher : callable
        x̂, from (\\*batch, d) and times, of the shape of `t`, to (\\*batch, d).
    x : (\\*batch, d)
        x_t.
    t, middle, s : () or (\\*batch,)
        Times t > m > s, all of one shape; the noise at t and m is not 0.
    path : Path
        α(t), σ(t).

    Returns
    -------
    (\\*batch, d)
        x̃. The targets of other predictions are ``predictions.data_to_noise`` and so on of it.

    Raises
    ------
    ValueError
        If the times do not fall, or a shape does not go with `x`.

    References
    ----------
    Salimans & Ho (2022), algorithm 2.

    Examples
    --------
    A teacher that says the same at both points is its own target:

    >>> import refscore as rs
    >>> progressive_target(lambda x, t: 0 * x + 2.0, [[1.0]], 0.75, 0.5, 0.25, path=rs.paths.Flow()).round(12)
    array([[2.]])
    """
    x = samples(x, "x")
    first, second, last = _times(x, t, middle, s)
    between = _ddim(teacher, x, first, second, path)
    end = _ddim(teacher, between, second, last, path)
    ratio = lift(path.sigma(last) / path.sigma(first), x)
    scale = lift(path.alpha(last), x) - ratio * lift(path.alpha(first), x)
    value: Float = (end - ratio * x) / scale  # (PD.2)
    return value


def progressive(
    student: Predict,
    teacher: Predict,
    x0: ArrayLike,
    noise: ArrayLike,
    t: ArrayLike,
    middle: ArrayLike,
    s: ArrayLike,
    *,
    path: Path,
    weight: Callable[[Float], ArrayLike] | ArrayLike = truncated_snr,
) -> Float:
    """Progressive distillation of data predictions, per sample.

        ℓ = ½ w(λ(t)) |x̂(x_t, t) - x̃|²,   x_t = α x0 + σ ε                                            (PD.4)

    Parameters
    ----------
    student, teacher : callable
        x̂ of both, from (\\*batch, d) and times, of the shape of `t`, to (\\*batch, d).
    x0, noise : (\\*batch, d)
        Clean data, in the data's unit, and standard normal noise ε.
    t, middle, s : () or (\\*batch,)
        Times t > m > s, all of one shape.
    path : Path
        α(t), σ(t).
    weight : callable or array_like
        w ≥ 0: a function of λ = log(α/σ) at t, or its values, () or of the shape of `t`.

    Returns
    -------
    (\\*batch,)
        ℓ, in unit². Never averaged.

    Raises
    ------
    ValueError
        If the times do not fall, a weight is negative or infinite, or a shape does not go with `x0`.

    Notes
    -----
    The same loss in other predictions: of the noise it is ½ |ε̂ - ε̃|² for w = α²/σ², of v on a variance-preserving path
    ½ |v̂ - ṽ|² for w = α²/σ² + 1. Not to be confused with distillation of the end points of the whole flow.

    References
    ----------
    Salimans & Ho (2022), algorithm 2 and eq. 8.

    Examples
    --------
    >>> import refscore as rs
    >>> always = lambda value: lambda x, t: 0 * x + value
    >>> progressive(always(5.0), always(2.0), [[1.0]], [[0.0]], 0.75, 0.5, 0.25, path=rs.paths.Flow()).round(12)
    array([4.5])
    """
    _, _, factor, residual = _residual(student, teacher, x0, noise, t, middle, s, path, weight)
    value: Float = 0.5 * factor * (residual**2).sum(-1)  # (PD.4)
    return value


def progressive_gradient(
    student: ParametricVelocity,
    teacher: Predict,
    x0: ArrayLike,
    noise: ArrayLike,
    t: ArrayLike,
    middle: ArrayLike,
    s: ArrayLike,
    *,
    path: Path,
    weight: Callable[[Float], ArrayLike] | ArrayLike = truncated_snr,
) -> Float:
    """Gradient of the batch sum of :func:`progressive` in the parameters of `student`; the target is a constant.

        ∂ℓ/∂θ = w (x̂(x_t, t) - x̃)ᵀ ∂x̂(x_t, t)/∂θ                                                      (PD.5)

    Parameters
    ----------
    student : ParametricVelocity
        The model.
    teacher : callable
        The teacher; it may be the student itself.
    x0, noise : (\\*batch, d)
        As for :func:`progressive`.
    t, middle, s : () or (\\*batch,)
        As for :func:`progressive`.
    path : Path
        As for :func:`progressive`.
    weight : callable or array_like
        As for :func:`progressive`.

    Returns
    -------
    (p,)
        In the order of ``student.pack()``.
    """
    x, times, factor, residual = _residual(student, teacher, x0, noise, t, middle, s, path, weight)
    return student.vjp_parameters(x, times, factor[..., None] * residual)  # (PD.5)


def _times(x: Float, t: ArrayLike, middle: ArrayLike, s: ArrayLike) -> tuple[Float, Float, Float]:
    """The three times, all of one shape and falling; the path checks their range."""
    first = as_float64(t, "t")
    lift(first, x)
    second, last = of_shape(middle, "middle", first.shape, "t"), of_shape(s, "s", first.shape, "t")
    if not ((first > second) & (second > last)).all():
        raise ValueError("t, middle and s do not fall: expected t > middle > s for each sample, 0 is data")
    return first, second, last


def _ddim(predict: Predict, x: Float, t: Float, s: Float, path: Path) -> Float:
    """One deterministic step, (PD.1)."""
    data = of_shape(predict(x, t), "teacher(x, t)", x.shape, "x")
    ratio = lift(path.sigma(s) / path.sigma(t), x)
    value: Float = lift(path.alpha(s), x) * data + ratio * (x - lift(path.alpha(t), x) * data)  # (PD.1)
    return value


def _residual(
    student: Predict,
    teacher: Predict,
    x0: ArrayLike,
    noise: ArrayLike,
    t: ArrayLike,
    middle: ArrayLike,
    s: ArrayLike,
    path: Path,
    weight: Callable[[Float], ArrayLike] | ArrayLike,
) -> tuple[Float, Float, Float, Float]:
    """The noised points, their times, the weights, and the student there minus its target."""
    x0 = samples(x0, "x0")
    noise = of_shape(noise, "noise", x0.shape, "x0")
    times, _, _ = _times(x0, t, middle, s)
    x = lift(path.alpha(times), x0) * x0 + lift(path.sigma(times), x0) * noise
    target = progressive_target(teacher, x, times, middle, s, path=path)
    found = of_shape(student(x, times), "student(x, t)", x.shape, "x0")
    return x, times, level_weight(weight, path.log_snr(times)), found - target
