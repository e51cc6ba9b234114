"""The bound on the likelihood of a score-based SDE (Song, Durkan, Murray & Ermon 2021), at one time per sample.

The model is the reverse SDE with s in the place of the score, started from the prior π = N(0, ρ² I). Its log density
obeys

    -log p_θ(x0) ≤ L = E[-log π(x_T) | x0] + ∫ E[½ g² (|s|² + 2 tr J) - f d | x0] dt                  (SFB.1)

with x_t given x0 as on the path, f and g those of its SDE, and E[tr J | x0] = E[s·ε/σ | x0] by integration by parts,
which turns the implicit form into the denoising one, without a Jacobian:

    ½ g² (|s|² + 2 s·ε/σ) - f d = ½ g² (|s + ε/σ|² - |ε/σ|²) - f d                                    (SFB.2)

Taken from t_min on, L bounds E[-log p_θ(x_{t_min}) | x0]: where σ(t_min) > 0 that is the likelihood of noised data, and
no likelihood of x0 before a decoder is added. Over data with density p the bound is off by the score's error alone:

    E L = E[-log p_{t_min}] + KL(p_T ‖ π) + ½ ∫ g² E|s - ∇ log p_t|² dt                               (SFB.3)

so that with the exact score and π = p_T it is an equality, for each x0. Its truth on Gaussian data stands in
``refscore.exact.score_flow``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, of_shape, positive, samples
from refscore.models.protocol import LevelScore, ParametricLevelScore, differentiable
from refscore.paths import Path

__all__ = [
    "score_flow",
    "score_flow_gradient",
    "score_flow_implicit",
    "score_flow_implicit_gradient",
    "score_flow_prior",
]

Score = Callable[[Float, Float], Float]


def score_flow(score: Score, x0: ArrayLike, noise: ArrayLike, t: ArrayLike, *, path: Path, density: ArrayLike) -> Float:
    """The denoising form of the integrand of the bound at drawn times, per sample.

        ℓ = [½ g² (|s|² + 2 s·ε/σ) - f d]/π(t)                                                        (SFB.4)

    Parameters
    ----------
    score : callable
        s, from (\\*batch, d) and the times, of the shape of `t`, to (\\*batch, d).
    x0, noise : (\\*batch, d)
        Clean data and standard normal noise ε.
    t : () or (\\*batch,)
        Times inside the path, with σ > 0.
    path : Path
        Gives α, σ, f and g.
    density : () or (\\*batch,)
        π at the times: 1/(t_stop - t_min) where they are uniform, or ``likelihood_density``.

    Returns
    -------
    (\\*batch,)
        ℓ in nats. Its mean over times and noise, plus :func:`score_flow_prior`, is the bound.

    Raises
    ------
    ValueError
        If σ is 0 or f or g infinite at a time, the density is not positive, or a shape does not go with `x0`.

    Notes
    -----
    Not to be confused with the loss ``path`` with weight g², from which it differs by what does not contain the model:
    -½ g² |ε/σ|² - f d, of which the first is large. As a bound in bits per dimension it is divided by d log 2.

    References
    ----------
    Song, Durkan, Murray & Ermon (2021), Maximum likelihood training of score-based diffusion models, theorem 3.

    Examples
    --------
    On VP with β = 2 the exact score -x of N(0, 1) has E ℓ = (α² x0² + σ²) - 2 + 1 = α² (x0² - 1), the slope in t of
    E[log p_t(x_t)]; by the nodes ε = ±1:

    >>> import refscore as rs
    >>> path, t = rs.paths.VP(2, 2), 0.25
    >>> found = score_flow(lambda x, t: -x, [[3.0], [3.0]], [[1.0], [-1.0]], t, path=path, density=1).mean()
    >>> round(float(found), 12), round(float(path.alpha(t)) ** 2 * (3.0**2 - 1), 12)
    (4.852245277701, 4.852245277701)
    """
    x0, x, scale, rate, g2, share = _at(x0, noise, t, path, density)
    s = of_shape(score(x, as_float64(t, "t")), "score(x, t)", x.shape, "x")
    terms = 0.5 * (s**2).sum(-1) + (s * scale).sum(-1)
    value: Float = (g2 * terms - rate * x.shape[-1]) / share  # (SFB.4)
    return value


def score_flow_gradient(
    score: ParametricLevelScore, x0: ArrayLike, noise: ArrayLike, t: ArrayLike, *, path: Path, density: ArrayLike
) -> Float:
    """Gradient of the batch sum of :func:`score_flow` in the parameters of `score`: that of the loss with weight g²/π.

        ∂ℓ/∂θ = (g²/π) (s + ε/σ)ᵀ ∂s/∂θ                                                               (SFB.5)

    Parameters
    ----------
    score : ParametricLevelScore
        A model of the score which is told t > 0, with `vjp_parameters`.
    x0, noise : (\\*batch, d)
        As for :func:`score_flow`.
    t : () or (\\*batch,)
        Times inside the path, with σ > 0.
    path : Path
        Gives α, σ and g.
    density : () or (\\*batch,)
        π at the times.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    _, x, scale, _, g2, share = _at(x0, noise, t, path, density)
    time = as_float64(t, "t")
    s = of_shape(score(x, time), "score(x, t)", x.shape, "x")
    return score.vjp_parameters(x, time, np.expand_dims(g2 / share, -1) * (s + scale))  # (SFB.5)


