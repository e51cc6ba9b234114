"""Capabilities ``sde.reverse`` and ``sde.flow``: what is added to the drift to walk a path back to the data.

Both are the coefficient of dt, with time as it is: a step from t down to s adds it times s − t < 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.numbers import where_zero
from refscore.conformance.capabilities.sdes.common import BATCHES, SCORES, STATES
from refscore.conformance.capability import Capability, Case, Fault, Function, Values
from refscore.paths import EDM, VE, VP, Flow, Path, SubVP
from refscore.sde import flow_drift, reverse_drift

__all__ = ["FLOW_DRIFT", "REVERSE_DRIFT"]

PATHS: dict[str, Path] = {"vp": VP(), "subvp": SubVP(), "ve": VE(), "edm": EDM(), "flow": Flow()}
TIMES = np.array([0.875, 2.0**-10, 0.25])


def _cases(weight: float) -> Callable[[Mapping[str, Any]], Iterator[Case]]:
    def cases(_: Mapping[str, Any]) -> Iterator[Case]:
        for path_name, path in PATHS.items():
            for name, part in BATCHES.items():
                yield _case(f"{path_name},{name}", SCORES[part], STATES[part], TIMES[part[0]], path, weight)

    return cases


def _case(name: str, score: Float, x: Float, t: Float, path: Path, weight: float) -> Case:
    def expect(function: Function) -> Values:
        return (np.asarray(function(score, x, t, path=path)),)

    forward = np.abs(path.drift_rate(t)[:, None] * x)
    pull = weight * path.diffusion(t)[:, None] ** 2 * np.abs(score)
    # f and g are computed themselves, and g is squared: four roundings. The g of VE from interpolated logarithms is
    # right too.
    logs = 2 * (abs(np.log(path.sigma_min)) + abs(np.log(path.sigma_max))) if isinstance(path, VE) else 0.0
    return Case(name, (score, x, t), expect, (4 * where_zero(forward + (1 + logs) * pull),), {"path": path})


def _with(formula: Callable[[Float, Float, Float, Float], Float], lifted: bool = True) -> Function:
    """From formula(s, x, f, g) to the function of the capability."""

    def function(score_value: Float, x: Float, t: Float, *, path: Path) -> Float:
        rate, diffusion = path.drift_rate(t)[:, None], path.diffusion(t)
        return formula(score_value, x, rate, diffusion[:, None] if lifted else diffusion)

    return function


REVERSE_DRIFT = Capability(
    name="sde.reverse",
    title="The drift of the reverse-time SDE",
    signature="reverse(score_value (n, d), x (n, d), t (n,), *, path) -> drift (n, d)",
    formula="dx = (f x − g² s) dt + g dw̄,  dt < 0",
    label="SDE.2",
    source="Anderson (1982); Song et al. (2021), eq. 6",
    page="docs/sde.md",
    reference=reverse_drift,
    cases=_cases(1.0),
    truth="with the exact score, the law p_t at every t on the way back",
    faults=(
        Fault(
            "REV-sign",
            "f x + g² s: the sign of the score's term",
            "samples are driven away from the data",
            _with(lambda s, x, f, g: f * x + g**2 * s),
            "https://github.com/atong01/conditional-flow-matching/issues/85",
        ),
        Fault(
            "REV-half",
            "f x − ½ g² s, the drift of the flow (or g² was halved)",
            "with the noise of the SDE on top the samples are too wide",
            _with(lambda s, x, f, g: f * x - 0.5 * g**2 * s),
            "https://github.com/deepinv/deepinv/pull/1343",
        ),
        Fault(
            "REV-not-squared",
            "f x − g s: g is not squared",
            "right only where g = 1",
            _with(lambda s, x, f, g: f * x - g * s),
        ),
        Fault(
            "REV-direction",
            "−f x + g² s, the drift in τ = 1 − t",
            "a step that goes from t down to s runs away from the data",
            _with(lambda s, x, f, g: -f * x + g**2 * s),
            "https://github.com/hustvl/LightningDiT/issues/89",
        ),
        Fault(
            "REV-forward-turned",
            "−f x − g² s: the forward drift is turned, the score's term is not",
            "the signal is not scaled up on the way back",
            _with(lambda s, x, f, g: -f * x - g**2 * s),
        ),
        Fault(
            "REV-no-forward",
            "−g² s: the forward drift is left out",
            "right for VE, and for nothing else",
            _with(lambda s, x, f, g: -(g**2) * s),
        ),
        Fault(
            "REV-no-score",
            "f x: the score is left out",
            "the prior is rescaled, and no data come of it",
            _with(lambda s, x, f, g: f * x),
        ),
        Fault(
            "REV-not-lifted",
            "g² of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension has its own time, and only for n = d does nobody complain",
            _with(lambda s, x, f, g: f * x - g**2 * s, lifted=False),
            "https://github.com/facebookresearch/flow_matching",
        ),
    ),
)

FLOW_DRIFT = Capability(
    name="sde.flow",
    title="The drift of the probability-flow ODE",
    signature="flow(score_value (n, d), x (n, d), t (n,), *, path) -> drift (n, d)",
    formula="dx = (f x − ½ g² s) dt",
    label="SDE.3",
    source="Song et al. (2021), eq. 13",
    page="docs/sde.md",
    reference=flow_drift,
    cases=_cases(0.5),
    truth="the velocity α' x̂₀ + σ' ε̂; with the exact score, the law p_t at every t",
    faults=(
        Fault(
            "FLOW-ODE-full",
            "f x − g² s, the drift of the reverse SDE: the ½ is missing",
            "without that SDE's noise the samples collapse",
            _with(lambda s, x, f, g: f * x - g**2 * s),
        ),
        Fault(
            "FLOW-ODE-quarter",
            "f x − ¼ g² s: g² was halved, σσ' instead of 2σσ'",
            "the noise is not removed: sampling never converges",
            _with(lambda s, x, f, g: f * x - 0.25 * g**2 * s),
            "https://github.com/deepinv/deepinv/pull/1343",
        ),
        Fault(
            "FLOW-ODE-sign",
            "f x + ½ g² s: the sign of the score's term",
            "samples are driven away from the data",
            _with(lambda s, x, f, g: f * x + 0.5 * g**2 * s),
        ),
        Fault(
            "FLOW-ODE-not-squared",
            "f x − ½ g s: g is not squared",
            "right only where g = 1",
            _with(lambda s, x, f, g: f * x - 0.5 * g * s),
        ),
        Fault(
            "FLOW-ODE-direction",
            "−f x + ½ g² s, the drift in τ = 1 − t",
            "a step that goes from t down to s runs away from the data",
            _with(lambda s, x, f, g: -f * x + 0.5 * g**2 * s),
            "https://github.com/hustvl/LightningDiT/issues/89",
        ),
        Fault(
            "FLOW-ODE-half-of-both",
            "½ (f x − g² s): the forward drift is halved too",
            "the signal is not scaled up on the way back",
            _with(lambda s, x, f, g: 0.5 * (f * x - g**2 * s)),
        ),
        Fault(
            "FLOW-ODE-no-forward",
            "−½ g² s: the forward drift is left out",
            "right for VE, and for nothing else",
            _with(lambda s, x, f, g: -0.5 * g**2 * s),
        ),
        Fault(
            "FLOW-ODE-not-lifted",
            "g² of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension has its own time, and only for n = d does nobody complain",
            _with(lambda s, x, f, g: f * x - 0.5 * g**2 * s, lifted=False),
            "https://github.com/facebookresearch/flow_matching",
        ),
    ),
)
