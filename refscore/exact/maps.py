"""Affine maps of a state and its noises, and how to read one from outside.

With an affine score every step of every known sampler is affine in its state and its noises, hence so is the whole run:

    x' = M x + Σ_k N_k z_k + c                                                                        (LAW.1)

One call on basis rows reads off M, N and c, one on other rows checks them. The run may be ours or anybody's; it is
never looked into.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, number, of_shape, positive, read_only, samples
from refscore.targets.gaussian import Gaussian

__all__ = ["AffineMap", "NotAffine", "probe"]


class NotAffine(ValueError):
    """The run bends: it clips, thresholds, its score is not affine, or its samples see each other."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AffineMap:
    """An affine map of a state and n noise vectors.

        x' = M x + Σ_k N_k z_k + c                                                                    (LAW.1)

    Parameters
    ----------
    matrix : (d, d)
        M.
    noises : (n, d, d)
        N_1 … N_n; n = 0 for a map without noise.
    constant : (d,)
        c, in the unit of x.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> half = AffineMap([[0.5]], [[[2.0]]], [1.0])
    >>> half([[4.0]], [[[3.0]]])
    array([[9.]])
    >>> half.then(half)([[4.0]], [[[3.0]], [[0.0]]])
    array([[5.5]])
    """

    matrix: Float
    noises: Float
    constant: Float

    def __post_init__(self) -> None:
        object.__setattr__(self, "constant", read_only(self.constant, "constant"))
        if self.constant.ndim != 1:
            raise ValueError(f"constant has shape {self.constant.shape}; expected (d,)")
        d = len(self.constant)
        object.__setattr__(self, "matrix", read_only(self.matrix, "matrix", (d, d)))
        object.__setattr__(self, "noises", read_only(self.noises, "noises"))
        if self.noises.shape[1:] != (d, d):
            raise ValueError(f"noises has shape {self.noises.shape}; expected (n, {d}, {d})")

    def __repr__(self) -> str:
        return f"AffineMap(d = {len(self.constant)}, {len(self.noises)} noise vectors)"

    def __call__(self, x: ArrayLike, noise: ArrayLike | None = None) -> Float:
        """Apply the map.

            x' = M x + Σ_k N_k z_k + c                                                                (LAW.1)

        Parameters
        ----------
        x : (\\*batch, d)
            State.
        noise : (n, \\*batch, d), optional
            Noise vectors; None for none at all.

        Returns
        -------
        (\\*batch, d)
            x'.
        """
        x = samples(x, "x", len(self.constant))
        value: Float = x @ self.matrix.T + self.constant
        if noise is not None:
            z = of_shape(noise, "noise", (len(self.noises), *x.shape), "n noises like x")
            value = value + np.einsum("kij,k...j->...i", self.noises, z)  # (LAW.1)
        return value

    @property
    def noise_cov(self) -> Float:
        """Σ_k N_k N_kᵀ (d, d): what the noises add to the covariance."""
        flat = np.concatenate([np.zeros((len(self.constant), 0)), *self.noises], axis=1)
        value: Float = flat @ flat.T
        return value

    def push(self, law: Gaussian) -> Gaussian:
        """The law of the output when the input has `law`.

            N(m, C)  →  N(M m + c,  M C Mᵀ + Σ_k N_k N_kᵀ)                                            (LAW.2)

        Parameters
        ----------
        law : Gaussian
            N(m, C).

        Returns
        -------
        Gaussian
            The law of x'.
        """
        cov = self.matrix @ law.cov @ self.matrix.T + self.noise_cov
        return Gaussian(self.matrix @ law.mean + self.constant, 0.5 * (cov + cov.T))  # (LAW.2)

    def then(self, after: AffineMap) -> AffineMap:
        """This map, followed by another.

            M = M₂ M₁,   N = (M₂ N₁, N₂),   c = M₂ c₁ + c₂                                             (LAW.3)

        Parameters
        ----------
        after : AffineMap
            The map that comes second.

        Returns
        -------
        AffineMap
            The composition; its noises are this map's, then those of `after`.
        """
        return AffineMap(
            after.matrix @ self.matrix,
            np.concatenate([after.matrix @ self.noises, after.noises]),
            after.matrix @ self.constant + after.constant,  # (LAW.3)
        )


