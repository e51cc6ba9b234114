"""What the cases of all paths share: the times, and which end of time is the data.

Times are numbers of float32, so that every dtype is asked at the same time. σ is held to its own size, also next to the
data, where a difference of two numbers near 1 has lost its digits; α is held to the size of the terms it is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.numbers import where_zero
from refscore.conformance.capability import Case, Convention, Function, Values

__all__ = ["TIME", "clock", "path_case", "times_of"]

TIME = Convention("time", "data_at_0", ("data_at_0", "data_at_1"), "at which end of time the data are")


def times_of(*values: float) -> dict[str, Float]:
    """Each time alone, then all in one batch, out of order."""
    exact = [float(np.float32(value)) for value in values]
    alone = {f"t={value:g}": np.array([number]) for value, number in zip(values, exact)}
    return {**alone, "batch": np.array(exact[1::2] + exact[::2])}


def clock(t: Float, conventions: Mapping[str, Any]) -> Float:
    """The time of the reference at the implementation's time `t`."""
    return 1 - t if conventions["time"] == "data_at_1" else t


def path_case(
    name: str,
    t: Float,
    keywords: Mapping[str, float],
    size: Values,
    *,
    reference_time: Float | None = None,
    told: Mapping[str, Any] | None = None,
) -> Case:
    """A case whose reference may be asked at another time, and may be told more than the implementation."""
    asked = t if reference_time is None else reference_time

    def expect(function: Function) -> Values:
        alpha, sigma = function(asked, **keywords, **(told or {}))
        return np.asarray(alpha), np.asarray(sigma)

    return Case(name, (t,), expect, tuple(where_zero(s) for s in size), keywords)
