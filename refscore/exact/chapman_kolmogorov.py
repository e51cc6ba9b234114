"""The law of a sampler on a mixture, on the line, without sampling: Chapman and Kolmogorov's equation by quadrature.

Most samplers step with Gaussian noise, x' = m(x) + s(x) z, whatever the score. If p_k is the density of x_k, then

    p_{k+1}(y) = ∫ p_k(x) N(y; m_k(x), s_k(x)²) dx                                                    (CHK.1)

and the trapezoidal rule, which converges exponentially for smooth functions that vanish at both ends, makes of it

    p_{k+1}(y) ≈ Σ_j w_j N(y; m_k(x_j), s_k(x_j)²),   w_j = h p_k(x_j)                                 (CHK.2)

a mixture of as many Gaussians as there are nodes. So the law after any number of steps is a Mixture, a closed form like
any other, and ``refscore.exact.on_the_line`` says how far it is from the target. m and s are read from the step by
probing it at each node: nothing is assumed of a sampler but that its noise enters affinely.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from refscore.arrays import Float, number, of_shape, positive
from refscore.exact.arguments import hold_kind
from refscore.exact.maps import NotAffine
from refscore.exact.on_the_line import Terms, below, density, range_of, sum_of, terms_of, total_variation
from refscore.samplers.arguments import whole
from refscore.samplers.multistep import Multistep
from refscore.samplers.replay import Perturbable, Sampler, Score, noisy_score
from refscore.targets import Empirical, Gaussian, Mixture

__all__ = ["Kernel", "LineLaw", "gaussian_step", "law"]

TAIL = 1e-18  # mass left out at either end of the nodes
NODES = tuple(int(128 * 2 ** (0.5 * i)) for i in range(11))  # up to 4096; the work doubles from one to the next
BLOCK = 2**22  # numbers in a temporary


class LineLaw(NamedTuple):
    """A law on the line, and how far from it the truth may be.

    Parameters
    ----------
    law : Mixture
        (CHK.2), with a component for each node of the last step.
    error : float
        Total variation between this law and the one from fewer nodes, and the mass that the rule lost or made.
    """

    law: Mixture
    error: float


class Kernel(NamedTuple):
    """x' = m(x) + s(x) z at nodes x.

    Parameters
    ----------
    mean, scale : (n,)
        m and s > 0.
    """

    mean: Float
    scale: Float


def law(
    sampler: Sampler,
    target: Perturbable,
    start: Gaussian | Mixture | Empirical | None = None,
    *,
    steps: int | None = None,
    atol: float = 1e-10,
) -> LineLaw:
    """The law of a sampler's output for any target on the line whose noisy score is known, by (CHK.2).

        p_{k+1}(y) = ∫ p_k(x) N(y; m_k(x), s_k(x)²) dx                                                (CHK.1)

    Parameters
    ----------
    sampler : Sampler
        What runs, with the exact score of `target`. Each step draws noise, which enters affinely.
    target : Mixture, Gaussian or Empirical
        The law of the clean data, in dimension 1.
    start : Gaussian, Mixture or Empirical, optional
        The law of the first state, where nodes with weights (Empirical) may be the quadrature of any other law; default
        N(0, prior_scale²) of the sampler.
    steps : int, optional
        How many steps, at least 1; required for a sampler of equal steps, else all, or the first so many.
    atol : float
        Nodes are added, √2 times as many, until the total variation between two results is at most this.

    Returns
    -------
    law : Mixture
        Of the state after these steps.
    error : float
        The total variation between the last two results: that of the one with fewer nodes. Convergence is exponential,
        so it is on the safe side for the one returned.

    Raises
    ------
    NotAffine
        If the noise does not enter affinely, as with an accept-reject step.
    ValueError
        If a step draws no noise at some place, the target is not on the line, or `atol` is not reached.
    TypeError
        If the sampler has a memory: its x alone is no Markov chain.

    Notes
    -----
    Not to be confused with ``refscore.exact.law``, the same in closed form and in any dimension, for Gaussian targets.

    References
    ----------
    Trefethen & Weideman (2014), The exponentially convergent trapezoidal rule, for the rate.

    Examples
    --------
    On a Gaussian the closed form is known, 0.36 / (1 - 0.1 / (4 · 0.36)) after many steps of Langevin:

    >>> import refscore as rs
    >>> found = law(rs.samplers.langevin(step_size=0.1), rs.targets.gaussian([0.7], 0.36), steps=200)
    >>> bool(abs(found.law.cov[0, 0] - 0.36 / (1 - 0.1 / 1.44)) < 1e-12), found.error < 1e-10
    (True, True)

    A thousand steps from the middle of two far wells do not weigh them: 0.8 and 0.2 are found as near halves.

    >>> p = rs.targets.mixture([0.8, 0.2], [[6], [-6]])
    >>> found = law(rs.samplers.langevin(step_size=0.1), p, steps=1000)
    >>> round(rs.exact.on_the_line.mass(found.law, 0, float("inf")), 3)
    0.548
    """
    if isinstance(sampler, Multistep):
        raise TypeError(f"{sampler.name} remembers more than its x, which alone is no Markov chain; expected a Sampler")
    hold_kind(sampler, "sampler", Sampler)
    if getattr(target, "d", 1) != 1:
        raise ValueError(f"target has dimension {getattr(target, 'd', 1)}; expected 1, a law on the line")
    first = Gaussian(np.zeros(1), np.array([[sampler.prior_scale**2]])) if start is None else start
    hold_kind(first, "start", Gaussian, Mixture, Empirical)
    if first.d != 1:
        raise ValueError(f"start has dimension {first.d}; expected 1, a law on the line")
    count, atol = _count(sampler, steps), number(atol, "atol", positive)
    score, before, error = noisy_score(target), None, np.inf
    for nodes in NODES:
        found, lost = _run(sampler, score, first, count, nodes)
        if before is not None:
            error = total_variation(before, found) + lost
            if error <= atol:
                return LineLaw(found, error)
        before = found
    raise ValueError(
        f"atol = {atol:.3g} is not reached with {NODES[-1]} nodes, but {error:.3g}: a step of {sampler.name} draws "
        "very little noise for the width of the law, or its score is not smooth"
    )


def gaussian_step(sampler: Sampler, score: Score, k: int, x: Float) -> Kernel:
    """What one step does to each of some places: mean and standard deviation of x' given x.

        x' = m(x) + s(x) z,   s² = Σ_i s_i² for several noises                                        (CHK.3)

    Parameters
    ----------
    sampler : Sampler
        Whose step.
    score : callable
        s(x, α, σ).
    k : int
        Which step.
    x : (n,)
        Places.

    Returns
    -------
    Kernel
        m and s at the places.

    Raises
    ------
    NotAffine
        If x' is not affine in the noise.
    ValueError
        If s is 0 at a place.

    Examples
    --------
    >>> import numpy as np
    >>> import refscore as rs
    >>> score = rs.samplers.noisy_score(rs.targets.gaussian([0.0], 1.0))
    >>> gaussian_step(rs.samplers.langevin(step_size=0.25), score, 0, np.array([8.0]))
    Kernel(mean=array([7.]), scale=array([0.5]))
    """

    def run(z: Float) -> Float:
        noise = np.broadcast_to(z[:, None, None], (len(z), len(x), 1)).copy()
        given = None if not sampler.draws else noise[0] if sampler.draws == 1 else noise
        moved = of_shape(sampler.step(score, x[:, None], k, given), "the state", (len(x), 1), "x")
        return moved[:, 0]

    rest = np.zeros(sampler.draws)
    mean = run(rest)
    basis: Float = np.eye(sampler.draws)
    parts = np.array([run(z) - mean for z in basis]).reshape(sampler.draws, len(x))
    mixed = np.array([-2.0, -5.0] * sampler.draws)[: sampler.draws]
    gap = np.abs(run(mixed) - (mean + mixed @ parts)).max()
    if gap > 1e-9 * max(1.0, float(np.abs(mean).max()), float(np.abs(parts).max(initial=0.0))):
        raise NotAffine(f"step {k} of {sampler.name} is off by {gap:.3g} from affine in its noise: x' is not Gaussian")
    scale = np.sqrt((parts**2).sum(0))  # (CHK.3)
    if not (scale > 0).all():
        raise ValueError(f"step {k} of {sampler.name} draws no noise at x = {x[np.argmin(scale)]:.6g}; expected some")
    return Kernel(mean, scale)


def transition(x: Float, kernel: Kernel) -> Float:
    """N(x_i; m_j, s_j²) as a matrix (n, K)."""
    mean, scale = kernel
    value, step = np.empty((len(x), len(mean))), max(1, BLOCK // len(mean))
    for first in range(0, len(x), step):
        value[first : first + step] = density((x[first : first + step, None] - mean) / scale, scale)
    return value


def _count(sampler: Sampler, steps: int | None) -> int:
    most = sampler.n_steps
    if steps is None and most is None:
        raise ValueError(f"steps is None, but {sampler.name} takes any number of equal steps; say how many")
    n = most if steps is None else whole(steps, "steps", 0)
    assert n is not None
    if n < 1 or (most is not None and n > most):
        raise ValueError(f"steps is {steps}; expected at least 1" + (f" and at most {most}" if most else ""))
    return n


def _run(
    sampler: Sampler, score: Score, start: Gaussian | Mixture | Empirical, steps: int, nodes: int
) -> tuple[Mixture, float]:
    """The law after `steps` with so many nodes, and the mass that was lost or made on the way."""
    lost = 0.0
    if isinstance(start, Empirical):
        x, weights = start.points[:, 0], start.weights
    else:
        first, mu, s = terms_of(start, "start")
        x, width = grid(TAIL, nodes, (first, mu, s), None)
        weights = width * (transition(x, Kernel(mu, s)) @ first)
        weights = weights / weights.sum()
    kernel = gaussian_step(sampler, score, 0, x)
    matrix: Float | None = None
    placed = None if isinstance(start, Empirical) else x
    for k in range(1, steps):
        terms = (weights, *kernel)
        before = placed
        placed, width = grid(TAIL, nodes, terms, before)
        if matrix is None or placed is not before:
            matrix = transition(placed, kernel)
        weights = width * (matrix @ weights)  # (CHK.2)
        total = float(weights.sum())
        lost += abs(total - 1)
        weights = weights / total
        same = sampler.n_steps is None and placed is before
        moved = kernel if same else gaussian_step(sampler, score, k, placed)
        if not (np.array_equal(moved.mean, kernel.mean) and np.array_equal(moved.scale, kernel.scale)):
            matrix = None
        kernel = moved
    return Mixture(weights / weights.sum(), kernel.mean[:, None], kernel.scale**2), lost


def grid(tail: float, nodes: int, terms: Terms, before: Float | None) -> tuple[Float, float]:
    """Equidistant nodes where a law has its mass, the former ones if they still fit; and their distance."""
    weights, mean, scale = terms
    mirror = (weights, -mean, scale)
    if before is not None:
        width = before[-1] - before[0]
        places = np.array([before[0], before[0] + 0.15 * width]), -np.array([before[-1], before[-1] - 0.15 * width])
        left, right = sum_of(terms, below, places[0]), sum_of(mirror, below, places[1])
        if max(left[0], right[0]) <= tail < min(left[1], right[1]):
            return before, float(width / (len(before) - 1))
    low, high = _end(terms, tail), -_end(mirror, tail)
    pad = 0.03 * (high - low)
    x = np.asarray(np.linspace(low - pad, high + pad, nodes), dtype=np.float64)
    return x, float((high - low + 2 * pad) / (nodes - 1))


def _end(terms: Terms, tail: float) -> float:
    """Where the mass below is at most `tail`, by bisection, to a thousandth of the width."""
    low, high = range_of(terms)
    width = high - low
    while high - low > 1e-3 * width:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float(sum_of(terms, below, np.array(middle))) <= tail else (low, middle)
    return low
