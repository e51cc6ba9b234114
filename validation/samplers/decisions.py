"""Metropolis decisions on Gaussians: how often they accept, and that probability flows both ways alike.

A step at (x, z) proposes x* and accepts below a threshold of u. The move back from x* needs the noise z', and

    p(x) φ(z) min(1, a) = p(x*) φ(z') min(1, a')

with (x, z) to (x*, z') of determinant ±1 makes the target stationary: detailed balance, at every step size. The
thresholds are found by bisection, from the step as a black box.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import refscore as rs
from refscore.arrays import Float
from refscore.exact import acceptance
from refscore.targets import Gaussian
from validation.samplers.langevin import SHOWN_PARTS
from validation.samplers.targets import gaussian_of

__all__ = ["DECISIONS", "balance_gap", "rates"]

S = rs.samplers
LEAPS = 3
HALVINGS = 60


def _mala(target: Gaussian, x: Float, z: Float, u: Float, size: float) -> Any:
    return S.mala_step(target.score, target.log_prob, x, z, u, step_size=size)


def _mala_back(target: Gaussian, x: Float, there: Float, size: float, _: Float) -> Float:
    value: Float = (x - there - 0.5 * size * target.score(there)) / math.sqrt(size)
    return value


def _hmc(target: Gaussian, x: Float, z: Float, u: Float, size: float) -> Any:
    return S.hmc_step(target.score, target.log_prob, x, z, u, step_size=math.sqrt(size), n_steps=LEAPS)


def _hmc_back(target: Gaussian, x: Float, _: Float, size: float, z: Float) -> Float:
    value: Float = -S.leapfrog(target.score, x, z, step_size=math.sqrt(size), n_steps=LEAPS)[1]
    return value


DECISIONS: dict[str, tuple[Callable[..., Any], Callable[..., Float], Callable[[Float, float], float]]] = {
    "MALA": (_mala, _mala_back, lambda ell, size: acceptance.mala(ell, step_size=size)),
    "HMC, three leapfrog steps": (
        _hmc,
        _hmc_back,
        lambda ell, size: acceptance.hmc(ell, step_size=math.sqrt(size), n_steps=LEAPS),
    ),
}


def rates(name: str, condition: float) -> tuple[float, ...]:
    """The exact rates of acceptance at ε or h² of ½, ⅛ and 1/32 of the smallest variance."""
    ell: Float = np.asarray(np.linalg.eigvalsh(gaussian_of(condition).cov), dtype=np.float64)
    return tuple(DECISIONS[name][2](ell, r * float(ell[0])) for r in SHOWN_PARTS)


def _threshold(step: Callable[..., Any], target: Gaussian, x: Float, z: Float, size: float) -> Float:
    low: Float = np.zeros(len(x))
    high: Float = np.ones(len(x))
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        middle = np.minimum(middle, 1 - 2.0**-53)
        taken = step(target, x, z, middle, size)[1]
        low, high = np.where(taken, middle, low), np.where(taken, high, middle)
    return low


def balance_gap(name: str, condition: float, r: float = 0.5, points: int = 200) -> float:
    """The largest difference of log flows there and back, at states of the target and any noise."""
    step, back, _ = DECISIONS[name]
    target = gaussian_of(condition)
    size = r * float(np.linalg.eigvalsh(target.cov)[0])
    first, z = rs.noise.tape(7, 2, points, 2)
    x = target.mean + first @ np.linalg.cholesky(target.cov).T
    there = step(target, x, z, np.zeros(points), size)[0]  # u = 0 is always accepted
    home = back(target, x, there, size, z)
    flows = [
        target.log_prob(at) - 0.5 * (noise**2).sum(-1) + np.log(_threshold(step, target, at, noise, size))
        for at, noise in ((x, z), (there, home))
    ]
    returned = step(target, there, home, np.zeros(points), size)[0]
    return float(max(np.abs(flows[0] - flows[1]).max(), np.abs(returned - x).max()))
