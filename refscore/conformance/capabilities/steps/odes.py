"""Capabilities ``step.euler_ode`` and ``step.heun_ode``: one step of the probability-flow ODE, without noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.steps.common import (
    BATCHES,
    LAW,
    LIFTED,
    PATHS,
    TIMES,
    first,
    per_sample,
    step_case,
)
from refscore.conformance.capability import Capability, Case, Fault, Function
from refscore.conformance.fields import Field
from refscore.paths import Path
from refscore.samplers import euler_ode_step, heun_ode_step

__all__ = ["EULER_ODE", "HEUN_ODE"]

Size = Callable[[Field, Float, Float, Float, Path], Float]


def _cases(size: Size, others: tuple[str, ...]) -> Callable[[Mapping[str, Any]], Iterator[Case]]:
    def cases(_: Mapping[str, Any]) -> Iterator[Case]:
        for path_name, path in PATHS.items():
            for name, (model, x, _noise) in BATCHES.items():
                if name == LAW or ("=" in path_name and name != "n=d"):
                    continue
                yield case(f"{path_name},{name}", model, x, "mid", path)
            for when in others:
                if (path_name, when) != ("flow", "late"):  # its drift has a pole at the end
                    yield case(f"{path_name},{when}", *BATCHES["n=d"][:2], when, path)

    def case(name: str, model: Field, x: Float, when: str, path: Path) -> Case:
        t, s = (per_sample(values, len(x)) for values in TIMES[when])
        # 4: f, g² and h are computed too, some five roundings before the terms are put together.
        return step_case(name, (model, x, t, s), {"path": path}, 4 * size(model, x, t, s, path), random=())

    return cases


def _coefficients(t: Float, path: Path) -> tuple[Float, Float]:
    """|f|, and the size of the terms of ½ g²: sub-VP's as a difference is right too."""
    rate = np.abs(path.drift_rate(t))[:, None]
    return rate, 0.5 * path.diffusion(t)[:, None] ** 2 + rate


def _euler_size(model: Field, x: Float, t: Float, s: Float, path: Path) -> Float:
    rate, pull = _coefficients(t, path)
    return np.asarray(np.abs(x) + (t - s)[:, None] * (rate * np.abs(x) + pull * model.magnitude(x, t)))


def _heun_size(model: Field, x: Float, t: Float, s: Float, path: Path) -> Float:
    h = (t - s)[:, None]
    once = _euler_size(model, x, t, s, path)
    y = euler_ode_step(model, x, t, s, path=path)
    rate, pull = _coefficients(s, path)
    carried = (np.abs(model.jacobian_magnitude(y, s)) @ once[..., None])[..., 0]  # y itself is rounded
    return once + 0.5 * h * (rate * (np.abs(y) + once) + pull * (model.magnitude(y, s) + carried))


def _euler_with(
    formula: Callable[[Float, Float, Float, Float, Float], Float],
    when: Callable[[Float, Float], Float] = lambda t, s: t,
    asked: Callable[[Float, Float], Float] = lambda t, s: t,
    lifted: bool = True,
) -> Function:
    """From formula(x, S, f, g, h) with the coefficients at `when` and the score asked at `asked`."""

    def function(score: Any, x: Float, t: Float, s: Float, *, path: Path) -> Float:
        at, step = when(t, s), t - s
        f, g, h = (v[:, None] if lifted else v for v in (path.drift_rate(at), path.diffusion(at), step))
        return formula(x, score(x, asked(t, s)), f, g, h)

    return function


def _euler(x: Float, s: Float, f: Float, g: Float, h: Float) -> Float:
    return np.asarray(x - h * (f * x - 0.5 * g**2 * s))


EULER_ODE = Capability(
    name="step.euler_ode",
    title="One Euler step of the probability-flow ODE",
    signature="euler_ode(score, x (n, d), t (n,), s (n,), *, path) -> (n, d);  score(x, t)",
    formula="x_s = x − h (f(t) x − ½ g(t)² s(x, t)),  h = t − s > 0",
    label="ODE.2",
    source="Song et al. (2021), eq. 13",
    page="docs/samplers/flow_ode.md",
    reference=euler_ode_step,
    cases=_cases(_euler_size, ("near", "late", "last")),
    truth="order 1; on EDM's path the same as DDIM",
    faults=(
        Fault(
            "EULER-full-score",
            "g² s, the drift of the reverse SDE, without its noise",
            "samples collapse",
            _euler_with(lambda x, s, f, g, h: x - h * (f * x - g**2 * s)),
        ),
        Fault(
            "EULER-quarter-score",
            "¼ g² s: g² was halved, σσ' instead of 2σσ'",
            "the noise is not removed",
            _euler_with(lambda x, s, f, g, h: x - h * (f * x - 0.25 * g**2 * s)),
            "https://github.com/deepinv/deepinv/pull/1343",
        ),
        Fault(
            "EULER-not-squared",
            "½ g s instead of ½ g² s",
            "right only where g = 1",
            _euler_with(lambda x, s, f, g, h: x - h * (f * x - 0.5 * g * s)),
        ),
        Fault(
            "EULER-direction",
            "the drift is added with h instead of −h: time runs the wrong way",
            "samples run away from the data",
            _euler_with(lambda x, s, f, g, h: x + h * (f * x - 0.5 * g**2 * s)),
            "https://github.com/hustvl/LightningDiT/issues/89",
        ),
        Fault(
            "EULER-score-sign",
            "f x + ½ g² s: the score pushes away from the data",
            "samples flee the data",
            _euler_with(lambda x, s, f, g, h: x - h * (f * x + 0.5 * g**2 * s)),
            "https://github.com/atong01/conditional-flow-matching/issues/85",
        ),
        Fault(
            "EULER-half-of-both",
            "½ (f x − g² s): the forward drift is halved too",
            "the signal is not scaled up on the way back",
            _euler_with(lambda x, s, f, g, h: x - 0.5 * h * (f * x - g**2 * s)),
        ),
        Fault(
            "EULER-coefficients-at-end",
            "f and g at s, the end of the step",
            "another step of first order: no list of known values is met",
            _euler_with(_euler, when=lambda t, s: s),
        ),
        Fault(
            "EULER-score-at-end",
            "the score is asked at s, the end of the step",
            "the model is told less noise than there is",
            _euler_with(_euler, asked=lambda t, s: s),
        ),
        Fault(
            "EULER-not-lifted",
            "f, g and h of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension has its own time, and only for n = d does nobody complain",
            _euler_with(_euler, lifted=False),
            LIFTED,
        ),
        Fault(
            "EULER-first-time",
            "all samples step from the first one's t to its s",
            "right only where a batch shares its time",
            lambda score, x, t, s, *, path: euler_ode_step(score, x, first(t), first(s), path=path),
        ),
    ),
)

