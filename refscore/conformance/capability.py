"""What a capability is made of: conventions, cases, checks and faults are plain values that stand together.

A check divides an error by a bound. The bound is a unit roundoff u of the declared dtype times the size of the terms
that rounding acts on; a correct code in that dtype stays below 16 of them whatever algebra it uses:

    ratio = |got - expected| / (u · size),   conforms iff ratio ≤ 16                                  (BOUND.1)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from refscore.arrays import Float

__all__ = [
    "LIMIT",
    "Capability",
    "Case",
    "Check",
    "Convention",
    "Diagnosis",
    "Fault",
    "Figures",
    "Finding",
    "Function",
    "Offer",
    "Values",
    "as_values",
    "ratio_of",
    "unit_roundoff",
]

Function = Callable[..., Any]
Values = tuple[Float, ...]

Figures = tuple[tuple[str, tuple[float, ...]], ...]

LIMIT = 16.0  # the bound of (BOUND.1)


def unit_roundoff(dtype: str) -> float:
    """Half the distance from 1 to the next number: u = 2⁻⁵³ for float64, 2⁻²⁴ for float32.

    Parameters
    ----------
    dtype : str
        "float64" or "float32".

    Returns
    -------
    float
        u.

    Examples
    --------
    >>> 1.0 + unit_roundoff("float64") == 1.0, 1.0 + 2 * unit_roundoff("float64") == 1.0
    (True, False)
    """
    return {"float64": 2.0**-53, "float32": 2.0**-24}[dtype]


def as_values(result: object) -> Values:
    """One array or a tuple of them, as a tuple of float64 arrays.

    Parameters
    ----------
    result : array_like or tuple of array_like
        What a function returned.

    Returns
    -------
    tuple of ndarray
        Its outputs.
    """
    outputs = result if isinstance(result, tuple) else (result,)
    return tuple(np.asarray(output, dtype=np.float64) for output in outputs)


def ratio_of(got: Float, expected: Float, size: Float, u: float) -> Float:
    """The error in units of what rounding explains, entry by entry (BOUND.1).

    Parameters
    ----------
    got, expected, size : ndarray
        What came, what is right, and the size of the terms that rounding acts on.
    u : float
        Unit roundoff.

    Returns
    -------
    ndarray
        0 where both agree exactly (infinities included), inf where `got` is not a number and `expected` is.

    Examples
    --------
    >>> ratio_of(np.array([1.0 + 2.0**-52, np.nan]), np.ones(2), np.ones(2), 2.0**-53)
    array([ 2., inf])
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        error = np.abs(got - expected)
        ratio = error / (u * size)  # (BOUND.1)
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    return np.where(same, 0.0, np.where(np.isfinite(ratio) & np.isfinite(got), ratio, np.inf))


@final
@dataclass(frozen=True, slots=True)
class Convention:
    """A named choice: the suite converts the expected value, never the implementation's.

    Parameters
    ----------
    name : str
        As it is declared in ``adapter.implements``.
    default : object
        The value when nothing is declared.
    values : tuple
        The closed list; empty where `valid` decides.
    meaning : str
        One line.
    valid : callable, optional
        For conventions with an open domain (an order, a level): whether a value is acceptable.
    required : bool
        Whether it has to be declared.
    """

    name: str
    default: object
    values: tuple[object, ...]
    meaning: str
    valid: Callable[[object], bool] | None = None
    required: bool = False

    def accepts(self, value: object) -> bool:
        """Whether `value` may be declared."""
        return self.valid(value) if self.valid is not None else value in self.values

    @property
    def choices(self) -> str:
        """The values in words."""
        return " | ".join(str(value) for value in self.values) or self.meaning


