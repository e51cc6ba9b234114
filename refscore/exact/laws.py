"""The exact law of any sampler on a Gaussian: its steps are affine maps, and maps of Gaussians are Gaussians.

A step with an affine score is probed into x' = M x + N z + c, (LAW.1); a Gaussian goes in, a Gaussian comes out:

    N(m, C)  →  N(M m + c,  M C Mᵀ + Σ_k N_k N_kᵀ)                                                    (LAW.2)

For a sampler with memory the state is (x, m), one vector. Nothing is sampled, and nothing is assumed but the step
itself. Our own samplers are probed step by step, so that the noise of a whole run is never held at once; somebody
else's whole run is one :func:`refscore.exact.probe`.
"""

from __future__ import annotations

import numpy as np

from refscore.arrays import Float, integer
from refscore.exact.arguments import hold_kind
from refscore.exact.maps import AffineMap, NotAffine, probe
from refscore.samplers.arguments import whole
from refscore.samplers.multistep import Multistep, advance, first_memory
from refscore.samplers.replay import Sampler, Score, hold_sampler, noisy_score, shielded
from refscore.targets.gaussian import Gaussian, gaussian

__all__ = ["AffineMap", "NotAffine", "law", "probe", "step_map"]


def step_map(sampler: Sampler | Multistep, score: Score, k: int, d: int) -> AffineMap:
    """One step of a sampler with an affine score, as the map (LAW.1) of its state and its own noise.

    Parameters
    ----------
    sampler : Sampler or Multistep
        Whose step.
    score : callable
        s(x, α, σ), affine in x.
    k : int
        Which step.
    d : int
        Dimension.

    Returns
    -------
    AffineMap
        With the noises of one step. The map of a sampler that remembers n arrays has dimension (1 + n) d: x comes
        first, and so does each noise, which has no other coordinates.

    Raises
    ------
    NotAffine
        If the step bends, or the samples of a batch see each other.
    TypeError
        If the sampler is none, or `score` cannot be called.
    ValueError
        If `k` is no step of the sampler, `d` is not positive, or the score has another shape than the state.
    """
    hold_sampler(sampler)
    asked, d = shielded(score), integer(d, "d", 1)
    _hold_step(sampler, k)
    size = d * (1 + len(first_memory(sampler, np.zeros(d))))

    def run(pair: Float, noise: Float) -> Float:
        x, *memory = (pair[:, i : i + d] for i in range(0, size, d))
        z = noise[..., :d]
        drawn = None if sampler.draws == 0 else z[0] if sampler.draws == 1 else z
        moved, kept = advance(sampler, asked, x, tuple(memory), k, drawn)
        return np.concatenate([moved, *kept], axis=-1)

    return probe(run, size, sampler.draws)


