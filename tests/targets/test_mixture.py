"""targets/mixture.py against the definitions at 60 digits, autograd, quadrature, and its own consistency."""

import copy
import pickle
import tracemalloc

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import roots_hermitenorm

import refscore as rs
from refscore.targets import Mixture, arguments, mixture
from tests.targets.definitions import U, error, exact, sizes

ROTATION = np.linalg.qr(np.array([[2.0, 1, 0, 1], [0, 1, 3, 1], [1, 0, 1, 4], [1, 2, 0, 1]]))[0]
ILL = (ROTATION * np.logspace(0, 12, 4)) @ ROTATION.T
GRADES = 10.0 ** np.array([3, -3, 0, 5])
GRADED = GRADES[:, None] * (0.5 + 0.5 * np.eye(4)) * GRADES
FULL = np.array([[[2.0, 0.5], [0.5, 1.0]], [[1.0, -0.3], [-0.3, 0.5]]])
W, TWO = [0.3, 0.7], [[1.0, 2.0], [-1.0, 0.5]]

# name: weights, means, covs, x, alpha, sigma
PROBLEMS = {
    "scalar": (W, TWO, [1.0, 0.5], [0.3, 0.2], 0.7, 0.4),
    "one variance": (W, TWO, 2.0, [0.3, 0.2], 0.7, 0.4),
    "diagonal": (W, TWO, [[1.0, 0.5], [0.25, 3.0]], [0.3, 0.2], 0.7, 0.4),
    "full": (W, TWO, FULL, [0.3, 0.2], 0.7, 0.4),
    "full, noiseless": (W, TWO, FULL, [0.3, 0.2], 1.0, 0.0),
    "three components, one of weight 0": (
        [0.25, 0.0, 0.75],
        [[1, 2], [0, 0], [-1, 1]],
        [1, 2, 3],
        [0.5, 0.25],
        1.0,
        0.5,
    ),
    "d = 1": (W, [[1.0], [-2.0]], [1.0, 0.25], [0.5], 0.8, 0.6),
    "d = 1, covs as matrices": (W, [[1.0], [-2.0]], [[[1.0]], [[0.25]]], [0.5], 0.8, 0.6),
    "tail, one component left": (W, TWO, [1.0, 1.0], [200.0, 223.0], 1.0, 0.0),
    "tail, unequal": (W, TWO, [1.0, 1.0 + 2.0**-10], [200.0, 223.0], 1.0, 0.0),
    "tail between two modes": (W, [[50.0, 0.0], [-50.0, 0.0]], 1.0, [0.01, 300.0], 1.0, 0.0),
    "tail between near modes": (W, [[0.5, 0.0], [-0.5, 0.0]], 1.0, [0.01, 300.0], 1.0, 0.0),
    "full, tail between two modes": (W, [[50.0, 0.0], [-50.0, 0.0]], FULL[[0, 0]], [75.0, 300.0], 1.0, 0.0),
    "d = 1, tail": (W, [[1.0], [2.0]], [1.0, 2.0], [300.0], 1.0, 0.0),
    "modes 100 σ apart, between": (W, [[50.0, 0.0], [-50.0, 0.0]], 1.0, [0.01, 0.0], 1.0, 0.0),
    "modes 100 σ apart, at one": (W, [[50.0, 0.0], [-50.0, 0.0]], [1.0, 2.0], [51.0, 0.3], 1.0, 0.0),
    "coincident": (W, [[1.0, 2.0]] * 2, 1.0, [3.0, 4.0], 1.0, 0.0),
    "coincident, tail": (W, [[1.0, 2.0]] * 2, 1.0, [300.0, 4.0], 1.0, 0.5),
    "coincident, unequal widths": (W, [[1.0, 2.0]] * 2, [1.0, 1e-4], [1.01, 2.01], 1.0, 1e-3),
    "far from the origin": (W, [[1e8, 2.0], [1e8 + 1, 2.0]], 1.0, [1e8 + 0.25, 4.0], 1.0, 0.5),
    "condition 1e12, rotated": (W, ROTATION[:2], [0.5 * (ILL + ILL.T)] * 2, [0.5, -1.0, 2.0, 0.25], 1.0, 0.0),
    "condition 1e12, rotated, noised": (W, ROTATION[:2], [0.5 * (ILL + ILL.T)] * 2, [0.5, -1.0, 2.0, 0.25], 1.0, 2.0),
    "condition 1e12, on the axes": (W, ROTATION[:2], [np.logspace(0, 12, 4)] * 2, [0.5, -1.0, 2.0, 0.25], 1.0, 0.0),
    "condition 1e16, graded": (W, ROTATION[:2] * GRADES, [GRADED] * 2, ROTATION[2] * GRADES, 1.0, 0.0),
    "condition 1e16, graded, noised": (W, ROTATION[:2] * GRADES, [GRADED] * 2, ROTATION[2] * GRADES, 1.0, 0.01),
    **{f"σ = {s}": (W, TWO, [1.0, 0.5], [0.3, 0.2], 1.0, s) for s in (1e-60, 1e-20, 1e-12, 1e-6, 1e-3, 1e3, 1e8, 1e20)},
    **{f"full, σ = {s}": (W, TWO, FULL, [0.3, 0.2], 1.0, s) for s in (1e-20, 1e-6, 1e6)},
    **{f"α = {a}": (W, TWO, [1.0, 0.5], [0.3, 0.2], a, 1.0) for a in (0.0, 1e-20, 1e-8, 1e-3)},
}


