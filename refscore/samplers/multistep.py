"""Samplers that remember: the state beside x is handed in and out, so that a step stays pure.

A multistep solver uses what the model said before, an underdamped sampler has a velocity. Either is a tuple of arrays
like x:

    m_0 = init(x_0),   (x_{k+1}, m_{k+1}) = step(s, x_k, m_k, k, z_k),   k = 0 … n - 1                  (MST.1)

With an affine score the pair (x, m) goes through affine maps, so that the law of x is exact here too. The memory of a
linear multistep method is its last predictions, and a step is a row of numbers:

    x_{k+1} = K_k x_k + Σ_j w_kj m_{k-j} + q_k z_k,   m_k = predict(s(x_k, α_k, σ_k), x_k, k)            (MST.2)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from refscore.arrays import Float, of_shape

if TYPE_CHECKING:
    from refscore.samplers.replay import Sampler, Score

__all__ = ["Memory", "Multistep", "advance", "empty", "first_memory", "hold_starter", "linear_multistep"]

Memory = tuple[Float, ...]
"""What a sampler remembers: arrays like x, always as many."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Multistep:
    """A sampler with memory, bound to its grid.

    Parameters
    ----------
    name : str
        What reports call it.
    n_steps : int or None
        Number of steps; None if every step is the same and any number may be taken.
    draws : int
        Noise vectors a step takes.
    prior_scale : float
        A run starts from N(0, prior_scale² I) unless told otherwise.
    start, stop : (float, float) or None
        (α, σ) of the first and of the last state; None for a sampler without levels.
    init : callable
        ``init(x) -> memory``, a tuple of arrays like x; affine in x. For an empty history it is :func:`empty`.
    step : callable
        ``step(score, x, memory, k, noise) -> (x, memory)`` with the universal noisy score of (RUN.1).

    Examples
    --------
    The momentum of the heavy ball, x' = x + m', m' = m/2 + s(x): on N(0, 1) from x = 1 it goes 1, 0, -½, -¼.

    >>> import refscore as rs
    >>> def step(score, x, memory, k, noise):
    ...     m = memory[0] / 2 + score(x, 1.0, 0.0)
    ...     return x + m, (m,)
    >>> ball = Multistep("heavy ball", 3, 0, 1.0, None, None, empty(1), step)
    >>> ball
    Multistep(heavy ball: 3 steps, no noise)
    >>> rs.samplers.replay(ball, rs.samplers.noisy_score(rs.targets.gaussian([0.0], 1.0)), [[1.0]])
    array([[-0.25]])
    """

    name: str
    n_steps: int | None
    draws: int
    prior_scale: float
    start: tuple[float, float] | None
    stop: tuple[float, float] | None
    init: Callable[[Float], Memory]
    step: Callable[[Score, Float, Memory, int, Float | None], tuple[Float, Memory]]

    def __post_init__(self) -> None:
        if self.draws < 0:
            raise ValueError(f"draws is {self.draws}; expected at least 0 noise vectors a step")
        if self.n_steps is not None and self.n_steps < 1:
            raise ValueError(f"n_steps is {self.n_steps}; expected at least 1, or None for any number")

    def __repr__(self) -> str:
        count = "any number of equal steps"
        if self.n_steps is not None:
            count = f"{self.n_steps} step{'s' * (self.n_steps != 1)}"
        levels = ""
        if self.start is not None and self.stop is not None:
            first, last = (f"({alpha:.6g}, {sigma:.6g})" for alpha, sigma in (self.start, self.stop))
            levels = f" from (α, σ) = {first} to {last}"
        drawn = (
            ("no noise", "one noise vector a step")[self.draws]
            if self.draws < 2
            else f"{self.draws} noise vectors a step"
        )
        return f"Multistep({self.name}: {count}{levels}, {drawn})"


def empty(n: int) -> Callable[[Float], Memory]:
    """The ``init`` of a sampler whose history is empty at first: n arrays of zeros like x.

    Parameters
    ----------
    n : int
        How many arrays the sampler remembers.

    Returns
    -------
    callable
        ``init(x)``.

    Examples
    --------
    >>> import numpy as np
    >>> empty(2)(np.ones((1, 3)))
    (array([[0., 0., 0.]]), array([[0., 0., 0.]]))
    """
    return lambda x: tuple(np.zeros_like(x) for _ in range(n))


def first_memory(sampler: Sampler | Multistep, x: Float) -> Memory:
    """What a sampler remembers before its first step: m_0 of (MST.1), () for one without memory.

    Parameters
    ----------
    sampler : Sampler or Multistep
        Whose memory.
    x : (\\*batch, d)
        The first state.

    Returns
    -------
    tuple of (\\*batch, d)
        m_0.

    Examples
    --------
    >>> import numpy as np
    >>> import refscore as rs
    >>> first_memory(rs.samplers.langevin(step_size=1), np.ones((1, 3)))
    ()
    """
    if not isinstance(sampler, Multistep):
        return ()
    return tuple(of_shape(m, f"the memory of {sampler.name}", x.shape, "x") for m in sampler.init(x))


def advance(
    sampler: Sampler | Multistep, score: Score, x: Float, memory: Memory, k: int, noise: Float | None
) -> tuple[Float, Memory]:
    """One step of any sampler, with memory or without.

        (x_{k+1}, m_{k+1}) = step(s, x_k, m_k, k, z_k)                                                 (MST.1)

    Parameters
    ----------
    sampler : Sampler or Multistep
        Whose step.
    score : callable
        s(x, α, σ).
    x : (\\*batch, d)
        x_k.
    memory : tuple of (\\*batch, d)
        m_k; () for a sampler without memory.
    k : int
        Which step.
    noise : (\\*batch, d) or None
        z_k; None for a sampler that draws none.

    Returns
    -------
    x : (\\*batch, d)
        x_{k+1}.
    memory : tuple of (\\*batch, d)
        m_{k+1}.

    Raises
    ------
    ValueError
        If the step returns a state or a memory of another shape, or another number of arrays.

    Examples
    --------
    >>> import numpy as np
    >>> import refscore as rs
    >>> advance(rs.samplers.langevin(step_size=1), lambda x, a, s: -x, np.ones((1, 1)), (), 0, np.zeros((1, 1)))
    (array([[0.5]]), ())
    """
    found: Memory = ()
    if isinstance(sampler, Multistep):
        moved, found = sampler.step(score, x, memory, k, noise)  # (MST.1)
    else:
        moved = sampler.step(score, x, k, noise)
    moved = of_shape(moved, f"the state after step {k} of {sampler.name}", x.shape, "x")
    if len(found) != len(memory):
        raise ValueError(
            f"step {k} of {sampler.name} remembers {len(found)} arrays; expected {len(memory)}, as many as before"
        )
    return moved, tuple(of_shape(m, f"the memory after step {k} of {sampler.name}", x.shape, "x") for m in found)


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
        If `starter` has a memory.
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
        If `starter` has a memory.
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
