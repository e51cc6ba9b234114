"""Hamiltonian Monte Carlo: a fresh velocity, a few leapfrog steps, and a decision.

Leapfrog keeps volume and turns around, so that the ratio of densities is the change of the energy -log p(x) + ½|v|²
alone; one step of length √ε is MALA. Without the decision the chain keeps another law near p, on Gaussians the one of
a modified energy: ``refscore.exact.phase_space``.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from refscore.arrays import Float, number, of_shape, positive, samples
from refscore.samplers.arguments import whole
from refscore.samplers.mala import Accepted, accept, log_prob_or_nothing
from refscore.samplers.replay import Sampler, Score

__all__ = ["hmc_step", "leapfrog", "unadjusted_hmc"]


def leapfrog(
    score: Callable[[Float], ArrayLike], x: ArrayLike, velocity: ArrayLike, *, step_size: ArrayLike, n_steps: int
) -> tuple[Float, Float]:
    """Leapfrog steps of dx = v dt, dv = s(x) dt.

        v₁ = v + (h/2) s(x),   x' = x + h v₁,   v' = v₁ + (h/2) s(x'),   L times                        (HMC.1)

    Parameters
    ----------
    score : callable
        s = ∇log p, from (\\*batch, d) to (\\*batch, d).
    x, velocity : (\\*batch, d)
        Position and velocity.
    step_size : float
        h > 0, a time: in units of x, since velocities have variance 1.
    n_steps : int
        L ≥ 1.

    Returns
    -------
    x, velocity : (\\*batch, d)
        After the last step.

    Raises
    ------
    ValueError
        If `step_size` or `n_steps` is not positive, or a shape is not that of `x`.

    Examples
    --------
    It can be walked back: turn the velocity round.

    >>> import numpy as np
    >>> x, v = leapfrog(np.sin, [[1.0]], [[0.5]], step_size=0.3, n_steps=5)
    >>> x, v = leapfrog(np.sin, x, -v, step_size=0.3, n_steps=5)
    >>> bool(abs(x[0, 0] - 1) < 1e-14), bool(abs(v[0, 0] + 0.5) < 1e-14)
    (True, True)
    """
    x = samples(x, "x")
    v = of_shape(velocity, "velocity", x.shape, "x")
    h = number(step_size, "step_size", positive)
    s = of_shape(score(x), "score(x)", x.shape, "x")
    for _ in range(whole(n_steps, "n_steps", 1)):
        v = v + 0.5 * h * s
        x = x + h * v
        s = of_shape(score(x), "score(x)", x.shape, "x")
        v = v + 0.5 * h * s  # (HMC.1)
    return x, v


def hmc_step(
    score: Callable[[Float], ArrayLike],
    log_prob: Callable[[Float], ArrayLike],
    x: ArrayLike,
    noise: ArrayLike,
    uniform: ArrayLike,
    *,
    step_size: ArrayLike,
    n_steps: int,
) -> tuple[Float, Accepted]:
    """One step of Hamiltonian Monte Carlo.

        (x*, v*) = leapfrog(x, z),   log a = log p(x*) - log p(x) + ½|z|² - ½|v*|²                      (HMC.2)

    Parameters
    ----------
    score : callable
        s, from (\\*batch, d) to (\\*batch, d); ∇log p, or anything else, which costs acceptance and no truth.
    log_prob : callable
        log p up to a constant, from (\\*batch, d) to (\\*batch,); -inf where p is 0.
    x, noise : (\\*batch, d)
        State, and standard normal z: the velocity.
    uniform : (\\*batch,)
        u in [0, 1).
    step_size : float
        h > 0, a time.
    n_steps : int
        L ≥ 1.

    Returns
    -------
    x : (\\*batch, d)
        x* where u < a, else x.
    accepted : (\\*batch,) of bool
        Which.

    Raises
    ------
    ValueError
        If `step_size` or `n_steps` is not positive, a shape is not that of `x`, u is outside [0, 1), or log p(x) is not
        finite.

    Notes
    -----
    Not to be confused with a step size in squared units: h is √ε where L = 1 makes it MALA.

    References
    ----------
    Neal (2011), MCMC using Hamiltonian dynamics, section 5.3.2.

    Examples
    --------
    >>> import numpy as np
    >>> x, z, u = np.array([[1.0], [2.0]]), np.array([[0.5], [-3.0]]), np.array([0.9, 0.2])
    >>> log_prob = lambda x: -(x**2).sum(-1) / 2
    >>> from refscore.samplers import mala_step
    >>> by_mala = mala_step(np.negative, log_prob, x, z, u, step_size=0.25)
    >>> by_hmc = hmc_step(np.negative, log_prob, x, z, u, step_size=0.5, n_steps=1)
    >>> bool(np.allclose(by_mala[0], by_hmc[0], rtol=1e-15)), (by_mala[1] == by_hmc[1]).all()
    (True, np.True_)
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    proposal, v = leapfrog(score, x, noise, step_size=step_size, n_steps=n_steps)
    density = of_shape(log_prob(x), "log_prob(x)", x.shape[:-1], "the batch of x")
    there = log_prob_or_nothing(log_prob(proposal), "log_prob(x)", x)
    log_ratio = there - density + 0.5 * ((noise - v) * (noise + v)).sum(-1)  # (HMC.2)
    return accept(x, proposal, log_ratio, uniform)


def unadjusted_hmc(step_size: ArrayLike, *, n_steps: int) -> Sampler:
    """Hamiltonian Monte Carlo at the data, s(x, 1, 0), without the decision, as a :class:`Sampler` of equal steps.

        x' = the position of leapfrog(x, z)                                                           (HMC.3)

    Parameters
    ----------
    step_size : float
        h > 0, a time.
    n_steps : int
        L ≥ 1, the leapfrog steps of one step.

    Returns
    -------
    Sampler
        Of any number of steps with one noise vector each, from N(0, I) unless told otherwise.

    Raises
    ------
    ValueError
        If `step_size` or `n_steps` is not positive.

    Examples
    --------
    Its variance ends at ℓ/(1 - h²/(4ℓ)), whatever L:

    >>> import refscore as rs
    >>> law = rs.exact.law(unadjusted_hmc(0.6, n_steps=4), rs.targets.gaussian([0.7], 0.36), steps=100)
    >>> round(float(law.cov[0, 0]), 13)
    0.48
    """
    h, count = number(step_size, "step_size", positive), whole(n_steps, "n_steps", 1)

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:  # noqa: ARG001  every step is the same
        assert noise is not None
        return leapfrog(lambda y: score(y, 1.0, 0.0), x, noise, step_size=h, n_steps=count)[0]  # (HMC.3)

    return Sampler("unadjusted hmc", None, 1, 1.0, None, None, step)
