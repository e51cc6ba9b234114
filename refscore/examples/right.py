"""Right implementations, each written as one would without refscore: other algebra, other conventions, float32 too."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.special import logsumexp, softmax

from refscore.conformance import Adapter

double = Adapter("plain NumPy")
single = Adapter("plain NumPy, float32", dtype="float32")
adapter = [double, single]


@double.implements("target.mixture.score")
def mixture_score(x, weights, means, covs):
    towards = means - x[:, None]  # (n, k, d)
    precisions = np.linalg.inv(covs)
    pull = np.einsum("kij,nkj->nki", precisions, towards)
    log_prob = np.log(weights) + 0.5 * np.linalg.slogdet(precisions)[1] - 0.5 * np.sum(towards * pull, axis=-1)
    return np.einsum("nk,nki->ni", softmax(log_prob, axis=1), pull)


@double.implements("target.empirical.denoise")
def ideal_denoiser(x, points, *, alpha, sigma):
    distance = np.sum((x[:, None] - alpha[:, None, None] * points) ** 2, axis=-1)
    logits = -0.5 * distance / sigma[:, None] ** 2
    return np.exp(logits - logsumexp(logits, axis=1, keepdims=True)) @ points


@single.implements("path.vp")
def vp(t, *, beta_min, beta_max):
    integral = t * (beta_min + t * (beta_max - beta_min) / 2)
    return np.exp(-integral / 2), np.sqrt(-np.expm1(-integral))


@single.implements("convert.v_to_data")
def v_to_data(v, x, alpha, sigma):
    alpha, sigma = alpha[:, None], sigma[:, None]
    return (alpha * x - sigma * v) / (alpha**2 + sigma**2)


@double.implements("schedule.karras", final_zero=True)
def karras(*, n, sigma_min, sigma_max, rho):
    ramp = np.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), n)
    return np.append(ramp**rho, 0.0)


@double.implements("objective.implicit")
def implicit(score, x):
    return np.einsum("nii->n", score.jacobian(x)) + np.sum(score(x) ** 2, axis=1) / 2


@double.implements("objective.denoising", factor=1, reduction="mean")
@single.implements("objective.denoising", factor=1, reduction="mean")
def denoising(score, x0, noise, sigma):
    noisy = x0 + sigma * noise
    target = -(noisy - x0) / sigma**2
    return np.mean(np.sum((score(noisy) - target) ** 2, axis=-1))


@single.implements("objective.multilevel", dimension="mean")
def multilevel(score, x0, noise, sigma):
    level = sigma[:, None]
    return np.mean((level * score(x0 + level * noise, sigma) + noise) ** 2, axis=-1) / 2


@double.implements("step.langevin", scale="full")
def langevin(score, x, noise, *, step_size):
    return x + step_size * score(x) + np.sqrt(2 * step_size) * noise


@double.implements("sampler.black_box", order=2, start=(1.0, 16.0), stop=(1.0, 0.0625))
def heun(exact, x, *, n_steps):
    ramp = np.linspace(16 ** (1 / 7), 0.0625 ** (1 / 7), n_steps + 1) ** 7
    for sigma, after in pairwise(ramp):
        slope = (x - exact.data(x, alpha=1.0, sigma=sigma)) / sigma
        euler = x + (after - sigma) * slope
        slope_after = (euler - exact.data(euler, alpha=1.0, sigma=after)) / after
        x = x + (after - sigma) * (slope + slope_after) / 2
    return x
