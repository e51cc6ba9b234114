"""Capability ``step.underdamped``: a position and a velocity, by Euler's step or by a splitting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.steps.common import BATCHES, Batch, noise_scale
from refscore.conformance.capability import Capability, Case, Convention, Fault, Function, Values
from refscore.conformance.fields import Field
from refscore.samplers import baoab_step, obabo_step, underdamped_step

__all__ = ["UNDERDAMPED"]

STEPS = {"euler": underdamped_step, "baoab": baoab_step, "obabo": obabo_step}
NAMES = ("n=d", "n<d", "n=1", "d=1")  # far away the cubic term lets two kicks explode
SETTINGS = ((0.25, 1.5), (2.0**-6, 4.0), (0.25, 0.125))


def _reference(
    score: Any,
    x: Float,
    velocity: Float,
    noise: Float,
    *,
    step_size: float,
    friction: float,
    splitting: str = "euler",
) -> tuple[Float, Float]:
    return STEPS[splitting](score, x, velocity, noise, step_size=step_size, friction=friction)


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    splitting = conventions["splitting"]
    for step_size, friction in SETTINGS:
        for name in NAMES if (step_size, friction) == SETTINGS[0] else NAMES[:1]:
            yield _case(
                f"step={step_size:g},friction={friction:g},{name}", BATCHES[name], step_size, friction, splitting
            )


def _case(name: str, batch: Batch, step_size: float, friction: float, splitting: str) -> Case:
    model, x, z = batch
    velocity = 0.5 * np.roll(z, 1, axis=-1) + 0.25
    noise = np.stack([z, 0.75 - 0.5 * np.roll(z, 1, axis=-1)]) if splitting == "obabo" else z
    arguments = (model, x, velocity, noise)
    keywords = {"step_size": step_size, "friction": friction}
    meant = {**keywords, "splitting": splitting}

    def expect(function: Function) -> Values:
        new, moving = function(*arguments, **meant)
        return np.asarray(new), np.asarray(moving)

    size = _euler_size if splitting == "euler" else _splitting_size
    claim = "B: v + (h/2) s, A: x + h v, O: e^(−γt) v + √(1 − e^(−2γt)) z" * (splitting != "euler")
    return Case(name, arguments, expect, size(*arguments, step_size, friction), keywords, claim, (3,))


def _euler_size(model: Field, x: Float, v: Float, z: Float, h: float, gamma: float) -> Values:
    kick = h * (model.magnitude(x) + gamma * np.abs(v)) + np.sqrt(2 * gamma * h) * np.abs(z)
    return np.abs(x) + h * np.abs(v), np.abs(v) + kick


def _splitting_size(model: Field, x: Float, v: Float, noise: Float, h: float, gamma: float) -> Values:
    """What each part rounds, carried on through the parts after it."""
    moved, moving = np.abs(x), np.abs(v)  # how far off position and velocity may be
    twice = noise.ndim > x.ndim
    draws = list(noise) if twice else [noise]
    for part in "OBABO" if twice else "BAOAB":
        if part == "B":
            carried = (np.abs(model.jacobian_magnitude(x)) @ moved[..., None])[..., 0]
            moving = moving + 0.5 * h * (carried + model.magnitude(x))
            v = v + 0.5 * h * model(x)
        elif part == "A":
            time = h if twice else 0.5 * h
            moved = moved + time * (moving + np.abs(v))
            x = x + time * v
        else:
            time, z = (0.5 * h if twice else h), draws.pop(0)
            keeps, fills = np.exp(-gamma * time), -np.expm1(-2 * gamma * time)
            moving = moving + gamma * time * np.abs(v) + noise_scale(fills, 1.0) * np.abs(z)
            v = keeps * v + np.sqrt(fills) * z
    return moved, moving


def _of(own: str, function: Function) -> Function:
    """A mistake in one splitting; asked for another one, it is not made."""

    def either(*arguments: Any, splitting: str = own, **keywords: Any) -> Any:
        if splitting != own:
            return _reference(*arguments, splitting=splitting, **keywords)
        return function(*arguments, **keywords)

    return either


def _euler(
    noise: float = 0.5,
    factor: float = 2.0,
    drift: float = 1.0,
    rubbing: float = 1.0,
    later: bool = False,
    shared: bool = False,
    on_position: bool = False,
) -> Function:
    """Euler's step with one rule exchanged."""

    def function(score: Any, x: Float, v: Float, z: Float, *, step_size: float, friction: float) -> tuple[Float, Float]:
        pushed = (factor * friction * step_size) ** noise * (z[:1] if shared else z)
        new = v + step_size * (drift * score(x) - rubbing * friction * v) + (0 if on_position else pushed)
        return x + step_size * (new if later else v) + (pushed if on_position else 0), new

    return _of("euler", function)


def _parts(
    own: str,
    order: str,
    times: Mapping[str, float],
    root: float = 2.0,
    draws: tuple[int, ...] = (0, 1),
    stale: bool = False,
) -> Function:
    """A splitting with one rule exchanged: parts, their times in units of h, which draw each O takes."""

    def function(score: Any, x: Float, v: Float, z: Float, *, step_size: float, friction: float) -> tuple[Float, Float]:
        tape, first, taken = (z if own == "obabo" else z[None]), score(x), 0
        for part in order:
            h = step_size * times[part]
            if part == "A":
                x = x + h * v
            elif part == "B":
                v = v + h * (first if stale else score(x))
            else:
                v = np.exp(-friction * h) * v + np.sqrt(1 - np.exp(-root * friction * h)) * tape[draws[taken]]
                taken += 1
        return x, v

    return _of(own, function)