def law(
    sampler: Sampler | Multistep, target: Gaussian, start: Gaussian | None = None, *, steps: int | None = None
) -> Gaussian:
    """The exact law of a sampler's output on a Gaussian target: the steps' maps, one after another, with no sampling.

        N(m, C)  →  N(M m + c,  M C Mᵀ + Σ_k N_k N_kᵀ)                                                (LAW.2)

    Parameters
    ----------
    sampler : Sampler or Multistep
        What runs, with the exact score of `target`.
    target : Gaussian
        The law of the clean data.
    start : Gaussian, optional
        The law of the first state; default N(0, prior_scale² I) of the sampler.
    steps : int, optional
        How many steps; required for a sampler of equal steps, else all, or the first so many.

    Returns
    -------
    Gaussian
        The law of the state after these steps.

    Raises
    ------
    NotAffine
        If `target` is no Gaussian, a step bends, or the samples of a batch see each other.
    TypeError
        If the sampler or `start` is none.
    ValueError
        If `steps` is missing, negative or beyond the sampler's last step, `start` has another dimension, or the state
        grows beyond float64.

    Notes
    -----
    Equal steps are composed by repeated squaring: a million cost as much as twenty.

    Examples
    --------
    After one step of Langevin from N(0, 1) with ε = 0.1 on N(0.7, 0.36): mean 0.05/0.36 · 0.7, variance
    (1 - 0.05/0.36)² + 0.1.

    >>> import refscore as rs
    >>> p = rs.exact.law(rs.samplers.langevin(step_size=0.1), rs.targets.gaussian([0.7], 0.36), steps=1)
    >>> p.mean.round(12), p.cov.round(12)
    (array([0.09722222]), array([[0.84151235]]))
    """
    hold_sampler(sampler)
    if not isinstance(target, Gaussian):
        if not callable(getattr(target, "perturb", None)):
            hold_kind(target, "target", Gaussian)
        raise NotAffine(
            f"law needs a Gaussian target and got {type(target).__name__}: its score is not affine, so what the "
            "sampler returns is not Gaussian. For states use refscore.samplers.replay with a tape, for the exact "
            "probability flow refscore.exact.flow, for the Gaussian with its moments gaussian(target.mean, target.cov)"
        )
    d, score = target.d, noisy_score(target)
    start = gaussian(np.zeros(d), sampler.prior_scale**2) if start is None else start
    if not isinstance(start, Gaussian):
        raise TypeError(f"start is a {type(start).__name__}; expected a Gaussian, such as gaussian(mean, cov)")
    if start.d != d:
        raise ValueError(f"start has dimension {start.d}; expected that of the target, {d}")
    n = _count(sampler, steps)

    mean, cov = _with_memory(sampler, start)
    if sampler.n_steps is None:
        step = step_map(sampler, score, 0, d)
        with np.errstate(over="ignore", invalid="ignore"):  # said below
            mean, cov = _push(*_power(step.matrix, step.noise_cov, step.constant, n), mean, cov)
        if not (np.isfinite(mean).all() and np.isfinite(cov).all()):
            raise ValueError(f"{sampler.name} grows without bound: after {n} steps its law is beyond float64")
    else:
        for k in range(n):
            step = step_map(sampler, score, k, d)
            mean, cov = _push(step.matrix, step.noise_cov, step.constant, mean, cov)
    return Gaussian(mean[:d], cov[:d, :d])


def _with_memory(sampler: Sampler | Multistep, start: Gaussian) -> tuple[Float, Float]:
    """The moments of (x, m_0), with m_0 affine in x."""
    rows = np.concatenate([np.zeros((1, start.d)), np.eye(start.d)])
    both = np.concatenate([rows, *first_memory(sampler, rows)], axis=-1)
    spread = both[1:] - both[0]
    cov: Float = spread.T @ start.cov @ spread
    return both[0] + start.mean @ spread, cov


def _hold_step(sampler: Sampler | Multistep, k: int) -> None:
    if (most := sampler.n_steps) is not None and integer(k, "k", 0) >= most:
        raise ValueError(f"k is {k}; expected below {most}, the number of steps of {sampler.name}")


def _count(sampler: Sampler | Multistep, steps: int | None) -> int:
    most = sampler.n_steps
    if steps is None:
        if most is None:
            raise ValueError(f"steps is None, but {sampler.name} takes any number of equal steps; say how many")
        return most
    n = whole(steps, "steps", 0)
    if most is not None and n > most:
        raise ValueError(f"steps is {steps}; expected a whole number ≤ {most}")
    return n


def _push(matrix: Float, noise_cov: Float, constant: Float, mean: Float, cov: Float) -> tuple[Float, Float]:
    pushed = matrix @ cov @ matrix.T + noise_cov  # (LAW.2)
    return matrix @ mean + constant, 0.5 * (pushed + pushed.T)


def _power(matrix: Float, noise_cov: Float, constant: Float, n: int) -> tuple[Float, Float, Float]:
    """The n-th power of x' = M x + c + noise of covariance Q, as (M, Q, c), by repeated squaring."""
    d = len(constant)
    done: tuple[Float, Float, Float] = np.eye(d), np.zeros((d, d)), np.zeros(d)
    base = matrix, noise_cov, constant
    while n:
        if n & 1:
            done = _compose(done, base)
        base = _compose(base, base)
        n >>= 1
    return done


def _compose(first: tuple[Float, Float, Float], second: tuple[Float, Float, Float]) -> tuple[Float, Float, Float]:
    (m1, q1, c1), (m2, q2, c2) = first, second
    c, q = _push(m2, q2, c2, c1, q1)
    return m2 @ m1, q, c  # (LAW.3)
