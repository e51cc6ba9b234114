"""Pierret & Galerne's Wasserstein errors of samplers on the Gaussian of CIFAR-10, from its covariance's eigenvalues.

Along an eigenvector a sampler is x' = c x + √q z. c and q are read from the sampler's own steps, at 3072 eigenvalues at
once, and W₂² = Σ (√v - √ℓ)². Their "N" is the number of grid points, and a row with several evaluations a step has
as many steps fewer, except Heun's, whose row has N points and twice the evaluations.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

import refscore as rs
from refscore.arrays import Float
from validation.papers.rows import Row, Table, printed

__all__ = ["errors", "table"]

PATH = rs.paths.VP(beta_min=0.1, beta_max=20.0)  # dx = -β x dt + √(2β) dw with β from 0.05 to 10, in their letters
LAST = 1e-3
EVALUATIONS = (50, 250, 500, 1000)
PUBLISHED = {
    "Euler–Maruyama": ("4.68", "0.70", "0.40", "0.27"),
    "exponential integrator": ("2.91", "0.67", "0.41", "0.29"),
    "DDPM": ("6.74", "1.00", "0.53", "0.32"),
    "Euler on the flow": ("1.79", "0.48", "0.32", "0.25"),
    "Heun on the flow": ("0.59", "0.15", "0.18", "0.19"),
    "RK4 on the flow": ("2.60", "0.12", "0.17", "0.19"),
}
Step = Callable[[Callable[[Float, float], Float], Float, float, float, float], Float]


def exponential(score: Callable[[Float, float], Float], x: Float, t: float, s: float, z: float) -> Float:
    """The reverse SDE with the score frozen over the step, the rest solved: γ = ∫ β."""
    gamma = float(np.log(PATH.alpha(s) / PATH.alpha(t)))
    value: Float = np.exp(gamma) * x + 2 * np.expm1(gamma) * score(x, t) + np.sqrt(np.expm1(2 * gamma)) * z
    return value


def ddpm(score: Callable[[Float, float], Float], x: Float, t: float, s: float, z: float) -> Float:
    """(x + b s)/√(1 - b) + √b z with b = 2 β(t) h, Euler's guess of it, and the score of the continuous path."""
    b = -2 * float(PATH.alpha_dot(t) / PATH.alpha(t)) * (t - s)
    value: Float = (x + b * score(x, t)) / np.sqrt(1 - b) + np.sqrt(b) * z
    return value


def rk4(score: Callable[[Float, float], Float], x: Float, t: float, s: float, z: float) -> Float:  # noqa: ARG001
    """The classical Runge-Kutta method on the probability flow."""

    def slope(y: Float, u: float) -> Float:
        f = float(PATH.alpha_dot(u) / PATH.alpha(u))
        value: Float = f * (y + score(y, u))  # g² = -2 f
        return value

    h = s - t
    one = slope(x, t)
    two = slope(x + 0.5 * h * one, t + 0.5 * h)
    three = slope(x + 0.5 * h * two, t + 0.5 * h)
    four = slope(x + h * three, s)
    return x + h / 6 * (one + 2 * two + 2 * three + four)


OURS: dict[str, Callable[[Float], rs.samplers.Sampler]] = {
    "Euler–Maruyama": lambda times: rs.samplers.euler_maruyama(PATH, times),
    "Euler on the flow": lambda times: rs.samplers.euler_ode(PATH, times),
    "Heun on the flow": lambda times: rs.samplers.heun_ode(PATH, times),
}
BY_HAND: dict[str, Step] = {"exponential integrator": exponential, "DDPM": ddpm, "RK4 on the flow": rk4}


def errors(eigenvalues: Float, name: str, points: int) -> float:
    """W₂ to the data of one sampler on a uniform grid of so many points, started from N(0, I)."""
    times = np.asarray(np.linspace(1.0, LAST, points), dtype=np.float64)
    rows, v = np.zeros((3, len(eigenvalues))), np.ones(len(eigenvalues))
    rows[1] = 1.0  # the state 0 and the state 1 without noise, the state 0 with noise 1

    def noisy(x: Float, alpha: float, sigma: float) -> Float:
        return -x / (alpha**2 * eigenvalues + sigma**2)

    def at_time(x: Float, t: float) -> Float:
        return noisy(x, float(PATH.alpha(t)), float(PATH.sigma(t)))

    sampler = OURS[name](times) if name in OURS else None
    noise = np.zeros_like(rows)
    noise[2] = 1.0
    for k in range(points - 1):
        if sampler is not None:
            moved = sampler.step(noisy, rows, k, noise if sampler.draws else None)
        else:
            moved = np.stack(
                [
                    BY_HAND[name](at_time, x, float(times[k]), float(times[k + 1]), float(i == 2))
                    for i, x in enumerate(rows)
                ]
            )
        v = (moved[1] - moved[0]) ** 2 * v + (moved[2] - moved[0]) ** 2
    return float(np.sqrt(((np.sqrt(v) - np.sqrt(eigenvalues)) ** 2).sum()))


def table(file: str | Path) -> Table:
    """The table, from a file with the eigenvalues.

    Parameters
    ----------
    file : path
        A ``.npy`` of shape (3072,): ``numpy.linalg.eigvalsh(numpy.cov(images, rowvar=False))`` of CIFAR-10's 50000
        training images as rows of 3072 numbers in [-1, 1]. Its sum is 761.6.

    Returns
    -------
    Table
        24 numbers.
    """
    eigenvalues = np.maximum(np.asarray(np.load(file), dtype=np.float64).ravel(), 0.0)
    if eigenvalues.shape != (3072,) or abs(eigenvalues.sum() - 761.6) > 1:
        raise ValueError(
            f"{file} has shape {eigenvalues.shape} and sum {eigenvalues.sum():.6g}; expected (3072,), 761.6"
        )
    rows: list[Row] = []
    for name, published in PUBLISHED.items():
        for evaluations, value in zip(EVALUATIONS, published, strict=True):
            points = evaluations // 4 if name.startswith("RK4") else evaluations
            rows.append(printed(f"{name}, NFE {evaluations}", value, errors(eigenvalues, name, points)))
    return Table(
        "gaussian_errors",
        "W₂ of samplers on the Gaussian of CIFAR-10",
        "Pierret & Galerne (2025), Diffusion models for Gaussian distributions: exact solutions and Wasserstein "
        "errors, Table 5, start N(0, I), stop at 1e-3.",
        "The law of each step at each of 3072 eigenvalues, no sample. `DDPM` there is score_sde's ancestral sampling "
        "with β = 2 β(t) h, RK4 has NFE/4 grid points, all others NFE points (one step fewer), so that Heun's rows "
        "take twice the evaluations they are printed with.",
        tuple(rows),
    )
