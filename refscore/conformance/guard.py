"""Calling other people's code: whatever it does becomes a value, never our crash."""

from __future__ import annotations

import inspect
import os
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.conformance.capability import Offer, Values
from refscore.conformance.gradients import NoGradient
from refscore.conformance.kinds import ArrayKind, as_float
from refscore.conformance.recorders import OutOfReach, Tape, WrongDraws, serve

__all__ = ["AdapterFailure", "Call", "Misfit", "Mutated", "describe", "source", "where"]


_HERE = os.path.dirname(os.path.abspath(__file__))
_OURS = os.path.dirname(_HERE)
_EXAMPLES = os.path.join(_OURS, "examples")


class AdapterFailure(Exception):
    """The implementation raised, or returned something that is no answer."""


class Misfit(AdapterFailure):
    """The implementation does not take the arguments that its capability is called with."""


class Mutated(Exception):
    """The implementation wrote to one of its arguments."""

    symptom = "mutation"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """The function under test, NumPy in and NumPy out.

    Parameters
    ----------
    offer : Offer
        The function and what it declares.
    kind : ArrayKind
        Its array library.
    watch : bool
        Whether to look for arguments that were written to.
    """

    offer: Offer
    kind: ArrayKind
    watch: bool = False

    def __call__(
        self,
        arguments: Sequence[Any],
        keywords: Mapping[str, Any],
        *,
        random: Sequence[int] = (),
        tape: Tape | None = None,
    ) -> Values:
        """Call the implementation once.

        Parameters
        ----------
        arguments, keywords : sequence, mapping
            NumPy arrays, floats, test models.
        random : sequence of int
            Arguments that are noise; served instead of passed when the implementation draws by itself.
        tape : Tape, optional
            Serves the draws of a run whose noise is no argument at all.

        Returns
        -------
        tuple of ndarray
            The outputs in float64, their shapes as they came.

        Raises
        ------
        AdapterFailure
            If the call raises, cannot be made with these arguments, or does not return real numbers.
        WrongDraws
            If the noise it asks for is not the noise that the capability is made of.
        NoGradient
            If its gradient was asked for, and it has none.
        Mutated
            If an argument was written to.
        """
        recorded = self.offer.noise == "recorded"
        tape = None if self.offer.noise == "internal" else tape
        inside = self.offer.noise != "argument"
        passed = [a for i, a in enumerate(arguments) if not (inside and i in random)]
        given = [self.kind.give(value) for value in passed]
        self._bind(given, keywords, [i for i in random if inside])
        if tape is None and recorded and random:
            tape = Tape.of([arguments[i] for i in random])
        named = {name: self.kind.give(value) for name, value in keywords.items()}
        kept = self._arrays(given, named) if self.watch else {}
        try:
            if tape is None:
                result = self.offer.function(*given, **named)
            else:
                with serve(self.kind.library, tape, self.offer.function):
                    result = self.offer.function(*given, **named)
        except (KeyboardInterrupt, WrongDraws, NoGradient):
            raise
        except OutOfReach as error:
            raise AdapterFailure(str(error)) from None
        except BaseException as error:  # SystemExit and friends too: it is their code, and our report
            shapes = _shapes(passed, self.offer.capability.parameters)
            raise AdapterFailure(f"raised {describe(error)}{shapes}{where(error)}") from None
        for name, after in (self._arrays(given, named) if self.watch else {}).items():
            if not np.array_equal(kept[name], after, equal_nan=True):
                raise Mutated(f"wrote to its argument {name}: arguments are not its own")
        return self._values(result)

    def _arrays(self, given: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """Copies of the array arguments as they are now, by name."""
        names = [_name(self.offer.capability.parameters, position) for position in range(len(given))]
        every = {**dict(zip(names, given)), **named}
        arrays = {n: v for n, v in every.items() if hasattr(v, "dtype") and hasattr(v, "shape")}
        return {name: np.array(self.kind.take(value)) for name, value in arrays.items()}

    def _bind(self, given: Sequence[Any], keywords: Mapping[str, Any], inside: Sequence[int]) -> None:
        try:
            signature = inspect.signature(self.offer.function)
        except (TypeError, ValueError):
            return  # builtins have none; the call itself will tell
        try:
            signature.bind(*given, **keywords)
        except TypeError as error:
            names = ", ".join(_name(self.offer.capability.parameters, position) for position in inside)
            without = f'\n  without {names}, by noise="{self.offer.noise}"' if names else ""
            offered = f"offered as {self.offer.capability.signature}{without}"
            raise Misfit(f"takes {signature}, which does not fit: {error}\n  {offered}") from None

    def _values(self, result: Any) -> Values:
        outputs = result if isinstance(result, (tuple, list)) else (result,)
        values = []
        for number, output in enumerate(outputs):
            what = "" if len(outputs) == 1 else f" as output {number + 1}"
            try:
                taken = self.kind.take(output)
            except Exception as error:
                raise AdapterFailure(
                    f"returned {type(output).__name__}{what}, which is no array: {describe(error)}"
                ) from None
            if taken.dtype.kind not in "fiub":  # a decision is a boolean
                raise AdapterFailure(f"returned {_kind_of(output, taken)}{what}; expected real numbers")
            if taken.dtype.kind == "f" and taken.dtype.itemsize < np.dtype(self.kind.dtype).itemsize:
                hint = ' (or declare dtype="float32")' if taken.dtype == np.float32 else ""
                raise AdapterFailure(
                    f"returned {taken.dtype}{what}, and the adapter declares {self.kind.dtype}: "
                    f"precision is lost on the way{hint}"
                )
            values.append(as_float(taken))
        return tuple(values)


def describe(error: BaseException) -> str:
    """An exception as one would write it.

    Parameters
    ----------
    error : BaseException
        What was raised.

    Returns
    -------
    str
        Its type and message on one line.
    """
    text = " ".join(str(error).split())
    return f"{type(error).__name__}({text!r})" if text else type(error).__name__


def where(error: BaseException) -> str:
    """The innermost line outside refscore that the exception went through.

    Parameters
    ----------
    error : BaseException
        What was raised.

    Returns
    -------
    str
        A second line "at file:line in function", or nothing.
    """
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if not f.filename.startswith(_OURS + os.sep) or f.filename.startswith(_EXAMPLES)]
    own = [frame for frame in theirs if "site-packages" not in frame.filename]
    for frame in reversed(own or theirs or [f for f in frames if not f.filename.startswith(_HERE)]):
        return f"\n  at {frame.filename}:{frame.lineno} in {frame.name}"
    return ""


def source(error: BaseException) -> str:
    """The innermost line an exception went through, whoever wrote it.

    Parameters
    ----------
    error : BaseException
        What was raised.

    Returns
    -------
    str
        A second line "at file:line in function".
    """
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"\n  at {os.path.relpath(frame.filename, _OURS)}:{frame.lineno} in {frame.name}"


def _kind_of(output: Any, taken: Any) -> str:
    if output is None:
        return "None"
    return type(output).__name__ if taken.dtype.kind == "O" else f"dtype {taken.dtype}"


def _name(parameters: Sequence[str], position: int) -> str:
    return parameters[position] if position < len(parameters) else f"number {position + 1}"


def _shapes(arguments: Sequence[Any], parameters: Sequence[str]) -> str:
    for position, argument in enumerate(arguments):
        if isinstance(argument, np.ndarray) and argument.ndim > 1:
            return f" for {_name(parameters, position)} of shape {argument.shape}"
    return ""
