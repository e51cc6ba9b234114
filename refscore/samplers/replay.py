"""The one form of every sampler, and the only loop.

A sampler is a pure step, repeated. Written with its level instead of its time, every score in this package is one
function

    s(x, α, σ) = ∇ₓ log p_{α,σ}(x),   p_{α,σ} the law of α x0 + σ ε                                     (RUN.1)

the *universal noisy score*, so that one exact score drives every sampler on every path. A run is

    x_{k+1} = step(s, x_k, k, z_k),   k = 0 … n - 1                                                     (RUN.2)

and everything random is in the tape z: the same tape gives the same states, wherever and whenever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, integer, number, of_shape, positive, samples
from refscore.samplers.multistep import Multistep, advance, described, first_memory, hold_counts

__all__ = ["Density", "Perturbable", "Sampler", "Score", "Step", "hold_sampler", "noisy_score", "replay", "shielded"]

Score = Callable[[Float, float, float], Float]
"""The universal noisy score s(x, α, σ) of (RUN.1)."""

Step = Callable[[Score, Float, int, "Float | None"], Float]
"""step(score, x, k, noise): the state after step k; `noise` is None for a sampler that draws none, and holds several
vectors, (draws, \\*batch, d), for one that draws more than one."""


class Density(Protocol):
    """A law with a score."""

    def score(self, x: ArrayLike, /) -> Float:
        """∇ log p(x), (\\*batch, d) to (\\*batch, d)."""


class Perturbable(Protocol):
    """A law whose noisy version α x0 + σ ε has a score in closed form."""

    def perturb(self, alpha: float, sigma: float) -> Density:
        """The law of α x0 + σ ε."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sampler:
    """A sampler, bound to its grid: one pure step and how often to take it.

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
    step : callable
        ``step(score, x, k, noise) -> x`` with the universal noisy score of (RUN.1).

    Examples
    --------
    >>> import refscore as rs
    >>> rs.samplers.ddim(rs.paths.EDM(), [80.0, 10.0, 1.0])
    Sampler(ddim: 2 steps from (α, σ) = (1, 80) to (1, 1), no noise)
    """

    name: str
    n_steps: int | None
    draws: int
    prior_scale: float
    start: tuple[float, float] | None
    stop: tuple[float, float] | None
    step: Step

    def __post_init__(self) -> None:
        integer(self.draws, "draws")
        if self.n_steps is not None:
            integer(self.n_steps, "n_steps")
        hold_counts(self.n_steps, self.draws)
        number(self.prior_scale, "prior_scale", positive)
        if not callable(self.step):
            raise TypeError(f"step is {self.step!r}; expected a callable step(score, x, k, noise)")

    def __repr__(self) -> str:
        return f"Sampler({described(self)})"


def noisy_score(target: Perturbable) -> Score:
    """The universal noisy score of a target in closed form.

        s(x, α, σ) = ∇ₓ log p_{α,σ}(x),   p_{α,σ} the law of α x0 + σ ε                                 (RUN.1)

    Parameters
    ----------
    target : Gaussian, Mixture or Empirical
        The law of x0.

    Returns
    -------
    callable
        ``score(x, alpha, sigma)``; at (1, 0) it is the score of the data themselves, where they have one.

    Raises
    ------
    TypeError
        If `target` has no ``perturb``.

    Examples
    --------
    For N(0, 1) the noisy law is N(0, α² + σ²):

    >>> import refscore as rs
    >>> s = noisy_score(rs.targets.gaussian([0.0], 1.0))
    >>> s([[1.0]], 0.6, 0.8), s([[1.0]], 1.0, 1.0)
    (array([[-1.]]), array([[-0.5]]))
    """
    if not callable(getattr(target, "perturb", None)):
        raise TypeError(f"target is {target!r}; expected one that can be perturbed, with perturb(alpha, sigma)")

    def score(x: ArrayLike, alpha: float, sigma: float) -> Float:
        return target.perturb(alpha, sigma).score(x)  # (RUN.1)

    return score


