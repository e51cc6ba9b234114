"""How fast a sampler of equal steps forgets its start, on the line: stationary law, spectral gap and mixing time.

The transition kernel of x' = m(x) + s(x) z on n equidistant nodes is a stochastic matrix,

    P_ij ∝ N(x_j; m(x_i), s(x_i)²),   Σ_j P_ij = 1                                                    (MIXT.1)

whose eigenvalues 1 = λ_1 > |λ_2| ≥ … converge exponentially to the kernel's. Between two wells 1 - λ_2 may be 1e-12 and
less, where the difference of an eigenvalue from 1 has no digits. Its stationary law and its slowest mode come from the
elimination of Grassmann, Taksar and Heyman instead, in which nothing is subtracted:

    1 - P_kk = Σ_{j≠k} P_kj                                                                           (MIXT.2)
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from refscore.arrays import Float, number, positive
from refscore.exact.chapman_kolmogorov import TAIL, Kernel, LineLaw, gaussian_step, grid, law, transition
from refscore.exact.on_the_line import below, sum_of, terms_of, total_variation
from refscore.samplers.multistep import Multistep
from refscore.samplers.replay import Sampler, noisy_score
from refscore.targets import Empirical, Gaussian, Mixture

__all__ = ["Gap", "mixing_time", "spectral_gap", "stationary"]

NODES = tuple(int(96 * 2 ** (0.5 * i)) for i in range(10))  # up to 2172
CLOSE = 1e-3  # a gap below it is refined without subtraction
DOUBLINGS = 20  # steps are counted one by one, by repeated squaring, up to 2^20


class Gap(NamedTuple):
    """How much of the slowest mode a step takes away.

    Parameters
    ----------
    value : float
        1 - |λ_2|, absolute; a small one has its own digits.
    error : float
        The difference from the value with fewer nodes.
    """

    value: float
    error: float


class _Chain(NamedTuple):
    """P (n, n), with the nodes x, densest first, the kernel at them, and the stationary weights π (n,)."""

    x: Float
    kernel: Kernel
    matrix: Float
    weights: Float

    @property
    def law(self) -> Mixture:
        return self.after(self.weights)

    def after(self, weights: Float) -> Mixture:
        """The law one step after `weights` on the nodes."""
        return Mixture(weights / weights.sum(), self.kernel.mean[:, None], self.kernel.scale**2)


def stationary(sampler: Sampler, target: Mixture | Gaussian, *, atol: float = 1e-10) -> LineLaw:
    """The law that a sampler of equal steps leaves as it is, on the line.

        π = π P,   π the weights on the nodes, from (MIXT.2) without subtraction                        (MIXT.3)

    Parameters
    ----------
    sampler : Sampler
        Of equal steps (``n_steps`` None), each with noise that enters affinely.
    target : Mixture or Gaussian
        In dimension 1, whose score drives it.
    atol : float
        What the total variation between the results of two numbers of nodes may be.

    Returns
    -------
    law : Mixture
        The stationary law. It is not the target.
    error : float
        That total variation.

    Raises
    ------
    ValueError
        If the sampler has a grid of its own, or `atol` is not reached.

    Examples
    --------
    On a Gaussian it is known, (ULA.2):

    >>> import refscore as rs
    >>> found = stationary(rs.samplers.langevin(step_size=0.5), rs.targets.gaussian([0.7], 1.0))
    >>> bool(abs(found.law.cov[0, 0] - 1 / (1 - 0.5 / 4)) < 1e-12)
    True

    It weighs two far wells nearly as they are, which no short run does; the rest is the bias of the step size:

    >>> found = stationary(rs.samplers.langevin(step_size=0.1), rs.targets.mixture([0.8, 0.2], [[4], [-4]]))
    >>> round(rs.exact.on_the_line.mass(found.law, 0, float("inf")), 3)
    0.799
    """
    limit, before, gap = number(atol, "atol", positive), None, np.inf
    for nodes in NODES:
        found = _chain(sampler, target, nodes).law
        if before is not None and (gap := total_variation(before, found)) <= limit:
            return LineLaw(found, gap)
        before = found
    raise ValueError(f"atol = {atol:.3g} is not reached with {NODES[-1]} nodes, but {gap:.3g}")


def spectral_gap(sampler: Sampler, target: Mixture | Gaussian, *, rtol: float = 1e-8) -> Gap:
    """The spectral gap of a sampler of equal steps on the line.

        1 - |λ_2|,   or by inverse iteration on I - P with (MIXT.2) where λ_2 is close to 1              (MIXT.4)

    Parameters
    ----------
    sampler : Sampler
        Of equal steps (``n_steps`` None), each with noise that enters affinely.
    target : Mixture or Gaussian
        In dimension 1, whose score drives it.
    rtol : float
        The relative difference of the results of two numbers of nodes.

    Returns
    -------
    value : float
        The gap. The distance to the stationary law falls by exp(-gap) a step at last.
    error : float
        The difference from the value with fewer nodes.

    Raises
    ------
    ValueError
        If the sampler has a grid of its own, or `rtol` is not reached.

    Notes
    -----
    Not to be confused with the gap of the diffusion, which is this over the step size for small steps; nor with a rate
    in W₂, which for log-concave targets is a bound.

    References
    ----------
    Grassmann, Taksar & Heyman (1985), Regenerative analysis and steady state distributions for Markov chains, for the
    elimination; Levin, Peres & Wilmer (2009), Markov chains and mixing times, section 12.2.

    Examples
    --------
    On N(0, 1) the eigenvalues are the powers of 1 - ε/2:

    >>> import refscore as rs
    >>> round(spectral_gap(rs.samplers.langevin(step_size=0.5), rs.targets.gaussian([0.0], 1.0)).value, 9)
    0.25
    """
    limit, before, error, close = number(rtol, "rtol", positive), None, np.inf, False
    for nodes in NODES:
        found, close = _gap(_chain(sampler, target, nodes), close)
        if before is not None and (error := abs(found - before)) <= limit * found:
            return Gap(found, error)
        before = found
    raise ValueError(f"rtol = {rtol:.3g} is not reached with {NODES[-1]} nodes: the last two differ by {error:.3g}")


def mixing_time(
    sampler: Sampler,
    target: Mixture | Gaussian,
    start: Gaussian | Mixture | Empirical,
    *,
    distance: float = 0.25,
    nodes: int | None = None,
) -> int:
    """How many steps bring a start within a total variation of the stationary law.

        min { k : TV(p_k, π) ≤ distance }                                                             (MIXT.5)

    Parameters
    ----------
    sampler : Sampler
        Of equal steps (``n_steps`` None), each with noise that enters affinely.
    target : Mixture or Gaussian
        In dimension 1, whose score drives it.
    start : Gaussian, Mixture or Empirical
        p_0. On the whole line there is no worst one.
    distance : float
        Total variation, inside (0, 1).
    nodes : int, optional
        How many; default as many as the stationary law needs for 1e-10.

    Returns
    -------
    int
        k ≥ 1. Beyond 2²⁰ it is extrapolated by the slowest mode, which is then alone.

    Raises
    ------
    ValueError
        If the sampler has a grid of its own, `distance` is not inside (0, 1), or `start` reaches beyond the nodes.

    Notes
    -----
    Not to be confused with the time to be close to the target: the stationary law is biased by the step size.

    Examples
    --------
    From the point 8 on N(0, 1) with ε = 1 the law after k steps is N(8/2ᵏ, (1 - 4⁻ᵏ) 4/3):

    >>> import numpy as np
    >>> import refscore as rs
    >>> p = rs.targets.gaussian([0.0], 1.0)
    >>> mixing_time(rs.samplers.langevin(step_size=1.0), p, rs.targets.empirical([[8.0]]))
    4
    >>> law = lambda k: rs.targets.gaussian([8 / 2**k], (1 - 0.25**k) * 4 / 3)
    >>> far = [rs.exact.on_the_line.total_variation(law(k), rs.targets.gaussian([0.0], 4 / 3)) for k in (3, 4)]
    >>> far[0] > 0.25 > far[1]
    True
    """
    if not 0 < number(distance, "distance") < 1:
        raise ValueError(f"distance is {distance}; expected it between 0 and 1")
    fewest = len(stationary(sampler, target).law.weights) if nodes is None else nodes
    first = law(sampler, target, start, steps=1).law
    chain = _chain(sampler, target, fewest)
    covered = _on_nodes(chain, first)
    limit = chain.law

    def far(weights: Float) -> float:
        return total_variation(chain.after(weights), limit)

    if total_variation(first, limit) <= distance:
        return 1
    # The weights after one step, and powers of the matrix: the largest number of further steps that is not enough.
    powers, moved = [chain.matrix], covered @ chain.matrix
    while far(moved) > distance and len(powers) <= DOUBLINGS:
        powers.append(_normal(powers[-1] @ powers[-1]))
        moved = covered @ powers[-1]
    # `chain.after` makes one more step than the weights have made: weights of p_1 are seen as p_2.
    if len(powers) > DOUBLINGS and (left := far(moved)) > distance:
        rest = math.log(distance / left) / math.log1p(-_slowest(chain))
        return int(2 + 2**DOUBLINGS + math.ceil(rest))
    done, at = 0, covered
    if far(covered) <= distance:
        return 2
    for i in reversed(range(len(powers))):
        further = at @ powers[i]
        if far(further) > distance:
            done, at = done + 2**i, further
    return done + 3


def _on_nodes(chain: _Chain, start: Mixture) -> Float:
    """The weights of a law on the nodes of a chain."""
    terms, low, high = terms_of(start, "start"), chain.x.min(), chain.x.max()
    width = (high - low) / (len(chain.x) - 1)
    weights = width * (transition(chain.x, Kernel(*terms[1:])) @ terms[0])
    outside = sum_of(terms, below, low) + sum_of((terms[0], -terms[1], terms[2]), below, -high)
    lost = max(float(outside), abs(float(weights.sum()) - 1))
    if lost > 1e-9:
        raise ValueError(f"start reaches beyond the nodes, {low:.4g} to {high:.4g}, with {lost:.2g} of its mass")
    value: Float = weights / weights.sum()
    return value


def _chain(sampler: Sampler, target: Mixture | Gaussian, nodes: int) -> _Chain:
    """The transition matrix on nodes that hold the stationary law: from the target's, widened until nothing leaves."""
    if isinstance(sampler, Multistep) or sampler.n_steps is not None:
        raise ValueError(f"{sampler.name} has a grid of its own or a memory; expected equal steps, such as langevin")
    score, reach = noisy_score(target), 0.25
    x, _ = grid(TAIL, nodes, terms_of(target, "target"), None)
    for _ in range(12):
        middle, half = 0.5 * (x.min() + x.max()), 0.5 * (x.max() - x.min()) * (1 + reach)
        x = np.linspace(middle - half, middle + half, nodes)
        x = x[np.argsort(-target.log_prob(x[:, None]))]
        kernel = gaussian_step(sampler, score, 0, x)
        matrix = transition(x, kernel).T * (2 * half / (nodes - 1))
        kept = matrix.sum(1)
        if not (kept > 0).all():
            raise ValueError(f"{nodes} nodes are too few for the noise of {sampler.name}")
        matrix = matrix / kept[:, None]  # (MIXT.1)
        weights = _stationary(matrix)
        if abs(weights @ (1 - kept)) < 1e-12 or nodes == NODES[0]:
            break
        reach = 0.25
    return _Chain(x, kernel, matrix, weights)


