"""What a score needs, as arrays for the kernels: computed once for each level of a plan, in float64, then rounded."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refscore.arrays import Float
from refscore.models import FixedLevel
from refscore.samplers import noisy_score
from refscore.samplers.replay import Score
from refscore.targets import Gaussian, Mixture
from refscore.targets.covariance import Covariance
from refscore_kernels.prepare_networks import is_model, network_arrays, score_of_model

__all__ = ["Prepared", "dimension_of", "prepare", "universal"]

Array = NDArray[np.floating[Any]]
LOG_2PI = float(np.log(2 * np.pi))
MOST = 2**24  # numbers in the precision matrices of all levels; beyond, one basis serves them all


class Prepared(NamedTuple):
    """A score as a kernel takes it.

    Parameters
    ----------
    name : str
        Of the kernel's score; "" for a function of Python, which is called between compiled parts of a step.
    params : tuple
        Arrays with what the score needs, most of them with the level as their first axis.
    rows : int
        Rows of work it needs.
    function : callable
        s(x, α, σ) itself, which a score without a kernel is called by.
    written : compiled function or None
        What a user wrote for blocks, with the name "user".
    """

    name: str
    params: tuple[Any, ...]
    rows: int
    function: Score
    written: Any = None


def prepare(score: Any, levels: Float, dtype: type[np.floating[Any]]) -> Prepared:
    """Arrays for a score at the levels of a plan.

    Parameters
    ----------
    score : Gaussian, Mixture, model or callable
        A target in closed form, a model s(x) or s(x, σ) of refscore, s(x, α, σ), or a block function compiled by Numba.
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
    if is_block(score):
        alpha, sigma = np.ascontiguousarray(levels.T, dtype)
        return Prepared("user", (alpha, sigma), 0, function, score)
    pairs = [(float(alpha), float(sigma)) for alpha, sigma in levels]
    if is_model(score) and (network := network_arrays(score, pairs)) is not None:
        *numbers, form = network
        return Prepared("network", (*(np.ascontiguousarray(p, dtype) for p in numbers), form), 0, function)
    if not isinstance(score, (Gaussian, Mixture)):
        return Prepared("", (), 0, function)
    if isinstance(score, Gaussian):
        name, params, rows = _gaussian(score, [score.perturb(*pair) for pair in pairs])
    else:
        name, params, rows = _mixture(score, [score.perturb(*pair) for pair in pairs])
    return Prepared(name, tuple(np.ascontiguousarray(p, dtype) for p in params), rows, function)


def universal(score: Any) -> Score:
    """s(x, α, σ) of what is given as a score.

    Parameters
    ----------
    score : target, model or callable
        A target whose noisy version has a score in closed form, a model s(x) or s(x, σ), or s(x, α, σ).

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
    if is_block(score):
        return lambda x, alpha, sigma: np.asarray(filled(score, np.ascontiguousarray(x.T), alpha, sigma).T, np.float64)
    if is_model(score):
        return score_of_model(score)
    if callable(score):
        function: Score = score
        return function
    raise TypeError(
        f"score is {type(score).__name__}; expected a target with perturb, or a function of (x, alpha, sigma)"
    )


def is_block(score: Any) -> bool:
    """Whether a score is a function that Numba compiled: score(x, g, alpha, sigma), filling g (d, lanes).

    Parameters
    ----------
    score : object
        Anything.

    Returns
    -------
    bool
        Whether it is one.
    """
    return hasattr(score, "py_func") and hasattr(score, "inspect_asm")


def filled(score: Any, x: Array, alpha: Any, sigma: Any) -> Array:
    """What a block function says, run as plain Python, which rounds no differently.

    Parameters
    ----------
    score : compiled function
        score(x, g, alpha, sigma).
    x : (d, n)
        A block.
    alpha, sigma : float
        The level.

    Returns
    -------
    (d, n)
        g.
    """
    g = np.zeros_like(x)
    score.py_func(x, g, alpha, sigma)
    return g


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
    d = getattr(score.model if isinstance(score, FixedLevel) else score, "d", None)
    return d if isinstance(d, int) else None


Kernel = tuple[str, tuple[Float, ...], int]
"""Name, params and rows of a Prepared."""


def _gaussian(law: Gaussian, noisy: list[Gaussian]) -> Kernel:
    means = np.stack([p.mean for p in noisy])
    values = np.stack([np.broadcast_to(_spread(p.covariance), law.d) for p in noisy])
    constants = -0.5 * (law.d * LOG_2PI + np.log(values).sum(1))
    if law.covariance.basis is None:
        return "diagonal_gaussian", (means, 1 / values, constants), law.d
    if len(noisy) * law.d**2 <= MOST:
        minus = np.stack([-p.covariance.at(1 / p.covariance.values) for p in noisy])
        return "gaussian", (means, minus, constants), law.d
    basis = _basis(law.covariance)
    return "basis_gaussian", (means, basis.T, basis, 1 / values, constants), 2 * law.d


def _mixture(law: Mixture, noisy: list[Mixture]) -> Kernel:
    means, spread, d = np.stack([p.means for p in noisy]), [_spread(p.covariances) for p in noisy], law.d
    n_components = len(law.weights)
    values = np.stack([np.broadcast_to(v, (n_components, v.shape[-1])) for v in spread])
    logs = np.log(values).sum(2) if values.shape[2] == d else d * np.log(values[..., 0])
    with np.errstate(divide="ignore"):  # a weight of 0 has log -inf
        constants = np.log(law.weights) - 0.5 * (d * LOG_2PI + logs)
    if law.covariances.kind == "scalar":
        return "isotropic_mixture", (means, 1 / values[..., 0], constants), n_components + 3
    if law.covariances.basis is None:
        return "diagonal_mixture", (means, 1 / values, constants), n_components + 3
    bases = np.stack([_basis(law.covariances[k]) for k in range(n_components)])
    rows = n_components + 3 + (2 + n_components) * d
    return "basis_mixture", (means, bases.transpose(0, 2, 1), bases, 1 / values, constants), rows


def _spread(covariance: Covariance) -> Float:
    """The eigenvalues (\\*k, m), one for each direction or one for all."""
    if covariance.kind == "low-rank":
        each = np.repeat(covariance.values, covariance.multiplicity.astype(int), axis=-1)
        return each
    return covariance.values


def _basis(covariance: Covariance) -> Float:
    """All eigenvectors as columns (d, d), in the order of :func:`_spread`."""
    basis = covariance.basis
    assert basis is not None
    rank = basis.shape[-1]
    if rank == covariance.d:
        return basis
    return np.concatenate([basis, np.linalg.qr(basis, mode="complete")[0][:, rank:]], axis=1)
