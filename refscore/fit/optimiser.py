"""What an optimiser is: slots of memory of the shape of θ, and a step that writes to θ and to them in place.

The state of an optimiser is nothing but these arrays and the number of the step, so it can be saved, compared and
resumed without knowing which optimiser it is. Each family has a file and makes values of this one kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from refscore.models.activations import Array

__all__ = ["Advance", "Optimiser", "Slots"]

Slots = tuple[Array, ...]
Advance = Callable[[Array, Array, Slots, Array, int], None]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Optimiser:
    """A rule that takes θ and the gradient of a loss to the next θ.

    Parameters
    ----------
    name : str
        What it prints as, and what a checkpoint remembers of it.
    n_slots : int
        How many arrays of the shape of θ it carries along.
    advance : callable
        ``advance(theta, gradient, slots, scratch, k)``: one step in place. It writes to `theta`, `slots` and `scratch`
        and allocates nothing; all are (p,) and of one dtype, k = 0, 1, 2, … counts the steps.

    Examples
    --------
    Your own, here the step against the sign of the gradient:

    >>> import numpy as np
    >>> def against_the_sign(theta, gradient, slots, scratch, k):
    ...     np.sign(gradient, out=scratch)
    ...     scratch *= 0.5
    ...     theta -= scratch
    >>> signs = Optimiser("signs(0.5)", 0, against_the_sign)
    >>> signs, signs.step(np.array([1.0, 2.0]), np.array([-3.0, 0.1]), (), 0)
    (signs(0.5), (array([1.5, 1.5]), ()))
    """

    name: str
    n_slots: int
    advance: Advance

    def __repr__(self) -> str:
        return self.name

    def init(self, theta: Array) -> Slots:
        """The slots before the first step: zeros of the shape and dtype of `theta`."""
        return tuple(np.zeros_like(theta) for _ in range(self.n_slots))

    def step(self, theta: Array, gradient: Array, slots: Slots, k: int) -> tuple[Array, Slots]:
        """One step as a pure function: the next θ and slots, nothing written to; k = 0, 1, 2, …"""
        theta, slots = theta.copy(), tuple(slot.copy() for slot in slots)
        self.advance(theta, gradient, slots, np.empty_like(theta), k)
        return theta, slots
