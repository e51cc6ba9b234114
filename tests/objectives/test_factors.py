"""objectives/factors.py: each loss is the score's times c², sample by sample, in rational arithmetic and in float64."""

from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from refscore import objectives, paths
from refscore.models import edm
from refscore.objectives import reweighted
from tests.cubature import U

NUMBERS = st.fractions(-8, 8, max_denominator=16)
LEVELS = st.fractions(Fraction(1, 64), 8, max_denominator=64)


def conversions(s, x, a, b, da, db):
    """Each prediction from the score by its definition: the pair first."""
    noise = -b * s
    data = (x - b * noise) / a
    return {"noise": noise, "data": data, "v": a * noise - b * data, "velocity": da * data + db * noise}


def factor_of(name, a, b, da, db):
    return getattr(objectives, f"{name}_factor")(*((a, b, da, db) if name == "velocity" else (a, b)))


@given(NUMBERS, NUMBERS, NUMBERS, LEVELS, LEVELS, NUMBERS, NUMBERS)
@pytest.mark.parametrize("name", ["noise", "data", "v", "velocity"])
def test_errors_are_the_scores_times_the_factor(name, s, x0, noise, a, b, da, db):  # (WGT.1) to (WGT.5)
    x = a * x0 + b * noise
    given_score = conversions(s, x, a, b, da, db)[name]
    target = {"noise": noise, "data": x0, "v": a * noise - b * x0, "velocity": da * x0 + db * noise}[name]
    exact = conversions(Fraction(1), Fraction(0), a, b, da, db)[name]  # linear in s: its slope
    assert given_score - target == exact * (s + noise / b)
    size = b / a * (a * abs(db) + abs(da) * b) if name == "velocity" else abs(exact)
    assert abs(Fraction(float(factor_of(name, *map(float, (a, b, da, db))))) - exact) <= 8 * Fraction(U) * size


@given(LEVELS, LEVELS, NUMBERS, NUMBERS)
def test_the_edm_network(b, sigma_data, s, x):  # (WGT.6)
    b, sigma_data, s, x = map(float, (b, sigma_data, s, x))
    total = np.sqrt(b**2 + sigma_data**2)
    skip, out = sigma_data**2 / total**2, b * sigma_data / total  # the paper's
    # F is linear in s: its slope, by the difference of two scores.
    slope = b**2 / out
    assert abs(objectives.edm_factor(b, sigma_data) - slope) <= 16 * U * slope
    network = (x + b**2 * s - skip * x) / out
    # by refscore's own scaling, s = a x + b F(…): F = (s - a x)/b
    a_coefficient, b_coefficient, _ = edm(sigma_data)(b)
    assert (
        abs(network - (s - a_coefficient * x) / b_coefficient) <= 64 * U * (abs(x) * (1 + skip) + b**2 * abs(s)) / out
    )
    assert abs(1 / b_coefficient - slope) <= 16 * U * slope


def test_the_velocitys_factor_is_minus_half_g_squared():  # (WGT.5)
    t = np.array([0.2, 0.5, 0.8])
    for path in (paths.VP(), paths.SubVP(), paths.Flow(), paths.VE(), paths.Cosine()):
        found = objectives.velocity_factor(path.alpha(t), path.sigma(t), path.alpha_dot(t), path.sigma_dot(t))
        g2 = path.diffusion(t) ** 2
        assert (np.abs(found + 0.5 * g2) <= 64 * U * g2).all()


@given(LEVELS, LEVELS)
def test_reweighting_goes_both_ways_and_around(a, b):  # (WGT.7)
    a, b = float(a), float(b)
    noise, data, v = (factor_of(name, a, b, 0, 0) for name in ("noise", "data", "v"))
    around = reweighted(reweighted(reweighted(3.0, noise, data), data, v), v, noise)
    assert abs(around - 3.0) <= 64 * U
    assert abs(reweighted(1, noise, 1) - b**2) <= 4 * U * b**2
    assert abs(reweighted(1, noise, data) - objectives.snr(a, b)) <= 16 * U * objectives.snr(a, b)


def test_shapes_and_refusals():
    assert objectives.noise_factor(np.ones(3), np.ones((2, 1))).shape == (2, 3)
    assert_array_equal(reweighted([1, 2], [1, 3], 2), [0.25, 4.5])
    with pytest.raises(ValueError, match=r"alpha is 0.0; expected alpha > 0"):
        objectives.data_factor(0, 1)
    with pytest.raises(ValueError, match=r"alpha is 0.0; expected alpha > 0"):
        objectives.v_factor(0, 1)
    with pytest.raises(ValueError, match=r"alpha is 0.0; expected alpha > 0"):
        objectives.velocity_factor(0, 1, 1, 1)
    with pytest.raises(ValueError, match=r"sigma is -1.0; expected sigma >= 0"):
        objectives.noise_factor(1, -1)
    with pytest.raises(ValueError, match=r"wanted is 0 somewhere; expected a factor that is not"):
        reweighted(1, 1, [1, 0])
    with pytest.raises(ValueError, match=r"weight is -1.0; expected weight >= 0"):
        reweighted(-1, 1, 1)
    with pytest.raises(ValueError, match=r"sigma_data is 0.0; expected sigma_data > 0"):
        objectives.edm_factor(1, 0)
