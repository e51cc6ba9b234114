"""exact/chapman_kolmogorov.py against ball arithmetic: the integral over the state between two steps, proven."""

import flint
import numpy as np
import pytest

import refscore as rs
from refscore.exact import chapman_kolmogorov

EPS = 0.4
PARTS = ((0.75, 2.0, 0.5), (0.25, -1.5, 0.25))  # weights, means and variances, exact in binary
TARGET = rs.targets.mixture([w for w, _, _ in PARTS], [[m] for _, m, _ in PARTS], [v for _, _, v in PARTS])
SAMPLER = rs.samplers.langevin(step_size=EPS)
AT = (-2.5, -0.75, 0.0, 1.25, 3.0)


def normal(y, mean, variance):
    return (-((y - mean) ** 2) / (2 * variance)).exp() / (2 * flint.arb.pi() * variance).sqrt()


def moved(x):
    """x + (ε/2) s(x), from the formula of a mixture's score."""
    parts = [(w * normal(x, flint.acb(m), flint.acb(v)), (m - x) / v) for w, m, v in PARTS]
    return x + flint.acb(EPS) / 2 * sum(a * b for a, b in parts) / sum(a for a, _ in parts)


def after_a_step(first, y):
    """∫ first(x) N(y; m(x), ε) dx over |x| ≤ 12, as a ball."""
    return flint.acb.integral(
        lambda x, _: first(x) * normal(flint.acb(y), moved(x), flint.acb(EPS)),
        flint.acb(-12),
        flint.acb(12),
        rel_tol=2.0**-50,
        abs_tol=2.0**-50,
        eval_limit=10**5,
    ).real


@pytest.mark.parametrize("y", AT)
def test_a_step_from_a_gaussian(y):
    start = rs.targets.gaussian([0.5], 1.5)
    found = chapman_kolmogorov.law(SAMPLER, TARGET, start, steps=1)
    ball = after_a_step(lambda x: normal(x, flint.acb(0.5), flint.acb(1.5)), y)
    assert float(ball.rad()) < 1e-12
    assert np.exp(found.law.log_prob([[y]]))[0] == pytest.approx(float(ball.mid()), abs=1e-11)


@pytest.mark.parametrize("y", AT)
def test_two_steps_from_a_point(y):
    found = chapman_kolmogorov.law(SAMPLER, TARGET, rs.targets.empirical([[0.25]]), steps=2)
    place = moved(flint.acb(0.25))
    ball = after_a_step(lambda x: normal(x, place, flint.acb(EPS)), y)
    assert float(ball.rad()) < 1e-12
    assert np.exp(found.law.log_prob([[y]]))[0] == pytest.approx(float(ball.mid()), abs=1e-11)
