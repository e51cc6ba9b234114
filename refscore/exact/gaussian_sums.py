"""Sums of many Gaussians with the same axes, on a grid in the plane: matrix products of small pieces.

If the axes of all components are the columns of one orthogonal matrix, then in the coordinates along them

    p(u, v) = Σ_j w_j N(u; a_j, s_j²) N(v; b_j, t_j²)                                                 (PLANE.1)

is a product of matrices, (G × n) (n × G) for n components on G² nodes. Components that are neighbours see only a window
of the grid, so that they are taken some hundred at a time, and the work grows with n.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from refscore.arrays import Float
from refscore.exact.on_the_line import density
from refscore.targets import Gaussian, Mixture

__all__ = ["Plane", "Sum", "Tiles"]

TAIL = 1e-14  # mass that may be left out at each end of each axis
TILE = 16  # nodes beside a tile: 256 of them are taken at a time
SLACK, LEAST = 0.003, 0.7  # how much a law may outgrow a plane it is put on again, and how much of it it must fill
FEW = 64  # components that are taken one by one


class Sum(NamedTuple):
    """A law on the plane as a sum of Gaussians.

    Parameters
    ----------
    weights : (n,)
        w_j, of sum 1.
    mean : (n, 2)
        Along the columns of `frame`.
    scale : (n, 2)
        Standard deviations along the columns of `frame`.
    frame : (2, 2)
        Orthogonal: x = frame (u, v).
    """

    weights: Float
    mean: Float
    scale: Float
    frame: Float


class Plane(NamedTuple):
    """The nodes frame (u_i, v_j).

    Parameters
    ----------
    u, v : (m,), (n,)
        Equidistant coordinates.
    frame : (2, 2)
        Orthogonal.
    """

    u: Float
    v: Float
    frame: Float

    @property
    def area(self) -> float:
        """Of a cell."""
        return float((self.u[1] - self.u[0]) * (self.v[1] - self.v[0]))

    @property
    def points(self) -> Float:
        """All nodes (m n, 2)."""
        both: Float = np.stack(np.meshgrid(self.u, self.v, indexing="ij"), axis=-1).reshape(-1, 2)
        return both @ self.frame.T

    def holds(self, low: Float, high: Float) -> bool:
        """Whether everything between `low` and `high` is inside, and most of the plane is between them."""
        first, last = np.array([self.u[0], self.v[0]]), np.array([self.u[-1], self.v[-1]])
        room = SLACK * (last - first)
        return bool((first - room <= low).all() and (high <= last + room).all()) and bool(
            np.prod(high - low) > LEAST * np.prod(last - first)
        )


class Tiles(NamedTuple):
    """Some of the squares of 16 × 16 nodes that a plane consists of.

    Parameters
    ----------
    plane : Plane
        All nodes.
    kept : (tiles,) of bool
        Which.
    """

    plane: Plane
    kept: NDArray[np.bool_]

    @classmethod
    def above(cls, plane: Plane, value: Float, least: float) -> Tiles:
        """Those in which something is above `least`."""
        return cls(plane, _tiled(value).max(1) > least)

    @classmethod
    def every(cls, plane: Plane) -> Tiles:
        """All of them."""
        return cls(plane, np.ones(len(plane.u) // TILE * (len(plane.v) // TILE), dtype=np.bool_))

    def pick(self, value: Float) -> Float:
        """What the nodes hold, tile by tile (256 kept,)."""
        return _tiled(value)[self.kept].ravel()

    @property
    def points(self) -> Float:
        """The nodes, tile by tile (256 kept, 2)."""
        both = np.meshgrid(self.plane.u, self.plane.v, indexing="ij")
        return np.stack([self.pick(one) for one in both], axis=-1) @ self.plane.frame.T


def sum_of(law: Gaussian | Mixture) -> Sum | None:
    """A law's components that weigh anything, if they have common axes; None if they have not."""
    if isinstance(law, Gaussian):
        frame: Float = np.eye(2) if law.cov[0, 1] == 0 else np.linalg.eigh(law.cov)[1]
        spread = np.diagonal(frame.T @ law.cov @ frame)
        return Sum(np.ones(1), law.mean[None] @ frame, np.sqrt(spread)[None], frame)
    kept, basis = law.weights > 0, law.covariances.basis
    values = np.broadcast_to(law.covariances.values, (len(kept), 2))[kept]
    frame = np.eye(2) if basis is None else basis[0]
    if basis is not None and (frame.shape != (2, 2) or not (basis == frame).all()):
        return None
    return Sum(law.weights[kept], law.means[kept] @ frame, np.sqrt(values), frame)


