"""Training score models in NumPy: losses, optimisers, running means, and a loop that resumes to the same bits."""

from __future__ import annotations

from refscore.fit.adam import adam, adamw
from refscore.fit.clipping import clip
from refscore.fit.ema import debiased, ema_step, half_life, warmed_up
from refscore.fit.optimiser import Optimiser
from refscore.fit.rates import StepFunction, constant, cosine, exponential, step_decay, warm_up
from refscore.fit.sgd import nesterov, sgd

__all__ = [
    "Optimiser",
    "StepFunction",
    "adam",
    "adamw",
    "clip",
    "constant",
    "cosine",
    "debiased",
    "ema_step",
    "exponential",
    "half_life",
    "nesterov",
    "sgd",
    "step_decay",
    "warm_up",
    "warmed_up",
]
