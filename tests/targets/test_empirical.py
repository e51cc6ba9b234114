"""targets/empirical.py against the definitions at 300 digits, its perturbed mixture, and its limits."""

import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refscore.targets import arguments, empirical
from tests.targets.definitions import U, error, exact, sizes

POINTS = [[1.0, 2.0], [-1.0, 0.5], [0.0, -3.0]]
W = [0.25, 0.5, 0.25]

# name: points, weights, x, alpha, sigma
PROBLEMS = {
    "plain": (POINTS, W, [0.3, 0.2], 0.7, 1.4),
    "equal weights": (POINTS, None, [0.3, 0.2], 1.0, 1.0),
    "one of weight 0": (POINTS, [0.5, 0.0, 0.5], [-0.9, 0.5], 1.0, 0.5),
    "d = 1": ([[1.0], [2.0], [4.0]], W, [2.5], 1.0, 0.5),
    "one point": ([[1.0, 2.0]], None, [0.3, 0.2], 0.5, 1.0),
    "coincident points": ([[1.0, 2.0]] * 3, W, [0.3, 0.2], 0.5, 1.0),
    "300 σ out": (POINTS, W, [300.0, 10.0], 1.0, 1.0),
    "300 σ out, between": ([[50.0, 0.0], [-50.0, 0.0], [0.0, 1.0]], W, [0.01, -300.0], 1.0, 1.0),
    "100 σ apart, between": ([[50.0, 0.0], [-50.0, 0.0], [0.0, 90.0]], W, [0.01, 0.0], 1.0, 1.0),
    "1e6 σ out, between near points": ([[0.5, 0.0], [-0.5, 0.0], [0.0, 9.0]], W, [0.01, -1e6], 1.0, 1.0),
    "at a point without weight": ([[0.01, -1e6], [-0.5, 0.0], [0.5, 0.0]], [0.0, 0.25, 0.75], [0.01, -1e6], 1.0, 1.0),
    "points a rounding apart": (
        [[1e8, 0.0], [1e8 + 2.0**-26, 0.0], [1e8 + 3 * 2.0**-26, 0.0]],
        W,
        [1e8, 0.5],
        1.0,
        1.0,
    ),
    "near a point": (POINTS, W, [1.0 + 2.0**-30, 2.0], 1.0, 2.0**-30),
    "far from the origin": ([[1e8, 2.0], [1e8 + 1, 2.0], [1e8 + 0.5, 3.0]], W, [1e8 + 0.25, 2.5], 1.0, 0.5),
    **{f"σ = {s}": (POINTS, W, [0.3, 0.2], 1.0, s) for s in (1e-60, 1e-3, 0.1, 1e3, 1e20)},
    **{f"α = {a}": (POINTS, W, [0.3, 0.2], a, 1.0) for a in (0.0, 1e-20, 1e-6)},
}


def bound(size, d, count):
    """Roundings in the longest chain: sums over d and over K, and the functions between them."""
    return 4 * (d + count + 4) * U * size


@pytest.mark.parametrize("name", PROBLEMS)
def test_everything_to_rounding_at_one_point(name):  # (EMP.1) … (EMP.5)
    points, weights, x, alpha, sigma = PROBLEMS[name]
    p, (count, d) = empirical(points, weights), np.shape(points)
    none = np.zeros((count, d, d))
    truth = exact(p.weights, points, none, x, alpha, sigma)
    size = sizes(truth, p.weights, none, np.array(x), np.array(points), alpha, sigma)
    for what, value in {
        "log_prob": p.log_prob(x, alpha=alpha, sigma=sigma),
        "score": p.score(x, alpha=alpha, sigma=sigma),
        "mean": p.denoise(x, alpha=alpha, sigma=sigma),
        "covariance": p.posterior_covariance(x, alpha=alpha, sigma=sigma),
    }.items():
        wrong, allowed = error(value, getattr(truth, what)), bound(getattr(size, what), d, count)
        assert np.all(wrong <= allowed + 2.0**-1074), f"{what}: off by {wrong}, where rounding explains {allowed}"