def bound(size, d, count):
    """Roundings in the longest chain: sums over d and over K, and the functions between them."""
    return 4 * (d + count + 4) * U * size


@pytest.mark.parametrize("name", PROBLEMS)
def test_everything_to_rounding_at_one_point(name):  # (MIX.1) … (MIX.8)
    weights, means, covs, x, alpha, sigma = PROBLEMS[name]
    p, (count, d) = mixture(weights, means, covs), np.shape(means)
    q = p.perturb(alpha, sigma)
    truth = exact(weights, means, p.covs, x, alpha, sigma)
    size = sizes(truth, weights, p.covs, np.array(x), np.array(means, dtype=float), alpha, sigma)
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
        wrong, allowed = error(value, getattr(truth, what)), bound(getattr(size, what), d, count)
        assert np.all(wrong <= allowed), f"{what}: off by {wrong}, where rounding explains {allowed}"
    jacobian, v = np.array(truth.jacobian.tolist(), dtype=float), np.linspace(1.0, -0.5, d)
    assert abs(q.score_trace(x) - np.trace(jacobian)) <= bound(np.trace(size.jacobian), d, count)
    assert (np.abs(q.hvp(x, v) - jacobian @ v) <= bound(size.jacobian @ np.abs(v), d, count)).all()


def defined(weights, means, covs):
    """log Σ_k w_k N(x; μ_k, Σ_k) as it is written, for autograd."""
    terms = [
        (np.log(w / np.sqrt(np.linalg.det(2 * np.pi * c))), m, np.linalg.inv(c))
        for w, m, c in zip(weights, means, covs, strict=True)
    ]

    def log_prob(x):
        return anp.log(sum(anp.exp(size - 0.5 * anp.dot(x - m, anp.dot(p, x - m))) for size, m, p in terms))

    return log_prob


@pytest.mark.parametrize("covs", [2.0, [0.5, 1.5], [[1.0, 0.5], [0.25, 2.0]], FULL], ids=["one", "K", "K d", "K d d"])
def test_derivatives_are_those_of_the_density(covs):
    p, x, v = mixture(W, TWO, covs), np.array([0.25, -0.5]), np.array([1.0, -2.0])
    log_prob = defined(W, np.array(TWO), p.covs)
    hessian = autograd.hessian(log_prob)(x)
    near = {"rtol": 1e3 * U, "atol": 1e3 * U}  # all terms are of order 1, and both routes do a few hundred operations
    np.testing.assert_allclose(p.log_prob(x), log_prob(x), **near)
    np.testing.assert_allclose(p.score(x), autograd.grad(log_prob)(x), **near)
    np.testing.assert_allclose(p.score_jacobian(x), hessian, **near)
    np.testing.assert_allclose(p.score_trace(x), np.trace(hessian), **near)
    np.testing.assert_allclose(p.hvp(x, v), hessian @ v, **near)


