"""How far one law on the plane is from another, where both are mixtures of Gaussians: total variation and KL.

Unlike on the line, nothing is a closed form but what a line through the plane sees of a law. The rest is sums over a
grid: a density that is a sum of Gaussians with standard deviations of at least s is a cardinal series on nodes h apart,

    p(u, v) = Σ_ij p(u_i, v_j) sinc((u - u_i)/h) sinc((v - v_j)/h),   error about exp(-π² s²/2h²)      (PLANE.2)

so that its values there are everything about it: its integrals along a line are sine integrals, and a smooth function
of it is integrated by the plain sum.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import sici

from refscore.arrays import Float, as_float64, number, positive, read_only
from refscore.exact.arguments import hold_kind
from refscore.exact.boxes import Owners, grid, integral
from refscore.exact.gaussian_sums import FEW, Plane, extent, on_plane, plane_over, sum_of
from refscore.exact.quadrature import Expectation
from refscore.targets import Gaussian, Mixture

__all__ = ["expectation", "kl", "projected", "total_variation"]

PER_SCALE = 2.5  # nodes for one standard deviation: (PLANE.2) is then right to 4e-14
MOST = 2**23  # nodes
PANELS = 24  # that the lines are first taken from
ROWS = 2**21  # numbers in a temporary
FINER = 8  # places a node at which signs are looked at: a lobe that lies between two costs h⁵, and a kink
HALVINGS = 24  # of the place where densities cross: an error of 1e-7 h there costs its square
ODD = 0.5078  # a bracket is not cut in its middle, which may be a node


def projected(law: Gaussian | Mixture, direction: ArrayLike) -> Mixture:
    """The law of a·x on the line, for x from a law on the plane.

        a·x ~ Σ_k w_k N(a·μ_k, aᵀ Σ_k a)                                                              (PLANE.3)

    Parameters
    ----------
    law : Gaussian or Mixture
        Of x, in any dimension d.
    direction : (d,)
        a, not 0; for distances in the unit of x, of length 1.

    Returns
    -------
    Mixture
        In dimension 1: what ``on_the_line`` says of it, such as the mass of a half-plane, is exact.

    Raises
    ------
    ValueError
        If `direction` has another shape, or is 0.

    Notes
    -----
    Distances between projections are at most those of the laws: TV, W₁ and W₂ for a of length 1.

    Examples
    --------
    What lies beyond the diagonal, of a law with one of two modes there:

    >>> import numpy as np
    >>> import refscore as rs
    >>> p = rs.targets.mixture([0.8, 0.2], [[7, 7], [-7, -7]])
    >>> round(rs.exact.on_the_line.mass(projected(p, [1, 1]), 0, np.inf), 12)
    0.8
    """
    a = read_only(direction, "direction", (law.d,))
    if not a.any():
        raise ValueError("direction is 0; expected a direction")
    if isinstance(law, Gaussian):
        return Mixture(np.ones(1), (law.mean @ a)[None, None], np.array([a @ law.cov @ a]))
    stack = law.covariances
    rows = np.broadcast_to(a, (len(law.weights), 1, law.d))
    variance = stack.quadratic(stack.spectrum, rows)[:, 0]
    return Mixture(law.weights, (law.means @ a)[:, None], variance)  # (PLANE.3)


def expectation(function: Callable[[Float], Float], law: Gaussian | Mixture, *, rtol: float = 1e-10) -> Expectation:
    """E f(x) under a mixture of any number of Gaussians on the plane, by the trapezoidal rule.

        E f(x) ≈ h_1 h_2 Σ_ij f(x_ij) p(x_ij)                                                         (PLANE.4)

    Parameters
    ----------
    function : callable
        f, from points (n, 2) to (n, \\*shape): smooth, as far as 1e-10 goes, and finite.
    law : Gaussian or Mixture
        The law of x, in dimension 2.
    rtol : float
        What two grids may differ by, as a part of E |f|.

    Returns
    -------
    value : (\\*shape,)
        E f(x).
    error : (\\*shape,)
        The difference from the result with half as many nodes.

    Raises
    ------
    ValueError
        If the law is not on the plane, or `rtol` is not reached.

    Notes
    -----
    For a mixture of few Gaussians take ``refscore.exact.expectation``: it is adaptive, and errs on the safe side. This
    is for the laws of ``chapman_kolmogorov_2d``, of 10^4 to 10^6.

    Examples
    --------
    >>> import refscore as rs
    >>> p = rs.targets.mixture([0.8, 0.2], [[1, 0], [-2, 1]], [1, 0.25])
    >>> found = expectation(lambda x: -p.log_prob(x), p)
    >>> known = rs.exact.expectation(lambda x: -p.log_prob(x), p)
    >>> bool(abs(found.value - known.value) < 1e-10)
    True
    """
    rtol, before = number(rtol, "rtol", positive), None
    gap: Float = np.array(np.inf)
    for per_scale in (1.5, 1.5 * 2**0.5, 3.0, 3 * 2**0.5, 6.0):
        plane = _common(per_scale, law)
        weights = plane.area * on_plane(law, plane).ravel()
        kept = weights > 0
        f = as_float64(function(plane.points[kept]), "function(x)")
        value, size = (np.tensordot(weights[kept], part, 1) for part in (f, np.abs(f)))  # (PLANE.4)
        if before is not None:
            gap = np.abs(value - before)
            if (gap <= rtol * size).all():
                return Expectation(value, gap)
        before = value
    raise ValueError(f"rtol = {rtol:.3g} is not reached: two grids differ by {float(gap.max()):.3g}; is f smooth?")


def kl(p: Gaussian | Mixture, q: Gaussian | Mixture, *, rtol: float = 1e-10) -> float:
    """The Kullback-Leibler divergence of two mixtures on the plane.

        KL(p ‖ q) = ∫ [p log(p/q) + q - p],   of which the integrand is nowhere negative               (PLANE.5)

    Parameters
    ----------
    p, q : Gaussian or Mixture
        In dimension 2.
    rtol : float
        What two grids may differ by, as a part of the value; or by 1e-14.

    Returns
    -------
    float
        KL, in nats.

    Raises
    ------
    ValueError
        If a law is not on the plane, or `rtol` is not reached.

    Examples
    --------
    >>> import refscore as rs
    >>> p = rs.targets.gaussian([0.7, -1.0], [[0.5, 0.2], [0.2, 0.75]])
    >>> q = rs.targets.gaussian([0.5, 0.0], [[0.75, 0.0], [0.0, 0.5]])
    >>> bool(abs(kl(p, q) - rs.exact.kl(p, q)) < 1e-12)
    True
    """
    rtol, before, gap = number(rtol, "rtol", positive), None, np.inf
    for per_scale in (1.5, 1.5 * 2**0.5, 3.0, 3 * 2**0.5, 6.0):
        plane = _common(per_scale, p, q)
        one, two = on_plane(p, plane).ravel(), on_plane(q, plane).ravel()
        there = one > 0
        above, below = one[there], _log(q, plane, two)[there]
        value = plane.area * float((above * (np.log(above) - below) + two[there] - above).sum() + two[~there].sum())
        if before is not None and (gap := abs(value - before)) <= max(rtol * value, 1e-14):
            return value  # (PLANE.5)
        before = value
    raise ValueError(f"rtol = {rtol:.3g} is not reached: two grids differ by {gap:.3g} of {value:.3g}")


def total_variation(p: Gaussian | Mixture, q: Gaussian | Mixture, *, atol: float = 1e-11) -> float:
    """The total variation distance of two mixtures on the plane.

        TV = ½ ∫ du ∫ dv |p - q| = ½ ∫ du Σ_i |D(u, r_{i+1}) - D(u, r_i)|,   D(u, v) = ∫_{-∞}^v (p - q) dv'   (PLANE.6)

    with r_i the places on each line where the densities cross. In v the cardinal series (PLANE.2) is integrated as it
    stands, sinc to sine integral; in u the line's value has a kink wherever a lobe ends, and is integrated adaptively.

    Parameters
    ----------
    p, q : Gaussian or Mixture
        In dimension 2.
    atol : float
        What the integral over u may be wrong by.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If a law is not on the plane, or is much wider than its narrowest component.

    Notes
    -----
    Not to be confused with ∫ |p - q|, which is twice this. A sum of |p - q| over a grid is wrong by h², for the kinks.

    Examples
    --------
    Gaussians have a formula of their own:

    >>> import refscore as rs
    >>> p = rs.targets.gaussian([0.7, -1.0], [[0.5, 0.2], [0.2, 0.75]])
    >>> q = rs.targets.gaussian([0.5, 0.0], [[0.75, 0.0], [0.0, 0.5]])
    >>> bool(abs(total_variation(p, q) - rs.exact.total_variation(p, q)) < 1e-11)
    True
    """
    atol = number(atol, "atol", positive)
    plane = _common(PER_SCALE, p, q)
    difference = on_plane(p, plane) - on_plane(q, plane)
    wide, h = (float(nodes[1] - nodes[0]) for nodes in (plane.u, plane.v))
    fine = plane.v[0] + h * np.arange(FINER * (len(plane.v) - 1) + 1) / FINER
    between = np.sinc((fine - plane.v[:, None]) / h)
    negligible = 1e-15 * float(np.abs(difference).max()) + 1e-300

    def lines(u: Float, _: Owners) -> Float:
        step = max(1, ROWS // max(len(plane.u), len(fine)))
        parts = []
        for first in range(0, len(u), step):
            share = np.sinc((u[first : first + step] - plane.u) / wide)
            rows = share @ difference  # (PLANE.2)
            parts.append(_absolute(rows, plane.v, rows @ between, fine, negligible))
        return np.concatenate(parts)

    edges = np.linspace(plane.u[0], plane.u[-1], PANELS + 1)
    return 0.5 * float(integral(lines, grid(edges, 1), rtol=1e-11, atol=2 * atol).value)  # (PLANE.6)


def _common(per_scale: float, *laws: Gaussian | Mixture) -> Plane:
    """Nodes for all of some laws, along the axes of the one with the most components."""
    for law in laws:
        hold_kind(law, "a law", Gaussian, Mixture)
        if law.d != 2:
            raise ValueError(f"a law has dimension {law.d}; expected 2, a law on the plane")
    many = [law for law in laws if isinstance(law, Mixture) and len(law.weights) > FEW]
    found = sum_of(max(many, key=lambda law: len(law.weights))) if many else None
    frame = np.eye(2) if found is None else found.frame
    ends = [extent(law, frame) for law in laws]
    low, high = np.min([each[0] for each in ends], axis=0), np.max([each[1] for each in ends], axis=0)
    width = 1 / np.sqrt(np.max([each[2] for each in ends], axis=0)) / per_scale
    needed = float(np.prod((high - low) / width))
    if needed > MOST:
        raise ValueError(f"{needed:.2g} nodes are needed, more than {MOST}: a component is narrow for so wide a law")
    return plane_over(low, high, width, frame)


def _log(law: Gaussian | Mixture, plane: Plane, value: Float) -> Float:
    """log density at the nodes: of few components to their last digit far out, of many by their sum."""
    if isinstance(law, Gaussian) or len(law.weights) <= FEW:
        return law.log_prob(plane.points)
    found: Float = np.log(np.maximum(value, 1e-300))
    return found


def _absolute(rows: Float, v: Float, seen: Float, fine: Float, negligible: float) -> Float:
    """∫ |f| of each row's cardinal series, which is `seen` at `fine`."""
    h = float(v[1] - v[0])
    row, column = np.nonzero(np.abs(seen) > negligible)
    sign = np.sign(seen[row, column])
    turns = np.flatnonzero((row[1:] == row[:-1]) & (sign[1:] != sign[:-1]))
    at, left, right, before = row[turns], fine[column[turns]], fine[column[turns + 1]], sign[turns]
    inside = np.empty(len(at))
    step = max(1, ROWS // len(v))
    for first in range(0, len(at), step):
        part = slice(first, first + step)
        inside[part] = _at_crossing(rows[at[part]], v, h, left[part], right[part], before[part])
    starts = np.arange(len(rows))
    owner = np.concatenate([starts, at, starts])
    order = np.argsort(owner, kind="stable")
    owner, reached = owner[order], np.concatenate([np.zeros(len(rows)), inside, h * rows.sum(1)])[order]
    moved = np.where(owner[1:] == owner[:-1], np.abs(np.diff(reached)), 0.0)
    value: Float = np.bincount(owner[1:], moved, len(rows)).astype(np.float64)
    return value


def _at_crossing(rows: Float, v: Float, h: float, left: Float, right: Float, before: Float) -> Float:
    """∫_{-∞}^r of each row's series, r between `left` and `right` where it changes its sign."""
    alternating = np.where(np.arange(len(v)) % 2, -1.0, 1.0) * rows
    for _ in range(HALVINGS):
        middle = left + ODD * (right - left)
        theta = (middle - v[0]) / h
        value = np.sin(np.pi * theta) * (alternating / (theta[:, None] - np.arange(len(v)))).sum(1)
        same = np.sign(value) == before
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    steps: Float = 0.5 + sici(np.pi * (left[:, None] - v) / h)[0] / np.pi
    reached: Float = h * (steps * rows).sum(1)
    return reached
