"""The law of a sampler on a mixture in the plane, without sampling: Chapman and Kolmogorov's equation by quadrature.

A step with Gaussian noise is x' = m(x) + S(x) z. If p_k is the density of x_k, then

    p_{k+1}(y) = ∫ p_k(x) N(y; m_k(x), S_k S_kᵀ(x)) dx ≈ Σ_j w_j N(y; m_k(x_j), S_k S_kᵀ(x_j))          (CKP.1)

with nodes x_j on a grid and weights w_j = p_k(x_j) times the area of a cell. For smooth functions that vanish at the
ends the trapezoidal rule converges exponentially, so that the grid need only resolve what is integrated: as a function
of x, a Gaussian of precision S_{k-1}⁻² from the step before times one of S_k⁻²,

    h_a = e_a / c,   1/e_a² = (C_{k-1}⁻¹)_aa + (C_k⁻¹)_aa,   C = S Sᵀ                                  (CKP.2)

whose error is about exp(-2 π² c²). c grows until two results agree. Noise with the same axes everywhere, as of every
sampler here, makes the sum a product of matrices, (PLANE.1).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from refscore.arrays import Float, number, of_shape, positive
from refscore.exact.arguments import hold_kind
from refscore.exact.chapman_kolmogorov import _count
from refscore.exact.gaussian_sums import TAIL, Sum, Tiles, axes, extent, on_plane, plane_over
from refscore.exact.maps import NotAffine
from refscore.samplers.multistep import Multistep
from refscore.samplers.replay import Perturbable, Sampler, Score, noisy_score
from refscore.targets import Empirical, Gaussian, Mixture
from refscore.targets.covariance import Covariance

__all__ = ["Kernel", "PlaneLaw", "gaussian_step", "law"]

FINENESS = tuple(1.2 * 2 ** (0.5 * i) for i in range(8))  # c of (CKP.2)
NODES = 2**20  # of one step, before giving up
ROOM = 0.04  # on either side, for the laws of the next steps where the steps are equal
COMMON = 1e-11  # part of the noise's variance that may lie across the common axes


class PlaneLaw(NamedTuple):
    """A law on the plane, and how far from it the truth may be.

    Parameters
    ----------
    law : Mixture
        (CKP.1), with a component for each node of the last step.
    error : float
        Total variation between this law and the one from fewer nodes, and the mass that the rule lost or made.
    """

    law: Mixture
    error: float


class Kernel(NamedTuple):
    """x' = m(x) + S(x) z at nodes x.

    Parameters
    ----------
    mean : (n, 2)
        m along the columns of `frame`.
    scale : (n, 2)
        Standard deviations of x' along them.
    frame : (2, 2)
        The axes of S Sᵀ, orthonormal columns.
    """

    mean: Float
    scale: Float
    frame: Float


def law(
    sampler: Sampler,
    target: Perturbable,
    start: Gaussian | Mixture | Empirical | None = None,
    *,
    steps: int | None = None,
    atol: float = 1e-10,
) -> PlaneLaw:
    """The law of a sampler's output for any target on the plane whose noisy score is known.

        p_{k+1}(y) ≈ Σ_j w_j N(y; m_k(x_j), S_k S_kᵀ(x_j))                                             (CKP.1)

    Parameters
    ----------
    sampler : Sampler
        What runs, with the exact score of `target`. Each step draws noise, which enters affinely.
    target : Mixture, Gaussian or Empirical
        The law of the clean data, in dimension 2.
    start : Gaussian, Mixture or Empirical, optional
        The law of the first state; default N(0, prior_scale² I) of the sampler.
    steps : int, optional
        How many steps, at least 1; required for a sampler of equal steps, else all, or the first so many.
    atol : float
        The grids are made finer until the total variation between two results is at most this.

    Returns
    -------
    law : Mixture
        Of the state after these steps.
    error : float
        The total variation between the last two results: that of the coarser one. Convergence is exponential, so it is
        on the safe side for the one returned.

    Raises
    ------
    NotAffine
        If the noise does not enter affinely.
    ValueError
        If a step draws no noise in some direction, its noise has other axes at other places, the target is not on the
        plane, a step needs more than 2^20 nodes, or `atol` is not reached.
    TypeError
        If the sampler has a memory: its x alone is no Markov chain.

    Notes
    -----
    The work of a step grows with the area of the law over the determinant of the noise's covariance. The steps nearest
    to the data decide. Not to be confused with ``refscore.exact.law``, closed forms for Gaussian targets.

    References
    ----------
    Trefethen & Weideman (2014), The exponentially convergent trapezoidal rule, for the rate.

    Examples
    --------
    On a Gaussian the closed form is known:

    >>> import numpy as np
    >>> import refscore as rs
    >>> p = rs.targets.gaussian([0.7, -1.0], [[0.5, 0.2], [0.2, 0.75]])
    >>> sampler = rs.samplers.langevin(step_size=0.4)
    >>> found = law(sampler, p, steps=5)
    >>> known = rs.exact.law(sampler, p, steps=5)
    >>> bool(np.abs(found.law.cov - known.cov).max() < 1e-12), found.error < 1e-10
    (True, True)
    """
    if isinstance(sampler, Multistep):
        raise TypeError(f"{sampler.name} remembers more than its x, which alone is no Markov chain; expected a Sampler")
    hold_kind(sampler, "sampler", Sampler)
    if getattr(target, "d", 2) != 2:
        raise ValueError(f"target has dimension {getattr(target, 'd', 2)}; expected 2, a law on the plane")
    first = Gaussian(np.zeros(2), sampler.prior_scale**2 * np.eye(2)) if start is None else start
    hold_kind(first, "start", Gaussian, Mixture, Empirical)
    if first.d != 2:
        raise ValueError(f"start has dimension {first.d}; expected 2, a law on the plane")
    count, atol = _count(sampler, steps), number(atol, "atol", positive)
    score, before, error = noisy_score(target), None, np.inf
    for fineness in FINENESS:
        found, lost = _run(sampler, score, first, count, fineness)
        if before is not None:
            error = _apart(before, found) + lost
            if error <= atol:
                basis = np.broadcast_to(found.frame, (len(found.weights), 2, 2)).copy()
                straight = np.array_equal(found.frame, np.eye(2))
                covariances = Covariance(2, found.scale**2, None if straight else basis)
                return PlaneLaw(Mixture(found.weights, found.mean @ found.frame.T, covariances), error)
        before = found
    raise ValueError(
        f"atol = {atol:.3g} is not reached with {FINENESS[-1]:.2g} nodes for the width of the noise, but {error:.3g}: "
        f"{sampler.name} stretches the plane much, or its score is not smooth"
    )


def gaussian_step(sampler: Sampler, score: Score, k: int, x: Float) -> Kernel:
    """What one step does to each of some places on the plane: the mean and the standard deviations of x' given x.

        x' = m(x) + S(x) z,   S Sᵀ = Q diag(s²) Qᵀ with the same Q everywhere                         (CKP.3)

    Parameters
    ----------
    sampler : Sampler
        Whose step.
    score : callable
        s(x, α, σ).
    k : int
        Which step.
    x : (n, 2)
        Places.

    Returns
    -------
    Kernel
        m and s along the columns of Q at the places, and Q.

    Raises
    ------
    NotAffine
        If x' is not affine in the noise.
    ValueError
        If the noise is 0 in some direction, or has other axes at other places.

    Examples
    --------
    >>> import numpy as np
    >>> import refscore as rs
    >>> score = rs.samplers.noisy_score(rs.targets.gaussian([0.0, 0.0], 1.0))
    >>> kernel = gaussian_step(rs.samplers.langevin(step_size=0.25), score, 0, np.array([[8.0, 16.0]]))
    >>> kernel.mean, kernel.scale
    (array([[ 7., 14.]]), array([[0.5, 0.5]]))
    """
    if not sampler.draws:
        raise ValueError(f"{sampler.name} draws no noise; expected noise in every step")

    def run(z: Float) -> Float:
        noise = np.broadcast_to(z, x.shape).copy()
        return of_shape(sampler.step(score, x, k, noise), "the state", x.shape, "x")

    mean = run(np.zeros(2))
    parts = np.stack([run(z) - mean for z in np.eye(2)])  # (2, n, 2): what each noise moves
    mixed = np.array([-2.0, 5.0])
    gap = np.abs(run(mixed) - mean - np.tensordot(mixed, parts, 1)).max()
    if gap > 1e-9 * max(1.0, float(np.abs(mean).max()), float(np.abs(parts).max())):
        raise NotAffine(f"step {k} of {sampler.name} is off by {gap:.3g} from affine in its noise: x' is not Gaussian")
    first, second = parts
    xx, xy, yy = (_dot(first[:, a], second[:, a], first[:, b], second[:, b]) for a, b in ((0, 0), (0, 1), (1, 1)))
    total = np.array([[xx.mean(), xy.mean()], [xy.mean(), yy.mean()]])
    straight = abs(total[0, 1]) <= 0.1 * COMMON * np.trace(total)
    frame: Float = np.eye(2) if straight else np.linalg.eigh(total)[1]
    along = parts @ frame
    variance: Float = (along**2).sum(0)
    beside = _dot(along[0, :, 0], along[1, :, 0], along[0, :, 1], along[1, :, 1])
    if not (variance.min(1) > COMMON * variance.max(1)).all():
        at = x[np.argmin(variance.min(1) - COMMON * variance.max(1))]
        raise ValueError(f"step {k} of {sampler.name} draws no noise in some direction at x = {at}; expected some")
    if (np.abs(beside) > COMMON * np.sqrt(variance.prod(1))).any():
        raise ValueError(f"the noise of step {k} of {sampler.name} has other axes at other places; expected the same")
    return Kernel(mean @ frame, np.sqrt(variance), frame)  # (CKP.3)


def _dot(a: Float, b: Float, c: Float, d: Float) -> Float:
    value: Float = a * c + b * d
    return value


def _run(
    sampler: Sampler, score: Score, start: Gaussian | Mixture | Empirical, steps: int, fineness: float
) -> tuple[Sum, float]:
    """The law after `steps` on grids of some fineness, and the mass that was lost or made on the way."""
    if isinstance(start, Empirical):
        now, lost = Sum(start.weights, *gaussian_step(sampler, score, 0, start.points)), 0.0
    else:
        grid, weights, lost = _placed(sampler, score, start, 0, fineness, None)
        now = Sum(weights, *gaussian_step(sampler, score, 0, grid.points))
    before: Tiles | None = None
    for k in range(1, steps):
        grid, weights, made = _placed(sampler, score, now, k, fineness, before)
        lost += made
        now = Sum(weights, *(now[1:] if grid is before else gaussian_step(sampler, score, k, grid.points)))
        before = grid if sampler.n_steps is None else None  # the next of equal steps may have the same nodes
    return now, lost


def _placed(
    sampler: Sampler, score: Score, law: Sum | Gaussian | Mixture, k: int, fineness: float, before: Tiles | None
) -> tuple[Tiles, Float, float]:
    """The nodes of step k, the former ones if they still fit; the law's weights there; how far their sum is from 1."""
    frame = axes(law)
    low, high, precision = extent(law, frame)
    equal = sampler.n_steps is None
    grid = before if before is not None and before.plane.holds(low, high) else None
    if grid is None:
        ahead = gaussian_step(sampler, score, k, np.asarray(0.5 * (low + high) @ frame.T)[None])
        precision = precision + ((frame.T @ ahead.frame / ahead.scale[0]) ** 2).sum(1)
        width = 1 / np.sqrt(precision) / fineness  # (CKP.2)
        room = (ROOM if equal else 0.0) * (high - low)
        low, high = low - room, high + room
        needed = float(np.prod((high - low) / width))
        if needed > NODES:
            raise ValueError(
                f"step {k} of {sampler.name} needs {needed:.2g} nodes, more than {NODES}: its noise of "
                f"{ahead.scale.min():.3g} is small for a law that is {(high - low).max():.3g} wide; end before it"
            )
        plane = plane_over(low, high, width, frame)
    else:
        plane = grid.plane
    value = plane.area * on_plane(law, plane)
    if grid is None:
        grid = Tiles.every(plane) if equal else Tiles.above(plane, value, TAIL / value.size)
    weights = grid.pick(value)
    total = float(weights.sum())
    return grid, weights / total, abs(total - 1)


def _apart(one: Sum, two: Sum) -> float:
    """The total variation between two laws of the same frame, to its order of magnitude."""
    one = one._replace(frame=two.frame, mean=one.mean @ one.frame.T @ two.frame)  # which differ by rounding
    ends = [extent(each, two.frame) for each in (one, two)]
    low, high = np.minimum(ends[0][0], ends[1][0]), np.maximum(ends[0][1], ends[1][1])
    width = np.maximum(0.75 / np.sqrt(ends[1][2]), (high - low) / NODES**0.5)
    plane = plane_over(low, high, width, two.frame)
    return 0.5 * plane.area * float(np.abs(on_plane(one, plane) - on_plane(two, plane)).sum())
