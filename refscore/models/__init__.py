"""Score models: functions s(x) with every derivative by hand."""

from __future__ import annotations

from refscore.models.activations import GELU, SILU, SIN, SOFTPLUS, TANH, Activation
from refscore.models.affine import AffineScore, LevelAffineScore
from refscore.models.embeddings import C_NOISE, LOG_SIGMA, NO_EMBEDDING, Embedding, fourier
from refscore.models.network import Network, network
from refscore.models.of_target import Differentiable, TargetScore
from refscore.models.protocol import (
    LevelScore,
    ParametricLevelScore,
    ParametricLogDensity,
    ParametricScore,
    ScoreModel,
    Trainable,
    TrainingWorkspace,
)
from refscore.models.quadratic import QuadraticEnergy
from refscore.models.scaling import OVER_SIGMA, PLAIN, Scaling, edm

__all__ = [
    "C_NOISE",
    "GELU",
    "LOG_SIGMA",
    "NO_EMBEDDING",
    "OVER_SIGMA",
    "PLAIN",
    "SILU",
    "SIN",
    "SOFTPLUS",
    "TANH",
    "Activation",
    "AffineScore",
    "Differentiable",
    "Embedding",
    "LevelAffineScore",
    "LevelScore",
    "Network",
    "ParametricLevelScore",
    "ParametricLogDensity",
    "ParametricScore",
    "QuadraticEnergy",
    "Scaling",
    "ScoreModel",
    "TargetScore",
    "Trainable",
    "TrainingWorkspace",
    "edm",
    "fourier",
    "network",
]