def test_posterior_by_quadrature_over_the_prior():
    """Bayes' rule by Gauss-Hermite in x0, one component at a time: the likelihood is entire, so 60 nodes are exact."""
    p, (alpha, sigma), x = mixture(W, [[1.0], [-0.5]], [0.25, 0.5]), (0.8, 1.0), 0.3
    nodes, mass = roots_hermitenorm(60)
    x0 = p.means + np.sqrt(p.covs[:, 0]) * nodes
    weight = p.weights[:, None] * mass * np.exp(-((x - alpha * x0) ** 2) / (2 * sigma**2))
    mean = (weight * x0).sum() / weight.sum()
    var = (weight * (x0 - mean) ** 2).sum() / weight.sum()
    np.testing.assert_allclose(p.denoise([x], alpha=alpha, sigma=sigma), [mean], rtol=1e3 * U)
    np.testing.assert_allclose(p.posterior_covariance([x], alpha=alpha, sigma=sigma), [[var]], rtol=1e3 * U)
    density = weight.sum() / np.sqrt(2 * np.pi) / np.sqrt(2 * np.pi * sigma**2)  # (MIX.5)
    np.testing.assert_allclose(np.exp(p.perturb(alpha, sigma).log_prob([x])), density, rtol=1e3 * U)


def test_tweedie_agrees_with_score_and_jacobian():  # (TWEEDIE.1), (TWEEDIE.2)
    p, alpha, sigma = mixture(W, TWO, FULL), 0.8, 0.5
    x = np.array([[0.3, 0.2], [1.5, -1.0], [-3.0, 4.0]])
    q = p.perturb(alpha, sigma)
    mean = (x + sigma**2 * q.score(x)) / alpha
    cov = (sigma / alpha) ** 2 * (np.eye(2) + sigma**2 * q.score_jacobian(x))
    np.testing.assert_allclose(p.denoise(x, alpha=alpha, sigma=sigma), mean, rtol=1e3 * U)
    np.testing.assert_allclose(p.posterior_covariance(x, alpha=alpha, sigma=sigma), cov, rtol=1e3 * U, atol=1e3 * U)


def test_a_mixture_of_one_is_the_gaussian():
    p, q = mixture([1], [[1, 2]], FULL[:1]), rs.targets.gaussian([1, 2], FULL[0])
    x, v = np.array([[0.5, -1.0], [300.0, 2.0]]), np.array([[1.0, 0.0], [0.5, 2.0]])
    near = {"rtol": 64 * U}
    for name in ("log_prob", "score", "score_jacobian", "score_trace"):
        np.testing.assert_allclose(getattr(p, name)(x), getattr(q, name)(x), **near)
    np.testing.assert_allclose(p.hvp(x, v), q.hvp(x, v), **near)
    for name in ("denoise", "posterior_covariance"):
        found, expected = (getattr(t, name)(x, alpha=0.5, sigma=2.0) for t in (p, q))
        np.testing.assert_allclose(found, expected, **near)


def test_moments_add_up():
    p = mixture([0.25, 0.75], [[1, 2], [5, -2]], FULL)
    np.testing.assert_array_equal(p.mean, [4.0, -1.0])
    between = np.outer([4.0, -4.0], [4.0, -4.0]) * 0.25 * 0.75  # w_1 w_2 (μ_1 - μ_2)(μ_1 - μ_2)ᵀ
    np.testing.assert_allclose(p.cov, 0.25 * FULL[0] + 0.75 * FULL[1] + between, rtol=32 * U)
    q = p.perturb(0.5, 2.0)
    np.testing.assert_allclose(q.cov, 0.25 * p.cov + 4 * np.eye(2), rtol=32 * U)


