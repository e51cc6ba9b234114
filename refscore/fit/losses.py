"""Losses of samples alone: explicit and implicit score matching.

Each is the mean over a batch of the per-sample values of ``refscore.objectives``, with the gradient that stands beside
them. Those that draw projections are in ``refscore.fit.projected``, those that add noise in ``refscore.fit.noised``.
"""

from __future__ import annotations

from typing import SupportsIndex

from numpy.typing import ArrayLike

from refscore import objectives
from refscore.arrays import of_shape, read_only
from refscore.fit.digests import digest
from refscore.fit.draws import Arrays, Batches, Integers, as_batches
from refscore.fit.loss import Loss, described_data, of_objective, rows
from refscore.models.protocol import ParametricScore, differentiable

__all__ = ["Batch", "explicit", "implicit"]

Batch = SupportsIndex | Batches | None


def explicit(
    model: ParametricScore, data: ArrayLike, data_score: ArrayLike, *, batch: Batch = None, seed: int = 0
) -> Loss:
    """Explicit score matching: the mean of ``objectives.explicit`` over a batch.

        L_k(θ) = (1/n) Σ_i ½ |s(x_i) - s_data(x_i)|²                                                  (LOO.8)

    Parameters
    ----------
    model : ParametricScore
        s.
    data, data_score : (N, d)
        Samples, and the data's own score there.
    batch : int, Batches or None
        Samples of a step, without replacement, or a rule such as :func:`~refscore.fit.with_replacement`; None is all.
    seed : int
        Of what a step draws.

    Returns
    -------
    Loss
        Whose steps draw (x, data_score).

    Examples
    --------
    s = -x leaves ½ (0 - 1)² and ½ (-2 + 1)²; ∂/∂A is the mean of -(s - s_data) x, and ∂/∂b that of s - s_data:

    >>> from refscore.models import AffineScore
    >>> loss = explicit(AffineScore([[1.0]], [0.0]), [[0.0], [2.0]], [[1.0], [-1.0]])
    >>> loss(loss.model.pack(), 0)
    (array([0.5, 0.5]), array([ 1., -1.]))
    """
    points = rows(data)
    scores = read_only(of_shape(data_score, "data_score", points.shape, "data"), "data_score")
    differentiable(model, "vjp_parameters")
    chosen = as_batches(batch, len(points))

    def draw(steps: Integers) -> Arrays:
        index = chosen.at(seed, steps, len(points))
        return points[index], scores[index]

    configuration = described_data("explicit", points, chosen, seed) | {"data_score": digest(scores)}
    return of_objective(model, objectives.explicit, objectives.explicit_gradient, draw, configuration)


def implicit(model: ParametricScore, data: ArrayLike, *, batch: Batch = None, seed: int = 0) -> Loss:
    """Implicit score matching: the mean of ``objectives.implicit`` over a batch.

        L_k(θ) = (1/n) Σ_i [tr J(x_i) + ½ |s(x_i)|²]                                                  (LOO.8)

    Parameters
    ----------
    model : ParametricScore
        s, with `trace` and `trace_parameters`.
    data : (N, d)
        Samples.
    batch, seed : int, Batches or None, int
        As for :func:`explicit`.

    Returns
    -------
    Loss
        Whose steps draw (x,).

    Notes
    -----
    A finite data set has no score: a model that is rich enough drives this to -∞, with a peak on each sample.

    Examples
    --------
    >>> from refscore.models import AffineScore
    >>> implicit(AffineScore([[1.0]], [0.0]), [[0.0], [2.0]])(AffineScore([[1.0]], [0.0]).pack(), 0)[0]  # -1 + ½ x²
    array([-1.,  1.])
    """
    differentiable(model, "trace", "trace_parameters", "vjp_parameters")
    points = rows(data)
    chosen = as_batches(batch, len(points))

    def draw(steps: Integers) -> Arrays:
        return (points[chosen.at(seed, steps, len(points))],)

    configuration = described_data("implicit", points, chosen, seed)
    return of_objective(model, objectives.implicit, objectives.implicit_gradient, draw, configuration)
