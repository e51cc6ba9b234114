"""Capability ``sampler.flow_ode``: the probability flow by an adaptive solver, held to the tolerance it was given.

Which solver is its own choice, so no value is expected of it but the exact flow, within what its tolerances allow.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from refscore.arrays import Float
from refscore.conformance.capabilities.samplers.flowing import CASES, LOOSE, exact_end, reach
from refscore.conformance.capability import Capability, Check, Diagnosis, Fault, Finding, Function, unit_roundoff
from refscore.paths import Path
from refscore.samplers import flow_rk45
from refscore.sde import flow_drift

__all__ = ["FLOW_ODE"]

TIGHT = 1e-11
FINE = ("vp", "ve")  # asked at both tolerances
ENOUGH = 2000  # evaluations, more than RK45 needs; a mistake may send states where no solver comes to an end


def _arguments(name: str, tolerance: float) -> tuple[tuple[Any, ...], dict[str, Any]]:
    case = CASES[name]
    span = {"t_start": case.t_start, "t_stop": case.t_stop}
    return (case.score, case.x), {"path": case.path, **span, "rtol": tolerance, "atol": tolerance}


Seen = dict[tuple[str, float], Float]


def _checks(_: Mapping[str, Any], dtype: str, __: str) -> Iterator[Check]:
    seen: Seen = {}
    for name in CASES:
        yield _check(name, LOOSE, dtype, seen)
    if dtype == "float64":  # in float32 rounding is above such a tolerance
        for name in FINE:
            yield _check(name, TIGHT, dtype, seen)


def _check(name: str, tolerance: float, dtype: str, seen: Seen) -> Check:
    def measure(call: Any) -> Finding:
        arguments, keywords = _arguments(name, tolerance)
        right, _ = exact_end(name)
        allowed = reach(name, tolerance, tolerance, unit_roundoff(dtype))
        values = call(arguments, keywords)
        if [value.shape for value in values] != [right.shape]:
            shapes = ", ".join(str(value.shape) for value in values)
            return Finding("fail", float("inf"), f"returned shape {shapes}; expected {right.shape}", symptom="shape")
        (got,) = values
        seen[name, tolerance] = got
        error = _distance(got, right)
        ratios = error / allowed
        worst = int(ratios.argmax())
        detects = float((allowed / np.linalg.norm(right, axis=-1)).min())
        if (ratio := float(ratios[worst])) <= 1:
            return Finding("pass", ratio, detects=detects, bound=1.0)
        message = (
            f"sample {worst} ends {error[worst]:.2e} from the exact flow; at tolerances of {tolerance:g} a solver is"
            f" within {allowed[worst]:.2e}"
        )
        # A tolerance that is not kept gives a small error, and a wrong formula a large one.
        symptom = "inaccurate" if (error <= 0.01 * np.abs(right).max()).all() else f"at {got.flat[0]:.6g}"
        found = _named(name, tolerance, seen, unit_roundoff(dtype))
        return Finding("fail", ratio, message, detects=detects, bound=1.0, symptom=symptom, diagnosis=found)

    return Check(f"{name},rtol={tolerance:g}", f"{FORMULA} ends within what its tolerances allow   (BOUND.4)", measure)


def _distance(a: Float, b: Float) -> Float:
    """|a − b| of each sample; inf where that is no number."""
    with np.errstate(all="ignore"):
        found = np.linalg.norm(a - b, axis=-1)
    return np.where(np.isfinite(found), found, np.inf)


def _named(name: str, tolerance: float, seen: Seen, u: float) -> tuple[Diagnosis, ...]:
    """The faults that end here and in all checks before where the implementation does, as near as solvers come."""
    return tuple(
        Diagnosis(fault.name, fault.description, fault.effect, fault.link)
        for fault in FAULTS
        if all(
            _ends_with(fault.name, *check, got, u, fails=False)
            for check, got in seen.items()
            if check[1] == LOOSE or fault.name in KEEPS_NO_TOLERANCE
        )
        and _ends_with(fault.name, name, tolerance, seen[name, tolerance], u, fails=True)
    )


def _ends_with(fault: str, name: str, tolerance: float, got: Float, u: float, *, fails: bool) -> bool:
    """Whether a fault ends where the implementation does and, if that fails, is wrong by more than is allowed."""
    wrong = _wrong_end(fault, name, tolerance)
    allowed, away = reach(name, tolerance, tolerance, u), _distance(wrong, exact_end(name)[0])
    if not np.isfinite(away).all():  # it came to no end, and nor may the implementation
        return not (np.isfinite(got) if fails else _distance(got, exact_end(name)[0]) <= allowed).all()
    near = (_distance(got, wrong) <= (np.minimum(allowed, 0.1 * away) if fails else allowed) + 1e-3 * away).all()
    return bool(near and not (fails and (away <= allowed).all()))


@functools.cache
def _wrong_end(fault: str, name: str, tolerance: float) -> Float:
    (score, x), keywords = _arguments(name, tolerance)
    (function,) = (f.function for f in FAULTS if f.name == fault)
    return np.asarray(function(score.plain, x, **keywords))


class _Lost(Exception):
    """A mistake went on for longer than a solver should."""


Drift = Callable[[Float, Float, Float, Float], Float]


def _with(
    drift: Drift = lambda s, x, f, g: f * x - 0.5 * g**2 * s,
    told: Callable[[Any, Path, float], Any] = lambda t, path, t_start: t,
    span: Callable[[float, float, Path], tuple[float, float]] = lambda t_start, t_stop, path: (t_start, t_stop),
    tolerances: Callable[[float, float], tuple[float, float]] = lambda rtol, atol: (rtol, atol),
) -> Function:
    """RK45 with one rule exchanged."""

    def function(score: Any, x: Float, *, path: Path, t_start: float, t_stop: float, rtol: float, atol: float) -> Float:
        asked = itertools.count()

        def velocity(t: float, flat: Float) -> Float:
            if next(asked) == ENOUGH:
                raise _Lost
            y, at = flat.reshape(x.shape), np.float64(t)
            s = score(y, told(at, path, t_start))
            return np.ravel(drift(s, y, path.drift_rate(at), path.diffusion(at)))

        held = tolerances(rtol, atol)
        try:
            with np.errstate(all="ignore"):
                found = solve_ivp(velocity, span(t_start, t_stop, path), x.ravel(), rtol=held[0], atol=held[1])
        except _Lost:
            return np.full_like(x, np.inf)
        return np.asarray(found.y[:, -1].reshape(x.shape))

    return function


def _even(score: Any, x: Float, *, path: Path, t_start: float, t_stop: float, **_: float) -> Float:
    """Euler's method without a control of its steps."""
    times = np.linspace(t_start, t_stop, 101)
    for t, s in itertools.pairwise(times):
        x = x - (t - s) * flow_drift(score(x, t), x, t, path=path)
    return x