def test_the_noised_data_are_a_mixture():
    p, alpha, sigma = empirical(POINTS, W), 0.5, 0.75
    q, x = p.perturb(alpha, sigma), np.array([[0.3, 0.2], [-1.0, 2.0], [5.0, 5.0]])
    near = {"rtol": 256 * U, "atol": 256 * U}
    np.testing.assert_allclose(p.log_prob(x, alpha=alpha, sigma=sigma), q.log_prob(x), **near)
    np.testing.assert_allclose(p.score(x, alpha=alpha, sigma=sigma), q.score(x), **near)
    mean = (x + sigma**2 * q.score(x)) / alpha  # (TWEEDIE.1)
    cov = (sigma / alpha) ** 2 * (np.eye(2) + sigma**2 * q.score_jacobian(x))  # (TWEEDIE.2)
    np.testing.assert_allclose(p.denoise(x, alpha=alpha, sigma=sigma), mean, **near)
    np.testing.assert_allclose(p.posterior_covariance(x, alpha=alpha, sigma=sigma), cov, **near)


def test_moments():
    p = empirical(POINTS, W)
    np.testing.assert_array_equal(p.mean, [-0.25, 0.0])
    second = sum(w * np.outer(y, y) for w, y in zip(W, POINTS, strict=True))
    np.testing.assert_allclose(p.cov, second - np.outer(p.mean, p.mean), rtol=16 * U)


def test_the_limits_of_the_denoiser():
    p, x = empirical(POINTS, W), np.array([0.4, 0.5])
    np.testing.assert_allclose(p.denoise(x, alpha=0, sigma=3), p.mean, rtol=0, atol=8 * U)  # nothing is known
    for sigma in (0.0, 1e-300, 1e-170, 1e-100, 1e-3):  # the nearest point is known
        np.testing.assert_array_equal(p.denoise(x, alpha=0.5, sigma=sigma), POINTS[0])
        assert not p.posterior_covariance(x, alpha=0.5, sigma=sigma).any()
    tie = empirical([[1, 0], [-1, 0], [0, 5]], [0.25, 0.5, 0.25])
    np.testing.assert_allclose(tie.denoise([0, -1], alpha=1, sigma=0), [-1 / 3, 0], rtol=4 * U)
    absent = empirical([[0, 0], [1, 0]], [0, 1])  # the nearest has no weight
    np.testing.assert_array_equal(absent.denoise([0, 0], alpha=1, sigma=0), [1, 0])


@pytest.mark.parametrize("power", [-600, 600])
def test_the_posterior_has_no_unit_of_x(power):
    p, x, s = empirical(POINTS, W), np.array([0.3, 0.2]), 2.0**power
    for name in ("denoise", "posterior_covariance"):
        ours, scaled = getattr(p, name)(x, alpha=0.7, sigma=1.4), getattr(p, name)(s * x, alpha=0.7 * s, sigma=1.4 * s)
        np.testing.assert_array_equal(ours, scaled)


def test_samples_are_points():  # (EMP.6)
    p = empirical(POINTS, W)
    chosen = p.sample(np.ones((4, 2)), [0.0, 0.25, 0.75 - 2**-53, 0.75])
    np.testing.assert_array_equal(chosen, np.array(POINTS)[[0, 1, 1, 2]])


def test_memory_does_not_grow_with_samples_times_points():
    rng = np.random.default_rng(1)
    n, count, d = 20_000, 50, 16
    p, x = empirical(rng.standard_normal((count, d))), rng.standard_normal((n, d))
    big, few = empirical(rng.standard_normal((20_000, 64))), rng.standard_normal((4, 64))
    for kept, call in [
        (n, lambda: p.log_prob(x, alpha=0.5, sigma=0.5)),
        (n * d, lambda: p.score(x, alpha=0.5, sigma=0.5)),
        (n * d, lambda: p.denoise(x, alpha=0.5, sigma=0.5)),
        (0, lambda: big.denoise(few, alpha=0.5, sigma=0.5)),
        (0, lambda: big.score(few, alpha=0.5, sigma=0.5)),
        (0, lambda: big.posterior_covariance(few, alpha=0.5, sigma=0.5)),
    ]:
        tracemalloc.start()
        call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # What is kept, x in other units (n d + 4 n), and 12 temporaries of 2¹⁶ numbers, 6 MiB; K d alone is 10 MiB.
        assert peak < 8 * (kept + n * (d + 4) * (kept > 0) + 12 * 2**16), f"{peak / 2**20:.1f} MiB"


