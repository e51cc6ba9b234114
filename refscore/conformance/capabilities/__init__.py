"""All capabilities, one family a file; each one value: signature, cases, checks and faults together."""

from __future__ import annotations

from refscore.conformance.capabilities.black_box import BLACK_BOX
from refscore.conformance.capabilities.conversions import CONVERSIONS
from refscore.conformance.capabilities.derivatives import DERIVATIVES
from refscore.conformance.capabilities.gradients import GRADIENTS
from refscore.conformance.capabilities.objectives import OBJECTIVES
from refscore.conformance.capabilities.paths import PATHS
from refscore.conformance.capabilities.samplers import SAMPLERS
from refscore.conformance.capabilities.scalings import SCALINGS
from refscore.conformance.capabilities.schedules import SCHEDULES
from refscore.conformance.capabilities.sdes import SDES
from refscore.conformance.capabilities.steps import STEPS
from refscore.conformance.capabilities.targets import TARGETS
from refscore.conformance.capability import Capability

__all__ = ["CATALOGUE"]

_LEARNING = (*DERIVATIVES, *OBJECTIVES, *SCALINGS, *GRADIENTS)

CATALOGUE: dict[str, Capability] = {
    capability.name: capability
    for capability in (*TARGETS, *CONVERSIONS, *PATHS, *SDES, *SCHEDULES, *_LEARNING, *STEPS, *SAMPLERS, BLACK_BOX)
}
