"""The Metropolis correction, and Langevin with it: MALA.

A Gaussian proposal x* = m(x) + F z is accepted with probability min(1, a), where

    log a = log p(x*) - log p(x) + ½|z|² - ½|z'|²,   z' = F⁻¹ (x - m(x*))                             (MALA.1)

z' being the noise that would lead back. The chain then has p as its stationary law at every step size, whatever m is.
Langevin's step as proposal gives MALA, m(x) = x a random walk. What the correction costs is the rate of acceptance, on
Gaussians known in closed form: ``refscore.exact.acceptance``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import Float, number, of_shape, positive, samples
from refscore.samplers.factors import applied, as_factor, solved

__all__ = ["Accepted", "accept", "log_prob_or_nothing", "mala_step", "metropolis_step"]

Accepted = NDArray[np.bool_]


def accept(x: ArrayLike, proposal: ArrayLike, log_ratio: ArrayLike, uniform: ArrayLike) -> tuple[Float, Accepted]:
    """The decision of Metropolis and Hastings, sample by sample.

        x' = x* where u < min(1, a), else x                                                           (MALA.2)

    Parameters
    ----------
    x, proposal : (\\*batch, d)
        State and proposal.
    log_ratio : (\\*batch,)
        log a; it may be -inf, which is never accepted.
    uniform : (\\*batch,)
        u in [0, 1).

    Returns
    -------
    x : (\\*batch, d)
        x', bit for bit the one or the other.
    accepted : (\\*batch,) of bool
        Which.

    Raises
    ------
    ValueError
        If a shape is another, u is outside [0, 1), or log a is nan or +inf.

    References
    ----------
    Hastings (1970), Monte Carlo sampling methods using Markov chains and their applications.

    Examples
    --------
    >>> accept([[0.0], [0.0]], [[5.0], [5.0]], [-0.7, -0.7], [0.49, 0.5])  # e^-0.7 = 0.4966
    (array([[5.],
           [0.]]), array([ True, False]))
    """
    x = samples(x, "x")
    proposal = of_shape(proposal, "proposal", x.shape, "x")
    u = of_shape(uniform, "uniform", x.shape[:-1], "the batch of x")
    if ((u < 0) | (u >= 1)).any():
        raise ValueError(f"uniform has values from {u.min()} to {u.max()}; expected them in [0, 1)")
    log_a = log_prob_or_nothing(log_ratio, "log_ratio", x)
    accepted: Accepted = u < np.exp(np.minimum(log_a, 0.0))  # (MALA.2)
    return np.where(accepted[..., None], proposal, x), accepted


def metropolis_step(
    mean: Callable[[Float], ArrayLike],
    log_prob: Callable[[Float], ArrayLike],
    x: ArrayLike,
    noise: ArrayLike,
    uniform: ArrayLike,
    *,
    factor: ArrayLike,
) -> tuple[Float, Accepted]:
    """The Metropolis correction of any Gaussian proposal x* = m(x) + F z, F constant.

        log a = log p(x*) - log p(x) + ½|z|² - ½|z'|²,   z' = F⁻¹ (x - m(x*))                         (MALA.1)

    Parameters
    ----------
    mean : callable
        m, from (\\*batch, d) to (\\*batch, d); any function. ``lambda x: x`` is the random walk.
    log_prob : callable
        log p up to a constant, from (\\*batch, d) to (\\*batch,); -inf where p is 0.
    x, noise : (\\*batch, d)
        State, and standard normal z.
    uniform : (\\*batch,)
        u in [0, 1).
    factor : (), (d,) or (d, d)
        F, in the unit of x: a number, a diagonal, or an invertible matrix. The proposal has covariance F Fᵀ.

    Returns
    -------
    x : (\\*batch, d)
        The proposal where it is accepted, else the state.
    accepted : (\\*batch,) of bool
        Which.

    Raises
    ------
    ValueError
        If F is singular, a shape is not that of `x`, u is outside [0, 1), or log p(x) is not finite.

    References
    ----------
    Hastings (1970), Monte Carlo sampling methods using Markov chains and their applications.

    Examples
    --------
    A proposal that is exact, x* ~ N(0, 1) from anywhere, is always accepted:

    >>> import numpy as np
    >>> x, z, u = np.array([[3.0], [0.5]]), np.array([[-2.0], [1.0]]), np.array([0.99, 0.99])
    >>> metropolis_step(np.zeros_like, lambda x: -(x**2).sum(-1) / 2, x, z, u, factor=1)[1]
    array([ True,  True])
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    root = as_factor(factor, x.shape[-1])
    proposal = of_shape(mean(x), "mean(x)", x.shape, "x") + applied(root, noise)
    back = solved(root, x - of_shape(mean(proposal), "mean(x)", x.shape, "x"))
    density = of_shape(log_prob(x), "log_prob(x)", x.shape[:-1], "the batch of x")
    there = log_prob_or_nothing(log_prob(proposal), "log_prob(x)", x)
    log_ratio = there - density + 0.5 * ((noise - back) * (noise + back)).sum(-1)  # (MALA.1)
    return accept(x, proposal, log_ratio, uniform)