def test_samples_are_the_affine_map_of_their_component():  # (MIX.9)
    p = mixture([0.25, 0.0, 0.75], [[1, 2], [9, 9], [-1, 0.5]], [FULL[0], FULL[0], FULL[1]])
    rows = np.concatenate([np.zeros((1, 2)), np.eye(2)])
    for u, k in [(0.0, 0), (0.25 - 2**-54, 0), (0.25, 2), (1 - 2**-53, 2)]:  # the edges of the intervals
        origin, *units = p.sample(rows, np.full(3, u))
        np.testing.assert_array_equal(origin, p.means[k])
        root = np.stack(units, axis=1) - origin[:, None]
        np.testing.assert_allclose(root @ root.T, p.covs[k], rtol=64 * U)


def test_the_last_component_takes_what_rounding_leaves():
    p = mixture(np.full(10, 0.1), np.arange(10)[:, None])  # the cumulative sum ends at 1 - 2⁻⁵³
    assert p.sample([0.0], 1 - 2**-53) == 9.0


@pytest.mark.parametrize("kind", ["scalar", "diagonal", "full"])
def test_memory_does_not_grow_with_samples_times_components(kind):
    n, count, d = 20_000 if kind == "scalar" else 5_000, 50, 16
    rng = np.random.default_rng(1)
    variances = rng.uniform(0.5, 2.0, (count, d))
    covs = {"scalar": None, "diagonal": variances, "full": variances[..., None] * np.eye(d) + 0.1}[kind]
    p, x = mixture(np.full(count, 1 / count), rng.standard_normal((count, d)), covs), rng.standard_normal((n, d))
    for kept, call in [
        (n, lambda: p.log_prob(x)),
        (n, lambda: p.score_trace(x)),
        (n * d, lambda: p.score(x)),
        (n * d, lambda: p.hvp(x, x)),
        (2 * n * d + 4 * n, lambda: p.denoise(x, alpha=0.5, sigma=0.5)),  # the result; x, α and σ in other units
    ]:
        tracemalloc.start()
        call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # What is kept and 12 temporaries of 2¹⁶ numbers, 6 MiB; n K d would be 122 or 31 MiB.
        assert peak < 8 * (kept + 12 * 2**16), f"{peak / 2**20:.1f} MiB"


def test_blocks_do_not_show(monkeypatch):
    p, x = mixture(W, TWO, FULL), np.linspace(-3, 3, 22).reshape(11, 2)
    sigma = np.linspace(0.1, 2, 11)

    def everything():
        yield p.log_prob(x), p.score(x), p.score_jacobian(x), p.score_trace(x), p.hvp(x, x[::-1])
        yield p.denoise(x, alpha=0.5, sigma=sigma), p.posterior_covariance(x, alpha=0.5, sigma=sigma)

    whole = list(everything())
    monkeypatch.setattr(arguments, "BLOCK", 12)  # three rows at a time
    for a, b in zip(whole, everything(), strict=True):
        for one, other in zip(a, b, strict=True):
            np.testing.assert_allclose(one, other, rtol=64 * U, atol=64 * U)


