"""Losses for the objectives that add noise to the data: denoising, and multilevel over noise levels.

A model with a workspace (``models.Trainable``) is trained in it: both passes run in buffers allocated once, in float32
or float64. What does not depend on θ is made for many steps at once, so that a step is a forward pass, the residual

    r = s(x_0 + σε, σ) + ε/σ,   L_k = (1/n) Σ ½ λ(σ) |r|²,   v = λ(σ) r/n                             (LOO.9)

and a backward pass with v. Other models go through ``objectives`` in float64, with a new model at each step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refscore import objectives
from refscore.arrays import Float, number, positive
from refscore.fit.draws import LEVEL, NOISE, Arrays, Integers, as_batches, blocked, step_normals, step_uniforms
from refscore.fit.laws import Levels, as_levels
from refscore.fit.loss import Evaluate, Loss, Packed, described, described_data, of_objective, one_step, rows
from refscore.fit.losses import Batch
from refscore.models.activations import Array
from refscore.models.protocol import ParametricLevelScore, ParametricScore, TrainingWorkspace
from refscore.objectives.multilevel import level_weight

__all__ = ["denoising", "multilevel"]

Weight = Callable[[Float], ArrayLike]


def denoising(
    model: ParametricScore,
    data: ArrayLike,
    *,
    sigma: float,
    batch: Batch = None,
    seed: int = 0,
    dtype: type[np.floating[Any]] = np.float64,
) -> Loss:
    """Denoising score matching at one noise level: the mean of ``objectives.denoising`` over a batch.

        L_k(θ) = (1/n) Σ_i ½ |s(x_i + σ ε_i) + ε_i/σ|²                                                (LOO.9)

    Parameters
    ----------
    model : ParametricScore
        s, with `vjp_parameters`, or with a `workspace`.
    data : (N, d)
        Clean samples.
    sigma : float
        σ > 0, in the data's unit.
    batch : int, Batches or None
        Samples of a step, without replacement, or a rule such as :func:`~refscore.fit.with_replacement`; None is all.
        Each sample has new noise at every step.
    seed : int
        Of what a step draws.
    dtype : dtype
        float32 or float64; float32 needs a model with a workspace.

    Returns
    -------
    Loss
        Whose steps draw (x0, noise, sigma).

    Examples
    --------
    The steps show what they draw, so the same loss comes from the objective itself:

    >>> import numpy as np
    >>> from refscore.models import AffineScore
    >>> model = AffineScore([[2.0, 0.5], [0.5, 1.0]], [1.0, -1.0])
    >>> loss = denoising(model, np.eye(2), sigma=0.5)
    >>> values, gradient = loss(model.pack(), 7)
    >>> np.array_equal(values, objectives.denoising(model, *loss.draw(7)))
    True
    """
    level = number(sigma, "sigma", positive)
    points = rows(data)
    chosen, d = as_batches(batch, len(points)), points.shape[1]
    configuration = described_data("denoising", points, chosen, seed) | {"sigma": repr(level)}

    def draw(steps: Integers) -> Arrays:
        x0 = points[chosen.at(seed, steps, len(points))]
        return x0, step_normals(seed, steps, (chosen.size, d), NOISE)

    space = _workspace(model, chosen.size, dtype)
    if space is None:
        return of_objective(model, objectives.denoising, objectives.denoising_gradient, draw, configuration, level)

    def prepared(steps: Integers) -> Arrays:
        x0, noise = draw(steps)
        one = np.ones((len(steps), chosen.size))
        return tuple(array.astype(dtype) for array in (x0 + level * noise, noise / level, one / chosen.size, one / 2))

    at = blocked(prepared, 2 * chosen.size * (d + 1))
    evaluate = _in_workspace(space, lambda k: (*at(k), None), chosen.size, d, dtype)
    return Loss(model, evaluate, described(model, configuration, dtype), one_step(draw, level), dtype)


def multilevel(
    model: ParametricLevelScore,
    data: ArrayLike,
    *,
    sigmas: ArrayLike | Levels,
    weight: Weight = np.square,
    batch: Batch = None,
    seed: int = 0,
    dtype: type[np.floating[Any]] = np.float64,
) -> Loss:
    """Denoising score matching over noise levels: the mean of ``objectives.multilevel`` over a batch.

        L_k(θ) = (1/n) Σ_i ½ λ(σ_i) |s(x_i + σ_i ε_i, σ_i) + ε_i/σ_i|²                                (LOO.9)

    Parameters
    ----------
    model : ParametricLevelScore
        s(x, σ), with `vjp_parameters`, or with a `workspace`.
    data : (N, d)
        Clean samples.
    sigmas : (L,) or Levels
        Noise levels, each as likely as any other, or a law: :func:`~refscore.fit.log_uniform`,
        :func:`~refscore.fit.log_normal`. Each sample has a level of its own at every step.
    weight : callable
        λ ≥ 0, a function of σ. The default is λ = σ².
    batch, seed, dtype : int, Batches or None, int, dtype
        As for :func:`denoising`.

    Returns
    -------
    Loss
        Whose steps draw (x0, noise, sigma).

    Notes
    -----
    Not to be confused with a sum over the levels: each sample sees one, and the mean over many steps is the mean over
    the levels. A law of levels and a weight come in as their product: λ = σ² under one law is λ = 1 under another.

    References
    ----------
    Song & Ermon (2019), Generative modeling by estimating gradients of the data distribution, eq. 6.

    Examples
    --------
    >>> from refscore.models import LevelAffineScore
    >>> model = LevelAffineScore([[2.0, 0.5], [0.5, 1.0]], [1.0, -1.0])
    >>> loss = multilevel(model, np.eye(2), sigmas=[2.0, 1.0, 0.5])
    >>> values, gradient = loss(model.pack(), 7)
    >>> np.array_equal(values, objectives.multilevel(model, *loss.draw(7)))
    True
    """
    law = as_levels(sigmas)
    points = rows(data)
    chosen, d = as_batches(batch, len(points)), points.shape[1]
    if not callable(weight):
        raise TypeError(f"weight is {weight!r}; expected a function of sigma, such as numpy.square")
    probe = level_weight(weight, np.array([0.5, 1.0, 2.0])).tolist()
    more = {"sigmas": law.name, "weight": f"{probe} at sigma 0.5, 1, 2"}
    configuration = described_data("multilevel", points, chosen, seed) | more

    def draw(steps: Integers) -> Arrays:
        u = step_uniforms(seed, steps, (chosen.size,), LEVEL)
        x0 = points[chosen.at(seed, steps, len(points))]
        sigma = positive(law.quantile(u), f"sigma, drawn from {law.name},")
        if sigma.shape != u.shape:
            raise ValueError(f"{law.name} gives shape {sigma.shape} for u of shape {u.shape}; expected the same shape")
        return x0, step_normals(seed, steps, (chosen.size, d), NOISE), sigma

    space = _workspace(model, chosen.size, dtype)
    if space is None:

        def value(current: ParametricLevelScore, x0: Float, noise: Float, sigma: Float) -> Float:
            return objectives.multilevel(current, x0, noise, sigma, weight=weight)

        def gradient(current: ParametricLevelScore, x0: Float, noise: Float, sigma: Float) -> Float:
            return objectives.multilevel_gradient(current, x0, noise, sigma, weight=weight)

        return of_objective(model, value, gradient, draw, configuration)

    def prepared(steps: Integers) -> Arrays:
        x0, noise, sigma = draw(steps)
        each, level = level_weight(weight, sigma), sigma[..., None]
        found = x0 + level * noise, noise / level, each / chosen.size, each / 2, sigma
        return tuple(array.astype(dtype) for array in found)

    at = blocked(prepared, chosen.size * (2 * d + 3))
    evaluate = _in_workspace(space, at, chosen.size, d, dtype)
    return Loss(model, evaluate, described(model, configuration, dtype), one_step(draw), dtype)


def _in_workspace(
    space: TrainingWorkspace,
    at: Callable[[int], tuple[Any, ...]],
    n: int,
    d: int,
    dtype: type[np.floating[Any]],
) -> Evaluate:
    """A step in the model's own buffers: x, ε/σ, λ/n and λ/2 are there already."""
    residual, values = np.empty((n, d), dtype), np.empty(n, dtype)

    def evaluate(theta: Array, k: int) -> tuple[Array, Array]:
        x, target, share, half, sigma = at(k)
        np.copyto(space.theta, theta)
        score = space.forward(x) if sigma is None else space.forward(x, sigma)
        np.add(score, target, out=residual)
        np.einsum("ni,ni->n", residual, residual, out=values)
        np.multiply(values, half, out=values)
        np.multiply(residual, share[:, None], out=residual)  # (LOO.9)
        space.backward(residual)
        return values, space.gradient

    return evaluate


def _workspace(model: Packed, n: int, dtype: type[np.floating[Any]]) -> TrainingWorkspace | None:
    """The buffers of a model that has some, or say why the dtype needs them."""
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise TypeError(f"dtype is {np.dtype(dtype)}; expected float32 or float64")
    make = getattr(model, "workspace", None)
    if callable(make):
        space: TrainingWorkspace = make(n, dtype)
        return space
    if np.dtype(dtype) != np.float64:
        raise TypeError(f"dtype is {np.dtype(dtype)}, and {model!r} has no workspace; expected float64")
    if not callable(getattr(model, "vjp_parameters", None)):
        raise TypeError(f"model is {model!r}; expected a score model with vjp_parameters or with a workspace")
    return None
