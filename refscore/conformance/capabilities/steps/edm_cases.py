"""What ``step.edm`` is asked: levels, the reference in every convention, and how rounding goes through both slopes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.objectives.common import MODEL
from refscore.conformance.capabilities.steps.common import (
    BATCHES,
    LAW,
    Batch,
    claim_of,
    noise_scale,
    per_sample,
    step_case,
)
from refscore.conformance.capability import Case, Convention
from refscore.conformance.fields import Field
from refscore.samplers import edm_euler_step, edm_step

__all__ = ["CAP", "CHURN", "ORDER", "edm_cases", "reference_step"]

CAP = float(np.sqrt(2.0) - 1)
ORDER = Convention("order", 2, (2, 1), "2 with the correction (Heun), 1 without it (Euler)")
CHURN = Convention(
    "churn",
    "gamma",
    ("gamma", "rate"),
    "churn is γ itself, or S_churn/N, which the step caps: γ = min(churn, √2 − 1)",
)

LEVELS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "mid": ((2.0, 1.0, 0.75), (1.5, 0.25, 0.5)),
    "near": ((2.0**-4, 2.0**-5, 0.125), (2.0**-5, 2.0**-7, 0.0625)),
    "high": ((80.0, 48.0, 14.0), (57.5, 32.0, 4.0)),
    "last": ((0.25, 2.0**-6, 1.0), (0.0, 0.0, 0.0)),
}
"""σ and σ' of three samples."""

# The second slope hears the noise through the model: the law is a Gaussian where the model is affine.
AFFINE = Field(MODEL.matrix, MODEL.centre, 0 * MODEL.cubic)


def reference_step(
    denoiser: Any,
    x: Float,
    noise: Float,
    *,
    sigma: Float,
    sigma_next: Float,
    churn: float,
    s_noise: float,
    order: int = 2,
    capped: bool = False,
) -> Float:
    """The step, its conventions as arguments.

    Parameters
    ----------
    denoiser, x, noise, sigma, sigma_next, churn, s_noise
        As in :func:`refscore.samplers.edm_step`.
    order : int
        2 with the correction, 1 without it.
    capped : bool
        Whether churn is S_churn/N, and γ = min(churn, √2 − 1).

    Returns
    -------
    (n, d)
        x'.
    """
    one = edm_step if order == 2 else edm_euler_step
    gamma = min(churn, CAP) if capped else churn
    return one(denoiser, x, noise, sigma=sigma, sigma_next=sigma_next, churn=gamma, s_noise=s_noise)


def edm_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    """The cases under the declared conventions.

    Parameters
    ----------
    conventions : mapping
        order and churn.

    Yields
    ------
    Case
        Every batch at one pair of levels, and every pair of levels with noise and without.
    """
    for name, batch in BATCHES.items():
        yield _case(f"mid,churn=0.25,{name}", batch, "mid", 0.25, conventions, claim_of(name))
    for when in LEVELS:
        for churn in (0.0, 0.25):
            if (when, churn) != ("mid", 0.25):
                yield _case(f"{when},churn={churn:g}", BATCHES["n=d"], when, churn, conventions)
    if conventions["churn"] == "rate":
        for churn in (0.4375, 2.0):
            yield _case(f"mid,churn={churn:g}", BATCHES["n=d"], "mid", churn, conventions)


def _case(name: str, batch: Batch, when: str, churn: float, conventions: Mapping[str, Any], claim: str = "") -> Case:
    model, x, noise = batch
    model = AFFINE if name.endswith(f",{LAW}") else model
    noise = np.zeros_like(noise) if churn == 0 else noise  # a code is free to draw and to drop it
    before, after = (per_sample(values, len(x)) for values in LEVELS[when])
    keywords = {"sigma": before, "sigma_next": after, "churn": churn, "s_noise": 1.25}
    named = {**keywords, "order": conventions["order"], "capped": conventions["churn"] == "rate"}
    given = (model, x, noise)
    return step_case(name, given, keywords, _size(*given, **named), meant=(given, named), claim=claim)


def _size(
    model: Field,
    x: Float,
    noise: Float,
    *,
    sigma: Float,
    sigma_next: Float,
    churn: float,
    s_noise: float,
    order: int,
    capped: bool,
) -> Float:
    """What each stage rounds, carried on by the Jacobian of the stage after it."""
    gamma = min(churn, CAP) if capped else churn
    up, down = ((1 + gamma) * sigma)[:, None], sigma_next[:, None]
    variance = up**2 - sigma[:, None] ** 2  # found as a difference of squares
    added = s_noise * np.abs(noise)
    raised = x + np.sqrt(variance) * s_noise * noise
    lost = np.abs(raised) + noise_scale(variance, up**2) * added

    def slope(y: Float, moved: Float, level: Float) -> tuple[Float, Float]:
        """d at y, which comes with an error, and the error of d."""
        at = level[:, 0]
        carried = (model.jacobian_magnitude(y, at) @ moved[..., None])[..., 0]
        return (y - model(y, at)) / level, (moved + 2 * np.abs(y) + carried + model.magnitude(y, at)) / level

    d, error = slope(raised, lost, up)
    reach = up - down
    euler = raised - reach * d
    total = lost + np.abs(euler) + reach * error + up * np.abs(d)
    if order == 1 or not down.all():
        return np.asarray(total)
    again, more = slope(euler, total, down)
    return np.asarray(total + 0.5 * reach * (error + more) + 0.5 * up * np.abs(again))