def reaches(weights: Float) -> Float:
    """How many standard deviations of each component are looked at: Σ_j w_j Φ(-r_j) ≤ TAIL/2."""
    value: Float = np.sqrt(2 * np.log(np.maximum(weights * (len(weights) / TAIL), 1.0)))  # by Φ(-r) ≤ exp(-r²/2)/2
    return value


def plane_over(low: Float, high: Float, width: Float, frame: Float) -> Plane:
    """Nodes from below `low` to above `high`, at most `width` apart, (2,) each."""
    return Plane(_axis(low[0], high[0], width[0]), _axis(low[1], high[1], width[1]), frame)


def _axis(low: float, high: float, width: float) -> Float:
    """Coordinates from below `low` to above `high`, at most `width` apart, as many as fill tiles."""
    tiles = max(1, int(np.ceil((high - low) / (width * TILE))))
    count = tiles * TILE
    middle, step = 0.5 * (low + high), max((high - low) / (count - 1), 1e-3 * width)
    x: Float = np.asarray(middle + step * (np.arange(count) - 0.5 * (count - 1)), dtype=np.float64)
    return x


def axes(law: Sum | Gaussian | Mixture) -> Float:
    """The common axes of a law's components, or those of the coordinates."""
    found = law if isinstance(law, Sum) else sum_of(law)
    frame: Float = np.eye(2) if found is None else found.frame
    return frame


def extent(law: Sum | Gaussian | Mixture, frame: Float) -> tuple[Float, Float, Float]:
    """Where a law has its mass, and the largest precision of a component, along the columns of a frame, (2,) each."""
    found = law if isinstance(law, Sum) else sum_of(law)
    if found is None:
        assert isinstance(law, Mixture)
        weights, mean, covs = law.weights, law.means @ frame, frame.T @ law.covs @ frame
        scale: Float = np.sqrt(np.diagonal(covs, axis1=1, axis2=2))
        precision: Float = np.diagonal(np.linalg.inv(covs), axis1=1, axis2=2)
    else:
        turn = frame.T @ found.frame
        weights, mean = found.weights, found.mean @ turn.T
        scale = np.sqrt(found.scale**2 @ (turn**2).T)
        precision = found.scale**-2.0 @ (turn**2).T
    reach, kept = reaches(weights)[:, None] * scale, weights > TAIL / len(weights)
    return (mean - reach)[kept].min(0), (mean + reach)[kept].max(0), precision[kept].max(0)


def on_plane(law: Sum | Gaussian | Mixture, plane: Plane) -> Float:
    """The density of a law at the nodes, (m, n)."""
    if not isinstance(law, Sum):
        found = sum_of(law)
        many = isinstance(law, Mixture) and len(law.weights) > FEW
        if not many or found is None or not np.array_equal(found.frame, plane.frame):
            direct: Float = np.exp(law.log_prob(plane.points)).reshape(len(plane.u), len(plane.v))
            return direct
        law = found
    reach = reaches(law.weights)
    value: Float = np.zeros((len(plane.u), len(plane.v)))
    for first in range(0, len(law.weights), TILE**2):
        w, mean, scale = (part[first : first + TILE**2] for part in law[:3])
        most = float(reach[first : first + TILE**2].max())
        if most == 0:
            continue
        sides, windows = [], []
        for a, nodes in enumerate((plane.u, plane.v)):
            m, s = mean[:, a, None], scale[:, a, None]
            width = nodes[1] - nodes[0]
            low, high = (float(f) for f in ((m - most * s).min(), (m + most * s).max()))
            ends = np.clip(np.ceil((np.array([low, high]) - nodes[0]) / width), 0, len(nodes)).astype(int)
            windows.append(slice(*ends))
            sides.append(density((nodes[windows[a]] - m) / s, s))
        value[windows[0], windows[1]] += (w[:, None] * sides[0]).T @ sides[1]  # (PLANE.1)
    return value


def _tiled(value: Float) -> Float:
    m, n = (length // TILE for length in value.shape)
    return value.reshape(m, TILE, n, TILE).transpose(0, 2, 1, 3).reshape(m * n, TILE**2)
