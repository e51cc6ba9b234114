"""Capabilities ``step.euler_maruyama`` and ``step.reverse_diffusion``: one step of the reverse SDE, two ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.steps.common import (
    BATCHES,
    LIFTED,
    PATHS,
    TIMES,
    Batch,
    claim_of,
    first,
    noise_scale,
    per_sample,
    step_case,
)
from refscore.conformance.capability import Capability, Case, Fault, Function
from refscore.paths import DiscreteVP, Path
from refscore.samplers import ancestral_vp_step, euler_maruyama_step, large_variance, reverse_diffusion_step

__all__ = ["EULER_MARUYAMA", "REVERSE_DIFFUSION"]

Size = Callable[[Batch, Float, Float, Path], Float]


def _cases(paths: Mapping[str, Path], size: Size) -> Callable[[Mapping[str, Any]], Iterator[Case]]:
    def cases(_: Mapping[str, Any]) -> Iterator[Case]:
        for path_name, path in paths.items():
            for name in BATCHES:
                if "=" in path_name and name != "n=d":
                    continue
                yield case(f"{path_name},{name}", BATCHES[name], "mid", path, claim_of(name))
            for when in ("near", "late", "last"):
                # a chain has nodes only, and flow ends in a pole
                if path_name != "ddpm" and (path_name, when) != ("flow", "late"):
                    yield case(f"{path_name},{when}", BATCHES["n=d"], when, path)

    def case(name: str, batch: Batch, when: str, path: Path, claim: str = "") -> Case:
        model, x, noise = batch
        t, s = (per_sample(values, len(x)) for values in TIMES[when])
        arguments = (model, x, t, s, noise)
        # 4: f, g² and h are computed too, some five roundings before the terms are put together.
        return step_case(name, arguments, {"path": path}, 4 * size(batch, t, s, path), random=(4,), claim=claim)

    return cases


def _euler_size(batch: Batch, t: Float, s: Float, path: Path) -> Float:
    model, x, noise = batch
    h, rate, g2 = ((t - s)[:, None], np.abs(path.drift_rate(t))[:, None], path.diffusion(t)[:, None] ** 2)
    terms = g2 + 2 * rate  # sub-VP's g² as a difference is right too
    drift = rate * np.abs(x) + terms * model.magnitude(x, t)
    size: Float = np.abs(x) + h * drift + np.sqrt(h) * noise_scale(g2, terms) * np.abs(noise)
    return size


def _euler_with(
    formula: Callable[[Float, Float, Float, Float, Float, Float], Float],
    when: Callable[[Float, Float], Float] = lambda t, s: t,
    asked: Callable[[Float, Float], Float] = lambda t, s: t,
    lifted: bool = True,
) -> Function:
    """From formula(x, S, z, f, g, h) with the coefficients at `when` and the score asked at `asked`."""

    def function(score: Any, x: Float, t: Float, s: Float, noise: Float, *, path: Path) -> Float:
        at, step = when(t, s), t - s
        coefficients = (path.drift_rate(at), path.diffusion(at), step)
        f, g, h = (value[:, None] if lifted else value for value in coefficients)
        return formula(x, score(x, asked(t, s)), noise, f, g, h)

    return function


def _euler(x: Float, s: Float, z: Float, f: Float, g: Float, h: Float) -> Float:
    return np.asarray(x - h * (f * x - g**2 * s) + g * np.sqrt(h) * z)


EULER_MARUYAMA = Capability(
    name="step.euler_maruyama",
    title="One Euler–Maruyama step of the reverse SDE",
    signature="euler_maruyama(score, x (n, d), t (n,), s (n,), noise (n, d), *, path) -> (n, d);  score(x, t)",
    formula="x_s = x − h (f(t) x − g(t)² s(x, t)) + g(t) √h z,  h = t − s > 0",
    label="EM.1",
    source="Song et al. (2021), eq. 6 and appendix E",
    page="docs/samplers/reverse_sde.md",
    reference=euler_maruyama_step,
    cases=_cases(PATHS, _euler_size),
    truth="weak order 1; with the exact score the law p_s as h goes to 0",
    faults=(
        Fault(
            "EM-direction",
            "the drift is added with h instead of −h: time runs the wrong way",
            "samples run away from the data",
            _euler_with(lambda x, s, z, f, g, h: x + h * (f * x - g**2 * s) + g * np.sqrt(h) * z),
            "https://github.com/hustvl/LightningDiT/issues/89",
        ),
        Fault(
            "EM-half-score",
            "½ g² s, the drift of the probability flow, with the noise of the SDE",
            "samples are too wide",
            _euler_with(lambda x, s, z, f, g, h: x - h * (f * x - 0.5 * g**2 * s) + g * np.sqrt(h) * z),
        ),
        Fault(
            "EM-score-not-squared",
            "g s instead of g² s",
            "right only where g = 1",
            _euler_with(lambda x, s, z, f, g, h: x - h * (f * x - g * s) + g * np.sqrt(h) * z),
        ),
        Fault(
            "EM-score-sign",
            "f x + g² s: the score pushes away from the data",
            "samples flee the data",
            _euler_with(lambda x, s, z, f, g, h: x - h * (f * x + g**2 * s) + g * np.sqrt(h) * z),
            "https://github.com/atong01/conditional-flow-matching/issues/85",
        ),
        Fault(
            "EM-noise-step",
            "noise g h z: scaled by the step, not by its root",
            "hardly any noise: samples collapse as the steps get small",
            _euler_with(lambda x, s, z, f, g, h: x - h * (f * x - g**2 * s) + g * h * z),
        ),
        Fault(
            "EM-noise-variance",
            "noise g² √h z",
            "far too much noise early, too little late",
            _euler_with(lambda x, s, z, f, g, h: x - h * (f * x - g**2 * s) + g**2 * np.sqrt(h) * z),
        ),
        Fault(
            "EM-coefficients-at-end",
            "f and g at s, the end of the step",
            "another step of first order; on VP and VE its noise is too small",
            _euler_with(_euler, when=lambda t, s: s),
        ),
        Fault(
            "EM-score-at-end",
            "the score is asked at s, the end of the step",
            "the model is told less noise than there is",
            _euler_with(_euler, asked=lambda t, s: s),
        ),
        Fault(
            "EM-no-noise",
            "the noise is left out",
            "samples collapse: this is no ODE with the right marginals",
            _euler_with(lambda x, s, z, f, g, h: x - h * (f * x - g**2 * s)),
        ),
        Fault(
            "EM-not-lifted",
            "f, g and h of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension has its own time, and only for n = d does nobody complain",
            _euler_with(_euler, lifted=False),
            LIFTED,
        ),
        Fault(
            "EM-first-time",
            "all samples step from the first one's t to its s",
            "right only where a batch shares its time",
            lambda score, x, t, s, noise, *, path: euler_maruyama_step(score, x, first(t), first(s), noise, path=path),
        ),
    ),
)

CHAIN = {name: path for name, path in PATHS.items() if name != "subvp"}  # sub-VP's chain is nobody's
CHAIN["ddpm"] = DiscreteVP(np.array([2, 3, 5, 8, 12, 20, 40, 96]) / 128)


def _chain_size(batch: Batch, t: Float, s: Float, path: Path) -> Float:
    model, x, noise = batch
    a = path.alpha(t) / path.alpha(s)
    terms = path.sigma(t) ** 2 + (a * path.sigma(s)) ** 2 + (1 + a**2) * (path.drift_rate(t) != 0)  # 1 − a² too
    b2 = large_variance(path.alpha(t), path.sigma(t), path.alpha(s), path.sigma(s))
    a, b2, terms = a[:, None], b2[:, None], terms[:, None]
    size: Float = (2 + a) * np.abs(x) + terms * model.magnitude(x, t) + noise_scale(b2, terms) * np.abs(noise)
    return size


def _chain_with(
    formula: Callable[[Float, Float, Float, Float, Float], Float],
    asked: Callable[[Float, Float], Float] = lambda t, s: t,
    lifted: bool = True,
) -> Function:
    """From formula(x, S, z, a, b²) with the score asked at `asked`."""

    def function(score: Any, x: Float, t: Float, s: Float, noise: Float, *, path: Path) -> Float:
        coefficients = (
            path.alpha(t) / path.alpha(s),
            large_variance(path.alpha(t), path.sigma(t), path.alpha(s), path.sigma(s)),
        )
        a, b2 = (value[:, None] if lifted else value for value in coefficients)
        return formula(x, score(x, asked(t, s)), noise, a, b2)

    return function


def _chain(x: Float, s: Float, z: Float, a: Float, b2: Float) -> Float:
    return np.asarray((2 - a) * x + b2 * s + np.sqrt(b2) * z)


def _ancestral(score: Any, x: Float, t: Float, s: Float, noise: Float, *, path: Path) -> Float:
    at, st, an, sn = path.alpha(t), path.sigma(t), path.alpha(s), path.sigma(s)
    scales = {"alpha_t": at, "sigma_t": st, "alpha_s": an, "sigma_s": sn}
    return ancestral_vp_step(lambda y: score(y, t), x, noise, **scales, variance=large_variance(at, st, an, sn))


def _ve_variance(score: Any, x: Float, t: Float, s: Float, noise: Float, *, path: Path) -> Float:
    a = (path.alpha(t) / path.alpha(s))[:, None]
    return _chain(x, score(x, t), noise, a, (path.sigma(t) ** 2 - path.sigma(s) ** 2)[:, None])


REVERSE_DIFFUSION = Capability(
    name="step.reverse_diffusion",
    title="One step of reverse diffusion: the forward chain's own coefficients, turned",
    signature="reverse_diffusion(score, x (n, d), t (n,), s (n,), noise (n, d), *, path) -> (n, d);  score(x, t)",
    formula="x_s = (2 − a) x + b² s(x, t) + b z,  a = α_t/α_s,  b² = σ_t² − a² σ_s²",
    label="RD.1",
    source="Song et al. (2021), eqs. 43 to 46",
    page="docs/samplers/reverse_sde.md",
    reference=reverse_diffusion_step,
    cases=_cases(CHAIN, _chain_size),
    truth="VE: x + (σ_t² − σ_s²) s + √(σ_t² − σ_s²) z;  VP: (2 − √(1−β)) x + β s + √β z",
    faults=(
        Fault(
            "RD-euler",
            "the step of Euler–Maruyama: coefficients of the SDE instead of those of the chain",
            "another variance at every finite step",
            euler_maruyama_step,
        ),
        Fault(
            "RD-ancestral",
            "(x + b² s)/a + b z: the mean of ancestral sampling",
            "agrees to first order only",
            _ancestral,
        ),
        Fault(
            "RD-forward",
            "a x + b² s + b z: the forward factor is not turned",
            "the signal shrinks on the way back",
            _chain_with(lambda x, s, z, a, b2: a * x + b2 * s + np.sqrt(b2) * z),
        ),
        Fault(
            "RD-half-score",
            "½ b² s, the drift of the probability flow, with the noise of the SDE",
            "samples are too wide",
            _chain_with(lambda x, s, z, a, b2: (2 - a) * x + 0.5 * b2 * s + np.sqrt(b2) * z),
        ),
        Fault(
            "RD-score-not-squared",
            "b s instead of b² s",
            "the score pushes far too hard",
            _chain_with(lambda x, s, z, a, b2: (2 - a) * x + np.sqrt(b2) * s + np.sqrt(b2) * z),
        ),
        Fault(
            "RD-noise-variance",
            "b² z instead of b z",
            "hardly any noise: samples collapse",
            _chain_with(lambda x, s, z, a, b2: (2 - a) * x + b2 * s + b2 * z),
        ),
        Fault(
            "RD-variance-difference",
            "b² = σ_t² − σ_s² on every path: right for VE, without a² for the others",
            "too little noise and too little score wherever the signal is scaled",
            _ve_variance,
        ),
        Fault(
            "RD-score-at-end",
            "the score is asked at s, the end of the step",
            "the model is told less noise than there is",
            _chain_with(_chain, asked=lambda t, s: s),
        ),
        Fault(
            "RD-not-lifted",
            "a and b² of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension has its own time, and only for n = d does nobody complain",
            _chain_with(_chain, lifted=False),
            LIFTED,
        ),
        Fault(
            "RD-first-time",
            "all samples step from the first one's t to its s",
            "right only where a batch shares its time",
            lambda score, x, t, s, noise, *, path: reverse_diffusion_step(
                score, x, first(t), first(s), noise, path=path
            ),
        ),
    ),
)
