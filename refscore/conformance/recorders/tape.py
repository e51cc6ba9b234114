"""A tape: what the draws of an implementation under test return, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np

from refscore.arrays import Float

__all__ = ["Tape", "WrongDraws"]


class WrongDraws(Exception):
    """The implementation does not draw the noise that the algorithm is made of."""

    symptom = "wrong draws"


@final
@dataclass(slots=True, eq=False)
class Tape:
    """Serves draw after draw, and remembers what was asked for.

    Parameters
    ----------
    supply : callable
        From the number of the draw and the shape asked for to the values.
    finish : callable
        Called at the end with the shapes of all draws; raises `WrongDraws` if some are missing.
    asked : list of tuple
        The shapes asked for so far.
    """

    supply: Callable[[int, tuple[int, ...]], Float]
    finish: Callable[[Sequence[tuple[int, ...]]], None] = lambda _: None
    asked: list[tuple[int, ...]] = field(default_factory=list)

    def draw(self, shape: tuple[int, ...]) -> Float:
        """Standard normals for the next draw of this shape."""
        values = self.supply(len(self.asked), shape)
        self.asked.append(shape)
        return values

    @staticmethod
    def of(arrays: Sequence[Float]) -> Tape:
        """A tape of given arrays; an array with a leading axis may also be asked for slice by slice."""
        pending = [np.asarray(array) for array in arrays]
        whole = [array.shape for array in pending]

        def supply(number: int, shape: tuple[int, ...]) -> Float:
            if not pending:
                raise WrongDraws(f"draw {number + 1} has shape {shape}; the algorithm draws {_count(whole)} only")
            head = pending[0]
            if head.shape == shape:
                return pending.pop(0)
            if head.shape[1:] == shape:
                pending[0] = head[1:]
                if len(pending[0]) == 0:
                    pending.pop(0)
                return np.asarray(head[0])
            hint = _shared(shape, head.shape)
            raise WrongDraws(f"draw {number + 1} has shape {shape}; expected {head.shape}{hint}")

        def finish(asked: Sequence[tuple[int, ...]]) -> None:
            if any(array.any() for array in pending):  # noise that is zero need not be drawn: DDIM with η = 0
                done = f"drew {', '.join(map(str, asked))}" if asked else "drew nothing that refscore could see"
                raise WrongDraws(f"{done}; the algorithm draws {_count(whole)}")

        return Tape(supply, finish)


def _count(shapes: Sequence[tuple[int, ...]]) -> str:
    return " and ".join(f"noise of shape {shape}" for shape in shapes)


def _shared(asked: tuple[int, ...], expected: tuple[int, ...]) -> str:
    if len(asked) == len(expected) and any(a == 1 and e > 1 for a, e in zip(asked, expected)):
        return ": samples or dimensions share their noise"
    return ""
