"""The law of a sampler without noise on the line, for any target: what an increasing map makes of a law.

A sampler of the probability flow takes x to m(x). On the line m is increasing unless its steps are far too long, and
then distribution functions go along with the points,

    F'(m(x)) = F(x)                                                                                   (PUSH.1)

so that no density and no derivative of m is needed, and m may be run as a black box.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, not_negative, number, of_shape, positive
from refscore.exact.arguments import hold_kind
from refscore.exact.boxes import Owners, grid, integral
from refscore.exact.on_the_line import Terms, _coupled, below, density, range_of, sum_of, terms_of
from refscore.exact.quadrature import Expectation
from refscore.samplers.arguments import whole
from refscore.samplers.multistep import Multistep, advance, first_memory
from refscore.samplers.replay import Perturbable, Sampler, hold_sampler, noisy_score
from refscore.targets import Gaussian, Mixture

__all__ = ["Pushed", "cdf", "law", "total_variation", "wasserstein1", "wasserstein2"]

NODES = tuple(2**i for i in range(11, 18))  # at which extrema of F - F_q(m) are looked for
HALVINGS = 80  # of a bracket, for the inverse of m
GOLDEN = 0.5 * (5**0.5 - 1)
SECTIONS = 38  # golden ones: 1e-8 of the bracket, which costs its square
PANELS = 32


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pushed:
    """The law of m(x), for x from a law on the line.

    Parameters
    ----------
    name : str
        Whose map it is.
    source : Gaussian or Mixture
        The law of x.
    map : callable
        m, increasing, from (n,) to (n,).
    """

    name: str
    source: Gaussian | Mixture
    map: Callable[[Float], Float]

    def __repr__(self) -> str:
        return f"Pushed: what {self.name} makes of {self.source!r}"


def law(
    sampler: Sampler | Multistep,
    target: Perturbable,
    start: Gaussian | Mixture | None = None,
    *,
    first: int = 0,
    steps: int | None = None,
) -> Pushed:
    """The law of the output of steps without noise, for any target on the line whose noisy score is known.

        F'(m(x)) = F(x),   m the steps one after the other                                            (PUSH.1)

    Parameters
    ----------
    sampler : Sampler or Multistep
        What runs, with the exact score of `target`; none of the steps taken moves with its noise.
    target : Mixture, Gaussian or Empirical
        The law of the clean data, in dimension 1.
    start : Gaussian or Mixture, optional
        The law of the state before step `first`; default N(0, prior_scale²) of the sampler.
    first : int
        The first step; n - 1, with `start` from ``chapman_kolmogorov.law``, for a last step without noise.
    steps : int, optional
        How many steps; required for a sampler of equal steps, else all that are left.

    Returns
    -------
    Pushed
        Of the state after them.

    Raises
    ------
    ValueError
        If a law is not on the line, a step moves with its noise, m is not increasing, or there are not so many steps.

    Examples
    --------
    On a Gaussian the law is known, N(m, s'²), and its distance from another one too:

    >>> import refscore as rs
    >>> p, sampler = rs.targets.gaussian([0.7], 0.36), rs.samplers.heun_ode(rs.paths.EDM(), [4.0, 2.0, 1.0, 0.5])
    >>> found, known = law(sampler, p), rs.exact.law(sampler, p)
    >>> bool(abs(wasserstein2(found, p).value - rs.exact.wasserstein2(known, p)) < 1e-12)
    True
    """
    hold_sampler(sampler)
    if getattr(target, "d", 1) != 1:
        raise ValueError(f"target has dimension {getattr(target, 'd', 1)}; expected 1, a law on the line")
    source = Gaussian(np.zeros(1), np.array([[sampler.prior_scale**2]])) if start is None else start
    hold_kind(source, "start", Gaussian, Mixture)
    if source.d != 1:
        raise ValueError(f"start has dimension {source.d}; expected 1, a law on the line")
    begin, count = _steps(sampler, first, steps)
    score = noisy_score(target)

    def run(x: Float, size: float) -> Float:
        state: Float = x[:, None]
        memory = first_memory(sampler, state)
        shape = state.shape if sampler.draws == 1 else (sampler.draws, *state.shape)
        noise: Float | None = np.full(shape, size) if sampler.draws else None
        for k in range(begin, begin + count):
            state, memory = advance(sampler, score, state, memory, k, noise)
        return of_shape(state, "the state", (len(x), 1), "x")[:, 0]

    low, high = range_of(terms_of(source, "start"))
    x = np.asarray(np.linspace(low, high, NODES[0]), dtype=np.float64)
    moved = run(x, 0.0)
    if sampler.draws and not np.array_equal(run(x, 1.0), moved):
        raise ValueError(f"{sampler.name} draws noise in these steps; expected none: see chapman_kolmogorov")
    if not (np.diff(moved) > 0).all():
        at = x[np.argmin(np.diff(moved))]
        raise ValueError(f"{sampler.name} folds the line at x = {at:.6g}; expected an increasing map: take more steps")
    return Pushed(sampler.name, source, lambda x: run(x, 0.0))


def cdf(pushed: Pushed, y: ArrayLike) -> Float:
    """The distribution function of a pushed law.

        F'(y) = F(x) with m(x) = y, by bisection                                                      (PUSH.1)

    Parameters
    ----------
    pushed : Pushed
        The law of m(x).
    y : (\\*shape)
        Places.

    Returns
    -------
    (\\*shape)
        F'; its complement is what a mode above y weighs.

    Examples
    --------
    >>> import refscore as rs
    >>> p = rs.targets.gaussian([1.0], 4.0)
    >>> bool(abs(cdf(Pushed("doubling", p, lambda x: 2 * x), 6.0) - 0.841344746068543) < 1e-14)
    True
    """
    places = as_float64(y, "y")
    terms = _source(pushed)
    ends = range_of(terms)
    low: Float = np.full(places.size, ends[0])
    high: Float = np.full(places.size, ends[1])
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        short = pushed.map(middle) < places.ravel()
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return sum_of(terms, below, low).reshape(places.shape)  # (PUSH.1)


def total_variation(pushed: Pushed, q: Gaussian | Mixture, *, atol: float = 1e-11) -> float:
    """The total variation distance of a pushed law and a mixture on the line.

        TV = ½ Σ_i |G(r_{i+1}) - G(r_i)|,   G(x) = F(x) - F_q(m(x))                                   (PUSH.2)

    with r_i the places where G is largest or smallest: half of how far G goes up and down.

    Parameters
    ----------
    pushed : Pushed
        The law of m(x).
    q : Gaussian or Mixture
        In dimension 1.
    atol : float
        What two sets of nodes may differ by.

    Returns
    -------
    float
        Between 0 and 1. Every set of nodes gives a lower bound.

    Raises
    ------
    ValueError
        If `q` is not on the line, or `atol` is not reached.

    Examples
    --------
    >>> import refscore as rs
    >>> p, q = rs.targets.gaussian([0.5], 1.0), rs.targets.gaussian([0.0], 4.0)
    >>> found = total_variation(Pushed("doubling", p, lambda x: 2 * x), q)  # N(1, 4)
    >>> bool(abs(found - rs.exact.total_variation(rs.targets.gaussian([1.0], 4.0), q)) < 1e-11)
    True
    """
    one, two, atol = _source(pushed), terms_of(q, "q"), number(atol, "atol", positive)

    def gap(x: Float) -> Float:
        return sum_of(one, below, x) - sum_of(two, below, pushed.map(x))

    before, change = None, np.inf
    for nodes in NODES:
        x = np.asarray(np.linspace(*range_of(one), nodes), dtype=np.float64)
        g = gap(x)
        turn = np.flatnonzero((g[1:-1] - g[:-2]) * (g[1:-1] - g[2:]) > 1e-30) + 1
        top = _extrema(gap, x[turn - 1], x[turn + 1], np.sign(g[turn] - g[turn - 1]))
        ends = np.concatenate([[0.0], top, [0.0]])
        found = float(0.5 * np.abs(np.diff(ends)).sum())  # (PUSH.2)
        if before is not None and (change := abs(found - before)) <= atol:
            return found
        before = found
    raise ValueError(f"atol = {atol:.3g} is not reached with {NODES[-1]} nodes, but {change:.3g}")


def wasserstein1(pushed: Pushed, q: Gaussian | Mixture, *, rtol: float = 1e-10, atol: float = 1e-12) -> Expectation:
    """The Wasserstein-1 distance of a pushed law and a mixture on the line.

        W₁ = E |m(x) - T(x)|,   T = F_q⁻¹ ∘ F                                                         (PUSH.3)

    Parameters
    ----------
    pushed : Pushed
        The law of m(x).
    q : Gaussian or Mixture
        In dimension 1.
    rtol : float
        What the error may be of the value.
    atol : float
        What it may be if that is more: states near a gap of q are known to rounding over its density.

    Returns
    -------
    value : ()
        W₁, in the unit of x.
    error : ()
        On the safe side.

    Examples
    --------
    >>> import refscore as rs
    >>> p = rs.targets.gaussian([0.0], 1.0)
    >>> round(float(wasserstein1(Pushed("shift", p, lambda x: x + 2.5), p).value), 11)
    2.5
    """
    return _coupling(pushed, q, lambda difference: np.abs(difference), rtol, atol)


def wasserstein2(pushed: Pushed, q: Gaussian | Mixture, *, rtol: float = 1e-10, atol: float = 1e-12) -> Expectation:
    """The Wasserstein-2 distance of a pushed law and a mixture on the line, not its square.

        W₂² = E (m(x) - T(x))²,   T = F_q⁻¹ ∘ F                                                       (PUSH.4)

    Parameters
    ----------
    pushed : Pushed
        The law of m(x).
    q : Gaussian or Mixture
        In dimension 1.
    rtol : float
        What the error may be of the value's square.
    atol : float
        What the root of that error may be if that is more.

    Returns
    -------
    value : ()
        W₂, in the unit of x.
    error : ()
        On the safe side.

    Examples
    --------
    >>> import refscore as rs
    >>> p = rs.targets.gaussian([0.0], 1.0)
    >>> found = wasserstein2(Pushed("both", p, lambda x: 3 * x + 1), p)
    >>> bool(abs(found.value - (2**2 + 1) ** 0.5) <= found.error < 1e-9)
    True
    """
    square = _coupling(pushed, q, lambda difference: difference**2, rtol, atol**2)
    value: Float = np.sqrt(square.value)
    return Expectation(value, square.error / np.maximum(2 * value, np.sqrt(square.error) + 1e-300))  # (PUSH.4)


def _steps(sampler: Sampler | Multistep, first: int, steps: int | None) -> tuple[int, int]:
    """The first step, and how many."""
    begin, most = whole(first, "first", 0), sampler.n_steps
    if isinstance(sampler, Multistep) and begin:
        raise ValueError(f"first is {first}, but {sampler.name} has a memory by then; expected 0")
    if steps is None and most is None:
        raise ValueError(f"steps is None, but {sampler.name} takes any number of equal steps; say how many")
    count = (most or 0) - begin if steps is None else whole(steps, "steps", 0)
    if count < 0 or (most is not None and begin + count > most):
        raise ValueError(f"steps {begin} to {begin + count} are asked for; {sampler.name} has {most}")
    return begin, count


def _source(pushed: Pushed) -> Terms:
    hold_kind(pushed, "pushed", Pushed)
    return terms_of(pushed.source, "start")


def _coupling(
    pushed: Pushed, q: Gaussian | Mixture, cost: Callable[[Float], Float], rtol: float, atol: float
) -> Expectation:
    """E cost(m(x) - T(x)), over t = x + T(x), in which neither x nor T(x) jumps (LINE.6)."""
    one, two = _source(pushed), terms_of(q, "q")

    def integrand(t: Float, _: Owners) -> Float:
        x = _coupled(t[:, 0], one, two)
        y = t[:, 0] - x
        f, g = sum_of(one, density, x), sum_of(two, density, y)
        speed = np.divide(f * g, f + g, out=np.zeros_like(f), where=f + g > 0)
        value: Float = cost(pushed.map(x) - y) * speed  # (PUSH.3)
        return value

    (low, high), (left, right) = range_of(one), range_of(two)
    edges = np.asarray(np.linspace(low + left, high + right, PANELS + 1), dtype=np.float64)
    rtol, atol = number(rtol, "rtol", positive), number(atol, "atol", not_negative)
    found = integral(integrand, grid(edges, 1), rtol=rtol, atol=atol)
    return Expectation(found.value, found.error)


def _extrema(gap: Callable[[Float], Float], low: Float, high: Float, sign: Float) -> Float:
    """The largest value (sign 1) or the smallest (sign -1) of a function in each of some brackets."""
    a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_a, at_b = sign * gap(a), sign * gap(b)
    for _ in range(SECTIONS):
        left = at_a > at_b
        low, high = np.where(left, low, a), np.where(left, b, high)
        new = np.where(left, high - GOLDEN * (high - low), low + GOLDEN * (high - low))
        at_new = sign * gap(new)
        a, b = np.where(left, new, b), np.where(left, a, new)
        at_a, at_b = np.where(left, at_new, at_b), np.where(left, at_a, at_new)
    value: Float = sign * np.maximum(at_a, at_b)
    return value
