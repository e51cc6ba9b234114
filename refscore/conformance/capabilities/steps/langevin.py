"""Capabilities ``step.langevin`` and ``sampler.annealed_langevin``: noise of the size that goes with the drift."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.steps.common import BATCHES, Batch, claim_of, step_case
from refscore.conformance.capability import Capability, Case, Convention, Fault, Function
from refscore.conformance.fields import Field
from refscore.samplers import annealed_langevin, langevin_step

__all__ = ["ANNEALED", "LANGEVIN"]

SCALE = Convention(
    "scale", "half", ("half", "full"), "x + (ε/2) s + √ε z, or x + ε s + √(2ε) z as in the image codes: twice the ε"
)


def _size(x: Float, terms: Float, noise: Float, eps: float) -> Float:
    size: Float = np.abs(x) + 0.5 * eps * terms + np.sqrt(eps) * np.abs(noise)
    return size


def _langevin_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for step_size in (0.25, 2.0**-10, 4.0):
        for name, (model, x, noise) in BATCHES.items():
            if step_size != 0.25 and name != "n=d":
                continue
            eps = step_size * (2 if conventions["scale"] == "full" else 1)
            size = _size(x, model.magnitude(x), noise, eps)
            given = (model, x, noise)
            yield step_case(
                f"step={step_size:g},{name}",
                given,
                {"step_size": step_size},
                size,
                meant=(given, {"step_size": eps}),
                claim=claim_of(name),
            )


def _after_the_noise(score: Any, x: Float, noise: Float, *, step_size: float) -> Float:
    y = x + np.sqrt(step_size) * noise
    return np.asarray(y + 0.5 * step_size * score(y))


LANGEVIN = Capability(
    name="step.langevin",
    title="One step of unadjusted Langevin dynamics",
    signature="langevin(score, x (n, d), noise (n, d), *, step_size) -> (n, d)",
    formula="x' = x + (ε/2) s(x) + √ε z",
    label="ULA.1",
    source="Song & Ermon (2019), eq. 4",
    page="docs/samplers/langevin.md",
    reference=langevin_step,
    cases=_langevin_cases,
    conventions=(SCALE,),
    truth="on N(μ, ℓ) the variance ends at ℓ/(1 − ε/(4ℓ)), not at ℓ",
    faults=(
        Fault(
            "ULA-noise-step",
            "the noise is scaled by ε, not by its root",
            "samples collapse onto the modes: the variance falls with ε",
            lambda s, x, z, *, step_size: x + 0.5 * step_size * s(x) + step_size * z,
            "https://github.com/google-research/ibc/issues/6",
        ),
        Fault(
            "ULA-drift-not-halved",
            "the drift is ε s, with noise √ε z",
            "samples from p², not p: half the variance",
            lambda s, x, z, *, step_size: x + step_size * s(x) + np.sqrt(step_size) * z,
        ),
        Fault(
            "ULA-noise-root-two",
            "the noise is √(2ε) z, with drift (ε/2) s",
            "samples from the root of p, not p: twice the variance",
            lambda s, x, z, *, step_size: x + 0.5 * step_size * s(x) + np.sqrt(2 * step_size) * z,
        ),
        Fault(
            "ULA-score-after-noise",
            "the score is taken after the noise was added",
            "another chain, with another bias: smaller variance at large steps",
            _after_the_noise,
        ),
        Fault(
            "ULA-sign",
            "the gradient of the energy is added instead of subtracted",
            "samples flee the data",
            lambda s, x, z, *, step_size: x - 0.5 * step_size * s(x) + np.sqrt(step_size) * z,
            "https://github.com/soran-ghaderi/torchebm/issues/318",
        ),
        Fault(
            "ULA-step-squared",
            "x + (ε²/2) s + ε z: the step of Hamiltonian codes, whose ε is a length",
            "right law in the limit, but not with this step size",
            lambda s, x, z, *, step_size: x + 0.5 * step_size**2 * s(x) + step_size * z,
        ),
        Fault(
            "ULA-no-noise",
            "no noise is added",
            "gradient ascent: every chain ends at a mode",
            lambda s, x, z, *, step_size: x + 0.5 * step_size * s(x),
        ),
        Fault(
            "ULA-shared-noise",
            "one noise vector for the whole batch",
            "samples are not independent of each other",
            lambda s, x, z, *, step_size: x + 0.5 * step_size * s(x) + np.sqrt(step_size) * z[:1],
        ),
    ),
)


LEVELS = (2.0, 1.0, 0.25)  # not geometric: a wrong ratio shows


def _annealed_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name in ("n=d", "n<d", "n=1", "d=1"):  # far away the cubic term lets any chain of such steps explode
        yield _annealed_case(name, BATCHES[name], LEVELS, 2, conventions)
    yield _annealed_case("L=1,T=3", BATCHES["n=d"], LEVELS[1:2], 3, conventions)
    yield _annealed_case("L=2,T=1", BATCHES["n=d"], LEVELS[::2], 1, conventions)
    yield _annealed_case("L=2,T=4", BATCHES["n<d"], LEVELS[:2], 4, conventions)


def _annealed_case(
    name: str, batch: Batch, levels: tuple[float, ...], steps: int, conventions: Mapping[str, Any]
) -> Case:
    model, x, z = batch
    sigmas = np.array(levels)
    noise = np.stack([(-0.5) ** k * np.roll(z, k, axis=-1) for k in range(len(sigmas) * steps)])
    step_size = 2.0**-7
    eps = step_size * (2 if conventions["scale"] == "full" else 1)
    keywords = {"sigmas": sigmas, "step_size": step_size, "steps_per_level": steps}
    meant = {**keywords, "step_size": eps, **({"denoise": True} if conventions["denoise"] else {})}
    size = _annealed_size(model, x, noise, sigmas, eps, steps, conventions["denoise"])
    arguments = (model, x, noise)
    claim = "x' = x + (ε_i/2) s(x, σ_i) + √ε_i z,  ε_i = ε σ_i²/σ_L²" + ", then x + σ_L² s" * conventions["denoise"]
    return step_case(name, arguments, keywords, size, meant=(arguments, meant), claim=f"{claim}   (ALD.2)")


def _annealed_size(model: Field, x: Float, noise: Float, sigmas: Float, eps: float, steps: int, denoise: bool) -> Float:
    """What each step rounds, carried on by the Jacobian of the steps after it."""
    size = np.zeros_like(x)
    for k, z in enumerate(noise):
        sigma = float(sigmas[k // steps])
        width = eps * (sigma / sigmas[-1]) ** 2
        carried = np.abs(model.jacobian_magnitude(x, sigma)) @ size[..., None]
        size = size + 0.5 * width * carried[..., 0] + _size(x, model.magnitude(x, sigma), z, width)
        x = x + 0.5 * width * model(x, sigma) + np.sqrt(width) * z
    if denoise:
        last = float(sigmas[-1])
        carried = (np.abs(model.jacobian_magnitude(x, last)) @ size[..., None])[..., 0]
        size = size + np.abs(x) + last**2 * (carried + model.magnitude(x, last))
    return size


def _annealed_with(
    width: Callable[[Float, int], float] = lambda v, i: float(v[i] / v[-1]) ** 2,
    drift: float = 0.5,
    noise_power: float = 0.5,
    told: Callable[[Float, int], float] = lambda v, i: float(v[i]),
    level: Callable[[int, int], int] = lambda i, last: i,
    draw: Callable[[int, int, int, int], int] = lambda i, j, n, t: i * t + j,
) -> Function:
    """The reference with one rule exchanged."""

    def function(
        score: Any,
        x: Float,
        noise: Float,
        *,
        sigmas: Float,
        step_size: float,
        steps_per_level: int,
        denoise: bool = False,
    ) -> Float:
        n = len(sigmas)
        for i in range(n):
            for j in range(steps_per_level):
                k = level(i, n - 1)
                eps = step_size * width(sigmas, k)
                z = noise[draw(i, j, n, steps_per_level)]
                x = x + drift * eps * score(x, told(sigmas, k)) + eps**noise_power * z
        return x + sigmas[-1] ** 2 * score(x, float(sigmas[-1])) if denoise else x

    return function


ANNEALED = Capability(
    name="sampler.annealed_langevin",
    title="Annealed Langevin dynamics (NCSN)",
    signature="annealed_langevin(score, x (n, d), noise (L·T, n, d), *, sigmas (L,), step_size, steps_per_level)"
    " -> (n, d);  score(x, sigma), sigma () or (n,)",
    formula="x' = x + (ε_i/2) s(x, σ_i) + √ε_i z,  ε_i = ε σ_i²/σ_L²,  T times for each of σ_1 > … > σ_L",
    label="ALD.2",
    source="Song & Ermon (2019), Algorithm 1",
    page="docs/samplers/annealed.md",
    reference=annealed_langevin,
    cases=_annealed_cases,
    conventions=(
        SCALE,
        Convention("denoise", False, (False, True), "whether x + σ_L² s(x, σ_L) ends the run"),
    ),
    truth="every level does the same work relative to its width: ε_i/σ_i² is constant",
    faults=(
        Fault(
            "ALD-step-constant",
            "the step size is ε at every level",
            "large levels hardly move: the first state shows in the samples",
            _annealed_with(width=lambda v, i: 1.0),
        ),
        Fault(
            "ALD-relative-to-first",
            "ε σ_i²/σ_1²: scaled to the first level instead of the last",
            "the last levels hardly move: samples keep the noise of early levels",
            _annealed_with(width=lambda v, i: float(v[i] / v[0]) ** 2),
        ),
        Fault(
            "ALD-linear",
            "ε σ_i/σ_L: the ratio is not squared",
            "large levels move too little: modes are not mixed",
            _annealed_with(width=lambda v, i: float(v[i] / v[-1])),
        ),
        Fault(
            "ALD-inverse",
            "ε σ_L²/σ_i²: the ratio stands upside down",
            "the work is done where it is not needed",
            _annealed_with(width=lambda v, i: float(v[-1] / v[i]) ** 2),
        ),
        Fault(
            "ALD-rising",
            "the levels are walked from the smallest to the largest",
            "the samples end with the largest noise",
            _annealed_with(level=lambda i, last: last - i),
        ),
        Fault(
            "ALD-noise-step",
            "the noise is scaled by ε_i, not by its root",
            "samples collapse onto the modes",
            _annealed_with(noise_power=1.0),
            "https://github.com/google-research/ibc/issues/6",
        ),
        Fault(
            "ALD-drift-not-halved",
            "the drift is ε_i s, with noise √ε_i z",
            "every level samples from p², not p",
            _annealed_with(drift=1.0),
        ),
        Fault(
            "ALD-noise-by-step",
            "the noise is read step by step across levels, not level by level",
            "in law the same, but no run can be repeated from its tape",
            _annealed_with(draw=lambda i, j, n, t: j * n + i),
        ),
        Fault(
            "ALD-noise-reused",
            "one draw serves all steps of a level",
            "the steps of a level are not independent: too much variance",
            _annealed_with(draw=lambda i, j, n, t: i * t),
        ),
        Fault(
            "ALD-level-squared",
            "the model is told σ² instead of σ",
            "it answers for another level, right at σ = 1 only",
            _annealed_with(told=lambda v, i: float(v[i]) ** 2),
        ),
        Fault(
            "ALD-one-level",
            "the model is told the last level throughout",
            "scores of the almost clean data far from the data",
            _annealed_with(told=lambda v, i: float(v[-1])),
            "https://github.com/ermongroup/ncsn/blob/master/runners/anneal_runner.py",
        ),
    ),
)