def score_flow_implicit(
    score: LevelScore, x0: ArrayLike, noise: ArrayLike, t: ArrayLike, *, path: Path, density: ArrayLike
) -> Float:
    """The implicit form of the integrand of the bound at drawn times, per sample.

        ℓ = [½ g² (|s|² + 2 tr J) - f d]/π(t)                                                         (SFB.6)

    Parameters
    ----------
    score : LevelScore
        s with its `trace`; it is told t.
    x0, noise : (\\*batch, d)
        Clean data and standard normal noise ε.
    t : () or (\\*batch,)
        Times inside the path, with σ > 0.
    path : Path
        Gives α, σ, f and g.
    density : () or (\\*batch,)
        π at the times.

    Returns
    -------
    (\\*batch,)
        ℓ in nats, with the mean of :func:`score_flow` and without its scatter of size g²/σ.

    Raises
    ------
    TypeError
        If `score` has no `trace`.
    ValueError
        As for :func:`score_flow`.

    References
    ----------
    Song, Durkan, Murray & Ermon (2021), theorem 3, its second form.

    Examples
    --------
    Over ε = ±1 both forms have one mean for an affine score:

    >>> import refscore as rs
    >>> path, s = rs.paths.VP(2, 2), rs.models.LevelAffineScore([[0.5]], [0.25])
    >>> x0, noise = [[3.0], [3.0]], [[1.0], [-1.0]]
    >>> both = [form(s, x0, noise, 0.5, path=path, density=1).mean() for form in (score_flow, score_flow_implicit)]
    >>> bool(abs(both[0] - both[1]) < 1e-14)
    True
    """
    differentiable(score, "trace")
    _, x, _, rate, g2, share = _at(x0, noise, t, path, density)
    time = as_float64(t, "t")
    s = of_shape(score(x, time), "score(x, t)", x.shape, "x")
    trace = of_shape(score.trace(x, time), "score.trace(x, t)", x.shape[:-1], "the batch of x")
    value: Float = (g2 * (0.5 * (s**2).sum(-1) + trace) - rate * x.shape[-1]) / share  # (SFB.6)
    return value


def score_flow_implicit_gradient(
    score: ParametricLevelScore, x0: ArrayLike, noise: ArrayLike, t: ArrayLike, *, path: Path, density: ArrayLike
) -> Float:
    """Gradient of the batch sum of :func:`score_flow_implicit` in the parameters of `score`.

        ∂ℓ/∂θ = (g²/π) (sᵀ ∂s/∂θ + ∂(tr J)/∂θ)                                                        (SFB.7)

    Parameters
    ----------
    score : ParametricLevelScore
        A model of the score which is told t > 0, with `vjp_parameters` and `trace_parameters`.
    x0, noise : (\\*batch, d)
        As for :func:`score_flow_implicit`.
    t : () or (\\*batch,)
        Times inside the path, with σ > 0.
    path : Path
        Gives α, σ and g.
    density : () or (\\*batch,)
        π at the times.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    _, x, _, _, g2, share = _at(x0, noise, t, path, density)
    time = as_float64(t, "t")
    weight = np.broadcast_to(g2 / share, x.shape[:-1])
    s = of_shape(score(x, time), "score(x, t)", x.shape, "x")
    gradient = score.vjp_parameters(x, time, weight[..., None] * s)
    each = np.broadcast_to(time, x.shape[:-1])
    for i in np.ndindex(x.shape[:-1]):  # the trace has one weight a sample
        gradient = gradient + weight[i] * score.trace_parameters(x[i], each[i])  # (SFB.7)
    return gradient


def score_flow_prior(x0: ArrayLike, *, path: Path) -> Float:
    """What the prior takes of the bound, over the noise at t_max, per sample.

        E[-log π(x_T) | x0] = ½ (|α_T x0|² + d σ_T²)/ρ² + ½ d log(2 π ρ²)                             (SFB.8)

    Parameters
    ----------
    x0 : (\\*batch, d)
        Clean data.
    path : Path
        Gives α, σ at t_max and ρ, its `prior_scale`.

    Returns
    -------
    (\\*batch,)
        In nats. No sample is drawn: the codes draw x_T.

    Examples
    --------
    By the nodes ε = ±1:

    >>> import refscore as rs
    >>> path = rs.paths.VE(0.01, 2)
    >>> prior, x0, noise = rs.targets.gaussian([0], 2.0**2), np.array([[3.0], [3.0]]), np.array([[1.0], [-1.0]])
    >>> round(float(-prior.log_prob(x0 + 2 * noise).mean()), 12), round(float(score_flow_prior([3.0], path=path)), 12)
    (3.237085713765, 3.237085713765)
    """
    x0 = samples(x0, "x0")
    d, scale = x0.shape[-1], path.prior_scale
    alpha, sigma = path.alpha(path.t_max), path.sigma(path.t_max)
    square = ((alpha / scale * x0) ** 2).sum(-1) + d * (sigma / scale) ** 2
    value: Float = 0.5 * square + d * (0.5 * np.log(2 * np.pi) + np.log(scale))  # (SFB.8)
    return value


def _at(
    x0: ArrayLike, noise: ArrayLike, t: ArrayLike, path: Path, density: ArrayLike
) -> tuple[Float, Float, Float, Float, Float, Float]:
    """x0, x_t, ε/σ, f, g² and π; the last three () or (\\*batch,)."""
    x0 = samples(x0, "x0")
    noise = of_shape(noise, "noise", x0.shape, "x0")
    time = as_float64(t, "t")
    lift(time, x0)
    lift(density, x0, "density", positive)
    sigma = path.sigma(time)
    rate, diffusion = path.drift_rate(time), path.diffusion(time)
    if not ((sigma > 0) & np.isfinite(rate) & np.isfinite(diffusion)).all():
        raise ValueError(f"t is at an end of {path} where sigma is 0 or its SDE has a pole; expected times inside")
    x = lift(path.alpha(time), x0) * x0 + lift(sigma, x0) * noise
    return x0, x, noise / lift(sigma, x0), rate, diffusion**2, positive(density, "density")
