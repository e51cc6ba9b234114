"""DPM-Solvers as tables of stages, rule by rule, so that one rule can be exchanged, or its rounding followed.

A stage asks the model at λ_i, and goes on from the state x that the step began with:

    m_i = predict(y, λ_i),   y = K x + G Σ_p c_p Σ_j R_pj m_{i-j}

A multistep method has one stage a step, and looks back beyond it; a single step has as many as its order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capability import Function
from refscore.samplers.exponential import phi

__all__ = ["PATHS", "Part", "Rules", "Stage", "run_stages", "stages_of", "with_rules"]

PATHS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "vp": lambda v: (1 / np.sqrt(1 + np.exp(-2 * v)), 1 / np.sqrt(1 + np.exp(2 * v))),
    "ve": lambda v: (np.ones_like(v), np.exp(-v)),
    "flow": lambda v: (1 / (1 + np.exp(-v)), 1 / (1 + np.exp(v))),
}
"""α and σ from λ = log(α/σ): α² + σ² = 1, α = 1, α + σ = 1."""


class Part(NamedTuple):
    """One term of a stage: c_p, how far rounding may move it, R_p, and what r in R_p rounds, relatively."""

    weight: float
    moved: float
    row: Float
    lost: float


@final
@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One evaluation of the model, and the state it leads to.

    Parameters
    ----------
    told : float
        λ_i.
    keep, gain : float
        K and G.
    parts : tuple of Part
        The terms; rows have the newest prediction first.
    ends : bool
        Whether the state ends the step.
    lost : float
        What λ rounds: the roundings of K and G.
    """

    told: float
    keep: float
    gain: float
    parts: tuple[Part, ...]
    ends: bool
    lost: float


