"""Noise levels, β sequences and time grids: where along a path a sampler stops."""

from __future__ import annotations

from refscore.schedules.betas import cosine_betas, linear_betas, scaled_linear_betas
from refscore.schedules.levels import geometric, karras
from refscore.schedules.ncsn import ncsnv2, ncsnv2_step
from refscore.schedules.times import log_snr_times, quadratic_times, uniform_times

__all__ = [
    "cosine_betas",
    "geometric",
    "karras",
    "linear_betas",
    "log_snr_times",
    "ncsnv2",
    "ncsnv2_step",
    "quadratic_times",
    "scaled_linear_betas",
    "uniform_times",
]
