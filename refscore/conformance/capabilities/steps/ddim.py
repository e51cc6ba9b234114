"""Capability ``step.ddim``: data and noise are predicted, and put together again at the next level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.steps.common import BATCHES, Batch, claim_of, first, step_case
from refscore.conformance.capabilities.steps.levels import LEVELS, levels_of
from refscore.conformance.capability import Capability, Case, Convention, Fault, Function
from refscore.samplers import ddim_step

__all__ = ["DDIM"]

ETA = Convention(
    "eta", "std", ("std", "variance"), "η multiplies the standard deviation of the new noise, or its variance"
)


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, batch in BATCHES.items():
        yield _case(f"mid,eta=0.25,{name}", batch, "mid", 0.25, conventions, claim_of(name))
    for when in LEVELS:
        for eta in (0.0, 0.25, 1.0):
            if (when, eta) != ("mid", 0.25):
                yield _case(f"{when},eta={eta:g}", BATCHES["n=d"], when, eta, conventions)


def _case(name: str, batch: Batch, when: str, eta: float, conventions: Mapping[str, Any], claim: str = "") -> Case:
    model, x, noise = batch
    # Where nothing is drawn in law, zeros are passed: a code is free to draw and to drop it.
    noise = np.zeros_like(noise) if eta == 0 or when == "last" else noise
    keywords = levels_of(when, len(x))
    share = float(np.sqrt(eta)) if conventions["eta"] == "variance" else eta
    given = (model, x, noise)
    size = _size(model.magnitude(x), x, noise, share, **keywords)
    meant = (given, {**keywords, "eta": share})
    return step_case(name, given, {**keywords, "eta": eta}, size, meant=meant, claim=claim)


def _size(
    terms: Float,
    x: Float,
    noise: Float,
    eta: float,
    *,
    alpha_t: Float,
    sigma_t: Float,
    alpha_s: Float,
    sigma_s: Float,
) -> Float:
    """Every σ² may have been found as 1 − α²: 1/σ² roundings."""
    at, st, an, sn = (v[:, None] for v in (alpha_t, sigma_t, alpha_s, sigma_s))
    lost_t, lost_s = 1 / st**2, np.where(sn > 0, 1 / np.where(sn > 0, sn, 1.0) ** 2, 0.0)
    ratio = at * sn / (an * st)
    tau = (1 - ratio) * (1 + ratio)
    lost = 1 + 3 * lost_t + ratio**2 * lost_s
    kept = np.sqrt(1 - eta**2 * tau)
    with np.errstate(divide="ignore", invalid="ignore"):
        grown = np.where(sn > 0, eta**2 * lost / kept, 0.0)
    direction = sn * (kept * (1 + lost_s) + grown)
    fresh = eta * sn * (np.sqrt(tau) * (1 + lost_s) + lost / np.sqrt(tau))
    data = an / at * (np.abs(x) + st * (1 + lost_t) * terms)
    size: Float = data + direction * terms + fresh * np.abs(noise)
    return size


def _with(
    split: Callable[[Float, Float, Float, Float, float], tuple[Float, Float]] = lambda st, sn, v, b2, eta: (
        np.sqrt(sn**2 - eta**2 * v),
        eta * np.sqrt(v),
    ),
    data: Callable[[Float, Float, Float, Float], Float] = lambda x, e, at, st: (x - st * e) / at,
    scale: Callable[[Float, Float], Float] = lambda at, an: an,
    lifted: bool = True,
) -> Function:
    """scale · data + kept · ε̂ + fresh · z, with kept and fresh from split(σ_t, σ_s, β̃, β, η)."""

    def function(
        predict_noise: Any,
        x: Float,
        noise: Float,
        *,
        alpha_t: Float,
        sigma_t: Float,
        alpha_s: Float,
        sigma_s: Float,
        eta: float,
    ) -> Float:
        given = (alpha_t, sigma_t, alpha_s, sigma_s)
        at, st, an, sn = (v[:, None] if lifted else v for v in given)
        posterior = sn**2 * (1 - (at * sn / (an * st)) ** 2)
        kept, fresh = split(st, sn, posterior, 1 - (at / an) ** 2, eta)
        e = predict_noise(x)
        return np.asarray(scale(at, an) * data(x, e, at, st) + kept * e + fresh * noise)

    return function


def _clamped(total: Float, taken: Float) -> Float:
    return np.asarray(np.sqrt(np.maximum(total**2 - taken**2, 0)))


DDIM = Capability(
    name="step.ddim",
    title="One DDIM step",
    signature="ddim(predict_noise, x (n, d), noise (n, d), *, alpha_t (n,), sigma_t (n,), alpha_s (n,), sigma_s (n,),"
    " eta) -> (n, d);  predict_noise(x), and α² + σ² = 1",
    formula="x_s = α_s (x − σ_t ε̂)/α_t + √(σ_s² − c²) ε̂ + c z,  c² = η² σ_s² τ,  τ = 1 − (α_t σ_s/(α_s σ_t))²",
    label="DDIM.2",
    source="Song, Meng & Ermon (2021), eq. 12 with σ of eq. 16",
    page="docs/samplers/ddim.md",
    reference=ddim_step,
    cases=_cases,
    conventions=(ETA,),
    truth="η = 0 is Euler's method in σ/α, η = 1 ancestral sampling with the small variance",
    faults=(
        Fault(
            "DDIM-noise-on-top",
            "σ_s ε̂ instead of √(σ_s² − c²) ε̂: new noise is added, none is taken away",
            "samples are too wide for every η > 0",
            _with(lambda st, sn, v, b2, eta: (sn, eta * np.sqrt(v))),
        ),
        Fault(
            "DDIM-noise-twice",
            "the new noise is added twice",
            "samples are too wide for every η > 0",
            _with(lambda st, sn, v, b2, eta: (np.sqrt(sn**2 - eta**2 * v), 2 * eta * np.sqrt(v))),
        ),
        Fault(
            "DDIM-variance-as-std",
            "c² multiplies the noise, not c",
            "hardly any noise: samples collapse for η > 0",
            _with(lambda st, sn, v, b2, eta: (np.sqrt(sn**2 - eta**2 * v), eta**2 * v)),
        ),
        Fault(
            "DDIM-noise-of-start",
            "c = η σ_t, the noise of the start; the negative rest under the root is clamped to 0",
            "η > 0 replaces all noise by new noise, too much of it, and no error is raised",
            _with(lambda st, sn, v, b2, eta: (_clamped(sn, eta * st), eta * st)),
            "https://github.com/jsboige/CoursIA/pull/16158",
        ),
        Fault(
            "DDIM-large-variance",
            "c² = η² β, the variance of the forward step, clamped where it exceeds σ_s²",
            "η = 1 is not DDPM",
            _with(lambda st, sn, v, b2, eta: (_clamped(sn, eta * np.sqrt(b2)), eta * np.sqrt(b2))),
        ),
        Fault(
            "DDIM-two-etas",
            "η multiplies the variance under the root, and the standard deviation of the new noise",
            "noise is lost for 0 < η < 1",
            _with(lambda st, sn, v, b2, eta: (np.sqrt(sn**2 - eta * v), eta * np.sqrt(v))),
            "https://github.com/inbarhub/DDPM_inversion/issues/12",
        ),
        Fault(
            "DDIM-direction-no-root",
            "(σ_s² − c²) ε̂: the root is missing",
            "too little noise is kept: samples are smooth and too alike",
            _with(lambda st, sn, v, b2, eta: (sn**2 - eta**2 * v, eta * np.sqrt(v))),
            "https://github.com/mathpluscode/ImgX-DiffSeg/issues/4",
        ),
        Fault(
            "DDIM-data-unscaled",
            "x̂_0 = x − σ_t ε̂, not divided by α_t",
            "the signal shrinks to nothing",
            _with(data=lambda x, e, at, st: x - st * e),
        ),
        Fault(
            "DDIM-same-alpha",
            "x̂_0 is divided and multiplied by the same α: only one level is looked up",
            "the signal stays as weak as it was",
            _with(scale=lambda at, an: at),
            "https://github.com/lucidrains/denoising-diffusion-pytorch/issues/81",
        ),
        Fault(
            "DDIM-sigma-of-start",
            "√(σ_t² − c²) ε̂: the noise stays at the level of the start",
            "samples stay noisy",
            _with(lambda st, sn, v, b2, eta: (np.sqrt(st**2 - eta**2 * v), eta * np.sqrt(v))),
        ),
        Fault(
            "DDIM-eta-ignored",
            "no noise is drawn, whatever η",
            "the same sample from the same start, though η = 1 promises DDPM",
            _with(lambda st, sn, v, b2, eta: (sn, 0 * sn)),
            "https://github.com/divamgupta/stable-diffusion-tensorflow/issues/21",
        ),
        Fault(
            "DDIM-takes-data",
            "the prediction is taken for the data, not for the noise",
            "samples are noise",
            lambda predict_noise, x, noise, **levels: ddim_step(
                lambda y: (y - levels["alpha_t"][:, None] * predict_noise(y)) / levels["sigma_t"][:, None],
                x,
                noise,
                **levels,
            ),
            "https://github.com/huggingface/diffusers/issues/1486",
        ),
        Fault(
            "DDIM-not-lifted",
            "scales of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension has its own level, and only for n = d does nobody complain",
            _with(lifted=False),
            "https://github.com/facebookresearch/flow_matching",
        ),
        Fault(
            "DDIM-first-level",
            "all samples use the levels of the first",
            "right only where a batch shares its level",
            lambda predict_noise, x, noise, *, eta, **levels: ddim_step(
                predict_noise, x, noise, **{name: first(value) for name, value in levels.items()}, eta=eta
            ),
        ),
    ),
)