def mala_step(
    score: Callable[[Float], ArrayLike],
    log_prob: Callable[[Float], ArrayLike],
    x: ArrayLike,
    noise: ArrayLike,
    uniform: ArrayLike,
    *,
    step_size: ArrayLike,
) -> tuple[Float, Accepted]:
    """One step of the Metropolis-adjusted Langevin algorithm.

        x* = x + (ε/2) s(x) + √ε z                                                                    (MALA.3)
        log a = log p(x*) - log p(x) - (√ε/2) z·S - (ε/8) |S|²,   S = s(x) + s(x*)                      (MALA.4)

    Parameters
    ----------
    score : callable
        s, from (\\*batch, d) to (\\*batch, d); ∇log p, or anything else, which costs acceptance and no truth.
    log_prob : callable
        log p up to a constant, from (\\*batch, d) to (\\*batch,); -inf where p is 0.
    x, noise : (\\*batch, d)
        State, and standard normal z.
    uniform : (\\*batch,)
        u in [0, 1).
    step_size : float
        ε > 0, in squared units of x.

    Returns
    -------
    x : (\\*batch, d)
        x* where u < a, else x.
    accepted : (\\*batch,) of bool
        Which.

    Raises
    ------
    ValueError
        If `step_size` is not positive, a shape is not that of `x`, u is outside [0, 1), or log p(x) is not finite.

    Notes
    -----
    (MALA.4) is (MALA.1) with F = √ε I. It is also one leapfrog step of length √ε, :func:`hmc_step`. Not to be confused
    with the step size of most samplers' code, x + τ s + √(2τ) z with τ = ε/2.

    References
    ----------
    Roberts & Tweedie (1996), Exponential convergence of Langevin distributions and their discrete approximations.

    Examples
    --------
    On N(0, 1) log a = -(ε/8) (x*² - x²). With ε = 1, x = 0 and z = 3: x* = 3 and a = e^(-9/8) = 0.3247.

    >>> import numpy as np
    >>> x, z = np.zeros((2, 1)), np.full((2, 1), 3.0)
    >>> mala_step(np.negative, lambda x: -(x**2).sum(-1) / 2, x, z, [0.3246, 0.3247], step_size=1)
    (array([[3.],
           [0.]]), array([ True, False]))
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    eps = number(step_size, "step_size", positive)
    here = of_shape(score(x), "score(x)", x.shape, "x")
    proposal = x + 0.5 * eps * here + np.sqrt(eps) * noise  # (MALA.3)
    both = here + of_shape(score(proposal), "score(x)", x.shape, "x")
    density = of_shape(log_prob(x), "log_prob(x)", x.shape[:-1], "the batch of x")
    gained = log_prob_or_nothing(log_prob(proposal), "log_prob(x)", x) - density
    log_ratio = gained - 0.5 * np.sqrt(eps) * (noise * both).sum(-1) - 0.125 * eps * (both**2).sum(-1)  # (MALA.4)
    return accept(x, proposal, log_ratio, uniform)


def log_prob_or_nothing(value: ArrayLike, name: str, x: Float) -> Float:
    """Hold a log density to one number for each sample, finite or -inf.

    Parameters
    ----------
    value, name : (\\*batch,), str
        The log density, and what it is called in the error.
    x : (\\*batch, d)
        The samples.

    Returns
    -------
    (\\*batch,)
        `value` in float64.

    Raises
    ------
    ValueError
        If the shape is another, or a value is nan or +inf.

    Examples
    --------
    >>> log_prob_or_nothing([-1.0, -np.inf], "log_prob(x)", np.zeros((2, 3)))
    array([ -1., -inf])
    """
    array = np.asarray(value)
    nothing = np.isneginf(array) if array.dtype.kind == "f" else np.zeros(array.shape, dtype=np.bool_)
    finite = of_shape(np.where(nothing, np.zeros_like(array), array), name, x.shape[:-1], "the batch of x")
    return np.where(nothing, -np.inf, finite)
