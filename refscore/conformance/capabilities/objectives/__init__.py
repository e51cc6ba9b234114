"""Capabilities ``objective.*``: for each its signature, its cases, and the mistakes that people make there."""

from __future__ import annotations

from refscore.conformance.capabilities.objectives.conditional import CONDITIONAL
from refscore.conformance.capabilities.objectives.consistency import CONSISTENCY
from refscore.conformance.capabilities.objectives.denoising import DENOISING, MULTILEVEL
from refscore.conformance.capabilities.objectives.edm import EDM_LOSS
from refscore.conformance.capabilities.objectives.finite_difference import FINITE_DIFFERENCE
from refscore.conformance.capabilities.objectives.flow_matching import FLOW_MATCHING
from refscore.conformance.capabilities.objectives.matching import EXPLICIT, IMPLICIT
from refscore.conformance.capabilities.objectives.missing_marginal import MISSING_MARGINAL
from refscore.conformance.capabilities.objectives.nonnegative import NONNEGATIVE
from refscore.conformance.capabilities.objectives.path import PATH_LOSS
from refscore.conformance.capabilities.objectives.sliced import SLICED, SLICED_VARIANCE_REDUCED

__all__ = ["OBJECTIVES"]

OBJECTIVES = (
    EXPLICIT,
    IMPLICIT,
    DENOISING,
    MULTILEVEL,
    SLICED,
    SLICED_VARIANCE_REDUCED,
    FINITE_DIFFERENCE,
    NONNEGATIVE,
    MISSING_MARGINAL,
    PATH_LOSS,
    EDM_LOSS,
    FLOW_MATCHING,
    CONDITIONAL,
    CONSISTENCY,
)
