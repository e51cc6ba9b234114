"""Strong and weak errors of a sampler on a Gaussian, exact, between one step count and its double.

A coarse run and a fine one that share their Brownian path are one affine map of (x, x') and the fine noises, so that

    E |x_n - x_2n|² = |E (x_n - x_2n)|² + tr Cov (x_n - x_2n)                                           (CVG.1)

needs no sample. Successive ones fall as hᵖ with the strong order p, as do W₂(law_n, law_2n) with the weak one, and no
limit has to be known: ``observed_order`` of either is Richardson's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64
from refscore.exact.maps import probe
from refscore.samplers.multistep import Multistep
from refscore.samplers.replay import Sampler, noisy_score
from refscore.targets.gaussian import Gaussian, gaussian

__all__ = ["strong_difference"]


def strong_difference(
    coarse: Sampler,
    fine: Sampler,
    target: Gaussian,
    start: Gaussian | None = None,
    *,
    times: ArrayLike | None = None,
) -> float:
    """Root mean square distance of two runs on one Brownian path, the fine one with two steps for each of the coarse.

        √(E |x_n - x_2n|²),   z = (√h₁ z₁ + √h₂ z₂) / √(h₁ + h₂)                                       (CVG.2)

    Parameters
    ----------
    coarse, fine : Sampler
        Of n and of 2n steps, with one noise vector a step, or with none.
    target : Gaussian
        The law of the clean data.
    start : Gaussian, optional
        The law of the common first state; default N(0, prior_scale² I) of `coarse`.
    times : (2n + 1,), optional
        The fine grid in the time of the Brownian motion, for h; default equal steps.

    Returns
    -------
    float
        In the unit of x.

    Raises
    ------
    ValueError
        If the step counts do not fit, or a step takes several noises.

    Notes
    -----
    Not to be confused with W₂ of the two laws, the weak distance, which is at most this: there each run may have its
    own noise.

    Examples
    --------
    Euler-Maruyama with additive noise has strong order 1:

    >>> import refscore as rs
    >>> p, path = rs.targets.gaussian([0.7], 0.36), rs.paths.VP()
    >>> runs = [rs.samplers.euler_maruyama(path, np.linspace(0.9, 0.1, n + 1)) for n in (64, 128, 256, 512, 1024)]
    >>> far = [strong_difference(one, two, p) for one, two in zip(runs, runs[1:])]
    >>> round(rs.exact.observed_order(far), 2)
    1.0
    """
    n = coarse.n_steps
    if isinstance(coarse, Multistep) or isinstance(fine, Multistep) or n is None or fine.n_steps != 2 * n:
        raise ValueError(f"coarse has {n} steps and fine has {fine.n_steps}; expected n and 2n, without memory")
    if coarse.draws != fine.draws or coarse.draws > 1:
        raise ValueError(f"coarse draws {coarse.draws} and fine {fine.draws} noises a step; expected 0 or 1 of both")
    h = np.ones(2 * n) if times is None else np.abs(np.diff(as_float64(times, "times")))
    if h.shape != (2 * n,):
        raise ValueError(f"times has {len(h) + 1} entries; expected {2 * n + 1}, the fine grid")
    d, score = target.d, noisy_score(target)
    first = gaussian(np.zeros(d), coarse.prior_scale**2) if start is None else start
    mean, cov = np.tile(first.mean, 2), np.tile(first.cov, (2, 2))
    for k in range(n):
        one, two = np.sqrt(h[2 * k : 2 * k + 2] / h[2 * k : 2 * k + 2].sum())

        def run(pair: Float, noise: Float, k: int = k, one: float = one, two: float = two) -> Float:
            x, y, z = pair[:, :d], pair[:, d:], noise[..., :d]
            drawn = (one * z[0] + two * z[1], z[0], z[1]) if coarse.draws else (None, None, None)
            x = coarse.step(score, x, k, drawn[0])  # (CVG.2)
            y = fine.step(score, fine.step(score, y, 2 * k, drawn[1]), 2 * k + 1, drawn[2])
            return np.concatenate([x, y], axis=-1)

        step = probe(run, 2 * d, 2 * coarse.draws)
        mean = step.matrix @ mean + step.constant
        cov = step.matrix @ cov @ step.matrix.T + step.noise_cov
    gap = np.concatenate([np.eye(d), -np.eye(d)], axis=1)
    square = ((gap @ mean) ** 2).sum() + max(0.0, float(np.trace(gap @ cov @ gap.T)))
    return float(np.sqrt(square))  # (CVG.1)
