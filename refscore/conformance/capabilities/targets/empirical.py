"""Capabilities ``target.empirical.*``: the ideal denoiser of a finite data set, and the score it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.targets.parts import average, softmax
from refscore.conformance.capabilities.targets.problems import noisy_points
from refscore.conformance.capability import Capability, Case, Fault, Function, Values
from refscore.targets import Empirical

__all__ = ["EMPIRICAL"]


def _reference(points: Float) -> Empirical:
    return Empirical(points, np.full(len(points), 1 / len(points)))


class _Setting(NamedTuple):
    """x (n, d), points y_k (K, 1, d), α and σ (n, 1)."""

    x: Float
    points: Float
    alpha: Float
    sigma: Float

    @property
    def square(self) -> Float:
        """|x − α y_k|², shape (K, n)."""
        return np.asarray(((self.x - self.alpha * self.points) ** 2).sum(-1))


def _sizes(x: Float, points: Float, alpha: Float, sigma: Float) -> tuple[Float, Float]:
    """Sizes of the posterior mean and of the score, both (n, d).

    The exponents are known to |δ_k|(|δ_k| + |x| + α |y_k|)/σ², since α y_k is rounded unless α is 1, and the shares to
    as much. Tweedie's formula from one to the other costs x/α, or x/σ²: a worse algebra, not a wrong one.
    """
    g = _Setting(x, points[:, None], alpha[:, None], sigma[:, None])
    share = softmax(-0.5 * g.square / g.sigma[:, 0] ** 2)
    terms = np.abs(x) + g.alpha * np.abs(g.points)
    offset = np.abs(x - g.alpha * g.points)
    exponent = (offset * (2 * offset + terms * (g.alpha != 1))).sum(-1) / g.sigma[:, 0] ** 2
    spread = np.abs(g.points - average(share, np.broadcast_to(g.points, offset.shape)))
    mean = average(share, 4 * np.abs(g.points) + terms / g.alpha) + average(share * exponent, spread)
    return mean, (np.abs(x) + g.alpha * mean) / g.sigma**2


def _cases(output: int) -> Iterator[Case]:
    for name, x, points, alpha, sigma in noisy_points():
        keywords = {"alpha": alpha, "sigma": sigma}

        def expect(
            function: Function, arguments: tuple[Float, ...] = (x, points), keywords: dict[str, Float] = keywords
        ) -> Values:
            return (np.asarray(function(*arguments, **keywords)),)

        yield Case(name, (x, points), expect, (_sizes(x, points, alpha, sigma)[output],), keywords=keywords)


Value = Callable[[_Setting, Float], Float]
Logits = Callable[[_Setting], Float]


def _logits(g: _Setting) -> Float:
    return np.asarray(-0.5 * g.square / g.sigma[:, 0] ** 2)


def _wrong(value: Value, logits: Logits = _logits, shares: Callable[[Float], Float] = softmax) -> Function:
    """The value, with other logits or other shares made of them."""

    def function(x: Float, points: Float, *, alpha: Float, sigma: Float) -> Float:
        g = _Setting(x, points[:, None], alpha[:, None], sigma[:, None])
        return value(g, shares(logits(g)))

    return function


def _mean(g: _Setting, share: Float) -> Float:
    return average(share, g.points)


def _score(g: _Setting, share: Float) -> Float:
    return (g.alpha * _mean(g, share) - g.x) / g.sigma**2


def _expanded(g: _Setting) -> Float:
    scaled = g.alpha * g.points
    square = (g.x**2).sum(-1) - 2 * (g.x * scaled).sum(-1) + (scaled**2).sum(-1)
    return np.asarray(-0.5 * square / g.sigma[:, 0] ** 2)


def _nearest(logits: Float) -> Float:
    return np.asarray(logits == logits.max(0), dtype=logits.dtype)


def _underflow(logits: Float) -> Float:
    return np.asarray(np.exp(logits) / np.exp(logits).sum(0))


def _not_lifted(g: _Setting, share: Float) -> Float:
    return (g.alpha[:, 0] * _mean(g, share) - g.x) / g.sigma[:, 0] ** 2


def _everywhere(prefix: str, make: Callable[..., Function]) -> tuple[Fault, ...]:
    """The mistakes with the shares, made with `logits` or `shares`."""
    return (
        Fault(
            f"{prefix}-prior",
            "the mean of the data, whatever x is",
            "the denoiser of infinite noise at every level",
            make(shares=lambda logits: np.full_like(logits, 1 / len(logits))),
        ),
        Fault(
            f"{prefix}-nearest",
            "the nearest point alone is used",
            "the denoiser of no noise at every level: jumps between points",
            make(shares=_nearest),
        ),
        Fault(
            f"{prefix}-not-squared",
            "distances are not squared in the exponent",
            "a Laplace kernel: far points count too much",
            make(logits=lambda g: -0.5 * np.sqrt(g.square) / g.sigma[:, 0] ** 2),
        ),
        Fault(
            f"{prefix}-no-half",
            "the ½ of the exponent is forgotten",
            "the denoiser of σ/√2",
            make(logits=lambda g: 2 * _logits(g)),
        ),
        Fault(
            f"{prefix}-sigma-once",
            "σ stands where σ² belongs in the exponent",
            "right at σ = 1 only",
            make(logits=lambda g: -0.5 * g.square / g.sigma[:, 0]),
        ),
        Fault(
            f"{prefix}-points-unscaled",
            "the points are not scaled by α in the exponent",
            "right where α = 1; points near the origin are preferred near the noise",
            make(logits=lambda g: -0.5 * ((g.x - g.points) ** 2).sum(-1) / g.sigma[:, 0] ** 2),
        ),
        Fault(
            f"{prefix}-underflow",
            "exponentials are divided without subtracting the largest exponent",
            "0/0 as soon as σ is small",
            make(shares=_underflow),
        ),
        Fault(
            f"{prefix}-expanded",
            "distances by |x|² − 2 α x·y + α² |y|²",
            "digits cancel where the data are far from the origin",
            make(logits=_expanded),
            "https://docs.pytorch.org/docs/stable/generated/torch.cdist.html",
        ),
    )


DENOISE = Capability(
    name="target.empirical.denoise",
    title="The ideal denoiser of a finite data set",
    signature="denoise(x (n, d), points (k, d), *, alpha (n,), sigma (n,)) -> (n, d)",
    formula="E[x₀ given x] = Σ_k r_k y_k,  r_k ∝ exp(−|x − α y_k|²/2σ²)",
    label="EMP.2",
    source="Karras et al. (2022), eq. 57",
    page="docs/targets/empirical.md",
    reference=lambda x, points, *, alpha, sigma: _reference(points).denoise(x, alpha=alpha, sigma=sigma),
    cases=lambda _: _cases(0),
    truth="inside the convex hull of the points; the nearest of them as σ → 0, their mean as σ → ∞",
    faults=(
        *_everywhere("EMPDENOISE", partial(_wrong, _mean)),
        Fault(
            "EMPDENOISE-scaled",
            "α y_k are averaged, not y_k: E[α x₀ given x]",
            "right where α = 1; too small near the noise",
            _wrong(lambda g, share: g.alpha * _mean(g, share)),
        ),
        Fault(
            "EMPDENOISE-divided",
            "y_k/α are averaged, not y_k: divided by α as in Tweedie's formula",
            "right where α = 1; too large near the noise",
            _wrong(lambda g, share: _mean(g, share) / g.alpha),
        ),
    ),
)

SCORE = Capability(
    name="target.empirical.score",
    title="The score of a finite data set with noise",
    signature="score(x (n, d), points (k, d), *, alpha (n,), sigma (n,)) -> (n, d)",
    formula="s = Σ_k r_k (α y_k − x)/σ²,  r_k ∝ exp(−|x − α y_k|²/2σ²)",
    label="EMP.4",
    source="Karras et al. (2022), eq. 57 and 3",
    page="docs/targets/empirical.md",
    reference=lambda x, points, *, alpha, sigma: _reference(points).score(x, alpha=alpha, sigma=sigma),
    cases=lambda _: _cases(1),
    truth="∇ log Σ_k N(x; α y_k, σ² I)/K",
    faults=(
        *_everywhere("EMPSCORE", partial(_wrong, _score)),
        Fault(
            "EMPSCORE-sign",
            "the sign is turned",
            "samples move away from the data",
            _wrong(lambda g, share: -_score(g, share)),
        ),
        Fault(
            "EMPSCORE-divided-once",
            "divided by σ, not by σ²",
            "right at σ = 1 only",
            _wrong(lambda g, share: g.sigma * _score(g, share)),
        ),
        Fault(
            "EMPSCORE-no-alpha",
            "Σ_k r_k y_k − x: the denoised point is not scaled by α",
            "right where α = 1 only",
            _wrong(lambda g, share: (_mean(g, share) - g.x) / g.sigma**2),
        ),
        Fault(
            "EMPSCORE-not-lifted",
            "α and σ of shape (n,) are multiplied onto (n, d) without an event axis",
            "each dimension gets the level of another sample; silent where n = d",
            _wrong(_not_lifted),
            "https://github.com/facebookresearch/flow_matching",
        ),
    ),
)

EMPIRICAL = (DENOISE, SCORE)
