"""How far one law on the line is from another, where both are mixtures of Gaussians: total variation, W₁ and W₂.

A mixture's distribution function and its integral are closed forms of Φ and φ:

    F(x) = Σ_k w_k Φ(z_k),   A(x) = ∫_{-∞}^x F = Σ_k w_k s_k (z_k Φ(z_k) + φ(z_k)),   z_k = (x - μ_k)/s_k   (LINE.1)

so total variation and W₁ need no quadrature, only the places where two densities, or two distribution functions, cross.
Between them the integrand has one sign, and an error δ in a place costs δ² of the value. Gaussians with the narrowest
scale of both laws hold no crossings closer than a fraction of it that would matter: see the notes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from refscore.arrays import Float, as_float64, number
from refscore.exact.arguments import hold_kind
from refscore.targets import Gaussian, Mixture

__all__ = ["cdf", "mass", "quantile", "total_variation", "wasserstein1", "wasserstein2"]

REACH = 9.0  # standard deviations: beyond them is 1e-19 of a component
PER_SCALE = 6  # places looked at for one standard deviation of the narrowest component
MOST = 200_000  # places looked at in all
BLOCK = 2**20  # numbers in a temporary
ROOT_2PI = float(np.sqrt(2 * np.pi))


def cdf(law: Gaussian | Mixture, x: ArrayLike) -> Float:
    """The distribution function of a mixture on the line.

        F(x) = Σ_k w_k Φ((x - μ_k)/s_k)                                                               (LINE.1)

    Parameters
    ----------
    law : Gaussian or Mixture
        In dimension 1.
    x : (\\*shape)
        Places, in the unit of the law. No event axis: ``x`` are numbers here.

    Returns
    -------
    (\\*shape)
        F, with small relative errors in the lower tail. For the upper tail take the law of -x.

    Raises
    ------
    ValueError
        If the law is not on the line.

    Examples
    --------
    >>> import refscore as rs
    >>> p = rs.targets.mixture([0.25, 0.75], [[-1], [1]], [4, 9])
    >>> round(float(cdf(p, 1.0)), 12) == round(0.25 * 0.841344746068543 + 0.75 / 2, 12)
    True
    """
    return sum_of(terms_of(law, "law"), below, as_float64(x, "x"))


def mass(law: Gaussian | Mixture, low: float, high: float) -> float:
    """How much of a law lies between two places, without the cancellation of F(high) - F(low) in the upper tail.

        P(low < x < high) = F(high) - F(low)                                                          (LINE.2)

    Parameters
    ----------
    law : Gaussian or Mixture
        In dimension 1.
    low, high : float
        May be -inf and inf.

    Returns
    -------
    float
        The mass.

    Raises
    ------
    ValueError
        If the law is not on the line, or `low` is above `high`.

    Examples
    --------
    What a well weighs:

    >>> import numpy as np
    >>> import refscore as rs
    >>> round(mass(rs.targets.mixture([0.8, 0.2], [[7], [-7]]), 0, np.inf), 11)
    0.8
    """
    if not low <= high:
        raise ValueError(f"low is {low} and high is {high}; expected low <= high")
    w, mu, s = terms_of(law, "law")
    a, b = (low - mu) / s, (high - mu) / s
    upper = a > -b
    a, b = np.where(upper, -b, a), np.where(upper, -a, b)
    return float(w @ (ndtr(b) - ndtr(a)))  # (LINE.2)


def quantile(law: Gaussian | Mixture, probability: float) -> float:
    """The place with a given mass below it, by bisection.

        F(x) = probability                                                                            (LINE.3)

    Parameters
    ----------
    law : Gaussian or Mixture
        In dimension 1.
    probability : float
        Between 0 and 1, neither of them.

    Returns
    -------
    float
        x, to rounding in F.

    Raises
    ------
    ValueError
        If the law is not on the line, or `probability` is not inside (0, 1).

    Examples
    --------
    >>> import refscore as rs
    >>> round(quantile(rs.targets.gaussian([1.0], 4.0), 0.841344746068543), 9)
    3.0
    """
    if not 0 < number(probability, "probability") < 1:
        raise ValueError(f"probability is {probability}; expected it between 0 and 1")
    terms = terms_of(law, "law")
    _, mu, s = terms
    low, high = float((mu - 40 * s).min()), float((mu + 40 * s).max())
    while low < (middle := 0.5 * (low + high)) < high:
        short = float(sum_of(terms, below, np.array(middle))) < probability  # (LINE.3)
        low, high = (middle, high) if short else (low, middle)
    return middle


def total_variation(p: Gaussian | Mixture, q: Gaussian | Mixture) -> float:
    """The total variation distance of two mixtures on the line.

        TV = ½ ∫ |p - q| = ½ Σ_i |D(r_{i+1}) - D(r_i)|,   D = F_p - F_q                                (LINE.4)

    with r_i the places where the densities cross, and D = 0 at both ends.

    Parameters
    ----------
    p, q : Gaussian or Mixture
        In dimension 1.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If a law is not on the line.

    Notes
    -----
    Every partition gives a lower bound, TV is the supremum: a pair of crossings closer than a sixth of the narrowest
    standard deviation may be passed by, and the value is then too small by the little that lies between the two.
    Not to be confused with ∫ |p - q|, which is twice this.

    Examples
    --------
    Two Gaussians with the same variance cross half-way, so that TV = 2 Φ(½) - 1:

    >>> import refscore as rs
    >>> p, q = rs.targets.gaussian([0.0], 1.0), rs.targets.gaussian([1.0], 1.0)
    >>> round(total_variation(p, q), 12) == round(2 * 0.691462461274013 - 1, 12)
    True
    """
    one, two = terms_of(p, "p"), terms_of(q, "q")

    def gap(x: Float) -> Float:
        return sum_of(one, density, x) - sum_of(two, density, x)

    at = _crossings(gap, one, two)
    ends = np.concatenate([[0.0], sum_of(one, below, at) - sum_of(two, below, at), [0.0]])
    return float(0.5 * np.abs(np.diff(ends)).sum())  # (LINE.4)


def wasserstein1(p: Gaussian | Mixture, q: Gaussian | Mixture) -> float:
    """The Wasserstein-1 distance of two mixtures on the line.

        W₁ = ∫ |F_p - F_q| = Σ_i |B(r_{i+1}) - B(r_i)|,   B = A_p - A_q                                (LINE.5)

    with r_i the places where the distribution functions cross, B(-∞) = 0 and B(∞) the difference of the means.

    Parameters
    ----------
    p, q : Gaussian or Mixture
        In dimension 1.

    Returns
    -------
    float
        W₁, in the unit of x.

    Raises
    ------
    ValueError
        If a law is not on the line.

    Examples
    --------
    A shift costs its length, a stretch of N(0, 1) by 3 costs 2 E|x|:

    >>> import numpy as np
    >>> import refscore as rs
    >>> p = rs.targets.gaussian([0.0], 1.0)
    >>> round(wasserstein1(p, rs.targets.gaussian([2.5], 1.0)), 12)
    2.5
    >>> bool(abs(wasserstein1(p, rs.targets.gaussian([0.0], 9.0)) - 2 * np.sqrt(2 / np.pi)) < 1e-14)
    True
    """
    one, two = terms_of(p, "p"), terms_of(q, "q")

    def gap(x: Float) -> Float:
        return sum_of(one, below, x) - sum_of(two, below, x)

    at = _crossings(gap, one, two)
    last = float(two[0] @ two[1] - one[0] @ one[1])
    ends = np.concatenate([[0.0], sum_of(one, _integral, at) - sum_of(two, _integral, at), [last]])
    return float(np.abs(np.diff(ends)).sum())  # (LINE.5)


def wasserstein2(p: Gaussian | Mixture, q: Gaussian | Mixture, *, per_scale: int = PER_SCALE) -> float:
    """The Wasserstein-2 distance of two mixtures on the line, not its square.

        W₂² = ∫ (x - y)² p(x) q(y) / (p(x) + q(y)) dt,   x + y = t,   F_p(x) = F_q(y)                  (LINE.6)

    by the trapezoidal rule, which converges exponentially: the sum t parametrises the optimal coupling without the
    jumps that quantile functions have between modes.

    Parameters
    ----------
    p, q : Gaussian or Mixture
        In dimension 1.
    per_scale : int
        Nodes for one standard deviation of the narrowest component.

    Returns
    -------
    float
        W₂, in the unit of x.

    Raises
    ------
    ValueError
        If a law is not on the line.

    Examples
    --------
    For Gaussians it is the length of (μ, s) to (μ', s'):

    >>> import refscore as rs
    >>> round(wasserstein2(rs.targets.gaussian([0.0], 4.0), rs.targets.gaussian([3.0], 36.0)), 12)
    5.0
    """
    one, two = terms_of(p, "p"), terms_of(q, "q")
    (low_p, high_p), (low_q, high_q) = (range_of(terms) for terms in (one, two))
    narrowest = min(float(one[2].min()), float(two[2].min()))
    n = int(min(MOST, np.ceil(per_scale * (high_p - low_p + high_q - low_q) / narrowest)))
    t = np.asarray(np.linspace(low_p + low_q, high_p + high_q, n + 1), dtype=np.float64)
    x = _coupled(t, one, two)
    y = t - x
    f, g = sum_of(one, density, x), sum_of(two, density, y)
    both = f + g
    speed = np.divide(f * g, both, out=np.zeros_like(f), where=both > 0)
    return float(np.sqrt(((x - y) ** 2 * speed).sum() * (t[1] - t[0])))  # (LINE.6)


Terms = tuple[Float, Float, Float]


def terms_of(law: Gaussian | Mixture, name: str) -> Terms:
    """Weights, means and standard deviations (K,) of the components that weigh anything."""
    hold_kind(law, name, Gaussian, Mixture)
    if law.d != 1:
        raise ValueError(f"{name} has dimension {law.d}; expected 1, a law on the line")
    if isinstance(law, Gaussian):
        return np.ones(1), law.mean, np.sqrt(law.cov[0])
    kept = law.weights > 0
    return law.weights[kept], law.means[kept, 0], np.sqrt(law.covs[kept, 0, 0])


def below(z: Float, s: Float) -> Float:  # noqa: ARG001
    value: Float = ndtr(z)
    return value


def density(z: Float, s: Float) -> Float:
    value: Float = np.exp(-0.5 * z**2) / (ROOT_2PI * s)
    return value


def _integral(z: Float, s: Float) -> Float:
    value: Float = s * (z * ndtr(z) + np.exp(-0.5 * z**2) / ROOT_2PI)  # (LINE.1)
    return value


def sum_of(terms: Terms, function: Callable[[Float, Float], Float], x: Float) -> Float:
    """Σ_k w_k function(z_k, s_k) at x of any shape, in blocks."""
    w, mu, s = terms
    flat = x.ravel()
    value, step = np.empty(flat.shape), max(1, BLOCK // len(w))
    for first in range(0, len(flat), step):
        z = (flat[first : first + step, None] - mu) / s
        value[first : first + step] = function(z, s) @ w  # (LINE.1)
    return value.reshape(x.shape)


def range_of(terms: Terms) -> tuple[float, float]:
    _, mu, s = terms
    return float((mu - REACH * s).min()), float((mu + REACH * s).max())


def _crossings(gap: Callable[[Float], Float], one: Terms, two: Terms) -> Float:
    """Where a difference of two laws changes its sign: every place on a grid, then bisection."""
    (low_p, high_p), (low_q, high_q) = range_of(one), range_of(two)
    narrowest = min(float(one[2].min()), float(two[2].min()))
    low, high = min(low_p, low_q), max(high_p, high_q)
    n = int(min(MOST, np.ceil(PER_SCALE * (high - low) / narrowest))) + 2
    x = np.asarray(np.linspace(low, high, n), dtype=np.float64)
    sign = np.sign(gap(x))
    at = np.flatnonzero(sign[:-1] * sign[1:] < 0)
    left, right, before = x[at], x[at + 1], sign[at]
    for _ in range(60):
        middle = 0.5 * (left + right)
        same = np.sign(gap(middle)) == before
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    return np.sort(np.concatenate([x[sign == 0], left]))


def _coupled(t: Float, one: Terms, two: Terms) -> Float:
    """x with F_p(x) = F_q(t - x): Newton's method, held inside a bracket; tails are compared from their own side."""
    mirror = ((one[0], -one[1], one[2]), (two[0], -two[1], two[2]))
    (low_p, high_p), (low_q, high_q) = range_of(one), range_of(two)
    low, high = np.maximum(low_p, t - high_q), np.minimum(high_p, t - low_q)
    x, open_ = np.clip(0.5 * t, low, high), np.arange(len(t))
    for _ in range(80):
        here, there = x[open_], t[open_] - x[open_]
        found = sum_of(one, below, here)
        difference = found - sum_of(two, below, there)
        upper = found > 0.5
        difference[upper] = sum_of(mirror[1], below, -there[upper]) - sum_of(mirror[0], below, -here[upper])
        slope = sum_of(one, density, here) + sum_of(two, density, there)
        low[open_] = np.where(difference < 0, here, low[open_])
        high[open_] = np.where(difference > 0, here, high[open_])
        moved = here - np.divide(difference, slope, out=np.full_like(slope, np.inf), where=slope > 0)
        inside = (moved > low[open_]) & (moved < high[open_])
        moved = np.where(inside, moved, 0.5 * (low[open_] + high[open_]))
        moved = np.where(difference == 0, here, moved)
        x[open_] = moved
        open_ = open_[np.abs(moved - here) > 4e-16 * (1 + np.abs(here))]
        if not len(open_):
            break
    return x
