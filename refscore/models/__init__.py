"""Score models: functions s(x) with every derivative by hand."""

from __future__ import annotations

from refscore.models.activations import GELU, SILU, SIN, SOFTPLUS, TANH, Activation
from refscore.models.affine import AffineScore, LevelAffineScore
from refscore.models.autograd_energy import AutogradEnergy
from refscore.models.boltzmann import GaussianBernoulliRBM
from refscore.models.boundary import ConsistencyModel, consistency_scalings
from refscore.models.conditional import ConditionalMLP, conditional_mlp
from refscore.models.conditional_affine import ConditionalAffineScore, ParametricConditionalScore
from refscore.models.directional import check_slopes
from refscore.models.embedded import EmbeddedMLP, embedded_mlp
from refscore.models.embeddings import C_NOISE, LOG_SIGMA, NO_EMBEDDING, Embedding, fourier
from refscore.models.expert_shapes import GAUSSIAN, LOG_COSH, STUDENT_T, Expert
from refscore.models.experts import ProductOfExperts
from refscore.models.exponential_family import BaseDensity, ExponentialFamily
from refscore.models.features import Features, features_by_hessian
from refscore.models.initial import gaussian_bernoulli_rbm, product_of_experts
from refscore.models.levels import FixedLevel
from refscore.models.mlp import MLPScore
from refscore.models.mlp_energy import MLPEnergy
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
from refscore.models.ready_features import fourier_features, monomials, radial_features
from refscore.models.scaling import OVER_SIGMA, PLAIN, Scaling, edm
from refscore.models.velocity import AffineVelocity, ParametricVelocity
from refscore.models.workspace import Workspace

__all__ = [
    "C_NOISE",
    "GAUSSIAN",
    "GELU",
    "LOG_COSH",
    "LOG_SIGMA",
    "NO_EMBEDDING",
    "OVER_SIGMA",
    "PLAIN",
    "SILU",
    "SIN",
    "SOFTPLUS",
    "STUDENT_T",
    "TANH",
    "Activation",
    "AffineScore",
    "AffineVelocity",
    "AutogradEnergy",
    "BaseDensity",
    "ConditionalAffineScore",
    "ConditionalMLP",
    "ConsistencyModel",
    "Differentiable",
    "EmbeddedMLP",
    "Embedding",
    "Expert",
    "ExponentialFamily",
    "Features",
    "FixedLevel",
    "GaussianBernoulliRBM",
    "LevelAffineScore",
    "LevelScore",
    "MLPEnergy",
    "MLPScore",
    "Network",
    "ParametricConditionalScore",
    "ParametricLevelScore",
    "ParametricLogDensity",
    "ParametricScore",
    "ParametricVelocity",
    "ProductOfExperts",
    "QuadraticEnergy",
    "Scaling",
    "ScoreModel",
    "TargetScore",
    "Trainable",
    "TrainingWorkspace",
    "Workspace",
    "check_slopes",
    "conditional_mlp",
    "consistency_scalings",
    "edm",
    "embedded_mlp",
    "features_by_hessian",
    "fourier",
    "fourier_features",
    "gaussian_bernoulli_rbm",
    "monomials",
    "network",
    "product_of_experts",
    "radial_features",
]
