"""All capabilities, one family a file; each one value: signature, cases, checks and faults together."""

from __future__ import annotations

from refscore.conformance.capabilities.black_box import BLACK_BOX
from refscore.conformance.capabilities.objectives import OBJECTIVES
from refscore.conformance.capability import Capability

__all__ = ["CATALOGUE"]

CATALOGUE: dict[str, Capability] = {capability.name: capability for capability in (*OBJECTIVES, BLACK_BOX)}
