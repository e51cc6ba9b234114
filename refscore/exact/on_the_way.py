"""Every law on the way of a sampler, beside the law it should have there.

A run goes down the levels (α_k, σ_k) of a path. After k steps its state has the law N(m_k, C_k) of (LAW.2), and should
have that of α_k x0 + σ_k ε. Where the two part, and whether a later step mends it, is seen step by step:

    W₂, KL and TV of N(m_k, C_k) from N(α_k m, α_k² C + σ_k² I),   k = 0 … n                            (MARG.1)

The level of a state is read from the sampler: it is where its next step first asks for the score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from refscore.arrays import Float
from refscore.exact.discrepancies import kl, total_variation, wasserstein2
from refscore.exact.laws import _count, _push, _with_memory, step_map
from refscore.exact.maps import NotAffine
from refscore.samplers.multistep import Multistep
from refscore.samplers.replay import Sampler, hold_sampler, noisy_score
from refscore.targets.gaussian import Gaussian, gaussian

__all__ = ["Marginal", "marginals"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Marginal:
    """The law after some steps, and the one it should be.

    Parameters
    ----------
    step : int
        k, how many steps were taken.
    alpha, sigma : float
        The level of the state.
    law, exact : Gaussian
        Of the sampler, and of α x0 + σ ε.
    """

    step: int
    alpha: float
    sigma: float
    law: Gaussian
    exact: Gaussian

    def __repr__(self) -> str:
        return f"Marginal after {self.step} steps at (α, σ) = ({self.alpha:.6g}, {self.sigma:.6g})"

    @property
    def wasserstein2(self) -> float:
        """W₂ between the two."""
        return wasserstein2(self.law, self.exact)

    @property
    def kl(self) -> float:
        """KL(law ‖ exact), in nats."""
        return kl(self.law, self.exact)

    @property
    def total_variation(self) -> float:
        """TV between the two."""
        return total_variation(self.law, self.exact)


def marginals(
    sampler: Sampler | Multistep, target: Gaussian, start: Gaussian | None = None, *, steps: int | None = None
) -> tuple[Marginal, ...]:
    """The exact law of every state of a run on a Gaussian target, from the first to the last.

        W₂, KL and TV of N(m_k, C_k) from N(α_k m, α_k² C + σ_k² I),   k = 0 … n                        (MARG.1)

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
    tuple of Marginal
        n + 1 of them. The last state of a run that goes to its end is at ``sampler.stop``.

    Raises
    ------
    NotAffine
        If `target` is no Gaussian.
    ValueError
        As for ``refscore.exact.law``; or if a step asks for no score.

    Examples
    --------
    DDIM leaves the path by a little at each step, first by √4.36 - 8.36/√16.36; the last law is that of ``law``:

    >>> import refscore as rs
    >>> p, path = rs.targets.gaussian([0.7], 0.36), rs.paths.EDM()
    >>> sampler = rs.samplers.ddim(path, [4.0, 2.0, 1.0, 0.5])
    >>> run = marginals(sampler, p, p.perturb(1.0, 4.0))
    >>> [round(at.wasserstein2, 3) for at in run], run[-1]
    ([0.0, 0.021, 0.047, 0.074], Marginal after 3 steps at (α, σ) = (1, 0.5))
    >>> rs.exact.wasserstein2(run[-1].law, rs.exact.law(sampler, p, p.perturb(1.0, 4.0)))
    0.0
    """
    hold_sampler(sampler)
    if not isinstance(target, Gaussian):
        raise NotAffine(f"marginals needs a Gaussian target and got {type(target).__name__}; see chapman_kolmogorov")
    d, exact_score = target.d, noisy_score(target)
    start = gaussian(np.zeros(d), sampler.prior_scale**2) if start is None else start
    if start.d != d:
        raise ValueError(f"start has dimension {start.d}; expected that of the target, {d}")
    asked: list[tuple[float, float]] = []

    def score(x: Float, alpha: float, sigma: float) -> Float:
        asked.append((float(alpha), float(sigma)))
        return exact_score(x, alpha, sigma)

    n = _count(sampler, steps)
    mean, cov = _with_memory(sampler, start)
    moments, levels = [(mean, cov)], []
    for k in range(n):
        asked.clear()
        step = step_map(sampler, score, k, d)
        if not asked:
            raise ValueError(f"step {k} of {sampler.name} asks for no score, so the level of its state is not known")
        levels.append(asked[0])
        mean, cov = _push(step.matrix, step.noise_cov, step.constant, mean, cov)
        moments.append((mean, cov))
    if sampler.n_steps == n and sampler.stop is not None:
        levels.append(sampler.stop)
    elif sampler.n_steps is None:
        levels.append(levels[-1] if levels else (1.0, 0.0))
    else:
        asked.clear()
        step_map(sampler, score, n, d)
        levels.append(asked[0])
    return tuple(
        Marginal(k, *level, Gaussian(m[:d], c[:d, :d]), target.perturb(*level))
        for k, ((m, c), level) in enumerate(zip(moments, levels, strict=True))
    )
