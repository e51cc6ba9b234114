"""What a score needs, as arrays for the kernels: computed once for each level of a plan, in float64, then rounded."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refscore.arrays import Float
from refscore.samplers import noisy_score
from refscore.samplers.replay import Score
from refscore.targets import Gaussian, Mixture

__all__ = ["Prepared", "dimension_of", "prepare", "universal"]

Array = NDArray[np.floating[Any]]


class Prepared(NamedTuple):
    """A score as a kernel takes it.

    Parameters
    ----------
    name : str
        Of the kernel's score; "" for a function of Python, which is called between compiled parts of a step.
    params : tuple of arrays
        What the score needs, the level first.
    rows : int
        Rows of work it needs.
    function : callable
        s(x, α, σ) itself, which a score without a kernel is called by.
    """

    name: str
    params: tuple[Array, ...]
    rows: int
    function: Score


def prepare(score: Any, levels: Float, dtype: type[np.floating[Any]]) -> Prepared:
    """Arrays for a score at the levels of a plan.

    Parameters
    ----------
    score : Gaussian, Mixture, model or callable
        A target in closed form, or s(x, α, σ).
    levels : (L, 2)
        (α, σ).
    dtype : np.float64 or np.float32
        Of the arrays.

    Returns
    -------
    Prepared
        With "" as name, if there is no kernel.

    Raises
    ------
    TypeError
        If `score` is none of these.
    """
    function = universal(score)
    if isinstance(score, Gaussian):
        name, params, rows = _gaussian([score.perturb(*map(float, level)) for level in levels])
    elif isinstance(score, Mixture) and score.covariances.kind == "scalar":
        name, params, rows = _isotropic_mixture([score.perturb(*map(float, level)) for level in levels])
    else:
        return Prepared("", (), 0, function)
    return Prepared(name, tuple(np.ascontiguousarray(p, dtype) for p in params), rows, function)


def universal(score: Any) -> Score:
    """s(x, α, σ) of what is given as a score.

    Parameters
    ----------
    score : target or callable
        A target whose noisy version has a score in closed form, or s(x, α, σ).

    Returns
    -------
    callable
        s(x, α, σ).

    Raises
    ------
    TypeError
        If it is neither.
    """
    if hasattr(score, "perturb"):
        return noisy_score(score)
    if callable(score):
        function: Score = score
        return function
    raise TypeError(
        f"score is {type(score).__name__}; expected a target with perturb, or a function of (x, alpha, sigma)"
    )


def dimension_of(score: Any) -> int | None:
    """The dimension that a score is bound to, or None.

    Parameters
    ----------
    score : target or callable
        As for :func:`universal`.

    Returns
    -------
    int or None
        d.
    """
    d = getattr(score, "d", None)
    return d if isinstance(d, int) else None


def _gaussian(noisy: list[Any]) -> tuple[str, tuple[Float, ...], int]:
    means = np.stack([law.mean for law in noisy])
    minus = np.stack([-law.covariance.at(1 / law.covariance.values) for law in noisy])
    return "gaussian", (means, minus), means.shape[1]


def _isotropic_mixture(noisy: list[Any]) -> tuple[str, tuple[Float, ...], int]:
    means = np.stack([law.means for law in noisy])
    n_components, d = means.shape[1:]
    variance = np.stack([np.broadcast_to(law.covariances.values[..., 0], n_components) for law in noisy])
    with np.errstate(divide="ignore"):  # a weight of 0 has log -inf
        constant = np.log(np.stack([law.weights for law in noisy])) - 0.5 * d * np.log(variance)
    return "isotropic_mixture", (means, 1 / variance, constant), n_components + 2
