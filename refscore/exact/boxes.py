"""Adaptive quadrature over boxes in one and two dimensions, with an error that is an estimate on the safe side.

Each box b is integrated twice from the same values, by products of two rules on the line: L, Lobatto's of 8 points, and
K, of 15 points that contain those. It is a half of a larger box B, whose K its own and those of its siblings replaced.
What its two rules differ by, and its share in what that replacement changed, make its error:

    |∫ f - Σ_b K_b| ≤ 8 Σ_b (|K_b - L_b| + δ_b),   Σ_{b in B} δ_b = |K_B - Σ_{b in B} K_b|             (QDR.1)

For a smooth f this is far too much: K is exact up to degree 21, L up to 13. Where f has a kink or jumps all converge
slowly; each difference alone is 0 at some places of the kink, both together hardly ever, and 8 covers what was seen.
With points at the ends of a box (2⁻⁵⁰ inside, so that a jump where boxes meet at 0 is no matter) no place is out of
sight. Boxes are halved in each direction, the worst ones first,
until the sum is small against the integral of |f|, so that an integral may be 0. All but the negligible boxes are
halved at least once.

No rule sees what lies between its points: a peak far narrower than a box that contains it has to be told by boxes to
start from, as ``refscore.exact.quadrature`` does for the components of a mixture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from refscore.arrays import Float, as_float64

Owners = NDArray[np.intp]

__all__ = ["Boxes", "Integral", "Owners", "grid", "halved", "integral", "joined", "picked"]

# Lobatto's rule of 8 points, and the 7 zeros of the polynomial that Kronrod's argument asks for; a test computes them.
# The ends are 2⁻⁵⁰ inside: a jump at the origin between two boxes is on the right side for both.
_NODES = np.array([
    1.0 - 2.0**-50, 0.960047628686628493406856712687352, 0.871740148509606615337445761220663,
    0.746336671839601533594577770077400, 0.591700181433142302144510731397953, 0.410303480913798971775216596230675,
    0.209299217902478868768657260345351, 0.0,
])  # fmt: skip
_KRONROD = np.array([
    0.011089786971703050425664610588487, 0.065848516149200124815804607959631, 0.108766320986566548151262669900673,
    0.140637445409474945705421730944314, 0.168507726019600979707233721387374, 0.193049839153946413683763327057591,
    0.206892591207336211115065454936306, 0.210415548204343444799567754451245,
])  # fmt: skip
_LOBATTO = np.array([
    0.035714285714285714285714285714286, 0.0, 0.210704227143506039382992065775756, 0.0,
    0.341122692483504364764240677107748, 0.0, 0.412458794658703881567052971402210, 0.0,
])  # fmt: skip

ROWS = 2**14  # points at which the function is asked for at once
POINTS = 2**22  # points in all, before giving up
SAFETY = 8.0  # the largest ratio seen is 7.4, for √|x - c| over 7500 c; 5.9 for kinks, 0.8 for jumps
ROUNDING = 64 * 2.0**-53  # of the sums, as a part of the integral of |f|


class Boxes(NamedTuple):
    """Boxes, each with a number that says what it belongs to.

    Parameters
    ----------
    lower, upper : (n, d)
        Corners.
    owner : (n,)
        Given to the function along with its points; a box keeps it when it is halved.
    """

    lower: Float
    upper: Float
    owner: Owners


class Integral(NamedTuple):
    """An integral, entry by entry of what the function returns.

    Parameters
    ----------
    value : (\\*shape,)
        ∫ f.
    error : (\\*shape,)
        An estimate of |value - ∫ f| on the safe side: (QDR.1), and the rounding of the sums.
    size : (\\*shape,)
        ∫ |f|, to few digits.
    """

    value: Float
    error: Float
    size: Float


def grid(edges: Float, d: int, owner: int = 0) -> Boxes:
    """The boxes between `edges` in each of `d` directions.

    Parameters
    ----------
    edges : (m + 1,)
        Ascending.
    d : int
        Dimension.
    owner : int
        Of all of them.

    Returns
    -------
    Boxes
        m^d of them.

    Examples
    --------
    >>> grid(np.array([0.0, 1.0, 3.0]), 2).upper
    array([[1., 1.],
           [1., 3.],
           [3., 1.],
           [3., 3.]])
    """
    lower = np.array(list(product(edges[:-1], repeat=d)))
    upper = np.array(list(product(edges[1:], repeat=d)))
    return Boxes(lower, upper, np.full(len(lower), owner, dtype=np.intp))


def halved(boxes: Boxes) -> Boxes:
    """Each box in its 2^d halves, the first halves of all first.

    Parameters
    ----------
    boxes : Boxes
        n boxes.

    Returns
    -------
    Boxes
        2^d n boxes.
    """
    lower, upper, owner = boxes
    middle = 0.5 * (lower + upper)
    sides = [np.array(side) for side in product([False, True], repeat=lower.shape[1])]
    return Boxes(
        np.concatenate([np.where(side, middle, lower) for side in sides]),
        np.concatenate([np.where(side, upper, middle) for side in sides]),
        np.concatenate([owner] * len(sides)),
    )


def picked(boxes: Boxes, index: NDArray[np.intp] | NDArray[np.bool_]) -> Boxes:
    """Some of the boxes.

    Parameters
    ----------
    boxes : Boxes
        n boxes.
    index : (m,) of int, or (n,) of bool
        Which.

    Returns
    -------
    Boxes
        Those.
    """
    return Boxes(boxes.lower[index], boxes.upper[index], boxes.owner[index])


def joined(parts: Sequence[Boxes]) -> Boxes:
    """All boxes of several sets.

    Parameters
    ----------
    parts : sequence of Boxes
        The sets, at least one.

    Returns
    -------
    Boxes
        In their order.
    """
    return Boxes(
        np.concatenate([part.lower for part in parts]),
        np.concatenate([part.upper for part in parts]),
        np.concatenate([part.owner for part in parts]),
    )


def integral(
    function: Callable[[Float, Owners], Float],
    boxes: Boxes,
    *,
    rtol: float,
    atol: float = 0.0,
    points: int = POINTS,
) -> Integral:
    """The integral of a function over boxes, to an error of `rtol` of the integral of its absolute value.

    Parameters
    ----------
    function : callable
        f, from points (n, d) and the owners (n,) of their boxes to (n, \\*shape), finite.
    boxes : Boxes
        Where, in one or two dimensions.
    rtol : float
        What (QDR.1) of each entry may be of ∫ |f| of that entry.
    atol : float
        What it may be if that is more: where f is 0 but for rounding.
    points : int
        How many points may be asked for.

    Returns
    -------
    Integral
        With what (QDR.1) came to.

    Raises
    ------
    ValueError
        If that is not reached: f has jumps or kinks that are not along the axes, or is not integrable.

    Examples
    --------
    ∫ |x - ⅓| over [0, 1] is ½ (⅓² + ⅔²), and the kink costs some halvings:

    >>> found = integral(lambda x, _: abs(x[:, 0] - 1 / 3), grid(np.array([0.0, 1.0]), 1), rtol=1e-12)
    >>> bool(abs(found.value - 5 / 18) <= found.error <= 1e-12)
    True
    """
    rule = _rule(boxes.lower.shape[1])
    count = len(rule[0])
    asked = len(boxes.lower) * count
    value, error, size = _estimates(function, boxes, rule)
    error = np.maximum(error, size)  # until they are halved, nothing is known of them but how large they are
    while True:
        total, whole = error.sum(0), size.sum(0)
        unit = np.maximum(whole, atol / rtol) if atol else whole
        worst = np.divide(total, unit, out=np.zeros_like(total), where=unit > 0)
        if (worst <= rtol).all():
            return Integral(value.sum(0), total + ROUNDING * whole, whole)  # (QDR.1)
        relative = np.divide(error, unit, out=np.zeros_like(error), where=unit > 0).reshape(len(error), -1).max(1)
        order = np.argsort(relative)
        chosen = order[np.cumsum(relative[order]) > 0.5 * rtol]  # the rest, the many small ones, may stay
        asked += len(chosen) * 2 ** boxes.lower.shape[1] * count
        if asked > points:
            raise ValueError(
                f"quadrature reached an error of {worst.max():.1e} of the integral of |f| with {points} points; "
                f"expected {rtol:.1e}"
            )
        parts = halved(picked(boxes, chosen))
        new, difference, absolute = _estimates(function, parts, rule)
        difference = difference + _shares(value[chosen], new, difference)
        rest = np.setdiff1d(np.arange(len(error)), chosen)
        boxes = joined([picked(boxes, rest), parts])
        value, error, size = (
            np.concatenate([a[rest], b]) for a, b in zip((value, error, size), (new, difference, absolute))
        )


def _shares(before: Float, value: Float, difference: Float) -> Float:
    """δ of each half (QDR.1), by what its rules differ by, from K of the whole boxes and of their halves."""
    halves = value.reshape(-1, *before.shape), difference.reshape(-1, *before.shape)
    changed, total = SAFETY * np.abs(before - halves[0].sum(0)), halves[1].sum(0)
    even = np.full_like(halves[1], 1 / len(halves[1]))
    part = np.divide(halves[1], total, out=even, where=total > 0)
    shares: Float = (changed * part).reshape(value.shape)  # (QDR.1)
    return shares


def _rule(d: int) -> tuple[Float, Float, Float]:
    """Points in [-1, 1]^d and both sets of weights."""
    if d not in (1, 2):
        raise ValueError(f"d is {d}; expected 1 or 2: in more dimensions no error can be told on the safe side")
    x = np.concatenate([-_NODES, _NODES[-2::-1]])
    nodes = np.array(list(product(x, repeat=d)))
    both = []
    for half in (_KRONROD, _LOBATTO):
        w = np.concatenate([half, half[-2::-1]])
        both.append(w if d == 1 else np.outer(w, w).ravel())
    return nodes, both[0], both[1]


def _estimates(
    function: Callable[..., Float], boxes: Boxes, rule: tuple[Float, Float, Float]
) -> tuple[Float, Float, Float]:
    """K, 8 |K - L| and the integral of |f| of each box, (n, \\*shape)."""
    nodes, kronrod, lobatto = rule
    found = []
    step = max(1, ROWS // len(nodes))
    for start in range(0, len(boxes.lower), step):
        lower, upper, owner = (part[start : start + step] for part in boxes)
        half = 0.5 * (upper - lower)
        x = (0.5 * (lower + upper))[:, None] + half[:, None] * nodes
        rows = as_float64(function(x.reshape(-1, x.shape[-1]), np.repeat(owner, len(nodes))), "function(x)")
        if rows.ndim == 0 or len(rows) != x.shape[0] * x.shape[1]:
            raise ValueError(f"function(x) has shape {rows.shape}; expected ({x.shape[0] * x.shape[1]}, *shape)")
        f = rows.reshape(len(x), len(nodes), -1)
        volume = half.prod(1)[:, None]
        by_kronrod, by_lobatto = (volume * np.einsum("m,nmk->nk", w, f) for w in (kronrod, lobatto))
        absolute = volume * np.einsum("m,nmk->nk", kronrod, np.abs(f))
        found.append(
            [part.reshape(len(x), *rows.shape[1:]) for part in (by_kronrod, by_kronrod - by_lobatto, absolute)]
        )
    value, error, size = (np.concatenate(part) for part in zip(*found))
    return value, SAFETY * np.abs(error), size
