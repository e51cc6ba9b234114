"""Chains of equal steps: how far their stationary law is from the target as the step shrinks, and how fast they forget.

Steps are given in units of the smallest variance ℓ of the target: ε = rℓ for a squared length, h = √(rℓ) for a time, so
that the orders of both are told by r in one way: the error of a method of order p in h falls as r^(p/2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

import refscore as rs
from refscore.arrays import Float
from refscore.exact import mixing, on_the_line
from refscore.exact.stationary import stationary_of
from refscore.targets import Gaussian
from validation.samplers.targets import CONDITIONS, LINE, Seen, best_order, gaussian_of

__all__ = [
    "CHAINS",
    "LINE_CHAINS",
    "LINE_PARTS",
    "PARTS",
    "SHOWN_PARTS",
    "Chain",
    "Ended",
    "OnTheLine",
    "ended",
    "ended_on_the_line",
    "steps_seen",
]

S = rs.samplers
PARTS = tuple(2.0**-k for k in range(1, 9))
SHOWN_PARTS = (0.5, 0.125, 0.03125)
LINE_PARTS = PARTS[:5]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A chain: ``end(target, r)`` is its stationary law and what a step leaves of the start, for a step of size r.

    `unit` is "ε" or "h", in which `published` and `holds` count; `holds` is inf where there is no error at all.
    """

    name: str
    of: str
    end: Callable[[Gaussian, float], tuple[Gaussian, float]]
    unit: str
    published: float | None
    holds: float
    note: str = ""
    conditions: tuple[int, ...] = CONDITIONS


class Ended(NamedTuple):
    """W₂ from the target and relative spread - 1 at each step size, the order, and how many steps forget e-fold."""

    distance: tuple[float, ...]
    spread: float
    seen: Seen
    forgets: tuple[float, ...]


def _least(target: Gaussian) -> float:
    return float(np.linalg.eigvalsh(target.cov)[0])


def _equal(
    make: Callable[[Gaussian, float], Any], part: int = 0
) -> Callable[[Gaussian, float], tuple[Gaussian, float]]:
    """The end of an equal-step sampler; `part` 1 is the velocity of one that has it."""

    def end(target: Gaussian, r: float) -> tuple[Gaussian, float]:
        sampler = make(target, r * _least(target))
        law = rs.exact.stationary_law(sampler, target)
        at = slice(part * target.d, (part + 1) * target.d)
        return rs.targets.gaussian(law.mean[at], law.cov[at, at]), rs.exact.contraction_rate(sampler, target)

    return end


def _one_level(target: Gaussian, r: float) -> tuple[Gaussian, float]:
    """Annealed Langevin at its last level σ = ½, if it stays there: the law is compared with that of the level."""
    noisy = target.perturb(1.0, 0.5)
    sampler = S.annealed([0.5], step_size=r * _least(noisy), steps_per_level=1)
    step = rs.exact.step_map(sampler, S.noisy_score(target), 0, target.d)
    return stationary_of(step), float(np.abs(np.linalg.eigvals(step.matrix)).max())


def _corrector(target: Gaussian, r: float) -> tuple[Gaussian, float]:
    """The corrector of fixed size at the level σ = ½, with r² σ² 4 = ε."""
    noisy = target.perturb(1.0, 0.5)
    snr = math.sqrt(r * _least(noisy))

    def step(x: Float, z: Float) -> Float:
        return S.annealed_corrector_step(noisy.score, x, z[0], snr=snr, sigma=0.5)

    found = rs.exact.probe(step, target.d, 1)
    return stationary_of(found), float(np.abs(np.linalg.eigvals(found.matrix)).max())


def _minibatch(target: Gaussian, r: float) -> tuple[Gaussian, float]:
    """The first two moments of SGLD with one datum of three, by all three: each is an affine map with the same matrix.

    The target's score is split in three, C⁻¹ (m + y_i - x)/3, with y_1 + y_2 + y_3 = 0, and no prior.
    """
    precision, eps = np.linalg.inv(target.cov), r * _least(target)
    data = target.mean + 0.3 * math.sqrt(_least(target)) * np.array([[1.0, 0.0], [-0.5, 1.0], [-0.5, -1.0]])

    def terms(x: Float, index: Any) -> Float:
        value: Float = (data[index] - x[..., None, :]) @ precision / 3
        return value

    def step(i: int) -> Callable[[Float, Float], Float]:
        def moved(x: Float, z: Float) -> Float:
            index = np.full((len(x), 1), i)
            return S.sgld_step(np.zeros_like, terms, x, z[0], index, size=3, step_size=eps)

        return moved

    maps = [rs.exact.probe(step(i), target.d, 1) for i in range(3)]
    constants = np.array([each.constant for each in maps])
    added = np.cov(constants.T, bias=True)
    root = np.asarray(np.linalg.cholesky(maps[0].noise_cov + added), dtype=np.float64)
    whole = rs.exact.AffineMap(maps[0].matrix, root[None], constants.mean(0))
    return stationary_of(whole), float(np.abs(np.linalg.eigvals(whole.matrix)).max())


def _friction(ell: float) -> float:
    return 2 / math.sqrt(ell)


