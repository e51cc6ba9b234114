"""What the cases of all schedules share: no positional arguments at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from refscore.conformance.capability import Case, Function, Values, as_values

__all__ = ["schedule_case"]


def schedule_case(
    name: str, keywords: Mapping[str, Any], size: Values, *, told: Mapping[str, Any] | None = None, claim: str = ""
) -> Case:
    """A case of keywords alone; the reference may be told more than the implementation."""

    def expect(function: Function) -> Values:
        return as_values(function(**keywords, **(told or {})))

    return Case(name, (), expect, size, keywords, claim)
