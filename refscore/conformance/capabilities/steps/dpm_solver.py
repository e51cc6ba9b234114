"""Capability ``step.dpm_solver``: runs of DPM-Solver and DPM-Solver++ on a grid of λ = log(α/σ)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refscore.conformance.capabilities.steps.dpm_cases import CONVENTIONS, dpm_cases, dpm_reference
from refscore.conformance.capabilities.steps.dpm_rules import PATHS, with_rules
from refscore.conformance.capability import Capability, Fault
from refscore.samplers.exponential import phi

__all__ = ["DPM_SOLVER"]

SINGLE = {"method": "singlestep"}
THIRD = {"order": 3}
SINGLE_3 = {**SINGLE, **THIRD}


def _linear_in_sigma(a: float, b: float, r: float, path: str) -> float:
    """λ where σ is a part r of the way."""
    sigma = (1 - r) * PATHS[path](a)[1] + r * PATHS[path](b)[1]
    alpha = {"vp": np.sqrt(1 - sigma**2), "ve": 1.0, "flow": 1 - sigma}[path]
    return float(np.log(alpha / sigma))


def _lowered(k: int, n: int, order: int) -> int:
    return min(k + 1, order, n - k)


def _ratio_of_signal(kind: str, t: Any, s: Any) -> Any:
    return s[1] / t[1] if kind == "noise" else s[0] / t[0]


def _exponential(kind: str, t: Any, s: Any) -> Any:
    return 1.0 if kind == "noise" else s[1] / s[0] * t[0] / t[1]


DPM_SOLVER = Capability(
    name="step.dpm_solver",
    title="A run of DPM-Solver or DPM-Solver++",
    signature="dpm_solver(predict, x (n, d), *, log_snr (N + 1,), order, kind) -> (n, d);  predict(x, log_snr),"
    " log_snr ()",
    formula="x_{k+1} = K x_k + G h φ₁(c h) (m_k + D/2),  h = λ_{k+1} − λ_k",
    label="DPMM.3",
    source="Lu et al. (2022), DPM-Solver++, Algorithms 1 and 2",
    page="docs/samplers/dpm_multistep.md",
    reference=dpm_reference,
    cases=dpm_cases,
    conventions=CONVENTIONS,
    derivation=(
        "The run goes from x at λ_0 to λ_N, along a rising grid of λ = log(α/σ), half of VDM's.",
        "kind=data: K = σ_s/σ_t, G = α_s, c = −1;  kind=noise: K = α_s/α_t, G = −σ_s, c = 1;",
        "h φ₁(c h) = (e^(c h) − 1)/c. α and σ follow from λ: path=vp, ve or flow.",
        "multistep: D = (m_k − m_{k−1}) h/h_{k−1}; it starts with a step of order 1, then 2.",
        "singlestep: D/2 = m(u, λ + h/2) − m_k;  order 3 has its stages at 1/3 and 2/3 of h.",
        "No step is of lower order than its history asks for, the last one neither.",
    ),
    truth="a model that says the same everywhere is integrated exactly, whatever the grid and the order",
    faults=(
        Fault(
            "DPM-ratio-swapped",
            "r = h/h_{k−1} instead of h_{k−1}/h",
            "none on the order: the errors ½ (h_{k−1}² − h_k²) m' of the steps cancel; the numbers are no other code's",
            with_rules(ratio=lambda before, h: h / before),
        ),
        Fault(
            "DPM-equal-steps",
            "r = 1: the grid is taken for an even one in λ",
            "order 1 where neighbouring steps differ by a factor, a larger error where by little",
            with_rules(ratio=lambda before, h: 1.0),
        ),
        Fault(
            "DPM-slope-sign",
            "the slope is subtracted: m_{k−1} − m_k",
            "order 1, with twice the error of no slope at all",
            with_rules(half=-0.5),
        ),
        Fault(
            "DPM-slope-not-halved",
            "D instead of D/2",
            "order 1: the correction goes twice as far",
            with_rules(half=1.0),
        ),
        Fault(
            "DPM-span-of-last-step",
            "from the second step on e^(−h) − 1 has the h of the step before",
            "order 1 where the step length varies; sharper images, and another law",
            with_rules(span=lambda c, h, before: before * phi(1, c * before)),
            "https://github.com/crowsonkb/k-diffusion/issues/56",
        ),
        Fault(
            "DPM-history-of-zeros",
            "the first step has the full order, with zeros for the prediction before it",
            "order 1: the first step overshoots by half of its prediction",
            with_rules(warm=lambda k, n, order: order),
        ),
        Fault(
            "DPM-lower-order-final",
            "the last step is of order 1 (lower_order_final): an option, not the method",
            "the order is as before, with another error; needed where the grid ends at σ = 0",
            with_rules(warm=_lowered),
        ),
        Fault(
            "DPM-heun",
            "h φ₂(c h) D instead of ½ h φ₁(c h) D: solver_type heun, or taylor",
            "none on the order: another method of order 2",
            with_rules(second=lambda c, h: h * phi(2, c * h)),
        ),
        Fault(
            "DPM-sign",
            "α_s (e^(−h) − 1) is added, not subtracted",
            "the prediction is taken away: samples are turned around",
            with_rules(gain=lambda kind, t, s: s[1] if kind == "noise" else -s[0]),
        ),
        Fault(
            "DPM-span-sign",
            "1 − e^h instead of e^(−h) − 1: h has the wrong sign in it",
            "order 1: the prediction counts e^h times, and large steps explode",
            with_rules(span=lambda c, h, before: h * phi(1, -c * h)),
        ),
        Fault(
            "DPM-no-exponential",
            "h instead of 1 − e^(−h)",
            "order 1: the exponential integrator is lost, and large steps explode",
            with_rules(span=lambda c, h, before: h),
        ),
        Fault(
            "DPM-gain-of-start",
            "G at the level of the start, not of the end",
            "order 1; with data it is right for α = 1 only",
            with_rules(gain=lambda kind, t, s: -t[1] if kind == "noise" else t[0]),
        ),
        Fault(
            "DPM-keep-of-other-kind",
            "K of the other kind: α_s/α_t with data, σ_s/σ_t with noise",
            "the noise is not removed, or the signal is",
            with_rules(keep=_ratio_of_signal),
        ),
        Fault(
            "DPM-keep-of-alpha-one",
            "K = e^(−h) with data, 1 with noise: right for α = 1 only",
            "formulas of k-diffusion on a path whose signal is scaled",
            with_rules(keep=_exponential),
        ),
        Fault(
            "DPM-double-log-snr",
            "λ is taken for log(α²/σ²)",
            "levels and steps of half the log-SNR: the schedule is another one",
            with_rules(scale=0.5),
        ),
        Fault(
            "DPM-told-end",
            "the model is told λ of the end of the step",
            "order 1: noise is taken for signal in every step",
            with_rules(told=lambda at, a, b: b),
        ),
        Fault(
            "DPM-middle-in-sigma",
            "the stage stands where σ is half way, not λ",
            "none on the order: a step of order 2 with another error; no list of known values is met",
            with_rules("singlestep", middle=_linear_in_sigma),
            declared=SINGLE,
        ),
        Fault(
            "DPM-stage-told-start",
            "the stage is asked at its state, but told λ of the start",
            "order 1, and no other sign of it",
            with_rules("singlestep", told=lambda at, a, b: a),
            declared=SINGLE,
        ),
        Fault(
            "DPM-stage-state",
            "the stage is told its λ, but asked at the old state",
            "order 1, at the price of two evaluations",
            with_rules("singlestep", moves=False),
            declared=SINGLE,
        ),
        Fault(
            "DPM-stage-averaged",
            "the mean of both predictions, as if the stage stood at the end",
            "order 1: the slope is half of what it should be",
            with_rules("singlestep", half=0.25),
            declared=SINGLE,
        ),
        Fault(
            "DPM-from-stage",
            "the last formula goes on from the stage's state, with K of the whole step",
            "the first half of the step is taken twice",
            with_rules("singlestep", from_stage=True),
            declared=SINGLE,
        ),
        Fault(
            "DPM-third-released",
            "the second derivative without its factor 2, as in the released codes",
            'order 2, not 3, after the start; declare second_derivative="released" where it is meant',
            with_rules(bend=0.5),
            "https://github.com/LuChengTHU/dpm-solver",
            declared=THIRD,
        ),
        Fault(
            "DPM-third-sign",
            "the second derivative has the wrong sign",
            "order 2, not 3, after the start",
            with_rules(bend=-1.0),
            declared=THIRD,
        ),
        Fault(
            "DPM-third-slope",
            "the slope is D₁ alone, without r/(r + r') (D₁ − D₁')",
            "order 2, not 3, after the start",
            with_rules(slope=False),
            declared=THIRD,
        ),
        Fault(
            "DPM-third-ratio",
            "r' = h_{k−2}/h_{k−1} instead of h_{k−2}/h",
            "order 1 where neighbouring steps differ by a factor",
            with_rules(before=lambda h0, h1, h: h0 / h1),
            declared=THIRD,
        ),
        Fault(
            "DPM-stages-swapped",
            "r₁ and r₂ are exchanged: stages at 2/3 and 1/3",
            "order 2 instead of 3",
            with_rules("singlestep", parts=(2 / 3, 1 / 3)),
            declared=SINGLE_3,
        ),
        Fault(
            "DPM-stage-ratio",
            "the second stage lacks r₂/r₁",
            "order 2 instead of 3",
            with_rules("singlestep", cross=False),
            declared=SINGLE_3,
        ),
        Fault(
            "DPM-third-phi",
            "½ φ₁ stands for φ₂ in the last formula, as in order 2",
            "order 2 instead of 3",
            with_rules("singlestep", last=lambda c, h: 0.5 * h * phi(1, c * h)),
            declared=SINGLE_3,
        ),
    ),
)
