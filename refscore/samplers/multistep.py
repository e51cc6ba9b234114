"""Samplers that remember: the state beside x is handed in and out, so that a step stays pure.

A multistep solver uses what the model said before, an underdamped sampler has a velocity. Either is a tuple of arrays
like x:

    m_0 = init(x_0),   (x_{k+1}, m_{k+1}) = step(s, x_k, m_k, k, z_k),   k = 0 … n - 1                  (MST.1)

With an affine score the pair (x, m) goes through affine maps, so that the law of x is exact here too. Methods whose
memory is their last predictions are in ``refscore.samplers.linear_multistep``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from refscore.arrays import Float, of_shape

if TYPE_CHECKING:
    from refscore.samplers.replay import Sampler, Score

__all__ = ["Memory", "Multistep", "advance", "described", "empty", "first_memory", "hold_counts"]

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
        Noise vectors a step takes; of several, ``step`` gets (draws, \\*batch, d).
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
        hold_counts(self.n_steps, self.draws)

    def __repr__(self) -> str:
        return f"Multistep({described(self)})"


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
        z_k; None for a sampler that draws none, (draws, \\*batch, d) for one that draws several.

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


def hold_counts(n_steps: int | None, draws: int) -> None:
    """Hold the counts of a sampler.

    Parameters
    ----------
    n_steps : int or None
        Number of steps, at least 1; None if every step is the same.
    draws : int
        Noise vectors a step takes, at least 0.

    Raises
    ------
    ValueError
        If one is less.
    """
    if draws < 0:
        raise ValueError(f"draws is {draws}; expected at least 0 noise vectors a step")
    if n_steps is not None and n_steps < 1:
        raise ValueError(f"n_steps is {n_steps}; expected at least 1, or None for any number")


def described(sampler: Sampler | Multistep) -> str:
    """What a sampler says of itself: name, steps, levels and noise.

    Parameters
    ----------
    sampler : Sampler or Multistep
        Which.

    Returns
    -------
    str
        One line.
    """
    count = "any number of equal steps"
    if sampler.n_steps is not None:
        count = f"{sampler.n_steps} step{'s' * (sampler.n_steps != 1)}"
    levels = ""
    if sampler.start is not None and sampler.stop is not None:
        first, last = (f"({alpha:.6g}, {sigma:.6g})" for alpha, sigma in (sampler.start, sampler.stop))
        levels = f" from (α, σ) = {first} to {last}"
    drawn = {0: "no noise", 1: "one noise vector a step"}.get(sampler.draws, f"{sampler.draws} noise vectors a step")
    return f"{sampler.name}: {count}{levels}, {drawn}"
