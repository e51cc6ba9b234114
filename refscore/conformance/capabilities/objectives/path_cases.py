"""The cases of ``objective.path``: four kinds of paths, five predictions, six weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, final

import numpy as np

from refscore import objectives
from refscore.arrays import Float
from refscore.conformance.capabilities.objectives.common import BATCHES, MODEL, NOISE, half_square, objective_case
from refscore.conformance.capability import Case

__all__ = [
    "GAMMA",
    "LEVELS",
    "PLAIN",
    "SIGMA_DATA",
    "TIME",
    "Level",
    "Setting",
    "in_setting",
    "level_keywords",
    "level_of",
    "path_cases",
    "path_reference",
    "places",
    "sizes",
    "target_of",
    "weight_of",
]

GAMMA, SIGMA_DATA = 5.0, 0.5


@final
@dataclass(frozen=True, slots=True)
class Setting:
    """What a loss is of: the declared prediction and weight."""

    prediction: str = "score"
    weight: str = "one"


PLAIN = Setting()


@final
@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """α, σ, α', σ' and g of each sample, (n,)."""

    alpha: Float
    sigma: Float
    alpha_dot: Float
    sigma_dot: Float
    diffusion: Float

    def first(self, n: int) -> Level:
        """Those of the first n samples."""
        return Level(*(part[:n] for part in (self.alpha, self.sigma, self.alpha_dot, self.sigma_dot, self.diffusion)))


ANGLE = np.array([0.25, 0.75, 1.375])
TIME = np.array([0.25, 0.5, 0.875])
GIVEN = np.array([1.5, 0.75, 2.0])  # g stands for itself: no code can tell it from α and σ
LEVELS = {
    "vp": Level(np.cos(ANGLE), np.sin(ANGLE), -2 * np.sin(ANGLE), 2 * np.cos(ANGLE), GIVEN),
    "flow": Level(np.array([0.5, 0.875, 0.125]), np.array([0.5, 0.125, 0.875]), -np.ones(3), np.ones(3), GIVEN),
    "ve": Level(np.ones(3), np.array([8.0, 0.5, 2.0**-5]), np.zeros(3), np.array([32.0, 2.0, 0.125]), GIVEN),
    "any": Level(
        np.array([1.0, 0.5, 2.0]),
        np.array([0.5, 2.0, 0.25]),
        np.array([1.0, 0.25, -0.5]),
        np.array([2.0, 4.0, 0.75]),
        GIVEN,
    ),
}
PLACES = [(level, name) for level in LEVELS for name in BATCHES if name == "n=d" or level in ("flow", "any")]


def places(setting: Setting) -> list[tuple[str, str]]:
    """Names of level and batch; min-SNR of v has one meaning where α² + σ² = 1, and off it two."""
    only = (setting.prediction, setting.weight) == ("v", "min_snr")
    return [(level, name) for level, name in PLACES if level == "vp"] if only else PLACES


def level_keywords(level: Level, setting: Setting) -> dict[str, Float]:
    """What is passed by keyword: α' and σ' with the velocity, g with the likelihood weighting."""
    keywords = {"alpha": level.alpha, "sigma": level.sigma}
    if setting.prediction == "velocity":
        keywords |= {"alpha_dot": level.alpha_dot, "sigma_dot": level.sigma_dot}
    if setting.weight == "diffusion**2":
        keywords |= {"diffusion": level.diffusion}
    return keywords


def weight_of(level: Level, setting: Setting) -> Float:
    """The declared weight at each sample, (n,), from ``objectives.level_weights`` and ``objectives.factors``."""
    a, s = level.alpha, level.sigma
    if setting.weight == "min_snr":
        of_data = objectives.min_snr_data(a, s, GAMMA)
        return objectives.reweighted(of_data, objectives.data_factor(a, s), _factor(level, setting.prediction))
    return {
        "one": lambda: np.ones_like(s),
        "sigma**2": lambda: s**2,
        "diffusion**2": lambda: level.diffusion**2,
        "snr": lambda: objectives.snr(a, s),
        "edm": lambda: objectives.edm_data(a, s, SIGMA_DATA),
    }[setting.weight]()


def _factor(level: Level, prediction: str) -> Float:
    """The factor of the score in a prediction, (n,)."""
    a, s = level.alpha, level.sigma
    if prediction == "velocity":
        return objectives.velocity_factor(a, s, level.alpha_dot, level.sigma_dot)
    if prediction == "score":
        return np.ones_like(s)
    factors = {"noise": objectives.noise_factor, "data": objectives.data_factor, "v": objectives.v_factor}
    return factors[prediction](a, s)


def target_of(x0: Float, noise: Float, level: Level, prediction: str) -> Float:
    """What a prediction is compared with, (n, d)."""
    rates = (level.alpha_dot, level.sigma_dot) if prediction == "velocity" else (level.alpha, level.sigma)
    targets = {
        "score": objectives.score_target,
        "noise": objectives.noise_target,
        "data": objectives.data_target,
        "v": objectives.v_target,
        "velocity": objectives.velocity_target,
    }
    return targets[prediction](x0, noise, *rates)


def level_of(
    alpha: Float, sigma: Float, alpha_dot: Float | None, sigma_dot: Float | None, diffusion: Float | None
) -> Level:
    """The level of a call, with 0 for what was not passed."""
    rest = (np.zeros_like(alpha) if part is None else part for part in (alpha_dot, sigma_dot, diffusion))
    return Level(alpha, sigma, *rest)


def path_reference(
    predict: Any,
    x0: Float,
    noise: Float,
    t: Float,
    *,
    alpha: Float,
    sigma: Float,
    alpha_dot: Float | None = None,
    sigma_dot: Float | None = None,
    diffusion: Float | None = None,
    setting: Setting = PLAIN,
) -> Float:
    """``objectives.path`` under a setting; of the score, with weight 1, if told nothing else."""
    level = level_of(alpha, sigma, alpha_dot, sigma_dot, diffusion)
    target, weight = target_of(x0, noise, level, setting.prediction), weight_of(level, setting)
    return objectives.path(predict, x0, noise, t, alpha=alpha, sigma=sigma, target=target, weight=weight)


def sizes(x0: Float, noise: Float, level: Level, prediction: str) -> tuple[Float, Float, Float, Float]:
    """The noised points, what rounding does to them, the target, and what it does to that."""
    a, s, da, ds = (part[:, None] for part in (level.alpha, level.sigma, level.alpha_dot, level.sigma_dot))
    moved = a * np.abs(x0) + s * np.abs(noise)
    # α and σ are rounded too, and codes may recover noise or data from x: a worse algebra, not a wrong one.
    clean, wild = np.abs(x0) + moved / a, np.abs(noise) + moved / s
    terms = {
        "score": wild / s,
        "noise": wild,
        "data": clean,
        "v": a * wild + s * clean,
        "velocity": np.abs(da) * clean + np.abs(ds) * wild,
    }[prediction]
    return a * x0 + s * noise, 2 * moved, target_of(x0, noise, level, prediction), 2 * terms


def path_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    """Every path and batch, under the declared prediction and weight."""
    setting = Setting(conventions["prediction"], conventions["weight"])
    for place, name in places(setting):
        x0 = BATCHES[name]
        n = len(x0)
        level, noise, t = LEVELS[place].first(n), NOISE[:n], TIME[:n]
        x, moved, target, target_terms = sizes(x0, noise, level, setting.prediction)
        shift = (MODEL.jacobian_magnitude(x, t) @ moved[..., None])[..., 0]
        residual = MODEL(x, t) - target
        weight = weight_of(level, setting)
        # The last term is the rounding of the weight itself: up to eight operations on rounded α and σ.
        size = half_square(residual, MODEL.magnitude(x, t) + shift + target_terms) + 4 * (residual**2).sum(-1)
        case = objective_case(
            f"{place},{name}",
            conventions,
            (MODEL, x0, noise, t),
            partial(path_reference, setting=setting),
            weight * size,
            random=(2,),
            keywords=level_keywords(level, setting),
        )
        yield in_setting(case, setting)


def in_setting(case: Case, setting: Setting) -> Case:
    """The same case for functions that are told the setting; an implementation is not."""
    plain = case.expect
    return replace(case, expect=lambda function: plain(partial(function, setting=setting)))