@given(
    batch=st.lists(st.integers(0, 3), max_size=3).map(tuple),
    count=st.integers(1, 3),
    d=st.integers(1, 3),
    kind=st.sampled_from(["one", "K", "K d", "K d d"]),
    leveled=st.booleans(),
)
def test_any_shape_is_its_rows(batch, count, d, kind, leveled):
    means = np.arange(count * d).reshape(count, d) % 5 - 2
    variances = 1.0 + np.arange(count * d).reshape(count, d) % 3
    covs = {"one": 2, "K": variances[:, 0], "K d": variances, "K d d": variances[..., None] * np.eye(d) + 0.25}[kind]
    p = mixture(np.full(count, 1 / count), means, covs)
    n = int(np.prod(batch))
    x = (np.arange(n * d) % 7 - 3.0).reshape(*batch, d)
    alpha, sigma = (
        (0.5 + np.arange(n).reshape(batch) % 2, np.arange(n).reshape(batch) * 0.25) if leveled else (0.5, 2.0)
    )
    v = x[..., ::-1] + 1
    found = {
        "log_prob": (p.log_prob(x), (), lambda r, *_: p.log_prob(r)),
        "score": (p.score(x), (d,), lambda r, *_: p.score(r)),
        "jacobian": (p.score_jacobian(x), (d, d), lambda r, *_: p.score_jacobian(r)),
        "trace": (p.score_trace(x), (), lambda r, *_: p.score_trace(r)),
        "hvp": (p.hvp(x, v), (d,), lambda r, w, *_: p.hvp(r, w)),
        "denoise": (p.denoise(x, alpha=alpha, sigma=sigma), (d,), lambda r, w, a, s: p.denoise(r, alpha=a, sigma=s)),
        "covariance": (
            p.posterior_covariance(x, alpha=alpha, sigma=sigma),
            (d, d),
            lambda r, w, a, s: p.posterior_covariance(r, alpha=a, sigma=s),
        ),
        "sample": (
            p.sample(x, np.full(batch, 0.5)),
            (d,),
            lambda r, *_: p.sample(r, 0.5),
        ),
    }
    alphas, sigmas = (np.broadcast_to(level, batch).ravel() for level in (alpha, sigma))
    for name, (value, event, row) in found.items():
        assert value.shape == (*batch, *event), name
        assert value.dtype == np.float64
        rows = zip(value.reshape(n, *event), x.reshape(n, d), v.reshape(n, d), alphas, sigmas, strict=True)
        for one, *arguments_of_one in rows:
            np.testing.assert_allclose(one, row(*arguments_of_one), rtol=256 * U, atol=256 * U, err_msg=name)


def test_what_is_symmetric_is_so_to_the_last_bit():
    rng = np.random.default_rng(1)
    root = rng.standard_normal((3, 5, 5))
    covs = root @ np.swapaxes(root, 1, 2)
    p, x = mixture([0.25, 0.25, 0.5], rng.standard_normal((3, 5)), 0.5 * (covs + np.swapaxes(covs, 1, 2))), root[0]
    for value in (p.cov, p.score_jacobian(x), p.posterior_covariance(x, alpha=0.5, sigma=0.5)):
        np.testing.assert_array_equal(value, np.swapaxes(value, -1, -2))
    assert rs.targets.gaussian(p.mean, p.cov).d == 5


@pytest.mark.parametrize("power", [-600, 600])
@pytest.mark.parametrize("covs", [[1.0, 0.5], FULL], ids=["scalar", "full"])
def test_the_posterior_has_no_unit_of_x(power, covs):
    p, x, s = mixture(W, TWO, covs), np.array([0.3, 0.2]), 2.0**power
    for name in ("denoise", "posterior_covariance"):
        ours, scaled = getattr(p, name)(x, alpha=0.7, sigma=0.4), getattr(p, name)(s * x, alpha=0.7 * s, sigma=0.4 * s)
        np.testing.assert_array_equal(ours, scaled)


def test_a_value_survives_a_pickle():
    for p in (mixture(W, TWO, FULL), rs.targets.gaussian([1, 2], FULL[0]), rs.targets.empirical(TWO)):
        assert repr(pickle.loads(pickle.dumps(p))) == repr(copy.deepcopy(p)) == repr(p)


def test_a_value_is_frozen_and_says_what_it_is():
    weights = np.array([0.8, 0.2])
    p = mixture(weights=weights, means=[[5, 5], [-5, -5]])
    weights[0] = 7
    assert repr(p) == (
        "Mixture of 2 in dimension 2: scalar covariances, weights 0.2 to 0.8, standard deviations 1 to 1"
    )
    assert p.d == 2
    for array in (p.weights, p.means, p.covariances.values, mixture(W, TWO, FULL).covs):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(AttributeError):
        p.means = np.zeros((2, 2))


