"""Linear multistep methods: the memory is the last predictions, and a step is a row of numbers.

    x_{k+1} = K_k x_k + Σ_j w_kj m_{k-j} + q_k z_k,   m_k = predict(s(x_k, α_k, σ_k), x_k, k)            (MST.2)

Adams-Bashforth, DPM-Solver++(2M), DEIS and PLMS differ only in numbers that depend on the grid and not on the data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from refscore.arrays import Float
from refscore.samplers.multistep import Memory, Multistep, empty
from refscore.samplers.replay import Sampler, Score

__all__ = ["hold_starter", "linear_multistep"]


def hold_starter(starter: Sampler | None, start: tuple[float, float], stop: tuple[float, float], n_steps: int) -> None:
    """Hold who takes the first steps of a multistep method to its grid.

    Parameters
    ----------
    starter : Sampler or None
        Who takes them.
    start, stop : (float, float)
        (α, σ) of the first and of the last state.
    n_steps : int
        Number of steps.

    Raises
    ------
    TypeError
        If `starter` has a memory, or is no sampler.
    ValueError
        If `starter` has other ends, another number of steps, or draws noise.

    Examples
    --------
    >>> import refscore as rs
    >>> starter = rs.samplers.ddim(rs.paths.EDM(), [2.0, 1.0])
    >>> hold_starter(starter, (1.0, 2.0), (1.0, 0.5), 1)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: starter is Sampler(ddim: ...); expected a sampler without noise of 1 steps from (1.0, 2.0) to (1.0, 0.5)
    """
    if isinstance(starter, Multistep):
        raise TypeError(f"starter is {starter}; expected a Sampler, which needs no start itself")
    if starter is None:
        return
    if not hasattr(starter, "n_steps"):
        raise TypeError(f"starter is {starter!r}; expected a Sampler, such as refscore.samplers.ddim(path, times)")
    if (starter.start, starter.stop, starter.n_steps, starter.draws) != (start, stop, n_steps, 0):
        raise ValueError(
            f"starter is {starter}; expected a sampler without noise of {n_steps} steps from {start} to {stop}"
        )


def linear_multistep(
    name: str,
    *,
    levels: tuple[Float, Float],
    prior_scale: float,
    order: int,
    predict: Callable[[Float, Float, int], Float],
    keep: Float,
    weights: Sequence[Float],
    noises: Float | None = None,
    starter: Sampler | None = None,
) -> Multistep:
    """A linear multistep method from its tables.

        x_{k+1} = K_k x_k + Σ_j w_kj m_{k-j} + q_k z_k,   m_k = predict(s(x_k, α_k, σ_k), x_k, k)        (MST.2)

    Parameters
    ----------
    name : str
        What reports call it.
    levels : (n + 1,), (n + 1,)
        α_k and σ_k.
    prior_scale : float
        A run starts from N(0, prior_scale² I) unless told otherwise.
    order : int
        How many predictions a step uses at most; it remembers one less.
    predict : callable
        ``predict(s, x, k)``, the prediction that the score s at x and level k stands for.
    keep : (n,)
        K_k.
    weights : sequence of (≤ order,)
        w_k, the newest prediction first; the first steps have fewer.
    noises : (n,), optional
        q_k; None for a method that draws nothing.
    starter : Sampler, optional
        Who takes the first order - 1 steps, on the same grid; the history is written meanwhile.

    Returns
    -------
    Multistep
        Of n steps.

    Raises
    ------
    TypeError
        If `starter` has a memory, or is no sampler.
    ValueError
        If `starter` has other ends, another number of steps, or draws noise.

    Examples
    --------
    Two steps of x' = x + ½ m_0, then x' = x + 2 m_0 - m_1 with m = s = -x, from 4: 2, then 2 - 4 + 4.

    >>> import numpy as np
    >>> import refscore as rs
    >>> one = np.ones(3)
    >>> found = linear_multistep("mine", levels=(one, one), prior_scale=1.0, order=2, predict=lambda s, x, k: s,
    ...                          keep=np.ones(2), weights=[np.array([0.5]), np.array([2.0, -1.0])])
    >>> rs.samplers.replay(found, lambda x, alpha, sigma: -x, [[4.0]])
    array([[2.]])
    """
    alpha, sigma = levels
    start, stop = (float(alpha[0]), float(sigma[0])), (float(alpha[-1]), float(sigma[-1]))
    n = len(alpha) - 1
    hold_starter(starter, start, stop, n)

    def step(score: Score, x: Float, memory: Memory, k: int, noise: Float | None) -> tuple[Float, Memory]:
        history = (predict(score(x, float(alpha[k]), float(sigma[k])), x, k), *memory)
        if starter is not None and k < order - 1:
            return starter.step(score, x, k, None), history[: order - 1]
        moved = keep[k] * x
        for weight, prediction in zip(weights[k], history, strict=False):
            moved = moved + weight * prediction
        if noise is not None and noises is not None:
            moved = moved + noises[k] * noise  # (MST.2)
        return moved, history[: order - 1]

    return Multistep(name, n, int(noises is not None), prior_scale, start, stop, empty(order - 1), step)
