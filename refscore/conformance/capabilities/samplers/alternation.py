"""What ``sampler.predictor_corrector`` is asked: the grid, the run in every convention, and how rounding goes through.

The run steps down the n + 1 even times from 1 to `t_stop`, and each of its n blocks is one step of the predictor and M
of the corrector. Draws are read in the order of use. The factor c of the corrector is the one step's ratio of its
block, c = (α(t_k)/α(t_{k+1}))², so 1 − β for VP and 1 where α is constant. What one step rounds is carried on by the
Jacobian of the steps after it, read off by differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.steps.common import BATCHES, LAW, noise_scale, step_case
from refscore.conformance.capability import Case, Convention
from refscore.conformance.fields import Field
from refscore.paths import VE, VP, DiscreteVP, Path
from refscore.samplers import (
    Sampler,
    ancestral_ve,
    ancestral_vp,
    batch_corrector_step,
    corrector_predictor,
    euler_maruyama,
    langevin_corrector_step,
    large_variance,
    predictor_corrector,
    reverse_diffusion,
)

__all__ = ["CONVENTIONS", "alternation_cases", "even_times", "run_alternation"]

CONVENTIONS = (
    Convention(
        "order",
        "predictor_first",
        ("predictor_first", "corrector_first"),
        "predict, then correct at the new level (the paper); or correct at the present one, then predict (score_sde)",
    ),
    Convention(
        "predictor",
        "reverse_diffusion",
        ("reverse_diffusion", "euler_maruyama", "ancestral"),
        "the step down; ancestral is score_sde's: (x + β s)/√(1−β) + √β z for VP, for VE the posterior's variance",
    ),
    Convention(
        "norms",
        "per_sample",
        ("per_sample", "batch_mean"),
        "|z| and |s| of each sample, as the paper has it, or their means over the batch, as score_sde's code has it",
    ),
    Convention(
        "denoise", False, (False, True), "whether the last update of all, be it predictor or corrector, adds no noise"
    ),
    Convention(
        "t_stop",
        1e-3,
        (1e-3, 1e-5, 0.0),
        "where in [0, 1) the run ends, in the path's time: n + 1 even times from 1",
        lambda t: isinstance(t, (int, float)) and 0 <= t < 1,
    ),
)

PATHS: dict[str, Path] = {"vp": VP(), "vp,beta=0.5-3": VP(0.5, 3.0), "ve,sigma=0.125-4": VE(0.125, 4.0)}
CHAIN = DiscreteVP(np.array([3, 8, 20, 40]) / 128)
SHAPES = ((3, 1), (2, 2), (1, 1), (4, 3))


def even_times(n_steps: int, t_stop: float) -> Float:
    """The n + 1 times of a run."""
    return np.asarray(np.linspace(1.0, t_stop, n_steps + 1), dtype=np.float64)


def _predictor(kind: str, path: Path, times: Float) -> Sampler:
    if kind == "ancestral":
        constant = float(path.alpha(1.0)) == 1
        return ancestral_ve(path, times) if constant else ancestral_vp(path, times, variance=large_variance)
    return {"reverse_diffusion": reverse_diffusion, "euler_maruyama": euler_maruyama}[kind](path, times)


def _sampler(path: Path, n_steps: int, corrector_steps: int, snr: float, conventions: Mapping[str, Any]) -> Sampler:
    times = even_times(n_steps, float(conventions["t_stop"]))
    alpha = path.alpha(times)
    paper = conventions["order"] == "predictor_first"
    factors = dict(zip(map(float, times[1:] if paper else times[:-1]), map(float, (alpha[:-1] / alpha[1:]) ** 2)))
    rule = langevin_corrector_step if conventions["norms"] == "per_sample" else batch_corrector_step

    def corrector(score: Any, x: Float, noise: Float, t: float) -> Float:
        return rule(score, x, noise, snr=snr, scale=factors[t])

    return (predictor_corrector if paper else corrector_predictor)(
        path,
        times,
        predictor=lambda path, times: _predictor(conventions["predictor"], path, np.asarray(times)),
        corrector=corrector,
        corrector_steps=corrector_steps,
    )


def _at_level(score: Any, path: Path, times: Float) -> Any:
    """The universal score of samplers, from one that is asked at a time."""
    told = {(float(path.alpha(t)), float(path.sigma(t))): t for t in times}
    return lambda y, alpha, sigma: score(y, np.full(len(y), told[alpha, sigma]))


def run_alternation(
    score: Any,
    x: Float,
    noise: Float,
    *,
    path: Path,
    n_steps: int,
    corrector_steps: int,
    snr: float,
    **conventions: Any,
) -> Float:
    """The whole run: the capability's reference."""
    chosen: dict[str, Any] = {convention.name: convention.default for convention in CONVENTIONS} | conventions
    sampler = _sampler(path, n_steps, corrector_steps, snr, chosen)
    at_level = _at_level(score, path, even_times(n_steps, float(chosen["t_stop"])))
    for k, z in enumerate(noise):
        moved = sampler.step(at_level, x, k, z)
        if chosen["denoise"] and k == len(noise) - 1:  # the size of a correction depends on |z|, and not on its sign
            moved = 0.5 * (moved + sampler.step(at_level, x, k, -z))
        x = moved
    return x


