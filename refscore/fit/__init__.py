"""Training score models in NumPy: losses, optimisers, running means, and a loop that resumes to the same bits."""

from __future__ import annotations

from refscore.fit.adam import adam, adamw
from refscore.fit.clipping import clip
from refscore.fit.conditioning import Conditioning, conditioning, suggest_sigma_min
from refscore.fit.distances import largest_distance, nearest_distances
from refscore.fit.draws import Batches, shuffled, with_replacement
from refscore.fit.ema import debiased, ema_step, half_life, warmed_up
from refscore.fit.laws import Levels, among, gaussian, log_normal, log_uniform, orthogonal, rademacher, sphere
from refscore.fit.loop import Diverged, Interrupted, Result, train
from refscore.fit.loss import Loss
from refscore.fit.losses import explicit, implicit
from refscore.fit.noised import denoising, multilevel
from refscore.fit.optimiser import Optimiser
from refscore.fit.projected import finite_difference, finite_difference_score, sliced, sliced_variance_reduced
from refscore.fit.rates import StepFunction, constant, cosine, exponential, step_decay, warm_up
from refscore.fit.sgd import nesterov, sgd
from refscore.fit.starts import conditional_mlp, embedded_mlp, mlp, mlp_energy
from refscore.fit.state import State, load, save

__all__ = [
    "Batches",
    "Conditioning",
    "Diverged",
    "Interrupted",
    "Levels",
    "Loss",
    "Optimiser",
    "Result",
    "State",
    "StepFunction",
    "adam",
    "adamw",
    "among",
    "clip",
    "conditional_mlp",
    "conditioning",
    "constant",
    "cosine",
    "debiased",
    "denoising",
    "ema_step",
    "embedded_mlp",
    "explicit",
    "exponential",
    "finite_difference",
    "finite_difference_score",
    "gaussian",
    "half_life",
    "implicit",
    "largest_distance",
    "load",
    "log_normal",
    "log_uniform",
    "mlp",
    "mlp_energy",
    "multilevel",
    "nearest_distances",
    "nesterov",
    "orthogonal",
    "rademacher",
    "save",
    "sgd",
    "shuffled",
    "sliced",
    "sliced_variance_reduced",
    "sphere",
    "step_decay",
    "suggest_sigma_min",
    "train",
    "warm_up",
    "warmed_up",
    "with_replacement",
]
