"""Capabilities ``objective.*.gradient``: derived by autodiff for torch and JAX, declared for NumPy."""

from __future__ import annotations

from refscore.conformance.capabilities.gradients.conditional import CONDITIONAL_GRADIENT
from refscore.conformance.capabilities.gradients.consistency import CONSISTENCY_GRADIENT
from refscore.conformance.capabilities.gradients.denoising import DENOISING_GRADIENT, MULTILEVEL_GRADIENT
from refscore.conformance.capabilities.gradients.edm import EDM_GRADIENT
from refscore.conformance.capabilities.gradients.finite_difference import FINITE_DIFFERENCE_GRADIENT
from refscore.conformance.capabilities.gradients.flow_matching import FLOW_MATCHING_GRADIENT
from refscore.conformance.capabilities.gradients.matching import EXPLICIT_GRADIENT, IMPLICIT_GRADIENT
from refscore.conformance.capabilities.gradients.missing_marginal import MISSING_MARGINAL_GRADIENT
from refscore.conformance.capabilities.gradients.nonnegative import NONNEGATIVE_GRADIENT
from refscore.conformance.capabilities.gradients.path import PATH_GRADIENT
from refscore.conformance.capabilities.gradients.sliced import SLICED_GRADIENT, SLICED_VARIANCE_REDUCED_GRADIENT

__all__ = ["GRADIENTS"]

GRADIENTS = (
    EXPLICIT_GRADIENT,
    IMPLICIT_GRADIENT,
    DENOISING_GRADIENT,
    MULTILEVEL_GRADIENT,
    SLICED_GRADIENT,
    SLICED_VARIANCE_REDUCED_GRADIENT,
    FINITE_DIFFERENCE_GRADIENT,
    NONNEGATIVE_GRADIENT,
    MISSING_MARGINAL_GRADIENT,
    PATH_GRADIENT,
    EDM_GRADIENT,
    FLOW_MATCHING_GRADIENT,
    CONDITIONAL_GRADIENT,
    CONSISTENCY_GRADIENT,
)
