"""Losses of samples and random projections: sliced score matching, and its finite differences.

Every sample has new projections at every step, drawn like everything else from the seed and the step alone (LOO.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from refscore import objectives
from refscore.arrays import Float, integer, number, positive
from refscore.fit.draws import PROJECTION, Arrays, Integers, as_batches, step_normals
from refscore.fit.loss import Loss, described_data, of_objective, rows
from refscore.fit.losses import Batch
from refscore.models.protocol import ParametricLogDensity, ParametricScore, differentiable
from refscore.objectives.projections import gaussian

__all__ = ["finite_difference", "finite_difference_score", "sliced", "sliced_variance_reduced"]

Projection = Callable[[Float], Float]


def sliced(
    model: ParametricScore,
    data: ArrayLike,
    *,
    n_projections: SupportsIndex = 1,
    projection: Projection = gaussian,
    batch: Batch = None,
    seed: int = 0,
) -> Loss:
    """Sliced score matching: the mean of ``objectives.sliced`` over a batch.

        L_k(θ) = (1/n) Σ_i (1/m) Σ_j [v_ijᵀ J(x_i) v_ij + ½ (v_ijᵀ s(x_i))²]                          (LOO.8)

    Parameters
    ----------
    model : ParametricScore
        s, with `vjp` and `quadratic_parameters`.
    data : (N, d)
        Samples.
    n_projections : int
        m ≥ 1, new ones for every sample at every step.
    projection : callable
        From standard normals (m, n, d) to v: :func:`~refscore.fit.gaussian`, :func:`~refscore.fit.rademacher`,
        :func:`~refscore.fit.sphere` or :func:`~refscore.fit.orthogonal`.
    batch, seed : int, Batches or None, int
        As for :func:`explicit`.

    Returns
    -------
    Loss
        Whose steps draw (x, projection).
    """
    differentiable(model, "vjp", "quadratic_parameters", "vjp_parameters")
    laws = n_projections, projection
    return _projected("sliced", model, objectives.sliced, objectives.sliced_gradient, data, batch, seed, laws)


def sliced_variance_reduced(
    model: ParametricScore,
    data: ArrayLike,
    *,
    n_projections: SupportsIndex = 1,
    projection: Projection = gaussian,
    batch: Batch = None,
    seed: int = 0,
) -> Loss:
    """Sliced score matching with the exact norm: the mean of ``objectives.sliced_variance_reduced`` over a batch.

        L_k(θ) = (1/n) Σ_i [(1/m) Σ_j v_ijᵀ J(x_i) v_ij + ½ |s(x_i)|²]                                (LOO.8)

    Parameters
    ----------
    model : ParametricScore
        s, with `vjp` and `quadratic_parameters`.
    data : (N, d)
        Samples.
    n_projections, projection : int, callable
        As for :func:`sliced`.
    batch, seed : int, Batches or None, int
        As for :func:`explicit`.

    Returns
    -------
    Loss
        Whose steps draw (x, projection).
    """
    differentiable(model, "vjp", "quadratic_parameters", "vjp_parameters")
    value, gradient = objectives.sliced_variance_reduced, objectives.sliced_variance_reduced_gradient
    laws = n_projections, projection
    return _projected("sliced_variance_reduced", model, value, gradient, data, batch, seed, laws)


def finite_difference(
    model: ParametricLogDensity,
    data: ArrayLike,
    *,
    epsilon: float,
    n_projections: SupportsIndex = 1,
    projection: Projection = gaussian,
    batch: Batch = None,
    seed: int = 0,
) -> Loss:
    """Finite-difference score matching of an energy: the mean of ``objectives.finite_difference`` over a batch.

        L_k(θ) = (1/n) Σ_i ℓ(x_i, v_i1, …, v_im; ε)                                                   (LOO.8)

    Parameters
    ----------
    model : ParametricLogDensity
        With `log_prob` and `log_prob_parameters`.
    data : (N, d)
        Samples.
    epsilon : float
        ε > 0, the step along v.
    n_projections, projection : int, callable
        As for :func:`sliced`.
    batch, seed : int, Batches or None, int
        As for :func:`explicit`.

    Returns
    -------
    Loss
        Whose steps draw (x, projection).
    """
    differentiable(model, "log_prob", "log_prob_parameters")
    h = number(epsilon, "epsilon", positive)

    def value(current: ParametricLogDensity, x: Float, v: Float) -> Float:
        return objectives.finite_difference(current.log_prob, x, v, epsilon=h)

    def gradient(current: ParametricLogDensity, x: Float, v: Float) -> Float:
        return objectives.finite_difference_gradient(current, x, v, epsilon=h)

    laws, more = (n_projections, projection), {"epsilon": repr(h)}
    return _projected("finite_difference", model, value, gradient, data, batch, seed, laws, more)


def finite_difference_score(
    model: ParametricScore,
    data: ArrayLike,
    *,
    epsilon: float,
    n_projections: SupportsIndex = 1,
    projection: Projection = gaussian,
    batch: Batch = None,
    seed: int = 0,
) -> Loss:
    """Finite-difference score matching of a field: the mean of ``objectives.finite_difference_score`` over a batch.

        L_k(θ) = (1/n) Σ_i ℓ(x_i, v_i1, …, v_im; ε)                                                   (LOO.8)

    Parameters
    ----------
    model : ParametricScore
        s, with `vjp_parameters`; no Jacobian is asked for.
    data : (N, d)
        Samples.
    epsilon : float
        ε > 0, the step along v.
    n_projections, projection : int, callable
        As for :func:`sliced`.
    batch, seed : int, Batches or None, int
        As for :func:`explicit`.

    Returns
    -------
    Loss
        Whose steps draw (x, projection).
    """
    differentiable(model, "vjp_parameters")
    h = number(epsilon, "epsilon", positive)

    def value(current: ParametricScore, x: Float, v: Float) -> Float:
        return objectives.finite_difference_score(current, x, v, epsilon=h)

    def gradient(current: ParametricScore, x: Float, v: Float) -> Float:
        return objectives.finite_difference_score_gradient(current, x, v, epsilon=h)

    laws, more = (n_projections, projection), {"epsilon": repr(h)}
    return _projected("finite_difference_score", model, value, gradient, data, batch, seed, laws, more)


def _projected(
    name: str,
    model: ParametricScore,
    value: Callable[..., Float],
    gradient: Callable[..., Float],
    data: ArrayLike,
    batch: Batch,
    seed: int,
    laws: tuple[SupportsIndex, Projection],
    more: Mapping[str, str] | None = None,
) -> Loss:
    """The loss of an objective of samples and projections."""
    m, law = integer(laws[0], "n_projections", 1), laws[1]
    if not callable(law):
        raise TypeError(f"projection is {law!r}; expected a function of standard normals, such as rademacher")
    points = rows(data)
    chosen = as_batches(batch, len(points))
    shape = (m, chosen.size, points.shape[1])

    def draw(steps: Integers) -> Arrays:
        normals = step_normals(seed, steps, shape, PROJECTION)
        return points[chosen.at(seed, steps, len(points))], np.stack([law(z) for z in normals])

    configuration = described_data(name, points, chosen, seed) | dict(more or {})
    return of_objective(model, value, gradient, draw, configuration | {"projection": f"{m} of {_name(law)}"})


def _name(law: Any) -> str:
    return getattr(law, "__name__", None) or repr(law)