def _normal(matrix: Float) -> Float:
    value: Float = matrix / matrix.sum(1)[:, None]
    return value


def _eliminated(matrix: Float) -> tuple[Float, Float]:
    """P with the states from the last to the second taken out, and what each went with: rows P_kj, j < k, and s_k."""
    p, out = matrix.copy(), np.ones(len(matrix))
    for k in range(len(p) - 1, 0, -1):
        out[k] = p[k, :k].sum()  # (MIXT.2)
        p[:k, :k] += np.outer(p[:k, k] / out[k], p[k, :k])
    return p, out


def _stationary(matrix: Float) -> Float:
    p, out = _eliminated(matrix)
    weights = np.zeros(len(p))
    weights[0] = 1.0
    for k in range(1, len(p)):
        weights[k] = weights[:k] @ p[:k, k] / out[k]  # (MIXT.3)
    value: Float = weights / weights.sum()
    return value


def _gap(chain: _Chain, close: bool) -> tuple[float, bool]:
    """The gap, and whether λ_2 is so close to 1 that finer nodes need no other eigenvalue."""
    if close and (found := _slowest(chain)) <= CLOSE:
        return found, True
    values = np.linalg.eigvals(chain.matrix)
    second = values[np.argsort(-np.abs(values))[1]]
    gap = float(1 - abs(second))
    if gap > CLOSE or abs(second.imag) > CLOSE or second.real < 0:
        return gap, False
    return _slowest(chain), True


def _slowest(chain: _Chain) -> float:
    """1 - λ_2 for λ_2 near 1: the inverse of I - P on functions with π y = 0, until it only stretches."""
    (p, out), weights, y = _eliminated(chain.matrix), chain.weights, chain.x
    n = len(p)
    value = 0.0
    for _ in range(400):
        y = y - weights @ y
        y = y / np.abs(y).max()
        z: Float = np.zeros(n)
        b = y.copy()
        for k in range(n - 1, 0, -1):
            b[:k] += p[:k, k] * (b[k] / out[k])
        for k in range(1, n):
            z[k] = (b[k] + p[k, :k] @ z[:k]) / out[k]  # (MIXT.4)
        z = z - weights @ z
        before, value = value, float((weights * y) @ y / ((weights * y) @ z))
        if abs(value - before) <= 1e-13 * abs(value):
            break
        y = z
    return value
