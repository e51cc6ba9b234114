"""``objective.nonnegative`` and ``.missing_marginal``: other algebra conforms in both dtypes, near misses do not."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from scipy.special import softmax

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.conformance.boundary_weights import CAPPED, LINEAR, RATIONAL, SQUARE
from refscore.conformance.capabilities.objectives.missing_marginal import DENSITY, MISSING
from refscore.conformance.densities import GivenMask
from refscore.conformance.kinds import array_kind

U = 2.0**-53
DTYPES = ("float64", "float32")


def report_of(name, function, dtype="float64", arrays="numpy", **declared):
    adapter = Adapter("under test", arrays=arrays, dtype=dtype)
    adapter.implements(name, **declared)(function)
    return check_here(adapter)


def assert_conforms(report):
    assert [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"] == []


# --- other algebra ---------------------------------------------------------------------------------------------------


def by_axes(score, x, *, h):
    total = 0
    for i, e in enumerate(np.eye(x.shape[1], dtype=x.dtype)):
        curvature = score.jvp(x, np.broadcast_to(e, x.shape))[:, i]
        s = score(x)[:, i]
        total = total + h(x)[:, i] * (s**2 / 2 + curvature) + h.slope(x)[:, i] * s
    return total


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_loop_over_coordinates_conforms(dtype):
    assert_conforms(report_of("objective.nonnegative", by_axes, dtype))


def uncentred(density, x, mask, imputations, *, proposal_log_prob):
    z = np.where(mask, x, imputations)
    w = softmax(density(z) - proposal_log_prob, axis=0)[..., None]
    s, curvature = density.score(z), density.score_diagonal(z)
    first, second = (w * s).sum(0), (w * (curvature + s * s)).sum(0)
    return ((second - first * first / 2) * mask).sum(1)


def draw_by_draw(density, x, mask, imputations, *, proposal_log_prob):
    total, first, second = 0, 0, 0
    for drawn, proposal in zip(imputations, proposal_log_prob):
        z = np.where(mask, x, drawn)
        w = np.exp(density(z) - proposal)[:, None]
        total, first = total + w, first + w * density.score(z)
        second = second + w * (density.score_diagonal(z) + density.score(z) ** 2)
    return np.where(mask, second / total - 0.5 * (first / total) ** 2, 0).sum(-1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [uncentred, draw_by_draw])
def test_any_order_of_the_weighted_sums_conforms(function, dtype):
    assert_conforms(report_of("objective.missing_marginal", function, dtype))


@pytest.mark.parametrize("name", ["objective.nonnegative", "objective.missing_marginal"])
def test_conventions_are_converted_and_named(name):
    reference = CATALOGUE[name].reference

    def doubled(model, x, *rest, **keywords):
        return 2 * np.mean(reference(model, x, *rest, **keywords))

    assert_conforms(report_of(name, doubled, factor=1, reduction="mean"))
    failed = [r for r in report_of(name, doubled).results if r.outcome == "fail"]
    assert "factor=1, reduction='mean'" in failed[0].diagnosis[0].description


# --- near misses -----------------------------------------------------------------------------------------------------


def test_a_mask_that_reaches_the_weights_only_is_no_mask():
    def leaky(density, x, mask, imputations, *, proposal_log_prob):
        z = np.where(mask, x, imputations)
        w = softmax(density(z) - proposal_log_prob, axis=0)[..., None]
        s = density.score(np.broadcast_to(x, z.shape))
        return np.where(mask, (w * (density.score_diagonal(z) + s**2)).sum(0) - (w * s).sum(0) ** 2 / 2, 0).sum(1)

    assert report_of("objective.missing_marginal", leaky).exit_code == 1


def test_a_slope_by_differences_is_seen():
    def rough(score, x, *, h):
        slope = (h(x + 2.0**-13) - h(x)) / 2.0**-13
        s, diagonal = score(x), np.einsum("nii->ni", score.jacobian(x))
        return (h(x) * (0.5 * s**2 + diagonal) + slope * s).sum(1)

    assert report_of("objective.nonnegative", rough).exit_code == 1


# --- what is handed out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("h", [LINEAR, SQUARE, RATIONAL, CAPPED], ids=lambda h: h.name)
def test_weights_have_their_slopes(h):
    x = np.array([0.0, 0.125, 0.5, 1.5, 8.0])
    value, slope = h.terms(x)
    by_autograd = np.array([autograd.grad(h.value)(t) for t in x])
    assert (np.abs(h.slope(x) - by_autograd) <= 4 * U * (slope.error + np.abs(by_autograd))).all()
    assert h(np.array([0.0])) == 0
    assert (value.size == h(x)).all()
    assert h(x.astype(np.float32)).dtype == h.slope(x.astype(np.float32)).dtype == np.float32


def split(theta):
    return [anp.reshape(theta[:9], (3, 3)), theta[9:12], theta[12:]]


def test_the_density_has_its_derivatives():  # (MIS.9) (MIS.10) (MIS.11)
    theta = np.concatenate([p.ravel() for p in DENSITY.parameters])
    x = MISSING["r=3,n=d"].points
    v, w = np.where(MISSING["r=3,n=d"].mask, x + 0.5, 0.25), np.abs(x) + 1
    rows = x.reshape(-1, 3)
    log_q = DENSITY.formula(DENSITY.parameters)
    score = autograd.grad(lambda y: anp.sum(log_q(y)))
    tiny = 2.0**10 * U
    assert np.abs(DENSITY.score(rows) - score(rows)).max() <= tiny
    diagonal = np.stack([np.diagonal(autograd.hessian(lambda y: log_q(y))(row)) for row in rows])
    assert np.abs(DENSITY.score_diagonal(rows) - diagonal).max() <= tiny

    def at(t):
        return DENSITY.formula(split(t))

    def weighed(t):
        hessian = autograd.hessian(at(t))
        return sum(anp.sum(u * anp.diag(hessian(row))) for u, row in zip(w.reshape(-1, 3), rows))

    for got, total in (
        (DENSITY.log_prob_parameters(x, w[..., 0]), lambda t: anp.sum(w[..., 0] * at(t)(x))),
        (DENSITY.vjp_parameters(x, v), lambda t: anp.sum(v * at(t).score(x))),
        (DENSITY.diagonal_parameters(x, w), weighed),
    ):
        assert np.abs(got - autograd.grad(total)(theta)).max() <= tiny


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_mask_is_boolean_in_every_dtype(dtype):
    given = array_kind("numpy", dtype).give(GivenMask(np.array([True, False])))
    assert given.dtype == np.bool_
    assert given.tolist() == [True, False]


@pytest.mark.peer
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_a_mask_is_boolean_in_every_library(library):
    pytest.importorskip(library)
    given = array_kind(library, "float32").give(GivenMask(np.array([True, False])))
    assert "bool" in str(given.dtype)