def _inside(a: float, b: float, r: float, path: str) -> float:  # noqa: ARG001
    return a + r * (b - a)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What a DPM-Solver consists of; each field is one rule, as it should be.

    Parameters
    ----------
    keep, gain : callable
        K and G from the kind and (α, σ) at both ends.
    span : callable
        h φ_1(c h) from c, h and the h of the step before.
    half : float
        Of the slope, in the methods of order 2.
    second : callable, optional
        h φ_2(c h), in the place of the ½ h φ_1(c h) of the methods of order 2.
    ratio : callable
        r from the h before and h.
    middle : callable
        Where a stage stands: λ from both ends, r and the path.
    told : callable
        What λ the model is told from that of the stage and of both ends.
    warm : callable
        Order of a multistep method from k, n and the order.
    scale : float
        What multiplies λ.
    moves : bool
        Whether the model is asked at the stage's state.
    from_stage : bool
        Whether the step ends from its stage's state.
    parts : tuple of float
        r_1 and r_2 of the single step of order 3.
    cross : bool
        Whether r_2/r_1 stands in its second stage.
    last : callable
        Weight of its last slope, from c and h.
    bend : float
        What multiplies the second derivative of the multistep method of order 3.
    slope : bool
        Whether its first derivative has the second slope in it.
    before : callable
        r' from the three lengths, the oldest first.
    """

    keep: Callable[..., float] = lambda kind, t, s: s[0] / t[0] if kind == "noise" else s[1] / t[1]
    gain: Callable[..., float] = lambda kind, t, s: -s[1] if kind == "noise" else s[0]
    span: Callable[..., float] = lambda c, h, before: h * phi(1, c * h)
    half: float = 0.5
    second: Callable[..., float] | None = None
    ratio: Callable[..., float] = lambda before, h: before / h
    middle: Callable[..., float] = _inside
    told: Callable[..., float] = lambda at, a, b: at
    warm: Callable[..., int] = lambda k, n, order: min(k + 1, order)
    scale: float = 1.0
    moves: bool = True
    from_stage: bool = False
    parts: tuple[float, float] = (1 / 3, 2 / 3)
    cross: bool = True
    last: Callable[..., float] = lambda c, h: h * phi(2, c * h)
    bend: float = 1.0
    slope: bool = True
    before: Callable[..., float] = lambda h0, h1, h: h0 / h


def stages_of(
    log_snr: Float, *, order: int, kind: str, method: str, path: str, released: bool, rules: Rules | None = None
) -> Iterator[Stage]:
    """The stages of a run.

    Parameters
    ----------
    log_snr : (n + 1,)
        The grid, rising.
    order, kind, method, path : int, str, str, str
        As declared.
    released : bool
        Whether the second derivative of the multistep method of order 3 is halved.
    rules : Rules, optional
        The right ones by default.

    Yields
    ------
    Stage
        One after the other.
    """
    rule = rules or Rules()
    clock, c, n = log_snr * rule.scale, 1 if kind == "noise" else -1, len(log_snr) - 1

    def stage(k: int, r: float, to: float, parts: tuple[Part, ...], ends: bool) -> Stage:
        a, b = clock[k], clock[k + 1]
        end = b if to == 1 else rule.middle(a, b, to, path)
        levels = PATHS[path](a), PATHS[path](end)
        at = a if r == 0 else rule.middle(a, b, r, path)
        told = rule.told(at, a, b) / rule.scale
        lost = 2 + abs(a) + abs(b)
        return Stage(told, rule.keep(kind, *levels), rule.gain(kind, *levels), parts, ends, lost)

    for k in range(n):
        steps = np.diff(clock[max(k - 2, 0) : k + 2])
        h, lost = steps[-1], 2 + np.abs(clock[max(k - 2, 0) : k + 2]).max()
        first = lost * np.exp(max(0.0, c * h))  # what rounding does to h φ_1, found from λ or from exponentials
        second = (first + h) / h  # the same for h φ_2 = (h φ_1 − h)/(c h), and for h φ_3 below

        def plain(r: float, row: list[float], lost: float = first, h: float = h) -> Part:
            return Part(rule.span(c, r * h, r * h), lost, np.array(row), 0.0)

        if method == "singlestep" and order == 2:
            slope = Part(rule.half * rule.span(c, h, h), first, np.array([1.0, -1.0]) / 0.5, 4.0)
            slope = slope if rule.second is None else slope._replace(weight=rule.second(c, h), moved=second)
            yield stage(k, 0, 0.5, (plain(0.5, [1]),), False)
            yield stage(k, 0.5, 1, (plain(1, [0, 1]), slope), True)
        elif method == "singlestep" and order == 3:
            (r1, r2), z = rule.parts, c * h
            cross = r2 * h * phi(2, r2 * z) * (r2 / r1 if rule.cross else 1)
            last = Part(rule.last(c, h), second, np.array([1, 0, -1]) / r2, 4.0)
            yield stage(k, 0, r1, (plain(r1, [1]),), False)
            yield stage(k, r1, r2, (plain(r2, [0, 1]), Part(cross, 2 * second, np.array([1.0, -1.0]), 4.0)), False)
            yield stage(k, r2, 1, (plain(1, [0, 0, 1]), last), True)
        else:
            used = 1 if method == "singlestep" else rule.warm(k, n, order)
            before = steps[-2] if k > 0 else h
            row = [1.0] + [0.0] * (used - 1)
            parts = [Part(rule.span(c, h, before), first, np.array(row), 0.0)]
            rounded = lost * (1 / h + 1 / before)
            r = rule.ratio(before, h)
            if used == 2:
                weight = rule.half * rule.span(c, h, before) if rule.second is None else rule.second(c, h)
                moved = first if rule.second is None else second
                parts.append(Part(weight, moved, np.array([1.0, -1.0]) / r, rounded))
            if used == 3:
                oldest = steps[-3] if k > 1 else before
                r_before = rule.before(oldest, before, h)
                slope_now, slope_then = np.array([1.0, -1.0, 0.0]) / r, np.array([0.0, 1.0, -1.0]) / r_before
                bend = (slope_now - slope_then) / (r + r_before)
                rounded += lost / oldest
                twice = rule.bend * (1 if released else 2)
                parts.append(Part(h * phi(2, c * h), second, slope_now + r * bend * rule.slope, rounded))
                parts.append(Part(twice * h * phi(3, c * h), 2 * (second + h) / h, bend, rounded))
            yield stage(k, 0, 1, tuple(parts), True)


def run_stages(predict: Any, x: Float, stages: Iterator[Stage], rules: Rules) -> Float:
    """The states one after the other.

    Parameters
    ----------
    predict : callable
        m(x, λ).
    x : (n, d)
        The first state.
    stages : iterator of Stage
        What to do.
    rules : Rules
        Where the model is asked, and where a step goes on from.

    Returns
    -------
    (n, d)
        The last state.
    """
    y, said = x, list[Float]()
    for stage in stages:
        said.insert(0, predict(y if rules.moves else x, stage.told))
        base = y if rules.from_stage else x
        y = stage.keep * base
        for part in stage.parts:
            for weight, m in zip(part.row, said):
                y = y + stage.gain * part.weight * weight * m
        x = y if stage.ends else x
    return np.asarray(x)


def with_rules(offered: str = "multistep", **exchanged: Any) -> Function:
    """The solver with some rules exchanged.

    Parameters
    ----------
    offered : {"multistep", "singlestep"}
        The method where none is given: an implementation is not told.
    **exchanged : object
        Fields of Rules.

    Returns
    -------
    callable
        With the signature of the reference.
    """
    rules = Rules(**exchanged)

    def function(
        predict: Any,
        x: Float,
        *,
        log_snr: Float,
        order: int,
        kind: str,
        method: str = offered,
        path: str = "vp",
        released: bool = False,
    ) -> Float:
        stages = stages_of(log_snr, order=order, kind=kind, method=method, path=path, released=released, rules=rules)
        return run_stages(predict, x, stages, rules)

    return function