Velocity = Callable[..., Float]


def _heun_with(formula: Callable[[Velocity, Float, Float, Float, Float], Float], weight: float = 0.5) -> Function:
    """From formula(u, x, t, s, h); u(x, t) may be given another time for the model alone."""

    def function(score: Any, x: Float, t: Float, s: Float, *, path: Path) -> Float:
        def velocity(y: Float, at: Float, told: Float | None = None) -> Float:
            f, g = path.drift_rate(at)[:, None], path.diffusion(at)[:, None]
            return np.asarray(f * y - weight * g**2 * score(y, at if told is None else told))

        return formula(velocity, x, t, s, (t - s)[:, None])

    return function


def _trapezoid(u: Velocity, x: Float, t: Float, s: Float, h: Float) -> Float:
    first_slope = u(x, t)
    return np.asarray(x - 0.5 * h * (first_slope + u(x - h * first_slope, s)))


def _from_the_euler_state(u: Velocity, x: Float, t: Float, s: Float, h: Float) -> Float:
    slope = u(x, t)
    y = x - h * slope
    return np.asarray(y - 0.5 * h * (slope + u(y, s)))


HEUN_ODE = Capability(
    name="step.heun_ode",
    title="One step of Heun's second-order method on the probability-flow ODE",
    signature="heun_ode(score, x (n, d), t (n,), s (n,), *, path) -> (n, d);  score(x, t)",
    formula="x̃ = x − h u(x, t),  x_s = x − (h/2) (u(x, t) + u(x̃, s)),  u = f x − ½ g² s,  h = t − s > 0",
    label="ODE.3",
    source="Karras et al. (2022), Algorithm 1, lines 4 to 8",
    page="docs/samplers/flow_ode.md",
    reference=heun_ode_step,
    cases=_cases(_heun_size, ("near", "late")),  # at the data themselves many codes step without it
    truth="order 2, with two evaluations of the score a step",
    faults=(
        Fault(
            "HEUN-stage-level",
            "second stage evaluated at the first time",
            "order 1, and no other sign of it",
            _heun_with(lambda u, x, t, s, h: x - 0.5 * h * (u(x, t) + u(x - h * u(x, t), t))),
            "https://github.com/huggingface/diffusers/pull/1512",
        ),
        Fault(
            "HEUN-no-average",
            "the second slope alone, not the mean of both",
            "order 1, at the price of two evaluations",
            _heun_with(lambda u, x, t, s, h: x - h * u(x - h * u(x, t), s)),
        ),
        Fault(
            "HEUN-old-state",
            "second slope at the old state x, with the new time",
            "order 1, and no other sign of it",
            _heun_with(lambda u, x, t, s, h: x - 0.5 * h * (u(x, t) + u(x, s))),
        ),
        Fault(
            "HEUN-euler",
            "the second stage is missing: Euler's step",
            "order 1",
            euler_ode_step,
        ),
        Fault(
            "HEUN-not-halved",
            "the sum of both slopes, not their mean",
            "every step goes twice as far",
            _heun_with(lambda u, x, t, s, h: x - h * (u(x, t) + u(x - h * u(x, t), s))),
        ),
        Fault(
            "HEUN-from-euler-state",
            "the mean slope is added to the Euler state instead of the old one",
            "every step goes twice as far",
            _heun_with(_from_the_euler_state),
        ),
        Fault(
            "HEUN-model-time",
            "in the second stage f and g belong to s, but the model is told t",
            "order 1; not seen where the model ignores its time",
            _heun_with(lambda u, x, t, s, h: x - 0.5 * h * (u(x, t) + u(x - h * u(x, t), s, t))),
        ),
        Fault(
            "HEUN-full-score",
            "g² s, the drift of the reverse SDE, without its noise",
            "samples collapse",
            _heun_with(_trapezoid, weight=1.0),
        ),
        Fault(
            "HEUN-direction",
            "time runs the wrong way: h instead of −h in both stages",
            "samples run away from the data",
            _heun_with(lambda u, x, t, s, h: _trapezoid(u, x, t, s, -h)),
            "https://github.com/hustvl/LightningDiT/issues/89",
        ),
        Fault(
            "HEUN-first-time",
            "all samples step from the first one's t to its s",
            "right only where a batch shares its time",
            lambda score, x, t, s, *, path: heun_ode_step(score, x, first(t), first(s), path=path),
        ),
    ),
)
