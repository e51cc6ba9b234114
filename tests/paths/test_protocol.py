"""What every path promises, against its definition in 50 digits."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refscore.paths import EDM, VE, VP, Cosine, DiscreteVP, Flow, SubVP, VETransition
from refscore.paths.protocol import path_log_snr, path_times
from tests.paths import definitions as by_definition
from tests.paths.definitions import CASES, IDS, U, error

every_path = pytest.mark.parametrize("case", CASES, ids=IDS)
METHODS = ["alpha", "sigma", "alpha_dot", "sigma_dot", "log_snr", "drift_rate", "diffusion"]


@every_path
def test_alpha_and_sigma(case):  # (PATH.1)
    for t in case.times:
        assert error(case.path.sigma(t), case.sigma(mp.mpf(t))) <= case.ulps, t
    for t in case.times_with_signal:
        assert error(case.path.alpha(t), case.alpha(mp.mpf(t))) <= case.ulps, t


@every_path
def test_derivatives(case):
    for t in case.times:
        for ours, function in ((case.path.alpha_dot, case.alpha), (case.path.sigma_dot, case.sigma)):
            slope = case.slope(function, t)
            if abs(slope) < mp.mpf(10) ** -20:  # 0, up to what mp.diff makes of it
                assert abs(ours(t)) <= 1e-20
            else:
                assert error(ours(t), slope) <= 2 * case.ulps, t  # a product of such values


@every_path
def test_log_snr(case):  # (PATH.2), to roundings of the two logarithms and of the exponent
    for t in case.times_with_signal:
        exact = case.log_snr(mp.mpf(t))
        assert abs(mp.mpf(float(case.path.log_snr(t))) - exact) <= case.ulps * U * (1 + abs(exact)), t


@every_path
def test_time_inverts_the_definition(case):
    for t in case.times_with_signal:
        given = float(case.log_snr(mp.mpf(t)))
        found = case.path.time(given)
        assert 0 < found <= case.path.t_max
        steepness = abs(case.log_snr_dot(t))
        # λ arrives rounded, and t leaves rounded: no inverse can do better than these two.
        best = U * (1 + abs(given)) / steepness + U * t
        assert abs(mp.mpf(float(found)) - mp.mpf(t)) <= 4 * best, t


@every_path
def test_drift_and_diffusion_are_those_of_the_transition_kernel(case):  # (PATH.3), (PATH.4)
    for t in case.times_with_signal:
        alpha, sigma = case.alpha(mp.mpf(t)), case.sigma(mp.mpf(t))
        rate = case.slope(case.alpha, t) / alpha
        squared = 2 * sigma * case.slope(case.sigma, t) - 2 * rate * sigma**2
        if rate == 0:
            assert case.path.drift_rate(t) == 0
        else:
            assert error(case.path.drift_rate(t), rate) <= case.ulps, t
        assert error(case.path.diffusion(t), mp.sqrt(squared)) <= case.ulps, t


@every_path
def test_the_data_end(case):
    path = case.path
    assert path.alpha(0) == 1
    if isinstance(path, VE):
        assert path.sigma(0) == path.sigma_min
    else:
        assert path.sigma(0) == 0
        assert path.log_snr(0) == np.inf
        assert path.time(np.inf) <= 1e-300
    assert path.sigma_dot(0) == pytest.approx(case.sigma_dot_at_0, rel=1e-15)
    near = 1e-200  # the limits of f and g are taken without a pole
    assert path.drift_rate(0) == pytest.approx(path.drift_rate(near), rel=1e-15, abs=1e-30)
    assert path.diffusion(0) == pytest.approx(path.diffusion(near), rel=1e-15, abs=1e-90)


@every_path
def test_the_prior_end(case):
    path = case.path
    last = path.t_max
    assert path.time(path.log_snr(last)) == pytest.approx(last, rel=1e-14)
    if path.alpha(last) == 0:
        assert path.sigma(last) == pytest.approx(1, rel=4e-16)
        assert path.log_snr(last) == -np.inf
        assert path.time(-np.inf) == last
        assert path.drift_rate(last) == -np.inf
        assert path.diffusion(last) == np.inf


@every_path
def test_log_snr_falls_strictly(case):
    t = np.concatenate(
        [case.path.t_max * np.geomspace(1e-12, 1e-2, 60), case.path.t_max * np.linspace(0.011, 0.999, 400)]
    )
    assert (np.diff(case.path.log_snr(t)) < 0).all()


@every_path
@pytest.mark.parametrize("method", METHODS)
def test_methods_are_vectorised_and_leave_their_argument_alone(case, method):
    function = getattr(case.path, method)
    t = case.path.t_max * np.array([[0.125, 0.25, 0.5], [0.75, 0.8, 0.9]])
    before = t.copy()
    value = function(t)
    assert value.shape == t.shape
    assert value.dtype == np.float64
    # NumPy's pow and exp may round otherwise in a vector register than alone.
    np.testing.assert_allclose(value, [[function(x) for x in row] for row in t], rtol=1e-15)
    np.testing.assert_array_equal(function(t.tolist()), value)
    assert isinstance(function(0.5), float)  # an array of shape () would not multiply a tensor of torch
    assert function(np.empty((0, 3))).shape == (0, 3)
    value[...] = -7
    np.testing.assert_array_equal(t, before)


@every_path
def test_time_is_vectorised(case):
    t = case.path.t_max * np.array([[0.125, 0.25, 0.5], [0.75, 0.8, 0.9]])
    levels = case.path.log_snr(t)
    found = case.path.time(levels)
    assert found.shape == t.shape
    np.testing.assert_allclose(found, [[case.path.time(x) for x in row] for row in levels], rtol=1e-15)
    np.testing.assert_allclose(found, t, rtol=1e-14)


@every_path
def test_integers_and_float32_are_accepted(case):
    assert case.path.alpha(np.float32(0.5)) == case.path.alpha(0.5)
    assert case.path.sigma(1) == case.path.sigma(1.0)


@every_path
@pytest.mark.parametrize("method", METHODS)
def test_times_outside_are_refused(case, method):
    function, last = getattr(case.path, method), case.path.t_max
    for wrong in (-1e-300, np.nextafter(last, np.inf), [0.5, last + 1]):
        with pytest.raises(ValueError, match="outside"):
            function(wrong)
    with pytest.raises(ValueError, match="not finite"):
        function(np.nan)
    with pytest.raises(TypeError, match="complex"):
        function(0.5j)
    with pytest.raises(TypeError, match="float16"):
        function(np.float16(0.5))


@every_path
def test_levels_outside_are_refused(case):
    path = case.path
    with pytest.raises(ValueError, match="not finite"):
        path.time(np.nan)
    if np.isfinite(path.log_snr(path.t_max)):
        with pytest.raises(ValueError, match="outside"):
            path.time(path.log_snr(path.t_max) - 1e-6)
    if np.isfinite(path.log_snr(0)):
        with pytest.raises(ValueError, match="outside"):
            path.time(np.inf)


@every_path
def test_paths_are_frozen_and_say_what_they_are(case):
    with pytest.raises((AttributeError, TypeError)):
        case.path.anything = 1
    for name in type(case.path).__slots__:
        with pytest.raises((AttributeError, TypeError)):
            setattr(case.path, name, 1)
    assert repr(case.path).startswith(type(case.path).__name__ + "(")
    assert len(repr(case.path)) < 120


logarithmic = st.floats(-12, 0).map(lambda e: 10.0**e)


@given(st.floats(1e-3, 10), st.floats(0, 40), logarithmic)
def test_any_vp_and_subvp(beta_min, extra, t):
    for path, definition in ((VP, by_definition.vp), (SubVP, by_definition.subvp)):
        found = path(beta_min, beta_min + extra)
        alpha, sigma = definition(found.beta_min, found.beta_max)
        ulps = 4 * (1 + float(-mp.log(alpha(t))))
        assert error(found.alpha(t), alpha(t)) <= ulps
        assert error(found.sigma(t), sigma(t)) <= ulps
        exact = mp.log(alpha(t) / sigma(t))
        assert abs(mp.mpf(float(found.log_snr(t))) - exact) <= ulps * U * (1 + abs(exact))


@given(st.floats(-6, 2).map(lambda e: 10.0**e), st.floats(-6, 6).map(lambda e: 10.0**e), logarithmic)
def test_any_ve(sigma_min, excess, t):
    for path, definition in ((VE, by_definition.ve), (VETransition, by_definition.ve_transition)):
        found = path(sigma_min, sigma_min * (1 + excess))
        _, sigma = definition(found.sigma_min, found.sigma_max)
        assert error(found.sigma(t), sigma(t)) <= 4 * (1 + float(np.log1p(excess)))


@given(st.floats(0, 4), logarithmic)
def test_any_cosine(s, t):
    alpha, sigma = by_definition.cosine(s)
    found = Cosine(s)
    for x in (t, 1 - t):
        assert x == 0 or error(found.sigma(x), sigma(x)) <= 8
        assert x == 1 or error(found.alpha(x), alpha(x)) <= 8


@given(st.lists(st.floats(1e-6, 0.9), min_size=1, max_size=9), logarithmic)
def test_any_discrete_vp(betas, t):
    alpha, sigma = by_definition.discrete_vp(betas)
    found = DiscreteVP(betas)
    ulps = 4 * (1 + float(-mp.log(alpha(t))))
    assert error(found.alpha(t), alpha(t)) <= ulps
    assert error(found.sigma(t), sigma(t)) <= ulps


@given(logarithmic)
def test_edm_and_flow_everywhere(t):
    assert EDM().sigma(80 * t) == 80 * t
    assert Flow().sigma(t) == t
    assert t == 1 or error(Flow().alpha(t), 1 - mp.mpf(t)) <= 1


class TestArguments:
    def test_negative_zero_is_zero(self):
        assert not np.signbit(path_times(-0.0, 1.0))

    def test_an_error_counts_and_locates(self):
        with pytest.raises(
            ValueError, match=r"t has 2 values outside \[0, 80\] \(the first at index \(1, 0\) is -0.5\)"
        ):
            path_times([[1, 2], [-0.5, 81]], 80.0)

    def test_rounding_of_the_last_level_is_forgiven_and_clipped(self):
        assert path_log_snr(-4.5 * (1 + 2.0**-52), -4.5, np.inf) == -4.5

    def test_levels_of_the_wrong_kind(self):
        with pytest.raises(TypeError, match="complex"):
            path_log_snr(1j, -1.0, 1.0)
        with pytest.raises(TypeError, match="float16"):
            path_log_snr(np.float16(1), -1.0, 1.0)