def _rooted(make: Callable[..., Any]) -> Callable[[Gaussian, float], Any]:
    return lambda target, ell: make(math.sqrt(ell), friction=_friction(_least(target)))


def _preconditioned(target: Gaussian, ell: float) -> Any:
    return S.preconditioned_langevin(ell / _least(target), factor=np.linalg.cholesky(target.cov))


def _ula(_: Gaussian, ell: float) -> Any:
    return S.langevin(ell)


CHAINS = (
    Chain("Langevin (ULA)", "langevin", _equal(_ula), "ε", 1, 1),
    Chain("preconditioned Langevin, P = C", "preconditioned_langevin", _equal(_preconditioned), "ε", 1, 1),
    Chain("annealed Langevin, staying at σ = ½", "annealed", _one_level, "ε", 1, 1, "against the law at that level"),
    Chain("corrector of fixed size at σ = ½", "annealed_corrector_step", _corrector, "ε", 1, 1, "ε = 4 r² σ²"),
    Chain("SGLD, one datum of three", "sgld_step", _minibatch, "ε", 1, 1, "mean and covariance"),
    Chain(
        "unadjusted HMC, one leapfrog step",
        "unadjusted_hmc",
        _equal(lambda _, ell: S.unadjusted_hmc(math.sqrt(ell), n_steps=1)),
        "h",
        2,
        2,
        "Langevin with ε = h²",
    ),
    Chain(
        "unadjusted HMC, three leapfrog steps",
        "unadjusted_hmc",
        _equal(lambda _, ell: S.unadjusted_hmc(math.sqrt(ell), n_steps=3)),
        "h",
        2,
        2,
    ),
    Chain("underdamped Langevin, Euler", "underdamped", _equal(_rooted(S.underdamped)), "h", 1, 1),
    Chain("OBABO, position", "obabo", _equal(_rooted(S.obabo)), "h", 2, 2),
    Chain("BAOAB, position", "baoab", _equal(_rooted(S.baoab)), "h", 2, math.inf, "no error at all on Gaussians"),
    Chain("BAOAB, velocity", "baoab", _equal(_rooted(S.baoab), 1), "h", 2, 2, "against N(0, I)"),
    Chain("OBABO, velocity", "obabo", _equal(_rooted(S.obabo), 1), "h", 2, math.inf, "against N(0, I)"),
)


def _right(chain: Chain, target: Gaussian) -> Gaussian:
    if "σ = ½" in chain.name:
        return target.perturb(1.0, 0.5)
    if chain.name.endswith("velocity"):
        return rs.targets.gaussian(np.zeros(target.d), 1.0)
    return target


def steps_seen(distances: tuple[float, ...], unit: str) -> Seen:
    """The order in ε or in h of errors at steps r = ½, ¼, …; in h of a series in h or in h², whichever fits better."""
    by_square = best_order(distances, [2**k for k in range(len(distances))], floor=1e-11)
    if unit == "ε":
        return by_square
    twice = by_square._replace(order=2 * by_square.order, uncertainty=2 * by_square.uncertainty)
    by_root = best_order(distances, [2 ** (0.5 * k) for k in range(len(distances))], floor=1e-11)
    return min(by_root, twice, key=lambda seen: seen.uncertainty)


def ended(chain: Chain, condition: float) -> Ended:
    """Where a chain ends on a Gaussian, at every step size."""
    target = gaussian_of(condition)
    right = _right(chain, target)
    found = [chain.end(target, r) for r in PARTS]
    distances = tuple(rs.exact.wasserstein2(law, right) for law, _ in found)
    spread = float(np.sqrt(np.trace(found[0][0].cov) / np.trace(right.cov)) - 1)
    forgets = tuple(-1 / math.log(rate) for _, rate in found)
    return Ended(distances, spread, steps_seen(distances, chain.unit), forgets)


LINE_CHAINS: dict[str, tuple[Callable[[float], Any], str, int]] = {
    "Langevin (ULA)": (lambda ell: S.langevin(ell), "ε", 1),
    "unadjusted HMC, one leapfrog step": (lambda ell: S.unadjusted_hmc(math.sqrt(ell), n_steps=1), "h", 2),
}


class OnTheLine(NamedTuple):
    """W₂, W₁ and total variation of the stationary law from the mixture at each step size, order, steps to forget."""

    distance: tuple[float, ...]
    first: float
    variation: float
    seen: Seen
    forgets: float


def ended_on_the_line(name: str) -> OnTheLine:
    """Where a chain ends on the mixture of the line, by quadrature of its kernel."""
    make, unit, _ = LINE_CHAINS[name]
    laws = [mixing.stationary(make(r * 0.15), LINE).law for r in LINE_PARTS]
    gap = mixing.spectral_gap(make(LINE_PARTS[0] * 0.15), LINE, rtol=1e-4).value
    distances = tuple(on_the_line.wasserstein2(law, LINE) for law in laws)
    first, variation = (of(laws[0], LINE) for of in (on_the_line.wasserstein1, on_the_line.total_variation))
    return OnTheLine(distances, first, variation, steps_seen(distances, unit), -1 / math.log1p(-gap))
