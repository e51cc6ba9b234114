"""Noise levels, β sequences and time grids: where along a path a sampler stops."""

from __future__ import annotations

from refscore.schedules.betas import cosine_betas, linear_betas, scaled_linear_betas
from refscore.schedules.levels import geometric, karras
from refscore.schedules.ncsn import ncsnv2, ncsnv2_step
from refscore.schedules.respacing import leading_labels, linspace_labels, times_of_labels, trailing_labels
from refscore.schedules.times import karras_times, log_snr_times, quadratic_times, uniform_times

__all__ = [
    "cosine_betas",
    "geometric",
    "karras",
    "karras_times",
    "leading_labels",
    "linear_betas",
    "linspace_labels",
    "log_snr_times",
    "ncsnv2",
    "ncsnv2_step",
    "quadratic_times",
    "scaled_linear_betas",
    "times_of_labels",
    "trailing_labels",
    "uniform_times",
]
