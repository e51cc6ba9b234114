"""What is minimised: one estimator a file, per-sample values and parameter gradients, never a mean over the batch."""

from __future__ import annotations

from refscore.objectives.conditional import classifier_free, classifier_free_gradient, conditional, conditional_gradient
from refscore.objectives.consistency import (
    consistency,
    consistency_gradient,
    consistency_pseudo_huber,
    consistency_pseudo_huber_gradient,
)
from refscore.objectives.couplings import assign, draw_pairs, entropic_plan, reflow_pairs
from refscore.objectives.denoising import denoising, denoising_gradient
from refscore.objectives.distillation import (
    consistency_distillation,
    consistency_distillation_gradient,
    euler_solver,
    heun_solver,
)
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
from refscore.objectives.flow_matching import flow_matching, flow_matching_gradient
from refscore.objectives.implicit import implicit, implicit_gradient
from refscore.objectives.interpolants import (
    interpolant_denoiser,
    interpolant_denoiser_gradient,
    interpolant_velocity,
    interpolant_velocity_gradient,
)
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
from refscore.objectives.progressive import progressive, progressive_gradient, progressive_target, truncated_snr
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
    "assign",
    "classifier_free",
    "classifier_free_gradient",
    "conditional",
    "conditional_gradient",
    "consistency",
    "consistency_distillation",
    "consistency_distillation_gradient",
    "consistency_gradient",
    "consistency_pseudo_huber",
    "consistency_pseudo_huber_gradient",
    "data_factor",
    "data_target",
    "denoising",
    "denoising_gradient",
    "draw_pairs",
    "edm",
    "edm_data",
    "edm_factor",
    "edm_gradient",
    "entropic_plan",
    "euler_solver",
    "explicit",
    "explicit_gradient",
    "finite_difference",
    "finite_difference_gradient",
    "finite_difference_score",
    "finite_difference_score_gradient",
    "flow_matching",
    "flow_matching_gradient",
    "heun_solver",
    "implicit",
    "implicit_gradient",
    "interpolant_denoiser",
    "interpolant_denoiser_gradient",
    "interpolant_velocity",
    "interpolant_velocity_gradient",
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
    "progressive",
    "progressive_gradient",
    "progressive_target",
    "reflow_pairs",
    "reweighted",
    "score_target",
    "sliced",
    "sliced_gradient",
    "sliced_variance_reduced",
    "sliced_variance_reduced_gradient",
    "snr",
    "soft_min_snr_data",
    "truncated_snr",
    "v_factor",
    "v_target",
    "velocity_factor",
    "velocity_target",
]
