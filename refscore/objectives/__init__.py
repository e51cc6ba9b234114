"""What is minimised: one estimator a file, per-sample values and parameter gradients, never a mean over the batch."""

from __future__ import annotations

from refscore.objectives import projections
from refscore.objectives.approximate_backpropagation import (
    approximate_backpropagation,
    approximate_backpropagation_diagonal,
    approximate_backpropagation_gradient,
)
from refscore.objectives.boundaries import (
    Boundary,
    ball_distance,
    box_distance,
    capped,
    polyhedron_distance,
)
from refscore.objectives.boundary_weights import Weight, capped_weight, log_weight, power_weight, saturating_weight
from refscore.objectives.concrete import concrete, concrete_gradient, denoising_concrete, denoising_concrete_gradient
from refscore.objectives.conditional import classifier_free, classifier_free_gradient, conditional, conditional_gradient
from refscore.objectives.consistency import (
    consistency,
    consistency_gradient,
    consistency_pseudo_huber,
    consistency_pseudo_huber_gradient,
)
from refscore.objectives.couplings import assign, draw_pairs, entropic_plan, reflow_pairs
from refscore.objectives.curvature_propagation import (
    curvature_propagation,
    curvature_propagation_diagonal,
    curvature_propagation_plain,
    curvature_propagation_plain_gradient,
)
from refscore.objectives.decoder import discretised_gaussian, discretised_gaussian_slope
from refscore.objectives.denoising import denoising, denoising_gradient
from refscore.objectives.denoising_kernel import denoising_kernel, denoising_kernel_gradient
from refscore.objectives.discrete import ddpm, ddpm_gradient, smld, smld_gradient
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
from refscore.objectives.finite_difference_denoising import (
    finite_difference_denoising,
    finite_difference_denoising_gradient,
)
from refscore.objectives.flow_matching import flow_matching, flow_matching_gradient
from refscore.objectives.hybrid import hybrid, hybrid_gradient
from refscore.objectives.implicit import implicit, implicit_gradient
from refscore.objectives.interpolants import (
    interpolant_denoiser,
    interpolant_denoiser_gradient,
    interpolant_velocity,
    interpolant_velocity_gradient,
)
from refscore.objectives.kernels import (
    GaussianKernel,
    IsotropicKernel,
    Kernel,
    LaplaceKernel,
    StudentKernel,
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
from refscore.objectives.missing_marginal import LogDensity, missing_marginal, missing_marginal_gradient
from refscore.objectives.multilevel import level_weight, multilevel, multilevel_gradient
from refscore.objectives.neighbourhoods import hamming_neighbours, ring_neighbours
from refscore.objectives.nonnegative import nonnegative, nonnegative_gradient
from refscore.objectives.path import (
    data_target,
    noise_target,
    path,
    path_gradient,
    score_target,
    v_target,
    velocity_target,
)
from refscore.objectives.posterior import (
    large_log_variance,
    learned_log_variance,
    posterior_mean,
    predicted_mean,
    small_log_variance,
)
from refscore.objectives.progressive import progressive, progressive_gradient, progressive_target, truncated_snr
from refscore.objectives.ratio_matching import ratio_matching, ratio_matching_gradient
from refscore.objectives.score_entropy import (
    denoising_score_entropy,
    denoising_score_entropy_gradient,
    score_entropy,
    score_entropy_gradient,
)
from refscore.objectives.score_flow import (
    score_flow,
    score_flow_gradient,
    score_flow_implicit,
    score_flow_implicit_gradient,
    score_flow_prior,
)
from refscore.objectives.simplex import RootScore, orthant_least, orthant_product, simplex, simplex_gradient
from refscore.objectives.sliced import (
    sliced,
    sliced_gradient,
    sliced_variance_reduced,
    sliced_variance_reduced_gradient,
)
from refscore.objectives.sphere import sphere, sphere_gradient
from refscore.objectives.times import (
    likelihood_density,
    likelihood_normaliser,
    likelihood_time,
    log_normal_density,
    log_normal_level,
    logit_normal_density,
    logit_normal_time,
)
from refscore.objectives.truncated import box, box_gradient, truncated, truncated_gradient
from refscore.objectives.vlb import gaussian_kl, vlb, vlb_prior, vlb_term, vlb_weight

__all__ = [
    "Boundary",
    "GaussianKernel",
    "IsotropicKernel",
    "Kernel",
    "LaplaceKernel",
    "LogDensity",
    "RootScore",
    "StudentKernel",
    "Weight",
    "approximate_backpropagation",
    "approximate_backpropagation_diagonal",
    "approximate_backpropagation_gradient",
    "assign",
    "ball_distance",
    "box",
    "box_distance",
    "box_gradient",
    "capped",
    "capped_weight",
    "classifier_free",
    "classifier_free_gradient",
    "concrete",
    "concrete_gradient",
    "conditional",
    "conditional_gradient",
    "consistency",
    "consistency_distillation",
    "consistency_distillation_gradient",
    "consistency_gradient",
    "consistency_pseudo_huber",
    "consistency_pseudo_huber_gradient",
    "curvature_propagation",
    "curvature_propagation_diagonal",
    "curvature_propagation_plain",
    "curvature_propagation_plain_gradient",
    "data_factor",
    "data_target",
    "ddpm",
    "ddpm_gradient",
    "denoising",
    "denoising_concrete",
    "denoising_concrete_gradient",
    "denoising_gradient",
    "denoising_kernel",
    "denoising_kernel_gradient",
    "denoising_score_entropy",
    "denoising_score_entropy_gradient",
    "discretised_gaussian",
    "discretised_gaussian_slope",
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
    "finite_difference_denoising",
    "finite_difference_denoising_gradient",
    "finite_difference_gradient",
    "finite_difference_score",
    "finite_difference_score_gradient",
    "flow_matching",
    "flow_matching_gradient",
    "gaussian_kl",
    "hamming_neighbours",
    "heun_solver",
    "hybrid",
    "hybrid_gradient",
    "implicit",
    "implicit_gradient",
    "interpolant_denoiser",
    "interpolant_denoiser_gradient",
    "interpolant_velocity",
    "interpolant_velocity_gradient",
    "large_log_variance",
    "learned_log_variance",
    "level_weight",
    "likelihood_density",
    "likelihood_normaliser",
    "likelihood_time",
    "log_normal_density",
    "log_normal_level",
    "log_weight",
    "logit_normal_density",
    "logit_normal_time",
    "min_snr_data",
    "min_snr_noise",
    "min_snr_v",
    "missing_marginal",
    "missing_marginal_gradient",
    "multilevel",
    "multilevel_gradient",
    "noise_factor",
    "noise_target",
    "nonnegative",
    "nonnegative_gradient",
    "orthant_least",
    "orthant_product",
    "p2_noise",
    "path",
    "path_gradient",
    "polyhedron_distance",
    "posterior_mean",
    "power_weight",
    "predicted_mean",
    "progressive",
    "progressive_gradient",
    "progressive_target",
    "projections",
    "ratio_matching",
    "ratio_matching_gradient",
    "reflow_pairs",
    "reweighted",
    "ring_neighbours",
    "saturating_weight",
    "score_entropy",
    "score_entropy_gradient",
    "score_flow",
    "score_flow_gradient",
    "score_flow_implicit",
    "score_flow_implicit_gradient",
    "score_flow_prior",
    "score_target",
    "simplex",
    "simplex_gradient",
    "sliced",
    "sliced_gradient",
    "sliced_variance_reduced",
    "sliced_variance_reduced_gradient",
    "small_log_variance",
    "smld",
    "smld_gradient",
    "snr",
    "soft_min_snr_data",
    "sphere",
    "sphere_gradient",
    "truncated",
    "truncated_gradient",
    "truncated_snr",
    "v_factor",
    "v_target",
    "velocity_factor",
    "velocity_target",
    "vlb",
    "vlb_prior",
    "vlb_term",
    "vlb_weight",
]