def _denoised(score: Any, x: Float, *, path: Path, t_stop: float, **keywords: Any) -> Float:
    x = flow_rk45(score, x, path=path, t_stop=t_stop, **keywords)
    return np.asarray((x + path.sigma(t_stop) ** 2 * score(x, np.float64(t_stop))) / path.alpha(t_stop))


FAULTS = (
    Fault(
        "FLOW-full-score",
        "g² s, the drift of the reverse SDE: the ½ is missing",
        "without that SDE's noise the samples collapse",
        _with(lambda s, x, f, g: f * x - g**2 * s),
    ),
    Fault(
        "FLOW-quarter-score",
        "¼ g² s: g² was halved, σσ' instead of 2σσ'",
        "the noise is not removed",
        _with(lambda s, x, f, g: f * x - 0.25 * g**2 * s),
        "https://github.com/deepinv/deepinv/pull/1343",
    ),
    Fault(
        "FLOW-not-squared",
        "½ g s instead of ½ g² s",
        "right only where g = 1",
        _with(lambda s, x, f, g: f * x - 0.5 * g * s),
    ),
    Fault(
        "FLOW-score-sign",
        "f x + ½ g² s: the score pushes away from the data",
        "samples flee the data",
        _with(lambda s, x, f, g: f * x + 0.5 * g**2 * s),
        "https://github.com/atong01/conditional-flow-matching/issues/85",
    ),
    Fault(
        "FLOW-no-forward",
        "−½ g² s: the forward drift is left out",
        "right for VE, and for nothing else",
        _with(lambda s, x, f, g: -0.5 * g**2 * s),
    ),
    Fault(
        "FLOW-half-of-both",
        "½ (f x − g² s): the forward drift is halved too",
        "the signal is not scaled up on the way back",
        _with(lambda s, x, f, g: 0.5 * (f * x - g**2 * s)),
    ),
    Fault(
        "FLOW-direction",
        "the drift is turned: −u from t_start down to t_stop",
        "samples run away from the data",
        _with(lambda s, x, f, g: 0.5 * g**2 * s - f * x),
        "https://github.com/hustvl/LightningDiT/issues/89",
    ),
    Fault(
        "FLOW-upwards",
        "the interval is walked from t_stop up to t_start",
        "noise is encoded once more, and no data come of it",
        _with(span=lambda t_start, t_stop, path: (t_stop, t_start)),
    ),
    Fault(
        "FLOW-to-zero",
        "the run goes down to t = 0 instead of t_stop",
        "the model is asked where it was never trained",
        _with(span=lambda t_start, t_stop, path: (t_start, 0.0)),
    ),
    Fault(
        "FLOW-from-one",
        "the run starts at t = 1, whatever t_start is",
        "states of one level are taken for those of another",
        _with(span=lambda t_start, t_stop, path: (1.0 if path.alpha(1.0) > 0 else t_start, t_stop)),
    ),
    Fault(
        "FLOW-model-clock",
        "the model is told 1 − t",
        "it is asked for noise where there are data",
        _with(told=lambda t, path, t_start: np.asarray(1 - t)),
    ),
    Fault(
        "FLOW-model-level",
        "the model is told σ(t) instead of t",
        "it answers for another level, right on EDM's path only",
        _with(told=lambda t, path, t_start: path.sigma(t)),
    ),
    Fault(
        "FLOW-model-frozen",
        "the model is told t_start throughout",
        "samples are smooth: the fine structure is never asked for",
        _with(told=lambda t, path, t_start: np.asarray(t_start)),
    ),
    Fault(
        "FLOW-rtol-ignored",
        "rtol is not passed on, and the solver's own 1e-3 holds",
        "no tolerance that is asked for is kept; likelihoods move with it",
        _with(tolerances=lambda rtol, atol: (1e-3, atol)),
    ),
    Fault(
        "FLOW-tolerances-fixed",
        "both tolerances are 1e-5, whatever was asked for",
        "asked for more digits, the solver gives the same ones",
        _with(tolerances=lambda rtol, atol: (1e-5, 1e-5)),
    ),
    Fault(
        "FLOW-even-steps",
        "100 even steps of Euler's method, whatever the tolerances are",
        "an error of a percent that no tolerance takes away",
        _even,
    ),
    Fault(
        "FLOW-denoised",
        "Tweedie's formula is applied to the last state",
        "the mean of the data is returned in the place of a point of the flow",
        _denoised,
    ),
)
KEEPS_NO_TOLERANCE = ("FLOW-rtol-ignored", "FLOW-tolerances-fixed", "FLOW-even-steps")
FORMULA = "dx/dt = f(t) x − ½ g(t)² s(x, t) from t_start down to t_stop"

FLOW_ODE = Capability(
    name="sampler.flow_ode",
    title="The probability-flow ODE by a solver with adaptive steps",
    signature="flow_ode(score, x (n, d), *, path, t_start, t_stop, rtol, atol) -> (n, d);  score(x, t), t () or (n,)",
    formula=FORMULA,
    label="RK.3",
    source="Song et al. (2021), eq. 13 and appendix D.2",
    page="docs/samplers/runge_kutta.md",
    reference=flow_rk45,
    cases=lambda _: (),
    checks=_checks,
    truth="on N(m, Σ): x_s = α_s m + (Σ_s Σ_t⁻¹)^½ (x_t − α_t m); for mixtures by DOP853 at 1e-13",
    faults=FAULTS,
)
