"""The mistakes people make with ``objective.path``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.objectives.path_cases import GAMMA, PLAIN, SIGMA_DATA, Setting
from refscore.conformance.capability import Fault, Function

__all__ = ["PATH_FAULTS", "path_loss"]

Formulas = Mapping[str, Callable[[Any], Any]]


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """One call's arrays; levels have an event axis."""

    x0: Any
    noise: Any
    t: Any
    alpha: Any
    sigma: Any
    alpha_dot: Any
    sigma_dot: Any
    diffusion: Any


TARGETS: Formulas = {
    "score": lambda s: -s.noise / s.sigma,
    "noise": lambda s: s.noise,
    "data": lambda s: s.x0,
    "v": lambda s: s.alpha * s.noise - s.sigma * s.x0,
    "velocity": lambda s: s.alpha_dot * s.x0 + s.sigma_dot * s.noise,
}


def _snr(s: _Sample) -> Any:
    return (s.alpha / s.sigma) ** 2


def _capped(s: _Sample) -> Any:
    return np.minimum(_snr(s), _snr(s).dtype.type(GAMMA))


MIN_SNR: Formulas = {
    "data": _capped,
    "noise": lambda s: _capped(s) / _snr(s),
    "v": lambda s: _capped(s) * s.sigma**2 / (s.alpha**2 + s.sigma**2) ** 2,
    "score": lambda s: _capped(s) * s.sigma**4 / s.alpha**2,
    "velocity": lambda s: _capped(s) * s.sigma**2 / (s.alpha * s.sigma_dot - s.alpha_dot * s.sigma) ** 2,
}
WEIGHTS: Formulas = {
    "one": lambda s: np.ones_like(s.sigma),
    "sigma**2": lambda s: s.sigma**2,
    "diffusion**2": lambda s: s.diffusion**2,
    "snr": _snr,
    "edm": lambda s: _snr(s) + 1 / SIGMA_DATA**2,
}


def _weight(setting: Setting) -> Callable[[_Sample], Any]:
    return MIN_SNR[setting.prediction] if setting.weight == "min_snr" else WEIGHTS[setting.weight]


def path_loss(
    *,
    default: Setting = PLAIN,
    level: Callable[[_Sample], _Sample] = lambda s: s,
    point: Callable[[_Sample], Any] = lambda s: s.alpha * s.x0 + s.sigma * s.noise,
    told: Callable[[_Sample], Any] = lambda s: s.t,
    targets: Formulas = TARGETS,
    weight: Callable[[Setting], Callable[[_Sample], Any]] = _weight,
    lifted: bool = True,
    reduce: Callable[[Any, Any], Any] = lambda w, r: 0.5 * w[..., 0] * (r**2).sum(-1),
) -> Function:
    """The loss with some part of it replaced; told nothing else, it is of its default setting."""

    def function(
        predict: Any,
        x0: Any,
        noise: Any,
        t: Any,
        *,
        alpha: Any,
        sigma: Any,
        alpha_dot: Any = None,
        sigma_dot: Any = None,
        diffusion: Any = None,
        setting: Setting = default,
    ) -> Float:
        given = (alpha, sigma, alpha_dot, sigma_dot, diffusion)
        s = level(_Sample(x0, noise, t, *(None if part is None else part[:, None] for part in given)))
        axis = s if lifted else replace(s, alpha=s.alpha[:, 0], sigma=s.sigma[:, 0])
        residual = predict(point(axis), told(s)) - targets[setting.prediction](s)
        return np.asarray(reduce(weight(setting)(s), residual))

    return function


def _first(s: _Sample) -> _Sample:
    return replace(s, alpha=s.alpha[:1] + 0 * s.alpha, sigma=s.sigma[:1] + 0 * s.sigma)


def _vp(s: _Sample) -> _Sample:
    return replace(s, sigma=np.sqrt(1 - s.alpha**2))


def _only(setting: Setting, weight: Callable[[_Sample], Any]) -> Callable[[Setting], Callable[[_Sample], Any]]:
    """Another weight under one setting, the right one elsewhere."""
    return lambda given: weight if given == setting else _weight(given)


G2, SNR = Setting("score", "diffusion**2"), Setting("data", "snr")
NOISE_CAPPED, V_CAPPED, EDM = Setting("noise", "min_snr"), Setting("v", "min_snr"), Setting("data", "edm")
AWAY = "the learned field points away from the data"
LEVEL = "the learned noise level is not the one it is labelled with"


def _fault(name: str, description: str, effect: str, default: Setting = PLAIN, link: str = "", **parts: Any) -> Fault:
    declared = {key: getattr(default, key) for key in ("prediction", "weight") if default != PLAIN}
    return Fault(f"PLOSS-{name}", description, effect, path_loss(default=default, **parts), link, declared)


