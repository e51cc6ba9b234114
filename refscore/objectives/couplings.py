"""Couplings: which noise goes with which data point, before flow matching draws its lines.

A coupling of two laws is a joint law with these marginals. Any of them gives flow matching a velocity that carries one
law to the other; they differ in how much the lines cross. With the cost

    c(x, y) = ½ |x - y|²                                                                              (OT.1)

optimal transport has least cost, its lines do not cross, and the entropic plan of

    min_P Σ_ij P_ij c(x_i, y_j) + ε Σ_ij P_ij log P_ij                                                (OT.2)

lies between it (ε → 0) and independent pairs (ε → ∞). With ε = σ² it is the coupling of the ends of the Schrödinger
bridge whose reference is dx = σ dw over a time of 1. All three are exact for the sets of points given: the plan of a
minibatch is not the plan of the laws.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.special import logsumexp

from refscore.arrays import Float, as_float64, integer, number, of_shape, positive, samples

__all__ = ["assign", "draw_pairs", "entropic_plan", "reflow_pairs"]


def assign(x0: ArrayLike, x1: ArrayLike) -> NDArray[np.intp]:
    """Optimal transport between two sets of n points: the permutation of least total cost.

        min_π Σ_i ½ |x0_i - x1_π(i)|²                                                                 (OT.3)

    Parameters
    ----------
    x0, x1 : (n, d)
        The two sets, in the data's unit.

    Returns
    -------
    (n,) of int
        π: ``x1[π]`` goes with ``x0``, row by row.

    Raises
    ------
    ValueError
        If the two are not sets of as many points of the same dimension.

    Notes
    -----
    Not to be confused with the inverse permutation, ``x0[π]`` with ``x1``: the same in one test of two, since swaps
    are their own inverses. Averaged over minibatches the coupling still depends on n; it tends to the optimal one.

    References
    ----------
    Pooladian et al. (2023), Multisample flow matching; Tong et al. (2024), Improving and generalizing flow-based
    generative models with minibatch optimal transport, section 3.2.

    Examples
    --------
    On a line optimal transport keeps the order, whatever the cost's scale:

    >>> import numpy as np
    >>> x0, x1 = np.array([[3.0], [1.0], [2.0]]), np.array([[10.0], [30.0], [20.0]])
    >>> x1[assign(x0, x1)].ravel()
    array([30., 10., 20.])
    """
    x0, x1 = _sets(x0, x1)
    if len(x0) != len(x1):
        raise ValueError(f"x1 has {len(x1)} points; expected {len(x0)}, as many as x0")
    _, columns = linear_sum_assignment(_cost(x0, x1))  # (OT.3)
    return np.asarray(columns, dtype=np.intp)


def entropic_plan(
    x0: ArrayLike, x1: ArrayLike, *, epsilon: float, rtol: float = 1e-12, max_iterations: int = 1000
) -> Float:
    """The entropic plan between two sets of points of equal weights, by Sinkhorn's and Newton's iterations.

        P_ij = exp((f_i + g_j - ½ |x0_i - x1_j|²) / ε),   Σ_j P_ij = 1/n,   Σ_i P_ij = 1/m            (OT.4)

    Parameters
    ----------
    x0 : (n, d)
        Data, in the data's unit.
    x1 : (m, d)
        Noise.
    epsilon : float
        ε, in unit²; σ² for a Schrödinger bridge with reference σ.
    rtol : float
        Largest relative error of a column sum that is accepted; the row sums are exact.
    max_iterations : int
        When to give up.

    Returns
    -------
    (n, m)
        P, of total 1.

    Raises
    ------
    ValueError
        If ε ≤ 0, or the dimensions differ.
    ArithmeticError
        If the iterations do not suffice: use a larger ε, or :func:`assign`.

    Notes
    -----
    ε is lowered to its value by halves. At each, of Sinkhorn's step g + ε log(1/m : Σ_i P_ij) and Newton's on the same
    equations the better one is taken: Sinkhorn's alone is safe, and slow where max c is many ε. Not to be confused with
    the cost without ½, as most libraries have it: their regularisation is 2 ε.

    References
    ----------
    Cuturi (2013), Sinkhorn distances; Peyré & Cuturi (2019), Computational optimal transport, section 4.4.

    Examples
    --------
    For two points and their mirror images, P_11/P_12 = e^{2 x y/ε} solves it by symmetry:

    >>> import numpy as np
    >>> plan = entropic_plan([[1.0], [-1.0]], [[1.0], [-1.0]], epsilon=2.0)
    >>> bool(abs(plan[0, 0] / plan[0, 1] - np.exp(1.0)) < 1e-12), float(plan.sum())
    (True, 1.0)
    """
    x0, x1 = _sets(x0, x1)
    goal, accuracy = number(epsilon, "epsilon", positive), number(rtol, "rtol", positive)
    left, cost = integer(max_iterations, "max_iterations", 1), _cost(x0, x1)
    g: Float = np.zeros(len(x1))
    scale = max(goal, float(cost.max()))
    while True:
        log_plan, miss = _rows(cost, g, scale)
        while left and np.abs(miss).max() > (accuracy if scale == goal else 0.1):
            left -= 1
            g = min((_newton(g, scale, log_plan, miss), g - scale * miss), key=lambda g: _worst(cost, g, scale))
            log_plan, miss = _rows(cost, g, scale)
        if scale == goal:
            break
        scale = max(goal, 0.5 * scale)
    if np.abs(miss).max() > accuracy:
        raise ArithmeticError(
            f"column sums are off by {np.abs(miss).max():.3g} after {max_iterations} iterations; expected "
            f"{accuracy:g}: epsilon is {goal:g} for costs up to {cost.max():.3g}"
        )
    return np.exp(log_plan)  # (OT.4)


def draw_pairs(
    plan: ArrayLike, uniform: ArrayLike
) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Pairs drawn from a plan with replacement, by the inverse of its distribution function.

        (i, j) = the first cell, row by row, with Σ_{cells before and at it} P ≥ u Σ P                (OT.5)

    Parameters
    ----------
    plan : (n, m)
        P ≥ 0, of any total > 0.
    uniform : (k,)
        Draws u from [0, 1).

    Returns
    -------
    i, j : (k,) of int
        Pairs of rows of the two sets.

    Raises
    ------
    ValueError
        If an entry of `plan` is negative, all are 0, or a draw is outside [0, 1).

    Notes
    -----
    Rows that share their partner's condition must be drawn with it: labels belong to the data and go with i.

    Examples
    --------
    >>> draw_pairs([[0.5, 0.0], [0.25, 0.25]], [0.0, 0.6, 0.9])
    (array([0, 1, 1]), array([0, 0, 1]))
    """
    cells = as_float64(plan, "plan")
    if cells.ndim != 2 or not (cells >= 0).all() or not cells.any():
        raise ValueError(
            f"plan has shape {cells.shape} and least entry {cells.min(initial=0)}; expected (n, m), P >= 0"
        )
    draws = as_float64(uniform, "uniform")
    if draws.ndim != 1 or not ((draws >= 0) & (draws < 1)).all():
        raise ValueError(f"uniform has shape {draws.shape}; expected (k,) with 0 <= u < 1")
    upto = np.cumsum(cells)
    found = np.searchsorted(upto, draws * upto[-1], side="right")  # (OT.5): a cell of probability 0 is never drawn
    row, column = np.divmod(np.minimum(found, np.flatnonzero(cells)[-1]), cells.shape[1])
    return row, column


