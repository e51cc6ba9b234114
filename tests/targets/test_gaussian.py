"""targets/gaussian.py against the definitions at 300 digits, autograd, conjugacy, and its own affine maps."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, workdps

from refscore.targets import Gaussian, gaussian
from refscore.targets.covariance import Covariance
from tests.targets.definitions import DIGITS, U, error, exact, sizes

ROTATION = np.linalg.qr(np.array([[2.0, 1, 0, 1], [0, 1, 3, 1], [1, 0, 1, 4], [1, 2, 0, 1]]))[0]
ILL = (ROTATION * np.logspace(0, 12, 4)) @ ROTATION.T
ILL = 0.5 * (ILL + ILL.T)
GRADES = 10.0 ** np.array([7, -8, 0, 3])
GRADED = GRADES[:, None] * (0.5 + 0.5 * np.eye(4)) * GRADES
FULL = np.array([[2.0, 0.5], [0.5, 1.0]])
FACTOR = np.array([[2.0, 1.0], [2.0, -1.0], [1.0, 0.5], [0.0, 0.25]])  # dyadic: F Fᵀ is exact in float64
MEAN4, X4 = ROTATION[0], np.array([0.5, -1.0, 2.0, 0.25])

# name: the Gaussian, its covariance without rounding, x, alpha, sigma
PROBLEMS = {
    "scalar": (gaussian([1, -2], 4), 4 * np.eye(2), [0.3, 0.2], 0.7, 0.4),
    "diagonal": (gaussian([1, -2], [4, 0.25]), np.diag([4, 0.25]), [0.3, 0.2], 0.7, 0.4),
    "full": (gaussian([1, -2], FULL), FULL, [0.3, 0.2], 0.7, 0.4),
    "low-rank": (gaussian(MEAN4, 0.5, factor=FACTOR), 0.5 * np.eye(4) + FACTOR @ FACTOR.T, X4, 0.7, 0.4),
    "low-rank, more columns": (
        gaussian([1, -2], 1, factor=FACTOR.T),
        np.eye(2) + FACTOR.T @ FACTOR,
        [0.3, 0.2],
        1,
        0.5,
    ),
    "no variance but the factor": (gaussian([1, -2], 0, factor=FACTOR.T), FACTOR.T @ FACTOR, [0.3, 0.2], 1.0, 0.5),
    "low-rank, condition 1e12": (
        gaussian(MEAN4, 2.0**-37, factor=FACTOR),
        2.0**-37 * np.eye(4) + FACTOR @ FACTOR.T,
        X4,
        1.0,
        0.0,
    ),
    "d = 1": (gaussian([1], [[3]]), [[3.0]], [0.3], 0.7, 0.4),
    "300 standard deviations out": (gaussian([1, -2], FULL), FULL, [424.0, -300.0], 1.0, 0.0),
    "condition 1e12, rotated": (gaussian(MEAN4, ILL), ILL, X4, 1.0, 0.0),
    "condition 1e12, rotated, noised": (gaussian(MEAN4, ILL), ILL, X4, 0.5, 3.0),
    "condition 1e12, on the axes": (
        gaussian(MEAN4, np.logspace(0, 12, 4)),
        np.diag(np.logspace(0, 12, 4)),
        X4,
        1.0,
        0.0,
    ),
    "condition 1e30, graded": (gaussian(MEAN4 * GRADES, GRADED), GRADED, X4 * GRADES, 1.0, 0.0),
    "condition 1e30, graded, noised": (gaussian(MEAN4 * GRADES, GRADED), GRADED, X4 * GRADES, 1.0, 1e-3),
    "far from the mean": (gaussian([1e8, -2e8], [4, 0.25]), np.diag([4, 0.25]), [0.3, 0.2], 1.0, 1e-6),
    "far from the origin": (gaussian([1e8, -2e8], FULL), FULL, [1e8 + 0.25, -2e8 - 0.5], 1.0, 0.5),
    **{f"σ = {s}": (gaussian([1, -2], FULL), FULL, [0.3, 0.2], 1.0, s) for s in (1e-60, 1e-20, 1e-6, 1e6, 1e20)},
    **{f"α = {a}": (gaussian([1, -2], FULL), FULL, [0.3, 0.2], a, 1.0) for a in (0.0, 1e-60, 1e-20, 1e-6)},
}


def bound(size, d):
    """Roundings in the longest chain: two sums over d, and the functions between them."""
    return 4 * (d + 4) * U * size


@pytest.mark.parametrize("name", PROBLEMS)
def test_everything_to_rounding_at_one_point(name):  # (N.1) … (N.4)
    p, cov, x, alpha, sigma = PROBLEMS[name]
    x, d, q = np.array(x), len(x), p.perturb(alpha, sigma)
    truth = exact([1.0], [p.mean], [cov], x, alpha, sigma)
    size = sizes(truth, [1.0], [cov], x, [p.mean], alpha, sigma)
    found = {
        "log_prob": q.log_prob(x),
        "score": q.score(x),
        "jacobian": q.score_jacobian(x),
        "mean": p.denoise(x, alpha=alpha, sigma=sigma),
        "covariance": p.posterior_covariance(x, alpha=alpha, sigma=sigma),
    }
    if sigma == 0:
        assert not found.pop("covariance").any()
    for what, value in found.items():
        wrong, allowed = error(value, getattr(truth, what)), bound(getattr(size, what), d)
        assert np.all(wrong <= allowed), f"{what}: off by {wrong}, where rounding explains {allowed}"
    jacobian, v = np.array(truth.jacobian.tolist(), dtype=float), np.linspace(1.0, -0.5, d)
    assert abs(q.score_trace(x) - np.trace(jacobian)) <= bound(np.trace(size.jacobian), d)
    assert (np.abs(q.hvp(x, v) - jacobian @ v) <= bound(size.jacobian @ np.abs(v), d)).all()


@pytest.mark.parametrize("cov", [4.0, [4.0, 0.25], FULL], ids=["scalar", "diagonal", "full"])
def test_derivatives_are_those_of_the_density(cov):
    p, x, v = gaussian([1, -2], cov), np.array([0.25, -0.5]), np.array([1.0, -2.0])

    def log_prob(x):
        return anp.log(anp.exp(-0.5 * (x - p.mean) @ anp.linalg.inv(p.cov) @ (x - p.mean))) - 0.5 * anp.log(
            anp.linalg.det(2 * np.pi * p.cov)
        )

    near = {"rtol": 1e3 * U, "atol": 1e3 * U}
    np.testing.assert_allclose(p.log_prob(x), log_prob(x), **near)
    np.testing.assert_allclose(p.score(x), autograd.grad(log_prob)(x), **near)
    np.testing.assert_allclose(p.score_jacobian(x), autograd.hessian(log_prob)(x), **near)
    np.testing.assert_allclose(p.score_trace(x), np.trace(autograd.hessian(log_prob)(x)), **near)
    np.testing.assert_allclose(p.hvp(x, v), autograd.hessian(log_prob)(x) @ v, **near)


def test_posterior_by_conjugacy():
    """Precisions add, and so do precision-weighted means: V⁻¹ = Σ⁻¹ + (α/σ)² I, V⁻¹ m = Σ⁻¹ μ + α x/σ²."""
    p, alpha, sigma, x = gaussian([1, -2], FULL), 0.7, 0.4, np.array([[0.3, 0.2], [5.0, -1.0]])
    precision = np.linalg.inv(FULL)
    cov = np.linalg.inv(precision + (alpha / sigma) ** 2 * np.eye(2))
    mean = (precision @ p.mean + alpha * x / sigma**2) @ cov
    np.testing.assert_allclose(p.denoise(x, alpha=alpha, sigma=sigma), mean, rtol=256 * U)
    found = p.posterior_covariance(x, alpha=alpha, sigma=sigma)
    np.testing.assert_allclose(found, np.broadcast_to(cov, (2, 2, 2)), rtol=256 * U)


def test_tweedie_agrees_with_score_and_jacobian():  # (TWEEDIE.1), (TWEEDIE.2)
    p, alpha, sigma, x = gaussian([1, -2], FULL), 0.7, 0.4, np.array([[0.3, 0.2], [5.0, -1.0]])
    q = p.perturb(alpha, sigma)
    mean = (x + sigma**2 * q.score(x)) / alpha
    cov = (sigma / alpha) ** 2 * (np.eye(2) + sigma**2 * q.score_jacobian(x))
    np.testing.assert_allclose(p.denoise(x, alpha=alpha, sigma=sigma), mean, rtol=256 * U)
    np.testing.assert_allclose(p.posterior_covariance(x, alpha=alpha, sigma=sigma), cov, rtol=256 * U)


@pytest.mark.parametrize("name", ["scalar", "diagonal", "full", "low-rank", "condition 1e12, rotated"])
def test_samples_have_the_moments_through_their_affine_map(name):  # (N.5)
    p, cov, *_ = PROBLEMS[name]
    origin, *units = p.sample(np.concatenate([np.zeros((1, p.d)), np.eye(p.d)]))
    root = np.stack(units, axis=1) - origin[:, None]
    np.testing.assert_array_equal(origin, p.mean)
    scale = np.sqrt(np.diag(cov))
    tolerance = 16 * p.d * U * np.linalg.norm(cov, 2)
    np.testing.assert_allclose(root @ root.T, cov, rtol=0, atol=tolerance + 16 * U * np.outer(scale, scale).max())
    np.testing.assert_allclose(
        root, root.T, rtol=0, atol=16 * p.d * U * np.sqrt(np.linalg.norm(cov, 2) * (1 + origin @ origin))
    )


def test_perturbing_keeps_the_entries_of_the_covariance():  # (N.3)
    q = gaussian([1, -2], FULL).perturb(0.5, 3.0)
    np.testing.assert_array_equal(q.cov, 0.25 * FULL + 9 * np.eye(2))
    np.testing.assert_array_equal(q.mean, [0.5, -1.0])
    np.testing.assert_array_equal(gaussian([1, -2], FULL).cov, FULL)


@pytest.mark.parametrize("name", ["scalar", "diagonal", "full", "low-rank", "condition 1e30, graded"])
def test_entropy_is_half_the_log_determinant(name):  # (N.6)
    p, cov, *_ = PROBLEMS[name]
    with workdps(DIGITS):
        truth = mp.log(mp.det(2 * mp.pi * mp.e * mp.matrix(np.asarray(cov, dtype=float).tolist()))) / 2
    terms = p.d * (1 + np.log(2 * np.pi)) + np.abs(np.log(p.covariance.values)).sum() + p.d * 8  # κ(R) < 8 here
    assert error(p.entropy(), truth) <= 8 * U * terms


def test_a_low_rank_covariance_makes_no_matrix():
    d = 200_000
    p, x = gaussian(np.zeros(d), 1, factor=np.ones((d, 1)) / 256), np.ones(d)
    share = d / 256**2  # F Fᵀ along F; Sherman-Morrison for the score
    np.testing.assert_allclose(p.score(x), -x / (1 + share), rtol=d * U)
    np.testing.assert_allclose(p.score_trace(x), -(d - 1 + 1 / (1 + share)), rtol=d * U)


@given(
    batch=st.lists(st.integers(0, 3), max_size=3).map(tuple),
    d=st.integers(1, 3),
    kind=st.sampled_from(["scalar", "diagonal", "full", "low-rank"]),
    leveled=st.booleans(),
)
def test_any_shape_is_its_rows(batch, d, kind, leveled):
    mean, variances = np.arange(d) - 1, 1 + np.arange(d)
    cov = {"scalar": 2, "diagonal": variances, "full": np.diag(variances) + 0.25, "low-rank": 1}[kind]
    p = gaussian(mean, cov, factor=np.ones((d, 1)) if kind == "low-rank" else None)
    n = int(np.prod(batch))
    x = (np.arange(n * d) % 7 - 3.0).reshape(*batch, d)
    alpha, sigma = (
        (0.5 + np.arange(n).reshape(batch) % 2, np.arange(n).reshape(batch) * 0.25) if leveled else (0.5, 2.0)
    )
    found = {
        "log_prob": (p.log_prob(x), (), lambda r, *_: p.log_prob(r)),
        "score": (p.score(x), (d,), lambda r, *_: p.score(r)),
        "jacobian": (p.score_jacobian(x), (d, d), lambda r, *_: p.score_jacobian(r)),
        "trace": (p.score_trace(x), (), lambda r, *_: p.score_trace(r)),
        "hvp": (p.hvp(x, x + 1), (d,), lambda r, *_: p.hvp(r, r + 1)),
        "sample": (p.sample(x), (d,), lambda r, *_: p.sample(r)),
        "denoise": (p.denoise(x, alpha=alpha, sigma=sigma), (d,), lambda r, a, s: p.denoise(r, alpha=a, sigma=s)),
        "covariance": (
            p.posterior_covariance(x, alpha=alpha, sigma=sigma),
            (d, d),
            lambda r, a, s: p.posterior_covariance(r, alpha=a, sigma=s),
        ),
    }
    alphas, sigmas = (np.broadcast_to(level, batch).ravel() for level in (alpha, sigma))
    for name, (value, event, row) in found.items():
        assert value.shape == (*batch, *event), name
        assert value.dtype == np.float64
        for one, *arguments in zip(value.reshape(n, *event), x.reshape(n, d), alphas, sigmas, strict=True):
            np.testing.assert_allclose(one, row(*arguments), rtol=64 * U, atol=64 * U, err_msg=name)


def test_a_value_is_frozen_and_says_what_it_is():
    mean = np.array([1.0, 0.0])
    p = gaussian(mean, 4)
    mean[0] = 7
    assert p.mean[0] == 1
    assert repr(p) == "Gaussian in dimension 2: scalar covariance, standard deviations 2 to 2"
    assert repr(gaussian([0, 0], FULL)).startswith("Gaussian in dimension 2: full covariance")
    for array in (p.mean, p.covariance.values, gaussian(mean, FULL).cov):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(AttributeError):
        p.mean = np.zeros(2)


def test_the_class_takes_a_matrix_or_its_factors():
    p = Gaussian([0, 1], FULL)
    assert isinstance(p.covariance, Covariance)
    np.testing.assert_array_equal(Gaussian([5, 5], p.covariance).cov, FULL)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gaussian(0, 1), r"mean has shape \(\); expected \(d,\) with d >= 1"),
        (lambda: gaussian([], 1), r"mean has shape \(0,\)"),
        (lambda: gaussian([0, 0], [1, 2, 3]), r"cov has shape \(3,\); expected \(\), \(2,\) or \(2, 2\)"),
        (lambda: gaussian([0, 0], 0), "cov is not positive definite: its least variance is 0; expected > 0"),
        (
            lambda: gaussian([0, 0], [[1, 2], [2, 1]]),
            "cov is not positive definite: its eigenvalues reach from -1 to 3",
        ),
        (lambda: gaussian([0, 0], [[1, 1], [1, 1]]), "cov is not positive definite"),
        (lambda: gaussian([0, 0], [[1, 0.5], [0.25, 1]]), "cov is not symmetric: .* up to 0.25; expected by 0"),
        (lambda: gaussian([0, 0], [1, 2], factor=[[1], [1]]), r"cov has shape \(2,\); expected \(\) beside a factor"),
        (lambda: gaussian([0, 0], 1, factor=[1, 1]), r"factor has shape \(2,\); expected \(d, r\)"),
        (lambda: gaussian([0, 0], 1, factor=[[1], [1], [1]]), r"factor has shape \(3, 1\); expected \(d, r\)"),
        (lambda: gaussian([0, 0], 0, factor=[[1], [1]]), "cov = 0 with a factor .* is not positive definite"),
        (lambda: gaussian([0, np.nan], 1), "mean has 1 value that is not finite"),
        (lambda: gaussian([0, 0], 1).score([1.0]), r"x has shape \(1,\); expected \(\*batch, 2\)"),
        (lambda: gaussian([0, 0], 1).sample([1.0]), r"noise has shape \(1,\); expected \(\*batch, 2\)"),
        (lambda: gaussian([0, 0], 1).hvp([1, 2], [1]), r"v has shape \(1,\); expected"),
        (lambda: gaussian([0, 0], 1).perturb(0, 0), "alpha and sigma are both 0"),
        (lambda: gaussian([0, 0], 1).denoise([0, 0], alpha=1, sigma=-1), "sigma is -1.0; expected sigma >= 0"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
