"""What is minimised: one estimator a file, per-sample values and parameter gradients, never a mean over the batch."""

from __future__ import annotations

from refscore.objectives.denoising import denoising, denoising_gradient
from refscore.objectives.edm import edm, edm_gradient
from refscore.objectives.explicit import explicit, explicit_gradient
from refscore.objectives.factors import (
    data_factor,
    edm_factor,
    noise_factor,
    reweighted,
    v_factor,
    velocity_factor,
)
from refscore.objectives.finite_difference import (
    finite_difference,
    finite_difference_gradient,
    finite_difference_score,
    finite_difference_score_gradient,
)
from refscore.objectives.implicit import implicit, implicit_gradient
from refscore.objectives.level_weights import (
    edm_data,
    min_snr_data,
    min_snr_noise,
    min_snr_v,
    p2_noise,
    snr,
    soft_min_snr_data,
)
from refscore.objectives.multilevel import level_weight, multilevel, multilevel_gradient
from refscore.objectives.path import (
    data_target,
    noise_target,
    path,
    path_gradient,
    score_target,
    v_target,
    velocity_target,
)
from refscore.objectives.sliced import (
    sliced,
    sliced_gradient,
    sliced_variance_reduced,
    sliced_variance_reduced_gradient,
)
from refscore.objectives.times import (
    likelihood_density,
    likelihood_normaliser,
    likelihood_time,
    log_normal_density,
    log_normal_level,
    logit_normal_density,
    logit_normal_time,
)

__all__ = [
    "data_factor",
    "data_target",
    "denoising",
    "denoising_gradient",
    "edm",
    "edm_data",
    "edm_factor",
    "edm_gradient",
    "explicit",
    "explicit_gradient",
    "finite_difference",
    "finite_difference_gradient",
    "finite_difference_score",
    "finite_difference_score_gradient",
    "implicit",
    "implicit_gradient",
    "level_weight",
    "likelihood_density",
    "likelihood_normaliser",
    "likelihood_time",
    "log_normal_density",
    "log_normal_level",
    "logit_normal_density",
    "logit_normal_time",
    "min_snr_data",
    "min_snr_noise",
    "min_snr_v",
    "multilevel",
    "multilevel_gradient",
    "noise_factor",
    "noise_target",
    "p2_noise",
    "path",
    "path_gradient",
    "reweighted",
    "score_target",
    "sliced",
    "sliced_gradient",
    "sliced_variance_reduced",
    "sliced_variance_reduced_gradient",
    "snr",
    "soft_min_snr_data",
    "v_factor",
    "v_target",
    "velocity_factor",
    "velocity_target",
]
