"""The weak error of a sampler on the line, by Kolmogorov's backward equation: for noise that enters in any way.

    u_n = f,   u_k(x) = E u_{k+1}(step(x, k, z)),   E f(x_n) = ∫ u_0(x) p(x) dx

The expectation over z is Gauss and Hermite's rule, u_k a spline of degree 7 on the width of the marginal at step k. The
functions f are smooth, and so is every u_k: nothing is as narrow as the noise of a step, and no sample is drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.interpolate import make_interp_spline

import refscore as rs
from refscore.arrays import Float
from validation.samplers.targets import LINE, Span

__all__ = ["functions", "weak_error"]

NODES = 360
RULE = 14
WIDE = 8.5


def functions(x: Float) -> Float:
    """What is averaged: sin and cos of x, 2x and 3x, (n,) to (n, 6)."""
    angles = x[:, None] * np.array([1.0, 2.0, 3.0])
    value: Float = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    return value


def _nodes(span: Span, part: float) -> Float:
    t = span.times(64)[round(64 * part)]
    law = LINE.perturb(float(span.path.alpha(t)), float(span.path.sigma(t)))
    middle, reach = float(law.mean[0]), WIDE * float(np.sqrt(law.cov[0, 0]))
    value: Float = np.asarray(np.linspace(middle - reach, middle + reach, NODES), dtype=np.float64)
    return value


def _mean(law: Any, span: Span, part: float, values: Float | None) -> Float:
    x = _nodes(span, part)
    weights = np.exp(law.log_prob(x[:, None])) * (x[1] - x[0])
    value: Float = weights @ (functions(x) if values is None else values)
    return value


def weak_error(sampler: Any, span: Span) -> float:
    """The length of E f(x_n) - E f(x) over the functions f, from the exact marginal at the start of the span."""
    score = rs.samplers.noisy_score(LINE)
    z, rule = np.polynomial.hermite_e.hermegauss(RULE)
    rule = rule / rule.sum()
    steps = sampler.n_steps
    after, value = _nodes(span, 1.0), functions(_nodes(span, 1.0))
    for k in reversed(range(steps)):
        spline = make_interp_spline(after, value, k=7)
        x = _nodes(span, k / steps)
        states, noise = np.repeat(x, RULE)[:, None], np.tile(z, len(x))[:, None]
        moved = sampler.step(score, states, k, noise)[:, 0]
        there = spline(np.clip(moved, after[0], after[-1]))
        value, after = np.einsum("j,ijf->if", rule, there.reshape(len(x), RULE, -1)), x
    found = _mean(LINE.perturb(*span.start), span, 0.0, value)
    return float(np.linalg.norm(found - _mean(LINE.perturb(*span.stop), span, 1.0, None)))
