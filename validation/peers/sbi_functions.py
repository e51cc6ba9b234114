"""Adapters for the parts of sbi that have a value: `refscore check validation/peers/sbi_functions.py`.

The paths and SDEs of its score estimators, and one step of its Langevin corrector.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from sbi.neural_nets.estimators import score_estimator
from sbi.neural_nets.estimators.score_estimator import SubVPScoreEstimator, VEScoreEstimator, VPScoreEstimator
from sbi.samplers.score.correctors import LangevinCorrector

from refscore.conformance import Adapter
from validation.peers.lift import lifted
from validation.peers.sbi_driver import VERSION

__all__ = ["adapter"]

PATHS = Adapter("sbi estimators", version=VERSION, arrays="torch", dtype="float64")
CORRECTORS = Adapter("sbi correctors", version=VERSION, arrays="torch", dtype="float64")


def _estimator(kind: Any, d: int, **options: float) -> Any:
    with lifted(score_estimator):
        return kind(torch.nn.Identity(), torch.Size([d]), torch.Size([1]), **options).double()


def _path(estimator: Any, t: torch.Tensor) -> Any:
    return estimator.mean_t_fn(t)[:, 0], estimator.std_fn(t)[:, 0]


def _sde(estimator: Any, x: torch.Tensor, t: torch.Tensor) -> Any:
    drift = estimator.drift_fn(x, t)
    return drift + torch.zeros_like(x), estimator.diffusion_fn(x, t)[:, 0]  # a drift of 0 has no shape


@PATHS.implements("path.vp")
def vp_path(t: torch.Tensor, *, beta_min: float, beta_max: float) -> Any:
    """Of ``VPScoreEstimator``."""
    return _path(_estimator(VPScoreEstimator, 1, beta_min=beta_min, beta_max=beta_max), t)


@PATHS.implements("path.subvp")
def subvp_path(t: torch.Tensor, *, beta_min: float, beta_max: float) -> Any:
    """Of ``SubVPScoreEstimator``."""
    return _path(_estimator(SubVPScoreEstimator, 1, beta_min=beta_min, beta_max=beta_max), t)


@PATHS.implements("path.ve")
def ve_path(t: torch.Tensor, *, sigma_min: float, sigma_max: float) -> Any:
    """Of ``VEScoreEstimator``."""
    return _path(_estimator(VEScoreEstimator, 1, sigma_min=sigma_min, sigma_max=sigma_max), t)


@PATHS.implements("sde.vp")
def vp_sde(x: torch.Tensor, t: torch.Tensor, *, beta_min: float, beta_max: float) -> Any:
    """Of ``VPScoreEstimator``."""
    return _sde(_estimator(VPScoreEstimator, x.shape[-1], beta_min=beta_min, beta_max=beta_max), x, t)


@PATHS.implements("sde.subvp")
def subvp_sde(x: torch.Tensor, t: torch.Tensor, *, beta_min: float, beta_max: float) -> Any:
    """Of ``SubVPScoreEstimator``."""
    return _sde(_estimator(SubVPScoreEstimator, x.shape[-1], beta_min=beta_min, beta_max=beta_max), x, t)


@PATHS.implements("sde.ve")
def ve_sde(x: torch.Tensor, t: torch.Tensor, *, sigma_min: float, sigma_max: float) -> Any:
    """Of ``VEScoreEstimator``."""
    return _sde(_estimator(VEScoreEstimator, x.shape[-1], sigma_min=sigma_min, sigma_max=sigma_max), x, t)


@CORRECTORS.implements("step.langevin", scale="full", noise="recorded")
def langevin(score: Any, x: torch.Tensor, *, step_size: float) -> torch.Tensor:
    """One step of ``LangevinCorrector``."""
    potential = SimpleNamespace(gradient=lambda theta, _: score(theta))
    predictor: Any = SimpleNamespace(potential_fn=potential, device="cpu")
    return LangevinCorrector(predictor, step_size=step_size, num_steps=1)(x, torch.tensor(0.0))


adapter = [PATHS, CORRECTORS]
