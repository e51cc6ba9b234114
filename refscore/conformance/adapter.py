"""The adapter: how somebody else's functions are handed to refscore, each under a capability's name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, final

from refscore.conformance.capabilities import CATALOGUE
from refscore.conformance.capability import Capability, Offer
from refscore.conformance.gradients import AUTODIFF, derived
from refscore.conformance.kinds import LIBRARIES

__all__ = ["Adapter", "AdapterError"]

F = TypeVar("F", bound=Callable[..., Any])

NOISE = ("argument", "recorded", "internal")
DTYPES = ("float64", "float32")


class AdapterError(ValueError):
    """The adapter declares something that does not exist, or declares it twice."""


@final
@dataclass(slots=True, eq=False)
class Adapter:
    """Functions of one implementation, each under the name of the capability it claims to have.

    Parameters
    ----------
    name : str
        What is under test.
    version : str
        Its version, for the report.
    arrays : {"numpy", "torch", "jax", "cupy"}
        Library of the arrays its functions take.
    dtype : {"float64", "float32"}
        Dtype they compute in; the bound of every check is a multiple of its roundoff.
    offers : dict, optional
        What is offered so far, by capability; :meth:`implements` fills it.

    Raises
    ------
    AdapterError
        If `arrays` or `dtype` is not one of these.

    Examples
    --------
    >>> adapter = Adapter("mylib", version="1.2")
    >>> @adapter.implements("convert.score_to_noise")
    ... def score_to_noise(value, x, alpha, sigma):
    ...     return -sigma[:, None] * value
    >>> adapter
    Adapter mylib 1.2 (numpy, float64), 1 capability offered
    >>> adapter.implements("convert.score_to_nose")
    Traceback (most recent call last):
        ...
    AdapterError: adapter.implements("convert.score_to_nose") is no capability. Did you mean "convert.score_to_noise"?
    """

    name: str
    version: str = ""
    arrays: str = "numpy"
    dtype: str = "float64"
    offers: dict[str, Offer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, value, known in (("arrays", self.arrays, LIBRARIES), ("dtype", self.dtype, DTYPES)):
            if value not in known:
                raise AdapterError(f"Adapter({self.name!r}) has {what}={value!r}; expected one of {', '.join(known)}")

    def __repr__(self) -> str:
        count = len(self.offers)
        what = "capability" if count == 1 else "capabilities"
        return f"Adapter {self.title} ({self.arrays}, {self.dtype}), {count} {what} offered"

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}".strip()

    def implements(
        self, capability: str, *, noise: str | None = None, gradient: bool = True, **conventions: Any
    ) -> Callable[[F], F]:
        """Offer the decorated function under a capability's name.

        With torch and JAX an objective is offered together with its gradient, which the suite derives by autodiff.

        Parameters
        ----------
        capability : str
            Its name; ``refscore list`` has them all.
        noise : {"argument", "recorded", "internal"}, optional
            Where its noise comes from: an argument; drawn inside and served by refscore; drawn out of reach.
        gradient : bool
            False for an objective that nothing is trained with: its gradient is not derived.
        **conventions : object
            Named choices that the capability lists.

        Returns
        -------
        callable
            The decorator; the function itself is left as it is.

        Raises
        ------
        AdapterError
            If there is no such capability, convention or value, or the capability is offered already; or if it is a
            gradient, and the arrays are not NumPy's.
        """
        found = CATALOGUE.get(capability)
        call = f'adapter.implements("{capability}")'
        if found is None:
            raise AdapterError(f"{call} is no capability.{near(capability, list(CATALOGUE))}  (refscore list)")
        if capability in self.offers:
            raise AdapterError(f"{call} is offered twice by adapter {self.name!r}; use a list of adapters")
        if noise is not None and noise not in NOISE:
            raise AdapterError(f"{call} has noise={noise!r}; expected one of {', '.join(NOISE)}")
        if found.derivative_of and self.arrays != "numpy":
            how = "the suite derives it from" if self.arrays in AUTODIFF else "without autodiff it cannot be had from"
            raise AdapterError(f'{call} is declared with arrays="numpy" only; {how} {found.derivative_of!r}')
        known = {convention.name: convention for convention in found.conventions}
        for name, value in conventions.items():
            if name not in known:
                listed = ", ".join(known) if known else "none"
                raise AdapterError(f"{call} has no convention {name!r}.{near(name, list(known))} It has: {listed}")
            if not known[name].accepts(value):
                raise AdapterError(f"{call} has {name}={value!r}; expected {known[name].choices}")
        missing = [c.name for c in found.conventions if c.required and c.name not in conventions]
        if missing:
            raise AdapterError(f"{call} needs {' and '.join(missing)} declared: {known[missing[0]].meaning}")

        def register(function: F) -> F:
            if not callable(function):
                raise AdapterError(f"{call} decorates {function!r}, which cannot be called")
            offer = Offer(found, function, {**found.defaults, **conventions}, noise or found.noise)
            self.offers[capability] = offer
            slope = CATALOGUE.get(f"{capability}.gradient")
            if gradient and slope is not None and self.arrays in AUTODIFF:
                self.offers[slope.name] = _derived(offer, slope, self.arrays)
            return function

        return register


def _derived(offer: Offer, gradient: Capability, library: str) -> Offer:
    """The gradient of an offered objective, under the conventions that the two have in common."""
    declared = {name: offer.conventions[name] for name in gradient.defaults if name in offer.conventions}
    function = derived(offer.function, library, offer.conventions["reduction"])
    return Offer(gradient, function, {**declared, "reduction": "mean"}, offer.noise, derived=True)


def near(name: str, known: list[str]) -> str:
    """What a name that is unknown may have meant: one that it is a part of, or else one that is spelt like it."""
    close = [k for k in known if name in k][:1] or difflib.get_close_matches(name, known, n=1)
    return f' Did you mean "{close[0]}"?' if close else ""
