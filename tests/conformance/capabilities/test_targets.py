"""``target.*``: right implementations of any algebra conform, in float32 that is float32 throughout, and in float64."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import logsumexp

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.conformance.capabilities.targets.sizes import sizes
from refscore.conformance.capability import LIMIT, ratio_of, unit_roundoff
from refscore.targets import Mixture
from tests.conformance.capabilities.solvers import SOLVERS, cholesky, eigenvectors, singular_vectors

DTYPES = ("float64", "float32")


def report_of(functions, dtype, arrays="numpy"):
    adapter = Adapter("under test", arrays=arrays, dtype=dtype)
    for name, function in functions.items():
        adapter.implements(f"target.{name}")(function)
    return check_here(adapter)


def assert_conforms(functions, dtype, arrays="numpy"):
    report = report_of(functions, dtype, arrays)
    assert [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"] == []


def named(functions, dtype):
    """The faults that a failing report names."""
    with np.errstate(all="ignore"):
        report = report_of(functions, dtype)
    return {d.fault for r in report.results for d in r.diagnosis}


def components(solver, x, weights, means, covs):
    """Log of each w_k N_k (K, n), scores (K, n, d) and precisions (K, d, d), nothing in another dtype than x."""
    log_2pi = np.log(x.dtype.type(2 * np.pi))
    joint, scores, precisions = [], [], []
    for w, mean, cov in zip(weights, means, covs):
        solve, precision, log_det = solver(cov)
        delta = x - mean
        score = -solve(delta)
        joint.append(np.log(w) - (x.shape[-1] * log_2pi + log_det - (score * delta).sum(-1)) / 2)
        scores.append(score)
        precisions.append(precision)
    assert {a.dtype for a in (*joint, *scores, *precisions)} == {x.dtype}
    return np.stack(joint), np.stack(scores), np.stack(precisions)


def by_scores(solver):
    """Scores and their second moments uncentred, then Tweedie's two formulas: what autodiff comes to."""

    def log_prob(x, weights, means, covs):
        return logsumexp(components(solver, x, weights, means, covs)[0], axis=0)

    def score(x, weights, means, covs):
        joint, scores, _ = components(solver, x, weights, means, covs)
        share = np.exp(joint - logsumexp(joint, axis=0))
        return np.einsum("kn,knd->nd", share, scores)

    def score_jacobian(x, weights, means, covs):
        joint, scores, precisions = components(solver, x, weights, means, covs)
        share = np.exp(joint - logsumexp(joint, axis=0))
        mean = np.einsum("kn,knd->nd", share, scores)
        square = np.einsum("kn,kni,knj->nij", share, scores, scores)
        return square - mean[:, :, None] * mean[:, None, :] - np.einsum("kn,kij->nij", share, precisions)

    def each_level(formula):
        def function(x, weights, means, covs, *, alpha, sigma):
            eye = np.eye(x.shape[-1], dtype=x.dtype)
            rows = zip(x[:, None], alpha, sigma)
            return np.stack([formula(r, a, s, (weights, a * means, a**2 * covs + s**2 * eye))[0] for r, a, s in rows])

        return function

    return SimpleNamespace(
        log_prob=log_prob,
        score=score,
        score_jacobian=score_jacobian,
        score_trace=lambda *given: np.einsum("nii->n", score_jacobian(*given)),
        denoise=each_level(lambda x, a, s, law: (x + s**2 * score(x, *law)) / a),
        posterior_covariance=each_level(
            lambda x, a, s, law: (s / a) ** 2 * (np.eye(x.shape[-1], dtype=x.dtype) + s**2 * score_jacobian(x, *law))
        ),
    )