@final
@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Arguments, what is right for them, and how far rounding may move it.

    Parameters
    ----------
    name : str
        Unique within the capability; part of the check's identifier.
    arguments : tuple
        Positional arguments: float64 arrays, floats, test models, paths.
    expect : callable
        From a function with the signature of the reference to the expected outputs in the declared conventions. It is
        called with the reference for the truth, and with each fault for the diagnosis.
    size : tuple of ndarray
        For every output the size of the terms that rounding acts on, see (BOUND.1).
    keywords : mapping
        Keyword arguments.
    claim : str
        The sentence that this case tests.
    random : tuple of int
        Which positional arguments are draws of noise: left out and served when the implementation draws by itself.
    one_point : bool
        Whether all samples are one point, with the noise 0, the unit vectors and more: then the outputs are the mean of
        the law at that point, and the columns of its noise matrix added to it.
    """

    name: str
    arguments: tuple[Any, ...]
    expect: Callable[[Function], Values]
    size: Values
    keywords: Mapping[str, Any] = field(default_factory=dict)
    claim: str = ""
    random: tuple[int, ...] = ()
    one_point: bool = False


@final
@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """A mistake people make, executable, with what it costs whoever has it.

    Parameters
    ----------
    name : str
        Short and stable, e.g. "DSM-variance".
    description : str
        What was done instead, in words.
    effect : str
        What the user of such a code sees.
    function : callable
        The reference with the mistake in it; same signature.
    link : str
        Where it was seen in the world.
    declared : mapping
        The conventions under which the mistake is offered, where they are not the default ones.
    """

    name: str
    description: str
    effect: str
    function: Function
    link: str = ""
    declared: Mapping[str, Any] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Which mistake the output looks like.

    Parameters
    ----------
    fault : str
        Name of the fault; "convention" or "factor" where it is none.
    description, effect, link : str
        As of the fault.
    match : str
        How well it fits.
    """

    fault: str
    description: str
    effect: str = ""
    link: str = ""
    match: str = "exact match"


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Parameters
    ----------
    outcome : str
        "pass", "fail" or "inconclusive".
    ratio : float
        The error in units of the bound's unit; not a number where a check has no such figure.
    message : str
        What a reader needs to see, several lines at most.
    detects : float
        The smallest relative error that this check would have caught; not a number where that is no single figure.
    sees : str
        The same in words, for checks that are no comparison of two numbers.
    bound : float
        What the ratio is held against.
    symptom : str
        How it fails, in a few words that two implementations with the same mistake share.
    figures : tuple of (str, tuple of float)
        Named series behind the verdict: step counts, errors, an order with its uncertainty.
    diagnosis : tuple of Diagnosis
        What it looks like.
    """

    outcome: str
    ratio: float = float("nan")
    message: str = ""
    detects: float = float("nan")
    sees: str = ""
    bound: float = LIMIT
    symptom: str = ""
    figures: Figures = ()
    diagnosis: tuple[Diagnosis, ...] = ()


@final
@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """One thing to find out about an implementation.

    Parameters
    ----------
    name : str
        Unique within the capability.
    claim : str
        The sentence that is tested.
    measure : callable
        From a call of the implementation (NumPy in, NumPy out) to a finding.
    needs : tuple of str
        Checks without which this one says nothing: if one of them fails, this one is blocked.
    """

    name: str
    claim: str
    measure: Callable[[Any], Finding]
    needs: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True, eq=False)
class Capability:
    """One thing an implementation may offer, everything about it in one place.

    Parameters
    ----------
    name : str
        e.g. "objective.denoising".
    title : str
        What it is, in a few words.
    signature : str
        As the adapter has to offer it.
    formula, label : str
        The formula in plain Unicode, and its label in the docs.
    source : str
        Reference with equation number.
    page : str
        The docs page.
    reference : callable
        The truth for default conventions.
    cases : callable
        From the declared conventions to the cases.
    faults : tuple of Fault
        The mistakes people make here.
    conventions : tuple of Convention
        The named choices.
    truth : str
        A closed form the checks rest on, where there is one worth showing.
    derivation : tuple of str
        Why the formula holds, in a few lines of at most 84 characters.
    noise : str
        Where an implementation's noise comes from unless it says otherwise.
    derivative_of : str
        The capability whose functions the suite differentiates where arrays know autodiff; then this one is declared
        with NumPy only.
    checks : callable, optional
        From the conventions, the dtype and the profile to checks that are more than one call compared with one value.
    """

    name: str
    title: str
    signature: str
    formula: str
    label: str
    source: str
    page: str
    reference: Function
    cases: Callable[[Mapping[str, Any]], Iterable[Case]]
    faults: tuple[Fault, ...]
    conventions: tuple[Convention, ...] = ()
    truth: str = ""
    derivation: tuple[str, ...] = ()
    noise: str = "argument"
    derivative_of: str = ""
    checks: Callable[[Mapping[str, Any], str, str], Iterable[Check]] | None = None

    @property
    def defaults(self) -> dict[str, object]:
        """The value of every convention when nothing is declared."""
        return {convention.name: convention.default for convention in self.conventions}

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the positional arguments, read off the signature."""
        inside = self.signature[self.signature.index("(") + 1 :]
        depth, name, names = 0, "", []
        for character in inside:
            if character == ")" and depth == 0:
                break
            depth += (character == "(") - (character == ")")
            if character == "," and depth == 0:
                names.append(name)
                name = ""
            else:
                name += character
        words = [part.strip().split(" ")[0] for part in [*names, name] if part.strip()]
        return tuple(words[: words.index("*")] if "*" in words else words)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """One function, offered under one capability.

    Parameters
    ----------
    capability : Capability
        What it claims to be.
    function : callable
        The function.
    conventions : dict
        All conventions, declared or default.
    noise : {"argument", "recorded", "internal"}
        Where its noise comes from.
    derived : bool
        Whether the suite made the function from another offer of the adapter.
    """

    capability: Capability
    function: Function
    conventions: dict[str, Any]
    noise: str
    derived: bool = False