def alternation_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    """Paths, batches, and how many steps and corrections."""
    for path_name, path in PATHS.items():
        for name in BATCHES:
            if name not in (LAW, "far") and (name == "n=d" or "=" not in path_name):
                yield _case(f"{path_name},{name}", path, name, (2, 2), 0.25, conventions)
        for n, m in SHAPES:
            if (n, m) != (2, 2) and path_name != "vp":
                yield _case(f"{path_name},n={n},M={m}", path, "n<d", (n, m), 0.25, conventions)
    yield _case("ve,sigma=0.125-4,snr=0.0625", PATHS["ve,sigma=0.125-4"], "n=d", (3, 1), 0.0625, conventions)
    if conventions["t_stop"] == 0 and conventions["predictor"] != "euler_maruyama":  # a chain has its nodes only
        yield _case("ddpm", CHAIN, "n=d", (len(CHAIN.betas), 1), 0.25, conventions)


def _case(
    name: str, path: Path, batch: str, counts: tuple[int, int], snr: float, conventions: Mapping[str, Any]
) -> Case:
    field, x, z = BATCHES[batch]
    model = Field(field.matrix, field.centre, np.zeros_like(field.cubic))  # a cubic term lets long runs explode
    n, m = counts
    noise = np.stack([(-0.5) ** (k % 3) * np.roll(z, k, axis=-1) for k in range(n * (1 + m))])
    keywords = {"path": path, "n_steps": n, "corrector_steps": m, "snr": snr}
    given = (model, x, noise)
    size = _size(model, x, noise, keywords, conventions)
    meant = (given, {**keywords, **conventions})
    return step_case(name, given, keywords, size, meant=meant, random=(2,), claim=_claim(conventions))


def _claim(conventions: Mapping[str, Any]) -> str:
    paper, last = conventions["order"] == "predictor_first", " the last without noise;" * bool(conventions["denoise"])
    order = "predict to t_{k+1}, then M corrections there" if paper else "M corrections at t_k, then predict"
    return f"{order};{last} draws in the order of use   (PCS.{7 if paper else 8})"


def _size(model: Field, x: Float, noise: Float, keywords: Mapping[str, Any], conventions: Mapping[str, Any]) -> Float:
    """What each step rounds, carried on by the Jacobian of the steps after it."""
    path, n, m, snr = (keywords[name] for name in ("path", "n_steps", "corrector_steps", "snr"))
    times = even_times(n, float(conventions["t_stop"]))
    sampler, at_level = _sampler(path, n, m, snr, conventions), _at_level(model, path, times)
    paper = conventions["order"] == "predictor_first"
    size = np.zeros_like(x)
    for k, z in enumerate(noise):
        block, j = divmod(k, 1 + m)
        t, s = float(times[block]), float(times[block + 1])
        if j == (0 if paper else m):
            own = _predictor_size(model, x, z, t, s, path, conventions["predictor"])
        else:
            c = float(path.alpha(t) / path.alpha(s)) ** 2
            own = _corrector_size(model, x, z, s if paper else t, c, snr, conventions["norms"])

        def step(y: Float, k: int = k, z: Float = z) -> Float:
            return sampler.step(at_level, y, k, z)

        size = _carried(step, x, size) + own
        x = step(x)
    return size


def _carried(step: Any, x: Float, size: Float) -> Float:
    """|J| size, with the Jacobian of a step of the whole batch by central differences: a bound needs two digits."""
    carried = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        h = 2.0**-17 * max(1.0, abs(float(x[index])))
        moved = np.zeros_like(x)
        moved[index] = h
        carried += np.abs(step(x + moved) - step(x - moved)) / (2 * h) * size[index]
    return carried


def _predictor_size(model: Field, x: Float, z: Float, t: float, s: float, path: Path, kind: str) -> Float:
    """4: the coefficients are computed too, from times that are rounded."""
    scale, h, f, g2 = model.magnitude(x, t), t - s, abs(float(path.drift_rate(t))), float(path.diffusion(t)) ** 2
    at, st, an, sn = (float(v) for v in (path.alpha(t), path.sigma(t), path.alpha(s), path.sigma(s)))
    if kind == "euler_maruyama":
        noise = np.sqrt(h) * noise_scale(g2, g2 + 2 * f)
        return 4 * np.asarray(np.abs(x) * (1 + h * f) + h * (g2 + 2 * f) * scale + noise * np.abs(z))
    a = at / an
    terms = st**2 + (a * sn) ** 2 + (1 + a**2) * (f != 0)  # 1 − a² too
    noise = noise_scale(float(large_variance(at, st, an, sn)), terms)
    if kind == "ancestral":
        return 4 * np.asarray((np.abs(x) + terms * scale) / a + noise * np.abs(z))
    return 4 * np.asarray((2 + a) * np.abs(x) + terms * scale + noise * np.abs(z))


def _corrector_size(model: Field, x: Float, z: Float, t: float, c: float, snr: float, norms: str) -> Float:
    def length(v: Float) -> Any:
        lengths = np.sqrt((v * v).sum(-1, keepdims=True))
        return lengths if norms == "per_sample" else lengths.mean()

    s, terms = model(x, t), model.magnitude(x, t)
    e = 2 * c * (snr * length(z) / length(s)) ** 2
    lost = (terms * np.abs(s)).sum(-1, keepdims=True) / np.sqrt((s * s).sum(-1, keepdims=True))  # rounding moves |s|
    lost = 8 + (lost if norms == "per_sample" else lost.mean()) / length(s)  # |z|, |s| and c round, too
    return np.asarray(2 * np.abs(x) + e * (terms + 2 * lost * np.abs(s)) + lost * np.sqrt(2 * e) * np.abs(z))