def by_components(solver, form):
    """Centred moments of the components' own posteriors, these by the gain ("Kalman") or by adding precisions."""
    scores = by_scores(solver)

    def score_jacobian(x, weights, means, covs):
        joint, each, precisions = components(solver, x, weights, means, covs)
        share = np.exp(joint - joint.max(0))
        share = share / share.sum(0)
        spread = each - (share[..., None] * each).sum(0)
        return (share[..., None, None] * (spread[..., :, None] * spread[..., None, :] - precisions[:, None])).sum(0)

    def posterior(x, weights, means, covs, a, s):
        eye = np.eye(x.shape[-1], dtype=x.dtype)
        noisy = a**2 * covs + s**2 * eye
        joint = components(solver, x, weights, a * means, noisy)[0]
        share = np.exp(joint - joint.max(0))[:, 0]
        share = share / share.sum()
        centres, spreads = [], []
        for mean, cov, total in zip(means, covs, noisy):
            if form == "gain":
                gain = a * cov @ solver(total)[1]
                centres.append(mean + gain @ (x[0] - a * mean))
                spreads.append(cov - a * gain @ cov)
            else:
                precision = solver(cov)[1]
                left = solver(precision + (a / s) ** 2 * eye)[1]
                centres.append(left @ (precision @ mean + a / s**2 * x[0]))
                spreads.append(left)
        centre = sum(r * m for r, m in zip(share, centres))
        spread = sum(r * (v + np.outer(m - centre, m - centre)) for r, m, v in zip(share, centres, spreads))
        return centre, spread

    def each_level(output):
        def function(x, weights, means, covs, *, alpha, sigma):
            rows = zip(x[:, None], alpha, sigma)
            return np.stack([posterior(r, weights, means, covs, a, s)[output] for r, a, s in rows])

        return function

    return SimpleNamespace(
        log_prob=scores.log_prob,
        score=scores.score,
        score_jacobian=score_jacobian,
        score_trace=lambda *given: np.trace(score_jacobian(*given), axis1=-2, axis2=-1),
        denoise=each_level(0),
        posterior_covariance=each_level(1),
    )