def replay(
    sampler: Sampler | Multistep,
    score: Score,
    x: ArrayLike,
    noise: ArrayLike | None = None,
    *,
    callback: Callable[[int, Float], None] | None = None,
) -> Float:
    """Run a sampler on a noise tape: the only loop of the package.

        x_{k+1} = step(s, x_k, k, z_k),   k = 0 … n - 1                                                 (RUN.2)

    Parameters
    ----------
    sampler : Sampler or Multistep
        What to run.
    score : callable
        s(x, α, σ), for instance :func:`noisy_score` of a target.
    x : (\\*batch, d)
        The state at ``sampler.start``.
    noise : (n, \\*batch, d), optional
        The tape, one standard normal vector a step and sample; None for a sampler that draws none, and (n, draws,
        \\*batch, d) for one that draws several. A sampler of equal steps takes as many as the tape has.
    callback : callable, optional
        Called as ``callback(k, x)`` with the state after each step k = 0 … n - 1, which it cannot write to. What it
        raises ends the run.

    Returns
    -------
    (\\*batch, d)
        The state at ``sampler.stop``; no argument is written to.

    Raises
    ------
    TypeError
        If the sampler is none, or `score` or `callback` cannot be called.
    ValueError
        If the tape is missing, not wanted, or of another shape; or a score or a step returns another shape than that of
        the state, or a value that is not finite; or nothing says how many steps there are.

    Examples
    --------
    Langevin on N(0, 1) with ε = 1 and no noise halves the state at each step:

    >>> import numpy as np
    >>> import refscore as rs
    >>> s = rs.samplers.noisy_score(rs.targets.gaussian([0.0], 1.0))
    >>> rs.samplers.replay(rs.samplers.langevin(step_size=1), s, [[8.0]], np.zeros((3, 1, 1)))
    array([[1.]])
    """
    hold_sampler(sampler)
    asked = shielded(score)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback is {callback!r}; expected a callable callback(k, x)")
    state = np.array(samples(x, "x"))
    tape = _tape(sampler, state.shape, noise)
    n_steps = sampler.n_steps if tape is None else len(tape)
    if n_steps is None:
        raise ValueError(
            f"{sampler.name} takes any number of steps and draws no noise, so nothing says how many; "
            "expected n_steps in the sampler"
        )
    memory = first_memory(sampler, state)
    for k in range(n_steps):
        drawn = None if tape is None else np.array(tape[k])
        state, memory = advance(sampler, asked, state, memory, k, drawn)  # (RUN.2)
        if callback is not None:
            shown = state.view()
            shown.setflags(write=False)
            callback(k, shown)
    return state


def hold_sampler(sampler: object) -> None:
    """Hold what is to run to the two kinds of samplers.

    Parameters
    ----------
    sampler : object
        What was given.

    Raises
    ------
    TypeError
        If it is neither a Sampler nor a Multistep.

    Examples
    --------
    >>> import refscore as rs
    >>> hold_sampler(rs.samplers.langevin)
    Traceback (most recent call last):
        ...
    TypeError: sampler is a function; expected a Sampler or a Multistep, such as refscore.samplers.langevin(0.1)
    """
    if not isinstance(sampler, Sampler | Multistep):
        raise TypeError(
            f"sampler is a {type(sampler).__name__}; expected a Sampler or a Multistep, such as "
            "refscore.samplers.langevin(0.1)"
        )


def shielded(score: Score) -> Score:
    """A score held to the shape of its argument, which it can neither change nor be changed by.

    It is handed a copy of the state, and what it returns is copied: a score that works in place, returns its argument
    or writes into the array that it returned before is a function like any other.

    Parameters
    ----------
    score : callable
        s(x, α, σ).

    Returns
    -------
    callable
        The same function.

    Raises
    ------
    TypeError
        If it cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> shielded(lambda x, alpha, sigma: x[0])(np.ones((1, 2)), 1.0, 1.0)
    Traceback (most recent call last):
        ...
    ValueError: score(x, alpha, sigma) has shape (2,); expected (1, 2), the shape of x
    """
    if not callable(score):
        raise TypeError(
            f"score is a {type(score).__name__}; expected a callable score(x, alpha, sigma), "
            "such as noisy_score(target)"
        )

    def asked(x: Float, alpha: float, sigma: float) -> Float:
        return np.array(of_shape(score(np.array(x), alpha, sigma), "score(x, alpha, sigma)", x.shape, "x"))

    return asked


def _tape(sampler: Sampler | Multistep, shape: tuple[int, ...], noise: ArrayLike | None) -> Float | None:
    if sampler.draws == 0:
        if noise is not None:
            raise ValueError(f"noise is given, but {sampler.name} draws none; expected noise=None")
        return None
    each = shape if sampler.draws == 1 else (sampler.draws, *shape)
    length = "n" if sampler.n_steps is None else str(sampler.n_steps)
    many = "one vector" if sampler.draws == 1 else f"{sampler.draws} vectors"
    wanted = f"({length}, {', '.join(map(str, each))}), {many} a step for x with shape {shape}"
    if noise is None:
        raise ValueError(f"noise is None, but {sampler.name} draws it; expected a tape of shape {wanted}")
    tape = as_float64(noise, "noise")
    if tape.shape[1:] != each or tape.ndim == 0 or sampler.n_steps not in (None, len(tape)):
        raise ValueError(f"noise has shape {tape.shape}; expected {wanted}")
    return tape
