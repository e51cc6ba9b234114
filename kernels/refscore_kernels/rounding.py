"""How far compiled steps may be from the reference's: both round, and each rounding is followed to the end.

Both take the same noise and the same numbers of the target. To first order in the unit roundoff u = 2⁻⁵³ the distance
after n steps is at most, coordinate by coordinate, with the states stacked,

    e_n ≤ Σ_k |Φ_{n-1} ⋯ Φ_{k+1}| δ_k,   Φ_k = ∂y_{k+1} / ∂y_k                                         (KRB.1)
    Φ_k = A + Σ_j B_j J_j D_j,   D_j = a_j + Σ_{i<j} b_ji J_i D_i,   J_j = ∂s/∂x at u_j                 (KRB.2)

where δ_k is what step k alone adds: its sums ω (KRB.3), and the scores' η (KRB.5, KRB.6), which go through the step,

    ω = |ref - fl Σ c x| + 2 m u Σ |c x|,   m terms                                                   (KRB.3)
    δu_j = ω_j + Σ_{i<j} |b_ji| δs_i,   δs_j = η_j + |J_j| δu_j,   δ = ω + Σ_j |B_j| δs_j               (KRB.4)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer, samples
from refscore.noise import tape
from refscore.samplers import Multistep, Sampler
from refscore.samplers.multistep import advance, first_memory
from refscore.targets import Gaussian, Mixture
from refscore_kernels.plan import NotLinear, Plan, plan_of

__all__ = ["bound"]

U = 2.0**-53
LOG_2PI = float(np.log(2 * np.pi))


def bound(
    sampler: Sampler | Multistep,
    target: Gaussian | Mixture,
    start: ArrayLike,
    *,
    seed: int,
    steps: int | None = None,
    stream: int = 0,
    first_chain: int = 0,
) -> Float:
    """Bound of |kernels - reference| after a run, for float64 and every backend, with or without ``contract``.

        e_n ≤ Σ_k |Φ_{n-1} ⋯ Φ_{k+1}| δ_k                                                              (KRB.1)

    Parameters
    ----------
    sampler, target, start, seed, steps, stream, first_chain
        As for :func:`refscore_kernels.run`; the target is a Gaussian or a mixture, with full, diagonal or scalar
        covariances.

    Returns
    -------
    (1 + memory, N, d)
        For the state, then for what the sampler remembers. One rounding is 1.1e-16 of a number.

    Raises
    ------
    NotLinear
        If a step is not linear in states, scores and noise.
    TypeError, ValueError
        If the target is another one, or an argument is not what is described here.

    Notes
    -----
    The reference runs once, and its Jacobians are kept: N n ((1 + memory) d)² numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import refscore as rs
    >>> import refscore_kernels as rk
    >>> target, langevin = rs.targets.gaussian([0.0, 1.0], [[2.0, 0.5], [0.5, 1.0]]), rs.samplers.langevin(0.1)
    >>> how = {"start": np.zeros((4, 2)), "seed": 7, "steps": 50}
    >>> e = bound(langevin, target, **how)
    >>> a, b = (rk.run(langevin, target, backend=name, **how).x for name in ("portable", "reference"))
    >>> bool((abs(a - b) <= e[0]).all()), bool(e.max() < 1e-13)
    (True, True)
    """
    if not isinstance(target, (Gaussian, Mixture)):
        raise TypeError(f"target is {type(target).__name__}; expected a Gaussian or a Mixture")
    covariance = target.covariance if isinstance(target, Gaussian) else target.covariances
    if covariance.kind == "low-rank":
        raise ValueError("the target's covariance is low-rank; expected a scalar, diagonal or full one")
    plan, x = plan_of(sampler), samples(start, "start", target.d)
    if plan.by_lengths.any():
        raise NotLinear(
            f"{plan.name} scales its step by lengths; expected a sampler that is linear in scores and noise"
        )
    count = sampler.n_steps if steps is None else integer(steps, "steps")
    if count is None or not 0 <= count <= (count if sampler.n_steps is None else sampler.n_steps):
        raise ValueError(f"steps is {steps}; expected a number of steps that {sampler.name} takes")
    laws = [target.perturb(*map(float, level)) for level in plan.levels]
    memory, made = first_memory(sampler, x), []
    for k in range(count):
        z = tape(seed, plan.draws, *x.shape, stream=stream, first_step=k * plan.draws, first_chain=first_chain)
        step = _Step(plan, k % len(plan.level), np.stack([x, *memory]), z, laws)
        noise = None if not len(z) else z[0] if len(z) == 1 else z
        x, memory = advance(sampler, step.score, x, memory, k, noise)
        made.append(step.ended(np.stack([x, *memory])))
    return _carried(made, np.zeros((1 + len(memory), *x.shape)))


class _Made(NamedTuple):
    """Φ_k (N, V d, V d) and δ_k (V, N, d) of a step."""

    jacobian: Float
    added: Float


def _carried(made: list[_Made], total: Float) -> Float:
    """Σ_k |Φ_{n-1} ⋯ Φ_{k+1}| δ_k, from the last step to the first."""
    v, n, d = total.shape
    through = np.tile(np.eye(v * d), (n, 1, 1))
    for step in reversed(made):
        rows = step.added.transpose(1, 0, 2).reshape(n, v * d, 1)
        total += (np.abs(through) @ rows).reshape(n, v, d).transpose(1, 0, 2)  # (KRB.1)
        through = through @ step.jacobian
    return total


class _Step:
    """One step of the reference, watched: what it adds, and how it carries what came before."""

    def __init__(self, plan: Plan, q: int, states: Float, noise: Float, laws: list[Any]) -> None:
        self.plan, self.q, self.states, self.noise, self.laws = plan, q, states, noise, laws
        v, self.n, self.d = states.shape
        self.scores: list[Float] = []
        self.slopes: list[Float] = []
        """J_j D_j (N, d, V d)."""
        self.errors: list[Float] = []
        """δs_j (N, d)."""
        self.unit = np.eye(v * self.d).reshape(v, 1, self.d, v * self.d)

    def score(self, x: Any, *_: Any) -> Float:
        """The score, asked by the reference's step."""
        plan, q, j = self.plan, self.q, len(self.scores)
        law = self.laws[plan.level[q, j]]
        s: Float = law.score(x)
        row = (plan.point_state[q, j], plan.point_score[q, j], plan.point_noise[q, j])
        moved = self._sums(row, np.asarray(x))
        jacobian = law.score_jacobian(x)
        self.scores.append(s)
        self.slopes.append(jacobian @ self._slope(*row[:2]))
        self.errors.append(_score_error(law, np.asarray(x)) + (np.abs(jacobian) @ moved[..., None])[..., 0])  # (KRB.4)
        return s

    def ended(self, states: Float) -> _Made:
        """What it did, when it has gone to `states`."""
        plan, q, v = self.plan, self.q, len(self.states)
        rows = [(plan.state[q, i], plan.score[q, i], plan.noise[q, i]) for i in range(v)]
        added = np.stack([self._sums(row, states[i]) for i, row in enumerate(rows)])
        slope = np.stack([np.broadcast_to(self._slope(*row[:2]), (self.n, self.d, v * self.d)) for row in rows], 1)
        return _Made(slope.reshape(self.n, v * self.d, v * self.d), added)

    def _sums(self, row: tuple[Float, Float, Float], found: Float) -> Float:
        """ω and what the scores' errors add to it, of a sum that the reference made as `found`."""
        by_state, by_score, by_noise = row
        sources = (*zip(by_state, self.states), *zip(by_score, self.scores), *zip(by_noise, self.noise))
        total, size, m = _summed(sources, found)
        added = np.abs(found - total) + 2 * m * U * size  # (KRB.3)
        for b, error in zip(by_score, self.errors):
            added = added + abs(b) * error  # (KRB.4)
        return added

    def _slope(self, by_state: Float, by_score: Float) -> Float:
        """Derivative of a sum by the states at the step's beginning, (1 or N, d, V d)."""
        value = np.asarray(np.tensordot(by_state, self.unit, 1), dtype=np.float64)
        for b, slope in zip(by_score.tolist(), self.slopes):
            value = value + b * slope  # (KRB.2)
        return value