def reflow_pairs(velocity: Callable[[Float, Float], ArrayLike], x1: ArrayLike, times: ArrayLike) -> tuple[Float, Float]:
    """Pairs for rectified flow's next round: noise, and where the learned flow takes it, by Euler's steps.

        x_s = x_t + (s - t) u(x_t, t)                                                                 (OT.6)

    Parameters
    ----------
    velocity : callable
        u of the last round, from (n, d) and a time () to (n, d).
    x1 : (n, d)
        Noise, at the first of the times.
    times : (k + 1,)
        Times from noise to data, falling, in general 1 … 0.

    Returns
    -------
    x0, x1 : (n, d)
        The pairs; x1 is the noise as it came.

    Raises
    ------
    ValueError
        If the times do not fall, or a shape does not fit.

    Notes
    -----
    Not to be confused with distillation: the pairs are trained on at all times, by ``flow_matching``. The marginal at
    t = 0 is that of the discrete flow; its error stays in all later rounds.

    References
    ----------
    Liu et al. (2023), Flow straight and fast: learning to generate and transfer data with rectified flow, algorithm 1.

    Examples
    --------
    Straight flows are exact in one step; x = (1 - t) (3 x1) + t x1 is one, with u = -2 x1 = -2 x/(3 - 2 t):

    >>> x0, x1 = reflow_pairs(lambda x, t: -2 * x / (3 - 2 * t), [[1.0], [-2.0]], [1.0, 0.0])
    >>> x0
    array([[ 3.],
           [-6.]])
    """
    noise = samples(x1, "x1")
    grid = as_float64(times, "times")
    if grid.ndim != 1 or len(grid) < 2 or not (np.diff(grid) < 0).all():
        raise ValueError(f"times has shape {grid.shape}; expected (k + 1,), falling from noise to data")
    x = noise
    for t, s in itertools.pairwise(grid):
        x = x + (s - t) * of_shape(velocity(x, t), "velocity(x, t)", x.shape, "x")  # (OT.6)
    return x, noise


def _sets(x0: ArrayLike, x1: ArrayLike) -> tuple[Float, Float]:
    x0 = samples(x0, "x0")
    x1 = samples(x1, "x1", x0.shape[-1])
    for value, name in ((x0, "x0"), (x1, "x1")):
        if value.ndim != 2 or len(value) == 0:
            raise ValueError(f"{name} has shape {value.shape}; expected (n, {x0.shape[-1]}), one set of points")
    return x0, x1


def _rows(cost: Float, g: Float, scale: float) -> tuple[Float, Float]:
    """log P with exact row sums, and log of its column sums against 1/m."""
    log_plan = (g - cost) / scale
    log_plan = log_plan - logsumexp(log_plan, axis=1, keepdims=True) - np.log(len(cost))
    miss: Float = logsumexp(log_plan, axis=0) + np.log(len(g))
    return log_plan, miss


def _worst(cost: Float, g: Float, scale: float) -> float:
    return float(np.abs(_rows(cost, g, scale)[1]).max()) if np.isfinite(g).all() else np.inf


def _newton(g: Float, scale: float, log_plan: Float, miss: Float) -> Float:
    """Newton's step on the column sums q, ∂q/∂g = (diag q - n PᵀP)/ε, with the mean of g held."""
    n, m = log_plan.shape
    plan = np.exp(log_plan)
    slope = np.diag(np.exp(miss) / m) - n * plan.T @ plan + 1 / m
    try:
        step: Float = np.linalg.solve(slope, np.expm1(miss) / m)
    except np.linalg.LinAlgError:
        return np.full_like(g, np.inf)
    return g - scale * step


def _cost(x0: Float, x1: Float) -> Float:
    """½ |x - y|² for all pairs (n, m), column by column: differences before squares, and no (n, m, d) array."""
    total = np.zeros((len(x0), len(x1)))
    for a, b in zip(x0.T, x1.T):
        total += 0.5 * np.subtract.outer(a, b) ** 2  # (OT.1)
    return total
