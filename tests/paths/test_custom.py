"""CustomPath: the user's functions, their derivatives, and what is refused."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refscore.paths import VE, VP, CustomPath, Flow, VETransition

T = np.array([1e-10, 1e-5, 1e-3, 0.1, 0.5, 0.9, 1.0])


def rate(z):
    return z * (0.1 + 0.5 * z * 19.9)


def vp_alpha(z):
    return np.exp(-0.5 * rate(z))


def vp_sigma(z):
    return np.sqrt(-np.expm1(-rate(z)))


def assert_same(custom, path, t, rtol=2e-14):
    for method in ("alpha", "sigma", "alpha_dot", "sigma_dot", "log_snr", "drift_rate", "diffusion"):
        assert_allclose(getattr(custom, method)(t), getattr(path, method)(t), rtol=rtol, err_msg=method)
    levels = path.log_snr(t)
    # VE's λ hardly moves near t = 0: two correct inverses differ there by roundings of λ over its slope, 8.5.
    assert_allclose(custom.time(levels), path.time(levels), rtol=1e-13, atol=1e-15 if isinstance(path, VE) else 0)


def test_vp_by_complex_step():  # (CUS.1), (CUS.2)
    custom = CustomPath(vp_alpha, vp_sigma)
    assert_same(custom, VP(), T)


def test_at_the_data_where_sigma_is_a_root():
    custom = CustomPath(vp_alpha, vp_sigma)
    assert custom.sigma_dot(0) == np.inf
    assert custom.alpha_dot(0) == pytest.approx(-0.05, rel=1e-15)
    assert custom.diffusion(0) == pytest.approx(np.sqrt(0.1), rel=1e-15)


def test_ve_and_flow():
    assert_same(CustomPath(lambda z: 1.0, lambda z: 0.01 * 5000**z), VE(), T)
    transition = CustomPath(lambda z: 1.0, lambda z: 0.01 * np.sqrt(np.expm1(2 * z * np.log(5000))))
    assert_same(transition, VETransition(), T)
    assert_same(CustomPath(lambda z: 1 - z, lambda z: z), Flow(), T[:-1])
    flow = CustomPath(lambda z: 1 - z, lambda z: z)
    assert (flow.drift_rate(1), flow.diffusion(1), flow.log_snr(1)) == (-np.inf, np.inf, -np.inf)
    assert flow.time(-np.inf) == 1


def test_given_derivatives_are_used():
    given = {"alpha_dot": VP().alpha_dot, "sigma_dot": VP().sigma_dot}
    custom = CustomPath(lambda t: np.abs(vp_alpha(t)), lambda t: np.maximum(vp_sigma(t), 0), **given)
    assert_same(custom, VP(), T)
    assert custom.sigma_dot(0) == np.inf
    with pytest.raises(ValueError, match="diffusion is 0/0 or 0·inf at t = 0"):
        custom.diffusion(0)


def test_powers_at_the_data():
    for power, slope in ((0.75, np.inf), (1.0, 1.0), (1.25, 0.0), (2.0, 0.0)):
        custom = CustomPath(lambda z: np.exp(-z), lambda z, power=power: z**power)
        assert custom.sigma_dot(0) == slope, power
        assert custom.sigma_dot(0.5) == pytest.approx(power * 0.5 ** (power - 1), rel=1e-15)


def test_time_finds_the_last_bit():
    custom = CustomPath(lambda z: np.exp(-z), lambda z: z, t_max=3.0)
    for t in (1e-300, 1e-10, 0.7, 3.0):
        found = float(custom.time(custom.log_snr(t)))
        # λ = -t - log t falls by 1 + 1/t; a rounding of λ is that of its larger term.
        assert abs(found - t) <= 4 * 2.0**-53 * (1 + abs(np.log(t)) + t) / (1 + 1 / t) + np.spacing(t)


def test_another_end_of_time():
    custom = CustomPath(lambda z: 1.0, lambda z: z, t_max=80)
    assert (custom.t_max, custom.prior_scale) == (80.0, 80.0)
    assert custom.alpha([1, 2]).tolist() == [1, 1]
    with pytest.raises(ValueError, match=r"outside \[0, 80\]"):
        custom.sigma(81)


def test_it_says_what_it_is():
    assert repr(CustomPath(vp_alpha, vp_sigma)) == "CustomPath(alpha=vp_alpha, sigma=vp_sigma, t_max=1)"


def not_complex(t):
    if np.iscomplexobj(t):
        raise TypeError("real times only")
    return t


@pytest.mark.parametrize(
    ("alpha", "sigma", "extra", "message"),
    [
        (lambda z: 1 - z, lambda z: np.abs(z), {}, "the complex step through sigma gives 0 .* give sigma_dot"),
        (
            lambda z: 1 - z,
            not_complex,
            {},
            "sigma does not accept a complex array .* real times only.*; give sigma_dot",
        ),
        (lambda z: 1 - z, lambda z: z.astype(float), {}, "sigma does not accept a complex array.*give sigma_dot"),
        (
            lambda z: np.interp(z, [0, 1], [1, 0]),
            lambda z: z,
            {},
            "alpha does not accept a complex array.*give alpha_dot",
        ),
        (lambda z: 1 - z, lambda z: z, {"alpha_dot": lambda t: 0 * t + 1}, "alpha_dot is 1 .* differences give -1; "),
        (lambda z: 1 - z, lambda z: z, {"sigma_dot": lambda t: 0 * t + 1.00001}, "sigma_dot is 1.00001"),
        (lambda z: 1 - z, lambda z: z, {"sigma_dot": lambda t: t * np.nan}, "not finite"),
        (lambda z: z, lambda z: 1 - z, {}, "expected it to fall strictly"),
        (lambda z: 1 - z, lambda z: z * (1 - z) + 0.01, {}, None),
        (lambda z: 0 * z + 1, lambda z: z * (1 - z), {}, "expected it to fall strictly"),
        (lambda z: 0 * z + 1, lambda z: 1.5 - z, {}, r"log\(alpha/sigma\) is -0\.405465 at t = 0 and"),
        (lambda z: 1 - 2 * z, lambda z: z, {}, "alpha.*expected no negative value"),
        (lambda z: 1 - z, lambda z: z - 0.5, {}, "sigma.*expected no negative value"),
        (lambda z: np.ones(3), lambda z: z, {}, r"alpha returned shape \(3,\)"),
        (lambda z: 1 - z, lambda z: z if z < 0.5 else 0.5, {}, "sigma does not accept an array of times"),
        (lambda z: 1 - z, lambda z: z / 0.0, {}, "sigma.*not finite|sigma does not accept"),
        (lambda z: 1 - z, lambda z: z, {"t_max": 0}, "t_max is 0.0"),
    ],
)
def test_refusals(alpha, sigma, extra, message):
    if message is None:
        CustomPath(alpha, sigma, **extra)
        return
    with pytest.raises(ValueError, match=message):
        CustomPath(alpha, sigma, **extra)


@pytest.mark.parametrize("name", ["alpha", "sigma", "alpha_dot", "sigma_dot"])
def test_what_is_no_function(name):
    functions = {"alpha": vp_alpha, "sigma": vp_sigma} | {name: 0.5}
    with pytest.raises(TypeError, match=f"{name} is 0.5; expected a function of t"):
        CustomPath(**functions)