def probe(
    run: Callable[[Float, Float], ArrayLike],
    d: int,
    n_draws: int,
    *,
    scale: float = 1.0,
    ulps: float = 1e6,
    rows_per_call: int | None = None,
) -> AffineMap:
    """Read an affine run from outside.

    The rows are the origin, h e_j in each coordinate of the state and of each noise, and two rows of integers times h
    in everything at once, with which the affinity is checked. Basis rows alone would not notice a clipped sampler. The
    two go in a call of their own: in other company a row that sees its neighbours is moved by another map.

    Parameters
    ----------
    run : callable
        From a state (rows, d) and noises (n_draws, rows, d) to a state (rows, d), for any number of rows, which must
        not see each other.
    d, n_draws : int
        Dimension, and how often the run draws a vector of noise.
    scale : float
        h, in the unit of x. A power of two costs no accuracy; a small one stays inside somebody's clipping.
    ulps : float
        How far the check rows may be from affine, in units of roundoff of the largest response.
    rows_per_call : int, optional
        At most so many rows at a time, for runs with many draws: all at once take n_draws² d² numbers. Default: all
        rows of the basis in one call.

    Returns
    -------
    AffineMap
        M, N and c of (LAW.1).

    Raises
    ------
    NotAffine
        If the response to the check rows is not the sum of the responses to the basis, be it that the run bends or that
        rows see each other; the message says which.

    Examples
    --------
    >>> import numpy as np
    >>> found = probe(lambda x, z: 0.5 * x + 2 * z[0] - z[1] + 3, 1, 2)
    >>> found.matrix, found.noises.ravel(), found.constant
    (array([[0.5]]), array([ 2., -1.]), array([3.]))
    >>> probe(lambda x, z: np.clip(x, -3, 3), 1, 0)
    Traceback (most recent call last):
        ...
    refscore.exact.laws.NotAffine: the response to mixed inputs is off by 1 on outputs of size 3: the run is not affine
    """
    number(scale, "scale", positive)
    basis = 1 + d * (1 + n_draws)
    check: Float = np.asarray(np.arange(2.0 * d * (n_draws + 1)).reshape(2, n_draws + 1, d) * 7 % 9 - 4, np.float64)
    size = basis if rows_per_call is None else max(1, int(rows_per_call))

    def responses(rows: Float) -> Float:
        """Of rows (state, then noises) in units of h."""
        x, noise = (np.ascontiguousarray(scale * part) for part in (rows[:, 0], rows[:, 1:].transpose(1, 0, 2)))
        return of_shape(run(x, noise), "the output of the run", x.shape, "the state")

    out = np.empty((basis, d))
    for first in range(0, basis, size):
        here = np.arange(first, min(first + size, basis))
        rows = np.zeros((len(here), (n_draws + 1) * d))
        rows[here > 0, here[here > 0] - 1] = 1.0
        out[here] = responses(rows.reshape(len(here), n_draws + 1, d))
    other = 2 if min(size, basis) > 2 else 1  # no batch of the basis has as many rows
    mixed = np.concatenate([responses(check[i : i + other]) for i in range(0, 2, other)])

    constant, response = out[0], (out[1:] - out[0]) / scale
    found = AffineMap(response[:d].T, response[d:].reshape(n_draws, d, d).transpose(0, 2, 1), constant)
    expected = found(scale * check[:, 0], scale * check[:, 1:].transpose(1, 0, 2))
    largest = max(np.abs(out).max(), np.abs(mixed).max())
    reach = ulps * 2.0**-53 * max(largest, scale)
    if (gap := np.abs(mixed - expected).max()) > reach:
        alone = np.concatenate([responses(row[None]) for row in check])
        if (company := np.abs(responses(np.concatenate([check, 0 * check]))[:2] - alone).max()) > reach:
            raise NotAffine(
                f"a row's response changes by {company:.3g} with the rows beside it, on outputs of size {largest:.3g}: "
                "samples of a batch see each other, so that no map of one sample exists"
            )
        raise NotAffine(
            f"the response to mixed inputs is off by {gap:.3g} on outputs of size {largest:.3g}: the run is not affine"
        )
    return found
