"""``objective.flow_matching``, ``.conditional`` and ``.consistency``: other algebra conforms, near misses do not."""

import autograd.numpy as anp
import numpy as np
import pytest

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.conformance.capabilities.networks import NETWORKS
from refscore.conformance.capabilities.objectives.common import MODEL, X
from refscore.conformance.capabilities.objectives.conditional import CONDITIONS
from refscore.conformance.conditioned import Conditioned
from refscore.conformance.kinds import array_kind
from refscore.conformance.levelled import Levelled

DTYPES = ("float64", "float32")


def report_of(name, function, dtype="float64", arrays="numpy", **declared):
    adapter = Adapter("under test", arrays=arrays, dtype=dtype)
    adapter.implements(name, **declared)(function)
    return check_here(adapter)


def assert_conforms(report):
    assert [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"] == []


def found_in(report):
    failed = [r for r in report.results if r.outcome == "fail"]
    return [d.fault for d in failed[0].diagnosis]


# --- other algebra ---------------------------------------------------------------------------------------------------


def towards_the_data(velocity, x0, x1, t):  # the velocity read off the point
    s = t[:, None]
    x = x0 + s * (x1 - x0)
    return 0.5 * ((velocity(x, t) - (x - x0) / s) ** 2).sum(-1)


def towards_the_noise(velocity, x0, x1, t):
    s = t[:, None]
    x = (1 - s) * x0 + s * x1
    return 0.5 * np.linalg.norm(velocity(x, t) - (x1 - x) / (1 - s), axis=1) ** 2


def with_the_other_names(velocity, source, target, t):  # code that has noise at 0 and data at 1 offers what it has
    s = t[:, None]
    return 0.5 * ((velocity(source + s * (target - source), t) - target + source) ** 2).sum(1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [towards_the_data, towards_the_noise, with_the_other_names])
def test_any_algebra_of_flow_matching_conforms(function, dtype):
    assert_conforms(report_of("objective.flow_matching", function, dtype))


def in_noise(score, x0, condition, noise, sigma):
    level = sigma[:, None]
    return 0.5 * ((level * score(x0 + level * noise, sigma, condition) + noise) ** 2).sum(-1)


def in_points(score, x0, condition, noise, sigma):
    level = sigma[:, None]
    x = x0 + level * noise
    return 0.5 * sigma**2 * ((score(x, sigma, condition) + (x - x0) / level**2) ** 2).sum(-1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [in_noise, in_points])
def test_any_algebra_of_conditional_denoising_conforms(function, dtype):
    assert_conforms(report_of("objective.conditional", function, dtype))


def by_eulers_step(student, teacher, x0, noise, upper, lower):  # as the official code has it
    up, low = upper[:, None], lower[:, None]
    x = x0 + up * noise
    slope = (x - x0) / up
    return ((student(x, upper) - teacher(x + (low - up) * slope, lower)) ** 2).sum(-1)


def expanded(student, teacher, x0, noise, upper, lower):
    f, g = student(x0 + upper[:, None] * noise, upper), teacher(x0 + lower[:, None] * noise, lower)
    return np.square(f - g).sum(axis=1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [by_eulers_step, expanded])
def test_any_algebra_of_consistency_conforms(function, dtype):
    assert_conforms(report_of("objective.consistency", function, dtype))


# --- conventions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", ["snr", "inverse_step"])
def test_weights_of_consistency_are_converted_and_named(weight):
    def weighted(student, teacher, x0, noise, upper, lower):
        factor = {"snr": upper**-2, "inverse_step": 1 / (upper - lower)}[weight]
        return factor * expanded(student, teacher, x0, noise, upper, lower)

    for dtype in DTYPES:
        assert_conforms(report_of("objective.consistency", weighted, dtype, weight=weight))
    failed = [r for r in report_of("objective.consistency", weighted).results if r.outcome == "fail"]
    assert f"weight={weight!r}" in failed[0].diagnosis[0].description


def test_weights_of_consistency_reach_the_gradient():
    def weighted(student, teacher, x0, noise, upper, lower):
        x = x0 + upper[:, None] * noise
        pull = 2 * (student(x, upper) - teacher(x0 + lower[:, None] * noise, lower)) / upper[:, None] ** 2
        return student.vjp_parameters(x, upper, pull) / len(x0)

    for dtype in DTYPES:
        assert_conforms(report_of("objective.consistency.gradient", weighted, dtype, weight="snr"))
    failed = [r for r in report_of("objective.consistency.gradient", weighted).results if r.outcome == "fail"]
    assert any("weight='snr'" in d.description for d in failed[0].diagnosis)


def test_the_weight_of_conditional_denoising_reaches_the_gradient():
    def unweighted(score, x0, condition, noise, sigma):
        x = x0 + sigma[:, None] * noise
        pull = score(x, sigma, condition) + noise / sigma[:, None]
        return score.vjp_parameters(x, sigma, condition, pull) / len(x0)

    for dtype in DTYPES:
        assert_conforms(report_of("objective.conditional.gradient", unweighted, dtype, weight="one"))


def test_the_factor_of_consistency_is_one_unless_declared():
    half = lambda *arguments: 0.5 * expanded(*arguments)  # noqa: E731
    assert_conforms(report_of("objective.consistency", half, factor=0.5))
    failed = [r for r in report_of("objective.consistency", half).results if r.outcome == "fail"]
    assert "factor=0.5" in failed[0].diagnosis[0].description


# --- near misses -----------------------------------------------------------------------------------------------------


def test_the_mistakes_of_the_world_have_their_names():
    def genot(velocity, x0, x1, t):  # the source of another pair in the target
        s = t[:, None]
        return 0.5 * ((velocity((1 - s) * x0 + s * x1, t) - x1[::-1] + x0) ** 2).sum(-1)

    def swapped(velocity, x0, x1, t):
        return with_the_other_names(velocity, x1, x0, t)

    assert found_in(report_of("objective.flow_matching", genot)) == ["FM-other-source"]
    assert found_in(report_of("objective.flow_matching", swapped)) == []  # both mistakes at once: no one fault
    assert report_of("objective.flow_matching", swapped).exit_code == 1


def test_a_little_noise_around_the_line_is_seen():
    def smeared(velocity, x0, x1, t):  # the σ = 1e-6 that codes add to the line
        s = t[:, None]
        return 0.5 * ((velocity((1 - s) * x0 + s * x1 + 1e-6, t) - (x1 - x0)) ** 2).sum(-1)

    assert report_of("objective.flow_matching", smeared).exit_code == 1


def test_a_boundary_at_1e_minus_5_is_seen():
    def shifted(student, teacher, x0, noise, upper, lower):
        return expanded(student, teacher, x0, noise, upper + 1e-5, lower)

    assert report_of("objective.consistency", shifted).exit_code == 1


# --- what is handed out ----------------------------------------------------------------------------------------------

SIGMA = np.array([0.5, 2.0, 8.0])


@pytest.mark.parametrize("base", [MODEL, NETWORKS["tanh"]], ids=["field", "tanh"])
def test_the_conditioned_model_is_its_formula(base):  # (CSM.8)
    model = Conditioned(Levelled(base))
    formula = model.formula(model.parameters, anp.tanh)
    moved = X - CONDITIONS[:, :1] - 2 * CONDITIONS[:, 1:]
    np.testing.assert_allclose(model(X, SIGMA, CONDITIONS), formula(X, SIGMA, CONDITIONS), rtol=1e-14)
    np.testing.assert_array_equal(model(X, SIGMA, CONDITIONS), Levelled(base)(moved, SIGMA))
    for name in ("jacobian", "trace"):
        found = getattr(model, name)(X, SIGMA, CONDITIONS)
        np.testing.assert_array_equal(found, getattr(Levelled(base), name)(moved, SIGMA))
    for name in ("vjp", "vjp_parameters"):
        found = getattr(model, name)(X, SIGMA, CONDITIONS, X)
        np.testing.assert_array_equal(found, getattr(Levelled(base), name)(moved, SIGMA, X))
    assert model.cast("float32")(*(a.astype("float32") for a in (X, SIGMA, CONDITIONS))).dtype == np.float32


@pytest.mark.peer
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_the_conditioned_model_is_the_same_in_every_library(library):
    pytest.importorskip(library)
    kind, model = array_kind(library, "float64"), Conditioned(Levelled(MODEL))
    given = kind.give(model)
    found = kind.take(given(*(kind.give(a) for a in (X, SIGMA, CONDITIONS))))
    np.testing.assert_allclose(found, model(X, SIGMA, CONDITIONS), rtol=1e-14)


# --- teachers --------------------------------------------------------------------------------------------------------


@pytest.mark.peer
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_teacher_that_is_not_detached_is_caught_and_named_in_torch(dtype):
    torch = pytest.importorskip("torch")

    def right(student, teacher, x0, noise, upper, lower):
        with torch.no_grad():
            held = teacher(x0 + lower[:, None] * noise, lower)
        return ((student(x0 + upper[:, None] * noise, upper) - held) ** 2).sum(-1)

    def not_detached(student, teacher, x0, noise, upper, lower):
        held = teacher(x0 + lower[:, None] * noise, lower)
        return ((student(x0 + upper[:, None] * noise, upper) - held) ** 2).sum(-1)

    def wrong_one(student, teacher, x0, noise, upper, lower):
        with torch.no_grad():
            found = student(x0 + upper[:, None] * noise, upper)
        return ((found - teacher(x0 + lower[:, None] * noise, lower)) ** 2).sum(-1)

    assert_conforms(report_of("objective.consistency", right, dtype, "torch"))
    for function, fault in ((not_detached, "CMG-teacher-not-detached"), (wrong_one, "CMG-student-detached")):
        report = report_of("objective.consistency", function, dtype, "torch")
        assert all(r.outcome == "pass" for r in report.results if r.capability == "objective.consistency")
        assert found_in(report) == [fault]


@pytest.mark.peer
def test_a_teacher_that_is_not_stopped_is_caught_and_named_in_jax():
    jax = pytest.importorskip("jax")

    def loss(student, teacher, x0, noise, upper, lower, stop=jax.lax.stop_gradient):
        held = stop(teacher(x0 + lower[:, None] * noise, lower))
        return ((student(x0 + upper[:, None] * noise, upper) - held) ** 2).sum(-1)

    assert_conforms(report_of("objective.consistency", loss, arrays="jax"))
    report = report_of("objective.consistency", lambda *a: loss(*a, stop=lambda held: held), arrays="jax")
    assert found_in(report) == ["CMG-teacher-not-detached"]


def test_references_are_those_of_the_objectives():
    names = ("objective.flow_matching", "objective.conditional", "objective.consistency")
    assert [CATALOGUE[name].reference.__name__ for name in names] == [n.split(".")[1] for n in names]
