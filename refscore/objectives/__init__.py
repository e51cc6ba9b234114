"""What is minimised: one estimator a file, per-sample values and parameter gradients, never a mean over the batch."""

from __future__ import annotations

from refscore.objectives.denoising import denoising, denoising_gradient
from refscore.objectives.explicit import explicit, explicit_gradient
from refscore.objectives.finite_difference import (
    finite_difference,
    finite_difference_gradient,
    finite_difference_score,
    finite_difference_score_gradient,
)
from refscore.objectives.implicit import implicit, implicit_gradient
from refscore.objectives.multilevel import level_weight, multilevel, multilevel_gradient
from refscore.objectives.sliced import (
    sliced,
    sliced_gradient,
    sliced_variance_reduced,
    sliced_variance_reduced_gradient,
)

__all__ = [
    "denoising",
    "denoising_gradient",
    "explicit",
    "explicit_gradient",
    "finite_difference",
    "finite_difference_gradient",
    "finite_difference_score",
    "finite_difference_score_gradient",
    "implicit",
    "implicit_gradient",
    "level_weight",
    "multilevel",
    "multilevel_gradient",
    "sliced",
    "sliced_gradient",
    "sliced_variance_reduced",
    "sliced_variance_reduced_gradient",
]