def _summed(terms: Iterable[tuple[Any, Float]], like: Float) -> tuple[Float, Float, int]:
    """Σ c x as the kernels add it, Σ |c x|, and the number of terms."""
    total: Float = np.zeros_like(like)
    size, m = total, 0
    for c, x in terms:
        if c != 0:
            total, size, m = np.asarray(total + c * x), np.asarray(size + np.abs(c * x)), m + 1
    return total, size, m


def _score_error(law: Gaussian | Mixture, x: Float) -> Float:
    """η: how far the kernel's and the reference's score of one law may be apart at x.

    η = (4 d + 8) u |U| f |U|ᵀ |x - m|   of a Gaussian, f = 1/λ                                        (KRB.5)
    η = Σ_k r_k δℓ_k |s_k - s| + (4 d + 2 K + 16) u Σ_k r_k |U_k| f_k |U_k|ᵀ |x - μ_k|                  (KRB.6)
    """
    if isinstance(law, Gaussian):
        return np.asarray((4 * law.d + 8) * U * _through(law.covariance, np.abs(x - law.mean))[0])  # (KRB.5)
    d, n_components = law.d, len(law.weights)
    away = x - law.means[:, None]
    each, exponents = zip(*(_through(law.covariances[k], np.abs(away[k])) for k in range(n_components)))
    share, _, root, _ = law._scores(x)
    apart = np.sqrt(share)[..., None] * np.abs(root)  # r_k |s_k - s|
    moved = (_exponent_error(law, away, np.stack(exponents))[..., None] * apart).sum(0)
    size = (share[..., None] * np.stack(each)).sum(0)
    return np.asarray(moved + (4 * d + 2 * n_components + 16) * U * size)  # (KRB.6)


