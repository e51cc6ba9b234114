"""Learning rates: what a parameter of an optimiser is at step k = 0, 1, 2, …, as a function of k and nothing else.

    constant       η_k = η                                                                            (RAT.1)
    warm-up        η_k = min(1, (k + 1)/n) η'_k                                                       (RAT.2)
    cosine         η_k = η_end + ½ (η - η_end) (1 + cos(π min(k, n)/n))                               (RAT.3)
    exponential    η_k = η c^(k/n)                                                                    (RAT.4)
    step decay     η_k = η c^⌊k/n⌋                                                                    (RAT.5)

A function of k has no state, so a run that is resumed at step k has the rate it would have had.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import SupportsIndex, final

from refscore.arrays import Check, integer, not_negative, number, positive

__all__ = ["StepFunction", "constant", "cosine", "exponential", "of_step", "step_decay", "warm_up"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StepFunction:
    """A number that depends on the step: a learning rate, or the decay of an average.

    Parameters
    ----------
    name : str
        What it prints as, and what a checkpoint remembers of it.
    at : callable
        From k = 0, 1, 2, … to the number.

    Examples
    --------
    >>> half = StepFunction("halves", lambda k: 0.5**k)
    >>> half, half(3)
    (halves, 0.125)
    """

    name: str
    at: Callable[[int], float]

    def __repr__(self) -> str:
        return self.name

    def __call__(self, k: int) -> float:
        """The number at step `k`; one that is negative or not finite is refused."""
        value = float(self.at(k))
        if not 0.0 <= value < math.inf:
            raise ValueError(f"{self.name} is {value} at step {k}; expected a number >= 0")
        return value


Rate = float | Callable[[int], float]


def of_step(value: Rate, name: str, check: Check = positive) -> StepFunction:
    """Take a number for the constant function, and any callable for what it is.

    Parameters
    ----------
    value : float or callable
        η, or a function of the step.
    name : str
        What it is called in errors.
    check : callable
        What a number is held to.

    Returns
    -------
    StepFunction
        Named by its first two values if it is a callable without a name: give your own to a :class:`StepFunction`.

    Raises
    ------
    TypeError
        If it is neither.

    Examples
    --------
    >>> of_step(0.1, "rate"), of_step(lambda k: 0.1 / (k + 1), "rate")
    (0.1, function with values 0.1, 0.05 at steps 0, 1)
    """
    if isinstance(value, StepFunction):
        return value
    if callable(value):
        return StepFunction(f"function with values {float(value(0))}, {float(value(1))} at steps 0, 1", value)
    found = number(value, name, check)
    return StepFunction(repr(found), lambda _: found)  # (RAT.1)


def constant(rate: float) -> StepFunction:
    """The same rate at every step; a plain number means this.

        η_k = η                                                                                       (RAT.1)

    Parameters
    ----------
    rate : float
        η > 0.

    Returns
    -------
    StepFunction
        Of the step.

    Examples
    --------
    >>> constant(0.1)(7)
    0.1
    """
    return of_step(rate, "rate")


def warm_up(rate: Rate, n_steps: SupportsIndex) -> StepFunction:
    """Any rate, brought up linearly over the first steps.

        η_k = min(1, (k + 1)/n) η'_k                                                                  (RAT.2)

    Parameters
    ----------
    rate : float or callable
        η' > 0, or a function of the step.
    n_steps : int
        n ≥ 1: the step n - 1 is the first with the whole rate.

    Returns
    -------
    StepFunction
        Of the step.

    Notes
    -----
    Not to be confused with min(1, k/n), as in score_sde and in most schedulers with "warmup" in their name: their
    first step has rate 0 and does nothing. Nor with a schedule that begins when the warm-up has ended: η' counts its
    steps from the start of the run.

    Examples
    --------
    >>> [warm_up(1.0, 4)(k) for k in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """
    inner, n = of_step(rate, "rate"), integer(n_steps, "n_steps", 1)
    return StepFunction(f"warm_up({inner}, {n})", lambda k: min(1.0, (k + 1) / n) * inner(k))  # (RAT.2)


def cosine(rate: float, n_steps: SupportsIndex, *, end: float = 0.0) -> StepFunction:
    """Half a cosine from the rate to its end, then constant.

        η_k = η_end + ½ (η - η_end) (1 + cos(π min(k, n)/n))                                          (RAT.3)

    Parameters
    ----------
    rate : float
        η > 0, at k = 0.
    n_steps : int
        n ≥ 1, the first step with the rate η_end.
    end : float
        η_end ≥ 0.

    Returns
    -------
    StepFunction
        Of the step.

    Notes
    -----
    Not to be confused with torch's ``CosineAnnealingLR``, which rises again after ``T_max`` steps, nor with warm
    restarts.

    References
    ----------
    Loshchilov & Hutter (2017), SGDR: stochastic gradient descent with warm restarts, eq. 5.

    Examples
    --------
    By the half-angle formula, η cos²(πk/2n):

    >>> import math
    >>> eta = cosine(1.0, 6)
    >>> max(abs(eta(k) - math.cos(math.pi * k / 12) ** 2) for k in range(7)) < 2**-52
    True
    >>> eta(100)
    0.0
    """
    first, last = number(rate, "rate", positive), number(end, "end", not_negative)
    n = integer(n_steps, "n_steps", 1)

    def at(k: int) -> float:
        return last + 0.5 * (first - last) * (1.0 + math.cos(math.pi * min(k, n) / n))  # (RAT.3)

    return StepFunction(f"cosine({first}, {n}, end={last})", at)


def exponential(rate: float, factor: float, every: SupportsIndex = 1) -> StepFunction:
    """A rate that is multiplied by a factor every so many steps, smoothly.

        η_k = η c^(k/n)                                                                               (RAT.4)

    Parameters
    ----------
    rate : float
        η > 0, at k = 0.
    factor : float
        c > 0.
    every : int
        n ≥ 1.

    Returns
    -------
    StepFunction
        Of the step.

    Examples
    --------
    >>> eta = exponential(1.0, 0.5, 10)
    >>> eta(20), eta(5) ** 2 / eta(10) - 1 < 2**-51
    (0.25, True)
    """
    first, c, n = number(rate, "rate", positive), number(factor, "factor", positive), integer(every, "every", 1)
    return StepFunction(f"exponential({first}, {c}, {n})", lambda k: first * c ** (k / n))  # (RAT.4)


def step_decay(rate: float, factor: float, every: SupportsIndex) -> StepFunction:
    """A rate that is multiplied by a factor every so many steps, at once.

        η_k = η c^⌊k/n⌋                                                                               (RAT.5)

    Parameters
    ----------
    rate : float
        η > 0, for the first n steps.
    factor : float
        c > 0.
    every : int
        n ≥ 1.

    Returns
    -------
    StepFunction
        Of the step.

    Examples
    --------
    >>> [step_decay(1.0, 0.5, 2)(k) for k in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """
    first, c, n = number(rate, "rate", positive), number(factor, "factor", positive), integer(every, "every", 1)
    return StepFunction(f"step_decay({first}, {c}, {n})", lambda k: float(first * c ** (k // n)))  # (RAT.5)