HALVES = {"A": 0.5, "B": 0.5, "O": 1.0}
OUTER = {"A": 1.0, "B": 0.5, "O": 0.5}
BAOAB = {"splitting": "baoab"}
OBABO = {"splitting": "obabo"}

UNDERDAMPED = Capability(
    name="step.underdamped",
    title="One step of underdamped Langevin dynamics",
    signature="underdamped(score, x (n, d), velocity (n, d), noise (n, d), *, step_size, friction) -> ((n, d), (n, d))",
    formula="x' = x + h v,  v' = v + h (s(x) − γ v) + √(2γh) z",
    label="UND.2",
    source="Leimkuhler & Matthews (2013), for the splittings",
    page="docs/samplers/underdamped.md",
    reference=_reference,
    cases=_cases,
    conventions=(
        Convention(
            "splitting",
            "euler",
            ("euler", "baoab", "obabo"),
            "Euler's step, or B kick, A drift, O friction and noise in turn; with obabo noise is (2, n, d)",
        ),
    ),
    truth="on N(μ, ℓ) baoab ends at Var x = ℓ, Var v = 1 − h²/(4ℓ), obabo at Var x = ℓ/(1 − h²/(4ℓ)), Var v = 1",
    faults=(
        Fault(
            "UND-noise-root",
            "the noise is √(γh) z",
            "half the temperature: samples too close to the modes",
            _euler(factor=1.0),
        ),
        Fault(
            "UND-noise-step",
            "the noise is 2γh z: not the root",
            "samples freeze as the step gets small",
            _euler(noise=1.0),
        ),
        Fault(
            "UND-new-velocity",
            "the position moves by the new velocity",
            "another method, the semi-implicit one, with another bias",
            _euler(later=True),
        ),
        Fault(
            "UND-no-friction",
            "there is noise, and no friction",
            "the velocities heat up without end",
            _euler(rubbing=0.0),
        ),
        Fault(
            "UND-friction-doubled",
            "the friction is 2γ, with the noise of γ",
            "half the temperature",
            _euler(rubbing=2.0),
        ),
        Fault(
            "UND-drift-halved",
            "the force is s/2, as in the overdamped step",
            "samples from the root of p",
            _euler(drift=0.5),
        ),
        Fault(
            "UND-sign",
            "the gradient of the energy is added instead of subtracted",
            "samples flee the data",
            _euler(drift=-1.0),
        ),
        Fault(
            "UND-noise-on-position",
            "the noise is added to the position",
            "the velocity cools down, and the position diffuses",
            _euler(on_position=True),
        ),
        Fault(
            "UND-shared-noise",
            "one noise vector for the whole batch",
            "samples are not independent of each other",
            _euler(shared=True),
        ),
        Fault(
            "UND-baoab-turned",
            "ABOBA: half drifts outside, half kicks inside",
            "second order too, but the position's law is no longer exact on Gaussians",
            _parts("baoab", "ABOBA", HALVES),
            declared=BAOAB,
        ),
        Fault(
            "UND-baoab-half-friction",
            "friction and noise over h/2",
            "half the friction that was asked for",
            _parts("baoab", "BAOAB", {**HALVES, "O": 0.5}),
            declared=BAOAB,
        ),
        Fault(
            "UND-baoab-whole-kicks",
            "both kicks are over h",
            "twice the force: samples from p²",
            _parts("baoab", "BAOAB", {**HALVES, "B": 1.0}),
            declared=BAOAB,
        ),
        Fault(
            "UND-baoab-noise",
            "√(1 − e^(−γh)) in the place of √(1 − e^(−2γh))",
            "half the temperature at small steps",
            _parts("baoab", "BAOAB", HALVES, root=1.0),
            declared=BAOAB,
        ),
        Fault(
            "UND-baoab-stale-force",
            "the last kick takes the force of the first",
            "first order instead of second",
            _parts("baoab", "BAOAB", HALVES, stale=True),
            declared=BAOAB,
        ),
        Fault(
            "UND-obabo-one-draw",
            "the same noise in both O",
            "the two halves do not add up to the right noise",
            _parts("obabo", "OBABO", OUTER, draws=(0, 0)),
            declared=OBABO,
        ),
        Fault(
            "UND-obabo-draws-exchanged",
            "the second draw is taken first",
            "in law the same, but no run can be repeated from its tape",
            _parts("obabo", "OBABO", OUTER, draws=(1, 0)),
            declared=OBABO,
        ),
        Fault(
            "UND-obabo-whole-friction",
            "friction and noise over h at both ends",
            "twice the friction that was asked for",
            _parts("obabo", "OBABO", {**OUTER, "O": 1.0}),
            declared=OBABO,
        ),
        Fault(
            "UND-obabo-noise",
            "√(1 − e^(−γh/2)) in the place of √(1 − e^(−γh))",
            "half the temperature at small steps",
            _parts("obabo", "OBABO", OUTER, root=1.0),
            declared=OBABO,
        ),
    ),
)