@pytest.mark.parametrize(
    ("weights", "means", "covs", "message"),
    [
        ([0.5, 0.6], TWO, None, "weights sum to 1 \\+0.1; expected 1"),
        (np.array([1 / 3, 2 / 3], dtype=np.float32), TWO, None, "weights sum to 1"),
        ([1.5, -0.5], TWO, None, "weights has a value of -0.5; expected weights >= 0"),
        ([1.0], TWO, None, r"weights has shape \(1,\); expected \(2,\), one for each of the 2 means"),
        (W, [1, 2], None, r"means has shape \(2,\); expected \(K, d\)"),
        (W, TWO, [1, 2, 3], r"covs has shape \(3,\); expected \(\), \(2,\), \(2, 2\) or \(2, 2, 2\)"),
        (W, TWO, [1, -2], "covs is not positive definite: its least variance is -2; expected > 0"),
        (W, TWO, [[[1, 2], [2, 1]]] * 2, r"covs\[0\] is not positive definite: its eigenvalues reach from -1 to 3"),
        (W, TWO, [[[1, 0.5], [0, 1]]] * 2, "covs is not symmetric: it differs from its transpose by up to 0.5"),
        (W, [[1, np.inf], [0, 0]], None, "means has 1 value that is not finite"),
    ],
)
def test_bad_parameters_are_refused(weights, means, covs, message):
    with pytest.raises(ValueError, match=message):
        mixture(weights, means, covs)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.score([1.0, 2.0, 3.0]), r"x has shape \(3,\); expected \(\*batch, 2\)"),
        (lambda p: p.score(1.0), r"x has shape \(\); expected"),
        (lambda p: p.score([np.nan, 0.0]), "x has 1 value that is not finite"),
        (lambda p: p.hvp([0.0, 1.0], [[0.0, 1.0]]), r"v has shape \(1, 2\); expected \(2,\), the shape of x"),
        (lambda p: p.perturb(0, 0), "alpha and sigma are both 0"),
        (lambda p: p.perturb(1, -1), "sigma is -1.0; expected sigma >= 0"),
        (lambda p: p.perturb(-1, 1), "alpha is -1.0; expected alpha >= 0"),
        (lambda p: p.perturb([1, 1], 1), r"alpha has shape \(2,\); expected a single number"),
        (lambda p: p.perturb(1e-200, 1e-200), "a variance outside the range of float64"),
        (
            lambda p: p.denoise([[0.0, 1.0]], alpha=1, sigma=[1, 2]),
            r"sigma has shape \(2,\); expected \(\) or the batch",
        ),
        (lambda p: p.denoise(np.zeros((2, 2)), alpha=[1, 0], sigma=[1, 0]), "alpha and sigma are both 0"),
        (
            lambda p: p.denoise(np.zeros((2, 2)), alpha=[1, 0], sigma=[1]),
            r"sigma has shape \(1,\); expected \(\) or the batch",
        ),
        (lambda p: p.sample([0.0, 1.0], 1.0), r"uniform has values from 1.0 to 1.0; expected them in \[0, 1\)"),
        (lambda p: p.sample([0.0, 1.0], [0.5]), r"uniform has shape \(1,\); expected the batch shape \(\)"),
        (lambda p: p.entropy(), "quadrature is for d = 1, not for d = 2"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(mixture(W, TWO))


@pytest.mark.parametrize("x", [np.zeros(2, dtype=np.float16), np.zeros(2, dtype=complex), ["a", "b"]])
def test_bad_types_are_refused(x):
    with pytest.raises(TypeError, match="x has dtype"):
        mixture(W, TWO).score(x)


def test_the_class_takes_what_the_function_takes():
    p = Mixture(W, TWO, FULL)
    np.testing.assert_array_equal(p.covs, FULL)
    assert isinstance(mixture(W, TWO), Mixture)
