"""Wrong implementations, each with one mistake that people really make, and the fault that a check has to name."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from refscore.conformance import Adapter
from refscore.conformance.recorders.numpy import standard_normal

NAMED = {
    "std near the data": "VP-cancellation",
    "scores by hand": "MIXSCORE-underflow",
    "cosine schedule": "COSB-off-by-one",
    "target over variance": "DSM-variance",
    "grad of a sum": "ISM-sum-of-jacobian",
    "levels not lifted": "MSM-not-lifted",
    "eager Heun": "BOX-stage-level",
    "thinned grid": "BOX-previous-by-stride",
    "one draw for all": "BOX-shared-noise",
}
near, tails, cosine, variance, trace, levels, eager, thinned, shared = adapter = [
    Adapter(name, dtype="float32" if name == "std near the data" else "float64") for name in NAMED
]


@near.implements("path.vp")
def vp(t, *, beta_min, beta_max):
    integral = t * (beta_min + t * (beta_max - beta_min) / 2)
    return np.exp(-integral / 2), np.sqrt(1 - np.exp(-integral))


@tails.implements("target.mixture.score")
def mixture_score(x, weights, means, covs):
    towards = means - x[:, None]
    pull = np.linalg.solve(covs, towards[..., None])[..., 0]
    density = weights * np.exp(-0.5 * np.sum(towards * pull, axis=-1)) / np.sqrt(np.linalg.det(covs))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.einsum("nk,nki->ni", density, pull) / density.sum(axis=1, keepdims=True)


@cosine.implements("schedule.cosine_betas")
def cosine_betas(*, n, s, max_beta):
    steps = np.arange(n + 1) / (n + 1)
    alphas_cumprod = np.cos((steps + s) / (1 + s) * np.pi / 2) ** 2
    return np.minimum(1 - alphas_cumprod[1:] / alphas_cumprod[:-1], max_beta)


@variance.implements("objective.denoising")
def denoising(score, x0, noise, sigma):
    return 0.5 * np.sum((score(x0 + sigma * noise) + noise / sigma**2) ** 2, axis=-1)


@trace.implements("objective.implicit")
def implicit(score, x):
    return score.vjp(x, np.ones_like(x)).sum(-1) + 0.5 * np.sum(score(x) ** 2, axis=-1)


@levels.implements("objective.multilevel")
def multilevel(score, x0, noise, sigma):
    residual = score(x0 + sigma * noise, sigma) + noise / sigma
    return 0.5 * sigma**2 * np.sum(residual**2, axis=-1)


@eager.implements("sampler.black_box", order=2, start=(1.0, 16.0), stop=(1.0, 0.0625))
def heun(exact, x, *, n_steps):
    ramp = np.linspace(16 ** (1 / 7), 0.0625 ** (1 / 7), n_steps + 1) ** 7
    for sigma, after in pairwise(ramp):
        slope = exact.noise(x, alpha=1.0, sigma=sigma)
        slope_after = exact.noise(x + (after - sigma) * slope, alpha=1.0, sigma=sigma)
        x = x + (after - sigma) * (slope + slope_after) / 2
    return x


def level(t):
    angle = (0.02 + 0.96 * t / 1000) * np.pi / 2
    return np.cos(angle), np.sin(angle)


@thinned.implements(
    "sampler.black_box",
    order=1,
    start=lambda n: level(1000 - 1000 // n),
    stop=(np.cos(0.01 * np.pi), np.sin(0.01 * np.pi)),
)
def ddim(exact, x, *, n_steps):
    stride = 1000 // n_steps
    grid = np.linspace(0, 1000 - stride, n_steps).round().astype(int)[::-1]
    for t in grid:
        (alpha, sigma), (alpha_next, sigma_next) = level(t), level(max(t - stride, 0))
        noise = exact.noise(x, alpha=alpha, sigma=sigma)
        x = alpha_next * (x - sigma * noise) / alpha + sigma_next * noise
    return x


@shared.implements("sampler.black_box", order=1, stochastic=True, start=(1.0, 8.0), stop=(1.0, 0.125))
def ancestral(exact, x, *, n_steps):
    ramp = np.geomspace(8.0, 0.125, n_steps + 1)
    for sigma, after in pairwise(ramp):
        step = sigma**2 - after**2
        noise = standard_normal((1, x.shape[1]))
        x = x + step * exact.score(x, alpha=1.0, sigma=sigma) + after / sigma * np.sqrt(step) * noise
    return x
