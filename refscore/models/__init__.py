"""Score models: functions s(x) with every derivative by hand."""

from __future__ import annotations

from refscore.models.affine import AffineScore, LevelAffineScore
from refscore.models.of_target import Differentiable, TargetScore
from refscore.models.protocol import (
    LevelScore,
    ParametricLevelScore,
    ParametricLogDensity,
    ParametricScore,
    ScoreModel,
)

__all__ = [
    "AffineScore",
    "Differentiable",
    "LevelAffineScore",
    "LevelScore",
    "ParametricLevelScore",
    "ParametricLogDensity",
    "ParametricScore",
    "ScoreModel",
    "TargetScore",
]
