"""Conversions among score, noise, data, v and velocity: twenty linear maps at one (x, α, σ)."""

from __future__ import annotations

from refscore.predictions.conversions import (
    data_to_noise,
    data_to_score,
    data_to_v,
    noise_to_data,
    noise_to_score,
    noise_to_v,
    score_to_data,
    score_to_noise,
    score_to_v,
    v_to_data,
    v_to_noise,
    v_to_score,
)
from refscore.predictions.velocity import (
    data_to_velocity,
    noise_to_velocity,
    score_to_velocity,
    v_to_velocity,
    velocity_to_data,
    velocity_to_noise,
    velocity_to_score,
    velocity_to_v,
)

__all__ = [
    "data_to_noise",
    "data_to_score",
    "data_to_v",
    "data_to_velocity",
    "noise_to_data",
    "noise_to_score",
    "noise_to_v",
    "noise_to_velocity",
    "score_to_data",
    "score_to_noise",
    "score_to_v",
    "score_to_velocity",
    "v_to_data",
    "v_to_noise",
    "v_to_score",
    "v_to_velocity",
    "velocity_to_data",
    "velocity_to_noise",
    "velocity_to_score",
    "velocity_to_v",
]
