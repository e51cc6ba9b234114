"""A network's score at many points, layer after layer in vector code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import integer, number, positive, samples
from refscore.models import ConditionalMLP, EmbeddedMLP, FixedLevel, MLPScore
from refscore_kernels import backends, portable
from refscore_kernels.prepare import dimension_of, prepare

__all__ = ["network_score"]

Array = NDArray[np.floating[Any]]
WIDTH = 64  # lanes in a block, one or two tiles; no bit depends on it


def network_score(
    model: MLPScore | ConditionalMLP | EmbeddedMLP | FixedLevel,
    x: ArrayLike,
    sigma: float | None = None,
    *,
    backend: str = "cpu",
    dtype: type[np.floating[Any]] = np.float64,
    threads: int = 1,
    contract: bool = False,
) -> Array:
    """s(x), or s(x, σ) at one level, of a model that is a network.

    Parameters
    ----------
    model : MLPScore, ConditionalMLP, EmbeddedMLP, or FixedLevel of one
        With SiLU, tanh, softplus or GELU.
    x : (N, d)
        Points.
    sigma : float, optional
        The level, in the data's unit, for a model that is told one.
    backend : "cpu", "portable" or "reference"
        Compiled; the same bits from NumPy alone; or the model itself, in float64 only.
    dtype : np.float64 or np.float32
        Of the numbers.
    threads : int
        How many, for "cpu".
    contract : bool
        Let the compiler round a product and a sum together.

    Returns
    -------
    (N, d)
        The score, in `dtype`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is described here.

    Notes
    -----
    With unit roundoff u and γ_n = n u / (1 - n u), errors start at e_0 = γ_3 |into x| and grow from layer to layer,
    where a row has n terms, and φ a slope of Λ at most and an error of 4 u max(1, |φ|) of its own:

        e_l ≤ Λ |g| (|W| e_{l-1} + γ_{n+4} (|W| |h_{l-1}| + |b|)) + 4 u max(1, |h_l|)                    (FWD.9)

    The reference obeys the same bound with u = 2⁻⁵³, and so the two differ by their sum at most.

    Examples
    --------
    >>> import refscore as rs
    >>> import refscore_kernels as rk
    >>> s = rs.fit.mlp(2, [8, 8], seed=1)
    >>> x = [[0.5, -1.0], [2.0, 0.0]]
    >>> bool(abs(rk.network_score(s, x, backend="portable") - s(x)).max() < 1e-15)
    True
    """
    backends.known(backend, dtype)
    if not isinstance(model, (MLPScore, ConditionalMLP, EmbeddedMLP, FixedLevel)):
        raise TypeError(f"model is {type(model).__name__}; expected an MLPScore, a ConditionalMLP or an EmbeddedMLP")
    rows = samples(x, "x", dimension_of(model))
    if rows.ndim != 2:
        raise ValueError(f"x has shape {rows.shape}; expected (N, {rows.shape[-1]})")
    level = 0.0 if sigma is None else number(sigma, "sigma", positive)
    ready = prepare(model, np.array([[1.0, level]]), dtype)
    if backend == "reference":
        return np.asarray(ready.function(rows, 1.0, level))
    if ready.name != "network":
        raise ValueError(f"model is {model!r}, for which there is no kernel; expected backend='reference'")
    n_threads = integer(threads, "threads", 1)
    points = np.ascontiguousarray(rows, dtype)
    functions = backends.compiled(dtype is np.float32, contract) if backend == "cpu" else None
    value = np.empty_like(points)
    if functions is None:
        value[:] = portable.SCORES["network"](np.ascontiguousarray(points.T), 0, ready.params)[0].T
        return value
    kernel = functions["run_score_network"]
    backends.spread(lambda span: kernel(ready.params, points, value, (*span, WIDTH)), len(points), WIDTH, n_threads)
    return value