ALGEBRAS = {
    "gain": lambda solver: by_components(solver, "gain"),
    "precisions": lambda solver: by_components(solver, "precisions"),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", SOLVERS, ids=lambda s: s.__name__)
def test_any_solver_conforms(solver, dtype):
    one = np.ones(1, dtype)
    kinds = vars(by_scores(solver))
    functions = {f"mixture.{kind}": function for kind, function in kinds.items()}
    functions["gaussian.log_prob"] = lambda x, m, c: kinds["log_prob"](x, one, m[None], c[None])
    functions["gaussian.score"] = lambda x, m, c: kinds["score"](x, one, m[None], c[None])
    assert_conforms(functions, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("algebra", ALGEBRAS)
@pytest.mark.parametrize("solver", [cholesky, eigenvectors, singular_vectors], ids=lambda s: s.__name__)
def test_any_algebra_of_the_posterior_conforms(solver, algebra, dtype):
    kinds = vars(ALGEBRAS[algebra](solver))
    assert_conforms({f"mixture.{kind}": function for kind, function in kinds.items()}, dtype)


def test_the_sizes_hold_for_generic_covariances():  # the constant that refscore.conformance calls experience
    u = unit_roundoff("float32")
    random = np.random.default_rng(20)
    ratios = {"log_prob": [], "score": [], "score_jacobian": []}
    for d, digits, one_small in itertools.product((2, 4, 8), (1, 3, 5), (True, False)):
        axes = np.linalg.qr(random.standard_normal((d, d)))[0]
        values = 10.0 ** (-digits * (np.arange(d) == d - 1 if one_small else np.linspace(0, 1, d)))
        cov = ((axes * values) @ axes.T).astype(np.float32).astype(float)
        cov, mean = np.tril(cov) + np.tril(cov, -1).T, random.integers(-8, 8, d) / 4
        deviations = np.array([1.0, 1.0, 30.0])[:, None] * random.standard_normal((3, d))
        x = (mean + (deviations * np.sqrt(values)) @ axes.T).astype(np.float32)
        problem = (x.astype(float), np.ones(1), mean[None], cov[None])
        size, right = sizes(*problem), Mixture(*problem[1:])
        for solver in SOLVERS:
            for kind, bound in (("log_prob", size.log_prob), ("score", size.score), ("score_jacobian", size.jacobian)):
                got = getattr(by_scores(solver), kind)(*(part.astype(np.float32) for part in problem))
                truth = getattr(right, kind)(problem[0])
                ratios[kind].append(ratio_of(got.astype(float), truth, bound, u).max())
    assert max(map(max, ratios.values())) < LIMIT / 2
    assert min(map(max, ratios.values())) > LIMIT / 64  # the bounds say something


def empirical_by_exponents(x, points, *, alpha, sigma):
    """Softmax of the logits, then the mean; the score from it."""
    scaled = alpha[:, None, None] * points
    logits = -((x[:, None] - scaled) ** 2).sum(-1) / (2 * sigma[:, None] ** 2)
    share = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    mean = share @ points
    return mean, (alpha[:, None] * mean - x) / sigma[:, None] ** 2


def empirical_in_units_of_data(x, points, *, alpha, sigma):
    """x/α against the points at noise σ/α, sample by sample; the score as a weighted sum of arrows."""
    means, scores = [], []
    for row, a, s in zip(x, alpha, sigma):
        arrows = points - row / a
        weights = np.exp(
            -((arrows / (s / a)) ** 2).sum(-1) / 2 + (np.min((arrows / (s / a)) ** 2 @ np.ones_like(row)) / 2)
        )
        means.append(row / a + (weights[:, None] * arrows).sum(0) / weights.sum())
        scores.append(a / s**2 * (weights[:, None] * arrows).sum(0) / weights.sum())
    return np.stack(means), np.stack(scores)


def empirical_by_tweedie(x, points, *, alpha, sigma):
    """The score of the mixture of the noised points first, the denoiser from it."""
    a, s = alpha[:, None], sigma[:, None]
    arrows = a[:, None] * points - x[:, None]
    logits = -(np.linalg.norm(arrows / s[:, None], axis=-1) ** 2) / 2
    share = np.exp(logits - logits.max(1, keepdims=True))
    share = share / share.sum(1, keepdims=True)
    score = np.einsum("nk,nkd->nd", share, arrows / s[:, None] ** 2)
    return (x + s**2 * score) / a, score


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "algebra", [empirical_by_exponents, empirical_in_units_of_data, empirical_by_tweedie], ids=lambda a: a.__name__
)
def test_any_ideal_denoiser_conforms(algebra, dtype):
    functions = {
        "empirical.denoise": lambda x, points, *, alpha, sigma: algebra(x, points, alpha=alpha, sigma=sigma)[0],
        "empirical.score": lambda x, points, *, alpha, sigma: algebra(x, points, alpha=alpha, sigma=sigma)[1],
    }
    assert_conforms(functions, dtype)


FLOAT32_FAULTS = [
    (name, fault)
    for name in ("target.gaussian.log_prob", "target.mixture.score", "target.empirical.denoise")
    for fault in CATALOGUE[name].faults
]


@pytest.mark.parametrize(("name", "fault"), FLOAT32_FAULTS, ids=lambda v: getattr(v, "name", v))
def test_a_fault_in_float32_is_named(name, fault):
    assert named({name.removeprefix("target."): fault.function}, "float32") == {fault.name}


@pytest.mark.peer
@pytest.mark.parametrize("dtype", DTYPES)
def test_distributions_of_torch_conform(dtype):
    torch = pytest.importorskip("torch")
    distributions = torch.distributions

    def law(weights, means, covs):
        parts = distributions.MultivariateNormal(means, covs)
        return distributions.MixtureSameFamily(distributions.Categorical(weights), parts)

    def derivative(function, x, times):
        for _ in range(times):
            function = torch.func.jacrev(function)
        return torch.stack([function(row) for row in x])

    def score(x, *mixture):
        return derivative(law(*mixture).log_prob, x, 1)

    def jacobian(x, *mixture):
        return derivative(law(*mixture).log_prob, x, 2)

    def each_level(formula):
        def function(x, weights, means, covs, *, alpha, sigma):
            eye = torch.eye(x.shape[-1], dtype=x.dtype)
            rows = zip(x[:, None], alpha, sigma)
            return torch.cat([formula(r, a, s, (weights, a * means, a**2 * covs + s**2 * eye)) for r, a, s in rows])

        return function

    functions = {
        "gaussian.log_prob": lambda x, m, c: distributions.MultivariateNormal(m, c).log_prob(x),
        "gaussian.score": lambda x, m, c: derivative(distributions.MultivariateNormal(m, c).log_prob, x, 1),
        "mixture.log_prob": lambda x, *mixture: law(*mixture).log_prob(x),
        "mixture.score": score,
        "mixture.score_jacobian": jacobian,
        "mixture.score_trace": lambda *given: torch.einsum("nii->n", jacobian(*given)),
        "mixture.denoise": each_level(lambda x, a, s, noisy: (x + s**2 * score(x, *noisy)) / a),
        "mixture.posterior_covariance": each_level(
            lambda x, a, s, noisy: (s / a) ** 2 * (torch.eye(x.shape[-1], dtype=x.dtype) + s**2 * jacobian(x, *noisy))
        ),
    }
    assert_conforms(functions, dtype, "torch")
