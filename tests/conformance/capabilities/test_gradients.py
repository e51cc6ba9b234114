"""``objective.*.gradient`` declared with NumPy: other algebra conforms, and conventions are converted."""

import numpy as np
import pytest
from scipy.special import logsumexp

from refscore.conformance import CATALOGUE, Adapter, check_here

DTYPES = ("float64", "float32")
OBJECTIVES = [name for name, c in CATALOGUE.items() if f"{name}.gradient" in CATALOGUE]


def report_of(name, function, arrays="numpy", dtype="float64", **declared):
    adapter = Adapter("under test", arrays=arrays, dtype=dtype)
    adapter.implements(name, **declared)(function)
    return check_here(adapter)


def assert_conforms(report):
    assert [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"] == []
    assert report.exit_code == 0


def test_every_objective_has_a_gradient():
    assert {name for name in CATALOGUE if name.startswith("objective.")} == {
        *OBJECTIVES,
        *(f"{name}.gradient" for name in OBJECTIVES),
    }
    for name in OBJECTIVES:
        objective, gradient = CATALOGUE[name], CATALOGUE[f"{name}.gradient"]
        assert gradient.derivative_of == name
        assert gradient.parameters == objective.parameters
        assert [c.name for c in gradient.conventions] == [c.name for c in objective.conventions]


def explicit_in_two_pulls(score, x, data_score):
    return (score.vjp_parameters(x, score(x)) - score.vjp_parameters(x, data_score)) / x.dtype.type(len(x))


def implicit_by_axes(score, x):
    axes = np.eye(x.shape[1], dtype=x.dtype)
    trace = sum(score.quadratic_parameters(x, np.broadcast_to(e, x.shape)) for e in axes)
    return (trace + score.vjp_parameters(x, score(x))) / x.dtype.type(len(x))


def denoising_sample_by_sample(score, x0, noise, sigma):
    total = 0
    for i in range(len(x0)):
        x = x0[i : i + 1] + sigma * noise[i : i + 1]
        total = total + score.vjp_parameters(x, score(x) + (x - x0[i : i + 1]) / sigma**2)
    return total / len(x0)


def multilevel_in_noise(score, x0, noise, sigma):
    level = sigma[:, None]
    x = x0 + level * noise
    return score.vjp_parameters(x, sigma, level * (level * score(x, sigma) + noise)) / x.dtype.type(len(x))


def sliced_by_polarisation(score, x, projection):
    total = 0
    for v in projection:
        quadratic = score.quadratic_parameters(x, 2 * v) / 4
        total = total + quadratic + score.vjp_parameters(x, (v * score(x)).sum(1, keepdims=True) * v)
    return total / len(projection) / len(x)


def reduced_in_one_batch(score, x, projection):
    m, n, d = projection.shape
    rows = np.broadcast_to(x, projection.shape).reshape(m * n, d)
    quadratic = score.quadratic_parameters(rows, projection.reshape(m * n, d))
    return quadratic / (m * n) + score.vjp_parameters(x, score(x)) / n


def finite_difference_point_by_point(log_prob, x, projection, *, epsilon):
    total = 0
    ones = np.ones(len(x), x.dtype)
    for v in projection:
        right, left = x + epsilon * v, x - epsilon * v
        pull = (log_prob(right) - log_prob(left)) / (4 * epsilon**2)
        total = total + log_prob.log_prob_parameters(right, ones / epsilon**2 + pull)
        total = total - 2 * log_prob.log_prob_parameters(x, ones) / epsilon**2
        total = total + log_prob.log_prob_parameters(left, ones / epsilon**2 - pull)
    return total / (len(projection) * len(x))


def nonnegative_axis_by_axis(score, x, *, h):
    total = score.vjp_parameters(x, h(x) * score(x)) + score.vjp_parameters(x, h.slope(x))
    for i, e in enumerate(np.eye(x.shape[1], dtype=x.dtype)):
        direction = np.sqrt(h(x)[:, i : i + 1]) * e
        total = total + score.quadratic_parameters(x, direction)
    return total / x.dtype.type(len(x))


def missing_draw_by_draw(density, x, mask, imputations, *, proposal_log_prob):
    """Centred scores, one imputation after the other."""
    points = [np.where(mask, x, drawn) for drawn in imputations]
    log_w = np.stack([density(z) - p for z, p in zip(points, proposal_log_prob)])
    w = np.exp(log_w - logsumexp(log_w, axis=0))
    mean = sum(wk[:, None] * density.score(z) for wk, z in zip(w, points))
    value = [
        ((density.score_diagonal(z) + (density.score(z) - mean) ** 2 + mean * density.score(z)) * mask).sum(-1)
        for z in points
    ]
    total = 0
    for wk, z, a in zip(w, points, value):
        share = wk[:, None] * mask
        total = total + density.diagonal_parameters(z, share)
        total = total + density.vjp_parameters(z, share * density.score(z))
        total = total + density.vjp_parameters(z, share * (density.score(z) - mean))
        total = total + density.log_prob_parameters(z, wk * (a - (w * np.stack(value)).sum(0)))
    return total / x.dtype.type(len(x))


def path_in_pairs(predict, x0, noise, t, *, alpha, sigma):
    total = 0
    for i in range(len(x0)):
        one = slice(i, i + 1)
        x = alpha[i] * x0[one] + sigma[i] * noise[one]
        total = total + predict.vjp_parameters(x, t[one], predict(x, t[one]) + (x - alpha[i] * x0[one]) / sigma[i] ** 2)
    return total / len(x0)


def edm_through_the_network(denoiser, x0, noise, sigma, *, sigma_data):
    level = sigma[:, None]
    x, total = x0 + level * noise, level**2 + x0.dtype.type(sigma_data) ** 2
    skip, out = x0.dtype.type(sigma_data) ** 2 / total, level * x0.dtype.type(sigma_data) / np.sqrt(total)
    residual = (denoiser(x, sigma) - skip * x) / out - (x0 - skip * x) / out
    return 2 * denoiser.vjp_parameters(x, sigma, residual / out) / x0.dtype.type(len(x0))


def flow_matching_from_the_point(velocity, x0, x1, t):
    s = t[:, None]
    x = x0 + s * (x1 - x0)
    return velocity.vjp_parameters(x, t, velocity(x, t) - (x - x0) / s) / x.dtype.type(len(x))


def conditional_in_noise(score, x0, condition, noise, sigma):
    level = sigma[:, None]
    x = x0 + level * noise
    pull = level * (level * score(x, sigma, condition) + noise)
    return score.vjp_parameters(x, sigma, condition, pull) / x.dtype.type(len(x))


def consistency_in_two_pulls(student, teacher, x0, noise, upper, lower):
    x = x0 + upper[:, None] * noise
    own = student.vjp_parameters(x, upper, student(x, upper))
    held = student.vjp_parameters(x, upper, teacher(x0 + lower[:, None] * noise, lower))
    return 2 * (own - held) / x.dtype.type(len(x))


BY_HAND = {
    "objective.explicit": explicit_in_two_pulls,
    "objective.implicit": implicit_by_axes,
    "objective.denoising": denoising_sample_by_sample,
    "objective.multilevel": multilevel_in_noise,
    "objective.sliced": sliced_by_polarisation,
    "objective.sliced_variance_reduced": reduced_in_one_batch,
    "objective.finite_difference": finite_difference_point_by_point,
    "objective.nonnegative": nonnegative_axis_by_axis,
    "objective.missing_marginal": missing_draw_by_draw,
    "objective.path": path_in_pairs,
    "objective.edm": edm_through_the_network,
    "objective.flow_matching": flow_matching_from_the_point,
    "objective.conditional": conditional_in_noise,
    "objective.consistency": consistency_in_two_pulls,
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_gradient_by_hand_conforms(name, dtype):
    assert_conforms(report_of(f"{name}.gradient", BY_HAND[name], dtype=dtype))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_conventions_change_a_gradient_as_they_change_the_value(name):
    reference, d = CATALOGUE[f"{name}.gradient"].reference, 3
    declared = {"factor": 2, "reduction": "sum", "dimension": "mean"}

    scale = 2 / CATALOGUE[name].defaults["factor"]

    def changed(model, *rest, **keywords):
        n = len(next(argument for argument in rest if isinstance(argument, np.ndarray)))
        return scale * n / d * reference(model, *rest, **keywords)

    assert_conforms(report_of(f"{name}.gradient", changed, **declared))
    ((found,), *_) = [r.diagnosis for r in report_of(f"{name}.gradient", changed).results if r.outcome == "fail"]
    assert found.fault == "convention"
    assert all(f"{key}={value!r}" in found.description for key, value in declared.items())


def test_weights_of_noise_levels_reach_the_gradient():
    def unweighted(score, x0, noise, sigma):
        x = x0 + sigma[:, None] * noise
        return score.vjp_parameters(x, sigma, score(x, sigma) + noise / sigma[:, None]) / len(x0)

    assert_conforms(report_of("objective.multilevel.gradient", unweighted, weight="one"))
    assert_conforms(report_of("objective.multilevel.gradient", unweighted, dtype="float32", weight="one"))
    weighted = CATALOGUE["objective.multilevel.gradient"].reference
    ((diagnosis,),) = [
        r.diagnosis for r in report_of("objective.multilevel.gradient", weighted, weight="one").results[1:2]
    ]
    assert "weight='sigma**2'" in diagnosis.description
    reference = CATALOGUE["objective.denoising.gradient"].reference
    by_variance = report_of(
        "objective.denoising.gradient", lambda s, x, z, v: v**2 * reference(s, x, z, v), weight="sigma**2"
    )
    assert_conforms(by_variance)
