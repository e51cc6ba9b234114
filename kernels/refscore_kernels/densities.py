"""Log density and score of a Gaussian or a mixture at many points, fused: nothing of the size N K is ever stored."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import integer, samples
from refscore.targets import Gaussian, Mixture
from refscore_kernels import backends, portable
from refscore_kernels.prepare import Prepared, prepare

__all__ = ["Density", "log_prob_and_score"]

Array = NDArray[np.floating[Any]]


class Density(NamedTuple):
    """What a law is at points x (N, d).

    Parameters
    ----------
    log_prob : (N,)
        log p(x).
    score : (N, d)
        ∇ log p(x).
    """

    log_prob: Array
    score: Array


def log_prob_and_score(
    target: Gaussian | Mixture,
    x: ArrayLike,
    *,
    backend: str = "cpu",
    dtype: type[np.floating[Any]] = np.float64,
    threads: int = 1,
    contract: bool = False,
) -> Density:
    """log p and ∇ log p in one pass over the points.

        log p = M + log Σ_k e^(c_k - ½ q_k - M),   s = Σ_k r_k Σ_k⁻¹ (μ_k - x),   M = max_k (c_k - ½ q_k)    (DENS.1)

    with q_k = (x - μ_k)ᵀ Σ_k⁻¹ (x - μ_k) from differences x - μ_k, so that no digit is lost far from the origin.

    Parameters
    ----------
    target : Gaussian or Mixture
        p.
    x : (N, d)
        Points.
    backend : "cpu", "portable" or "reference"
        Compiled; the same bits from NumPy alone; or refscore's own two functions, in float64 only.
    dtype : np.float64 or np.float32
        Of the numbers.
    threads : int
        How many, for "cpu".
    contract : bool
        Let the compiler round a product and a sum together.

    Returns
    -------
    Density
        Log densities and scores.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is described here.

    Examples
    --------
    >>> import refscore as rs
    >>> import refscore_kernels as rk
    >>> found = rk.log_prob_and_score(rs.targets.gaussian([1e6], 4.0), [[1e6 + 2]], backend="portable")
    >>> found.log_prob - (-0.5 - np.log(2) - 0.5 * np.log(2 * np.pi)), found.score
    (array([0.]), array([[-0.5]]))
    """
    if not isinstance(target, (Gaussian, Mixture)):
        raise TypeError(f"target is {type(target).__name__}; expected a Gaussian or a Mixture")
    backends.known(backend, dtype)
    rows = samples(x, "x", target.d)
    if rows.ndim != 2:
        raise ValueError(f"x has shape {rows.shape}; expected (N, {target.d})")
    n_threads = integer(threads, "threads")
    if n_threads < 1:
        raise ValueError(f"threads is {n_threads}; expected at least 1")
    if backend == "reference":
        return Density(target.log_prob(rows), target.score(rows))
    points = np.ascontiguousarray(rows, dtype)
    ready = prepare(target, np.array([[1.0, 0.0]]), dtype)
    functions = backends.compiled(dtype is np.float32, contract) if backend == "cpu" else None
    if functions is None:
        return _portable(ready, points)
    e, s = np.empty(len(points), dtype), np.empty_like(points)
    width = backends.width_of(2 * target.d + ready.rows, points.itemsize)
    kernel = functions[f"run_density_{ready.name}"]
    backends.spread(
        lambda span: kernel(ready.params, ready.rows, points, e, s, (*span, width)), len(points), width, n_threads
    )
    return Density(e, s)


def _portable(ready: Prepared, points: Array) -> Density:
    e, s = np.empty(len(points), points.dtype), np.empty_like(points)
    for lo in range(0, len(points), backends.LANES):
        part = slice(lo, lo + backends.LANES)
        g, log = portable.SCORES[ready.name](np.ascontiguousarray(points[part].T), 0, ready.params)
        e[part], s[part] = log(), g.T
    return Density(e, s)
