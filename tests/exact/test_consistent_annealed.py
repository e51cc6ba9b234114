"""exact/consistent_annealed.py: the recursion against the probed steps, and the limit of many levels."""

import numpy as np
import pytest

import refscore as rs
from refscore.exact.consistent_annealed import consistent_annealed, many_levels_variance
from tests.samplers.laws import TARGET, VALUES, VECTORS, by_recursion

SIGMAS = np.array([4.0, 2.5, 2.0, 0.6, 0.25])
START = rs.targets.gaussian([3.0, -2.0], (VECTORS * [16.0, 9.0]) @ VECTORS.T)


@pytest.mark.parametrize("eta", [0.9, [0.4, 0.3, 1.2, 0.6]])
def test_recursion_and_law_agree(eta):  # (CAS.4)
    law = rs.exact.law(rs.samplers.consistent_annealed(SIGMAS, eta=eta), TARGET, START)
    expected = by_recursion(consistent_annealed(VALUES, SIGMAS, eta=eta), START)
    assert rs.exact.wasserstein2(law, expected) <= 1e-13


@pytest.mark.parametrize("eta", [0.2, 0.7, 1.0, 1.5])
def test_many_levels(eta):  # (CAS.5), an error of first order in the distance of the levels
    gaps = []
    for n in (4000, 8000, 16000):
        _, v = consistent_annealed(0.5, np.geomspace(4, 1, n + 1), eta=eta).law(0.0, start_variance=16.5)
        gaps.append(abs(v - many_levels_variance(0.5, 1.0, eta=eta)))
    assert abs(rs.exact.observed_order(gaps) - 1) < 0.02
    assert many_levels_variance(0.5, 1.0, eta=eta) < 1.5


def test_a_point_has_no_gap():
    assert many_levels_variance(0.0, 2.0, eta=0.3) == pytest.approx(4.0, rel=1e-15)
