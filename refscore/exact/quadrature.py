"""Expectations under a mixture of Gaussians in one and two dimensions, of any function, by adaptive quadrature.

Each component is taken in its own standard coordinates, x = μ_k + Σ_k^½ z, and with φ the standard normal density

    E f(x) = Σ_k w_k ∫ f(μ_k + Σ_k^½ z) φ(z) dz                                                       (QDR.2)

over |z_i| ≤ 10.5, by ``refscore.exact.boxes``. What lies beyond, 1e-25 of the mass, is estimated by twice what |f| has
in the shell up to 12: less, for every f that does not outgrow φ. Where another component is narrower than this one,
boxes around it start as narrow as it is, so that no score with a narrow mode is stepped over.

The law of a pair of independent x, ε is a mixture too, of blocks (:func:`with_noise`): on the line, objectives of a
sample and its noise are integrals in two dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from refscore.arrays import Float, as_float64, not_negative, number
from refscore.exact.boxes import Boxes, Owners, grid, halved, integral, joined, picked
from refscore.targets import Gaussian, Mixture

__all__ = ["Expectation", "expectation", "expectation_given_component", "with_noise"]

EDGES = np.array([-10.5, -6.5, -3.0, 0.0, 3.0, 6.5, 10.5])
OUTER = 12.0
LEAST = 1e-13  # of rtol: the rounding of the sums is a tenth of it


class Expectation(NamedTuple):
    """An expectation, entry by entry of what the function returns.

    Parameters
    ----------
    value : (\\*shape,)
        E f(x).
    error : (\\*shape,)
        How far from it that may be: an estimate on the safe side, see :func:`expectation`.
    """

    value: Float
    error: Float


def expectation(
    function: Callable[[Float], Float], mixture: Mixture | Gaussian, *, rtol: float = 1e-10, atol: float = 0.0
) -> Expectation:
    """E f(x) for x from a mixture in one or two dimensions, with an error on the safe side (QDR.2).

    Parameters
    ----------
    function : callable
        f, from points (n, d) to (n, \\*shape), finite: per-sample values, or gradients, or several things at once.
    mixture : Mixture or Gaussian
        The law of x, d ≤ 2.
    rtol : float
        What the error may be of E |f|, in each entry; at least 1e-13.
    atol : float
        What it may be if that is more; for an f that is 0 but for rounding, which no `rtol` is reached for.

    Returns
    -------
    value : (\\*shape,)
        E f(x).
    error : (\\*shape,)
        The differences (QDR.1) of two rules of degrees 21 and 13 in all boxes, the shell, and the rounding of the sums;
        the rounding of f itself is not in it. At most `rtol` E |f|, or `atol`, beside the
        shell and rounding.

    Raises
    ------
    ValueError
        If d > 2, `rtol` is below 1e-13, f is not finite somewhere, or `rtol` is not reached: f has kinks across the
        axes, is noisy at that level, or outgrows the Gaussians.

    Notes
    -----
    The error is proven for no f: values at points say nothing of what lies between them. It is on the safe side for
    functions that vary on the scale of the mixture's own components or slower, or that betray where they do not, as a
    kink does. Not to be confused with Gauss-Hermite nodes, which are exact for polynomials and tell nothing else.

    Examples
    --------
    The second derivative of log p has expectation -E s², minus the Fisher information:

    >>> import refscore as rs
    >>> p = rs.targets.mixture([0.25, 0.75], [[-2], [1]], [0.5, 2])
    >>> information = rs.exact.expectation(lambda x: p.score(x)[:, 0] ** 2, p)
    >>> trace = rs.exact.expectation(p.score_trace, p)
    >>> bool(abs(information.value + trace.value) <= information.error + trace.error)
    True
    >>> bool(information.error < 1e-10 * information.value)
    True
    """
    return expectation_given_component(lambda x, _: function(x), mixture, rtol=rtol, atol=atol)


def expectation_given_component(
    function: Callable[[Float, Owners], Float],
    mixture: Mixture | Gaussian,
    *,
    rtol: float = 1e-10,
    atol: float = 0.0,
) -> Expectation:
    """E f(x, k) for x from component k of a mixture, and k by the weights.

    Parameters
    ----------
    function : callable
        f, from points (n, d) and the components (n,) that they came from to (n, \\*shape), finite.
    mixture : Mixture or Gaussian
        The joint law of k and x, d ≤ 2.
    rtol, atol : float
        As for :func:`expectation`.

    Returns
    -------
    value, error : (\\*shape,)
        As for :func:`expectation`.

    Examples
    --------
    Given its component x is Gaussian, so that squared distances have mean 1:

    >>> import numpy as np
    >>> import refscore as rs
    >>> p = rs.targets.mixture([0.25, 0.75], [[-2], [1]], [4, 9])
    >>> found = expectation_given_component(lambda x, k: ((x[:, 0] - p.means[k, 0]) / np.array([2, 3])[k]) ** 2, p)
    >>> bool(abs(found.value - 1) <= found.error)
    True
    """
    rtol, atol = number(rtol, "rtol"), number(atol, "atol", not_negative)
    if rtol < LEAST:
        raise ValueError(f"rtol is {rtol}; expected at least {LEAST}")
    weights, means, covs = _parts(mixture)
    values, vectors = np.linalg.eigh(covs)
    roots = vectors * np.sqrt(values)[:, None, :]
    d = means.shape[1]
    scale = weights * (2 * np.pi) ** (-d / 2)

    def weighted(z: Float, k: Owners) -> Float:
        x = means[k] + np.einsum("nij,nj->ni", roots[k], z)
        f = as_float64(function(x, k), "function(x)")
        if f.ndim == 0 or len(f) != len(x):
            raise ValueError(f"function(x) has shape {f.shape}; expected ({len(x)}, *shape)")
        density = scale[k] * np.exp(-0.5 * (z**2).sum(-1))
        value: Float = f * density.reshape(-1, *[1] * (f.ndim - 1))  # (QDR.2)
        return value

    used = np.flatnonzero(weights)
    inside = joined([_start(int(k), means, covs, roots[k]) for k in used])
    outside = joined([_shell(grid(np.concatenate([[-OUTER], EDGES, [OUTER]]), d, int(k))) for k in used])
    found = integral(weighted, inside, rtol=rtol, atol=atol)
    beyond = 2 * integral(weighted, outside, rtol=np.inf).size
    return Expectation(found.value, found.error + beyond)


def with_noise(mixture: Mixture | Gaussian) -> Mixture:
    """The law of (x, ε) for x from a mixture and ε ~ N(0, I) of the same dimension.

        Σ_k w_k N((μ_k, 0), diag(Σ_k, I))                                                             (QDR.3)

    Parameters
    ----------
    mixture : Mixture or Gaussian
        The law of x, in d dimensions.

    Returns
    -------
    Mixture
        In 2d dimensions; one that can be integrated over for d = 1.

    Examples
    --------
    >>> import refscore as rs
    >>> with_noise(rs.targets.gaussian([3], 4)).cov
    array([[4., 0.],
           [0., 1.]])
    """
    weights, means, covs = _parts(mixture)
    d = means.shape[1]
    both = np.zeros((len(weights), 2 * d, 2 * d))
    both[:, :d, :d], both[:, d:, d:] = covs, np.eye(d)
    return Mixture(weights, np.concatenate([means, np.zeros_like(means)], axis=1), both)  # (QDR.3)


def _parts(mixture: Mixture | Gaussian) -> tuple[Float, Float, Float]:
    """Weights (K,), means (K, d) and covariances (K, d, d)."""
    if isinstance(mixture, Gaussian):
        return np.ones(1), mixture.mean[None], np.asarray(mixture.cov)[None]
    if isinstance(mixture, Mixture):
        return mixture.weights, mixture.means, mixture.covs
    raise TypeError(f"mixture is a {type(mixture).__name__}; expected a Mixture or a Gaussian")


def _start(k: int, means: Float, covs: Float, root: Float) -> Boxes:
    """The boxes of component k: those of the grid, and narrow ones around components that are narrow in its eyes."""
    boxes = grid(EDGES, means.shape[1], k)
    inverse = np.linalg.inv(root)
    for j in range(len(means)):
        if j == k:
            continue
        centre, cov = inverse @ (means[j] - means[k]), inverse @ covs[j] @ inverse.T
        reach = np.sqrt(np.diag(cov))
        for _ in range(64):
            near = (boxes.lower <= centre + 3 * reach) & (boxes.upper >= centre - 3 * reach)
            wide = (boxes.upper - boxes.lower).max(1) > 4 * reach.min()
            split = near.all(1) & wide
            if not split.any():
                break
            boxes = joined([picked(boxes, ~split), halved(picked(boxes, split))])
    return boxes


def _shell(boxes: Boxes) -> Boxes:
    """Those of the boxes that lie beyond EDGES in some direction."""
    beyond = (np.abs(boxes.lower + boxes.upper) > 2 * EDGES[-1]).any(1)
    return picked(boxes, beyond)