PATH_FAULTS = (
    _fault(
        "not-lifted",
        "α and σ of shape (n,) multiplied onto (n, d) without an event axis",
        "each dimension gets its own noise level",
        link="https://github.com/facebookresearch/flow_matching",
        lifted=False,
    ),
    _fault(
        "swapped",
        "α and σ are exchanged in the sample",
        "right where α = σ",
        point=lambda s: s.sigma * s.x0 + s.alpha * s.noise,
    ),
    _fault("vp", "α² + σ² = 1 is assumed", "right on variance-preserving paths only", level=_vp),
    _fault(
        "alpha-bar",
        "ᾱ = α² stands where α = √ᾱ belongs",
        LEVEL,
        level=lambda s: replace(s, alpha=s.alpha**2),
    ),
    _fault(
        "variance",
        "σ² stands where σ belongs in the sample",
        LEVEL,
        point=lambda s: s.alpha * s.x0 + s.sigma**2 * s.noise,
    ),
    _fault(
        "told-sigma",
        "the network is told σ instead of t",
        "sampling asks for times that were not learned",
        told=lambda s: s.sigma[:, 0],
    ),
    _fault(
        "time-reversed",
        "the network is told 1 − t",
        "every level is learned at another one's noise",
        told=lambda s: 1 - s.t,
    ),
    _fault(
        "first-time",
        "all samples use the level of the first",
        "one level is learned",
        level=_first,
    ),
    _fault("clean-point", "the network sees the clean point", "learns no distribution at all", point=lambda s: s.x0),
    _fault(
        "score-sign",
        "sign of the target of the score",
        AWAY,
        link="https://github.com/soran-ghaderi/torchebm/issues/318",
        targets={**TARGETS, "score": lambda s: s.noise / s.sigma},
    ),
    _fault(
        "score-variance",
        "target of the score divided by σ² instead of σ",
        "the learned score is 1/σ too large: samples collapse onto the data",
        link="https://github.com/yang-song/score_sde_pytorch/issues/26",
        targets={**TARGETS, "score": lambda s: -s.noise / s.sigma**2},
    ),
    _fault(
        "v-sign",
        "target −v, the v of codes that predict c_out times it",
        "agrees with its own sampler, and with nobody else's",
        Setting("v"),
        "https://github.com/crowsonkb/k-diffusion/blob/master/k_diffusion/external.py",
        targets={**TARGETS, "v": lambda s: s.sigma * s.x0 - s.alpha * s.noise},
    ),
    _fault(
        "v-plus",
        "the two terms of v are added",
        "no orthogonal pair any more: errors grow with σ",
        Setting("v"),
        targets={**TARGETS, "v": lambda s: s.alpha * s.noise + s.sigma * s.x0},
    ),
    _fault(
        "data-noisy",
        "the noised sample is the target of the data",
        "the network learns to do nothing",
        Setting("data"),
        targets={**TARGETS, "data": lambda s: s.alpha * s.x0 + s.sigma * s.noise},
    ),
    _fault(
        "velocity-reversed",
        "target −u: data at t = 1",
        "the flow runs from the data to the noise",
        Setting("velocity"),
        targets={**TARGETS, "velocity": lambda s: -s.alpha_dot * s.x0 - s.sigma_dot * s.noise},
    ),
    _fault(
        "velocity-flow",
        "target ε − x₀ on every path",
        "right on the straight path only",
        Setting("velocity"),
        targets={**TARGETS, "velocity": lambda s: s.noise - s.x0},
    ),
    _fault(
        "weight-inside",
        "the weight is multiplied into the square",
        "the weight counts twice",
        Setting("score", "sigma**2"),
        reduce=lambda w, r: 0.5 * ((w * r) ** 2).sum(-1),
    ),
    _fault(
        "diffusion",
        "weighted by g instead of g²",
        "no bound on the likelihood",
        G2,
        weight=_only(G2, lambda s: s.diffusion),
    ),
    _fault(
        "snr-root",
        "α/σ stands for the signal-to-noise ratio",
        "small noise levels count too little",
        SNR,
        weight=_only(SNR, lambda s: s.alpha / s.sigma),
    ),
    _fault(
        "min-snr-not-divided",
        "min(SNR, γ) weighs the noise, which needs min(SNR, γ)/SNR",
        "the levels near the noise are hardly learned",
        NOISE_CAPPED,
        weight=_only(NOISE_CAPPED, _capped),
    ),
    _fault(
        "min-snr-maximum",
        "the ratio is held above γ, not below",
        "the levels near the data count as before, the others more",
        NOISE_CAPPED,
        weight=_only(NOISE_CAPPED, lambda s: np.maximum(_snr(s), _snr(s).dtype.type(GAMMA)) / _snr(s)),
    ),
    _fault(
        "min-snr-v-as-noise",
        "min(SNR, γ)/SNR weighs v, which needs min(SNR, γ)/(SNR + 1)",
        "the levels near the noise count too much",
        V_CAPPED,
        weight=_only(V_CAPPED, MIN_SNR["noise"]),
    ),
    _fault(
        "min-snr-v-one-added",
        "min(SNR, γ)/SNR + 1 weighs v, which needs min(SNR, γ)/(SNR + 1)",
        "nothing is held back: every level weighs between one and two",
        V_CAPPED,
        "https://github.com/huggingface/diffusers/pull/8466",
        weight=_only(V_CAPPED, lambda s: MIN_SNR["noise"](s) + 1),
    ),
    _fault(
        "min-snr-v-shifted",
        "min(SNR + 1, γ)/(SNR + 1) weighs v: the one belongs below the line only",
        "the levels near the noise count too much",
        V_CAPPED,
        "https://github.com/huggingface/diffusers/issues/5654",
        weight=_only(V_CAPPED, lambda s: np.minimum(_snr(s) + 1, _snr(s).dtype.type(GAMMA)) / (_snr(s) + 1)),
    ),
    _fault(
        "edm-sum",
        "(σ + σ_data)² stands where (σ σ_data)² belongs",
        "small noise levels are hardly learned",
        EDM,
        "https://github.com/lucidrains/alphafold3-pytorch/issues/68",
        weight=_only(
            EDM,
            lambda s: ((s.sigma / s.alpha) ** 2 + SIGMA_DATA**2) / (s.sigma / s.alpha + SIGMA_DATA) ** 2,
        ),
    ),
)