def test_blocks_do_not_show(monkeypatch):
    module = sys.modules["refscore.targets.empirical"]  # the attribute of that name is the function
    p, x, sigma = empirical(POINTS, W), np.linspace(-3, 3, 22).reshape(11, 2), np.linspace(0.1, 2, 11)

    def everything():
        for name in ("log_prob", "score", "denoise", "posterior_covariance"):
            yield getattr(p, name)(x, alpha=0.5, sigma=sigma)

    whole = list(everything())
    monkeypatch.setattr(arguments, "BLOCK", 12)
    monkeypatch.setattr(module, "BLOCK", 4)
    for one, other in zip(whole, everything(), strict=True):
        np.testing.assert_allclose(one, other, rtol=64 * U, atol=64 * U)


@given(
    batch=st.lists(st.integers(0, 3), max_size=3).map(tuple),
    count=st.integers(1, 4),
    d=st.integers(1, 3),
    leveled=st.booleans(),
)
def test_any_shape_is_its_rows(batch, count, d, leveled):
    p = empirical(np.arange(count * d).reshape(count, d) % 5 - 2)
    n = int(np.prod(batch))
    x = (np.arange(n * d) % 7 - 3.0).reshape(*batch, d)
    alpha, sigma = (
        (0.5 + np.arange(n).reshape(batch) % 2, 1 + np.arange(n).reshape(batch) * 0.25) if leveled else (0.5, 2)
    )
    alphas, sigmas = (np.broadcast_to(level, batch).ravel() for level in (alpha, sigma))
    for name, event in {"log_prob": (), "score": (d,), "denoise": (d,), "posterior_covariance": (d, d)}.items():
        value = getattr(p, name)(x, alpha=alpha, sigma=sigma)
        assert value.shape == (*batch, *event), name
        assert value.dtype == np.float64
        for one, row, a, s in zip(value.reshape(n, *event), x.reshape(n, d), alphas, sigmas, strict=True):
            expected = getattr(p, name)(row, alpha=a, sigma=s)
            np.testing.assert_allclose(one, expected, rtol=256 * U, atol=256 * U, err_msg=name)


def test_a_value_is_frozen_and_says_what_it_is():
    p = empirical([[1, 2], [3, 4]])
    assert repr(p) == "Empirical of 2 points in dimension 2: equal weights"
    assert repr(empirical(POINTS, W)) == "Empirical of 3 points in dimension 2: weights 0.25 to 0.5"
    for array in (p.points, p.weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: empirical([1, 2]), r"points has shape \(2,\); expected \(K, d\)"),
        (lambda p: empirical(3), r"points has shape \(\); expected \(K, d\)"),
        (lambda p: empirical([]), r"points has shape \(0,\); expected \(K, d\)"),
        (
            lambda p: empirical(POINTS, [0.5, 0.5]),
            r"weights has shape \(2,\); expected \(3,\), one for each of the 3 points",
        ),
        (lambda p: empirical(POINTS, [0.5, 0.5, 0.5]), r"weights sum to 1 \+0.5; expected 1"),
        (lambda p: p.perturb(1, 0), "sigma is 0; expected sigma > 0, since a finite data set has no density"),
        (lambda p: p.score([0, 0], alpha=1, sigma=0), "sigma is 0"),
        (lambda p: p.log_prob([0, 0], alpha=1, sigma=0), "sigma is 0"),
        (lambda p: p.denoise([0, 0, 0], alpha=1, sigma=0), r"x has shape \(3,\); expected \(\*batch, 2\)"),
        (lambda p: p.denoise([0, 0], alpha=0, sigma=0), "alpha and sigma are both 0"),
        (lambda p: p.sample([0, 0], -0.5), "uniform has values from -0.5"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(empirical(POINTS))