def _through(covariance: Any, away: Float) -> tuple[Float, Float]:
    """|U| f |U|ᵀ w and (|U|ᵀ w)ᵀ f (|U|ᵀ w) for w (n, d): no sign is left to cancel."""
    f, basis = 1 / covariance.values, covariance.basis
    if basis is None:
        return f * away, (f * away * away).sum(-1)
    y = away @ np.abs(basis)
    return (f * y) @ np.abs(basis).T, (f * y * y).sum(-1)


def _exponent_error(law: Mixture, away: Float, exponents: Float) -> Float:
    """δℓ_k (K, n): the kernels take the exponents one by one, the reference their differences from the nearest, j.

    δℓ_k = ½ (3 d + 10) u [Q_k(x - μ_k) + |μ_j - μ_k|ᵀ G_k(|x - μ_k| + |x - μ_j|) + Q_k(x - μ_j) + Q_j(x - μ_j)]
           + (2 d + 16) u [max_l |log w_l| + ½ max_l Σ_i |log λ_li| + ½ d log 2π + 1]                   (KRB.7)

    where G_k(w) = |U_k| f_k |U_k|ᵀ w and Q_k(w) = wᵀ G_k(|w|), for w ≥ 0, are what :func:`_through` gives.
    """
    d, weights, values = law.d, law.weights, law.covariances.values
    logs = np.abs(np.log(values)).sum(-1).max() * (d / values.shape[-1])
    chance = np.abs(np.log(weights[weights > 0])).max()  # a component of weight 0 has no share
    constant = chance + 0.5 * (logs + d * LOG_2PI) + 1.0
    nearest, rows = exponents.argmin(0), np.arange(away.shape[1])
    toward, own = np.abs(away[nearest, rows]), exponents[nearest, rows]
    lost = np.empty_like(exponents)
    for k in range(len(weights)):
        apart = np.abs(law.means[nearest] - law.means[k])
        gap = (apart * _through(law.covariances[k], np.abs(away[k]) + toward)[0]).sum(-1)
        terms = exponents[k] + gap + _through(law.covariances[k], toward)[1] + own
        lost[k] = 0.5 * (3 * d + 10) * terms + (2 * d + 16) * constant
    return U * lost  # (KRB.7)
