"""``objective.path`` and ``objective.edm``: every prediction and weight, other algebra, the forms of public codes."""

import numpy as np
import pytest

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.conformance.capabilities.objectives.path_cases import Setting
from refscore.conformance.capabilities.objectives.path_faults import path_loss

DTYPES = ("float64", "float32")
PREDICTIONS = ("score", "noise", "data", "v", "velocity")
WEIGHTS = ("one", "sigma**2", "diffusion**2", "snr", "min_snr", "edm")


def report_of(name, function, dtype="float64", arrays="numpy", gradient=True, **declared):
    adapter = Adapter("under test", arrays=arrays, dtype=dtype)
    adapter.implements(name, gradient=gradient, **declared)(function)
    return check_here(adapter)


def assert_conforms(report):
    assert [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"] == []
    assert report.exit_code == 0


def expand(*levels):
    return tuple(level[:, None] for level in levels)


# --- other algebra ---------------------------------------------------------------------------------------------------


def through_the_pair(prediction, weight):
    """Noise and data are recovered from x, and the weight comes from log SNR and the like: a worse algebra."""

    def function(predict, x0, noise, t, *, alpha, sigma, alpha_dot=None, sigma_dot=None, diffusion=None):
        a, s = expand(alpha, sigma)
        x = a * x0 + s * noise
        back, clean = (x - a * x0) / s, (x - s * noise) / a
        target = {
            "score": lambda: (a * x0 - x) / s**2,
            "noise": lambda: back,
            "data": lambda: clean,
            "v": lambda: a * back - s * clean,
            "velocity": lambda: alpha_dot[:, None] * clean + sigma_dot[:, None] * back,
        }[prediction]()
        snr = alpha * alpha / (sigma * sigma)
        capped = np.where(snr < 5, snr, 5).astype(x.dtype)
        w = {
            "one": lambda: 1 + 0 * sigma,
            "sigma**2": lambda: sigma * sigma,
            "diffusion**2": lambda: diffusion * diffusion,
            "snr": lambda: snr,
            "edm": lambda: ((sigma / alpha) ** 2 + 0.25) / (sigma / alpha / 2) ** 2,
            "min_snr": lambda: {
                "data": lambda: capped,
                "noise": lambda: capped / snr,
                "v": lambda: capped / (snr + 1),
                "score": lambda: capped / snr * sigma**2,
                "velocity": lambda: capped / snr / (sigma_dot - alpha_dot / alpha * sigma) ** 2,
            }[prediction](),
        }[weight]()
        total = 0
        for i in range(x.shape[1]):
            total = total + w * (predict(x, t) - target)[:, i] ** 2
        return total / 2

    return function


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_a_worse_algebra_conforms(prediction, weight, dtype):
    function = through_the_pair(prediction, weight)
    assert_conforms(report_of("objective.path", function, dtype, prediction=prediction, weight=weight))


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_the_formula_in_float32_is_far_inside(prediction, weight):
    function = path_loss(default=Setting(prediction, weight))
    report = report_of("objective.path", function, "float32", prediction=prediction, weight=weight)
    assert_conforms(report)
    assert max(r.ratio for r in report.results if r.ratio == r.ratio) < 1


def of_the_network(denoiser, x0, noise, sigma, *, sigma_data):
    """k-diffusion's form: |F − F*|²."""
    (level,) = expand(sigma)
    data = x0.dtype.type(sigma_data)
    x, total = x0 + noise * level, level**2 + data**2
    skip, out = data**2 / total, level * data / total**0.5
    return (((denoiser(x, sigma) - skip * x) / out - (x0 - skip * x) / out) ** 2).sum(1)


def as_published(denoiser, x0, noise, sigma, *, sigma_data):
    """NVlabs/edm's form, the mean over everything."""
    weight = (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
    (level,) = expand(sigma)
    return (weight[:, None] * ((denoiser(x0 + noise * level, sigma) - x0) ** 2)).mean()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_forms_of_edm_conform(dtype):
    assert_conforms(report_of("objective.edm", of_the_network, dtype))
    assert_conforms(report_of("objective.edm", as_published, dtype, reduction="mean", dimension="mean"))


# --- the right convention is suggested -------------------------------------------------------------------------------


def suggestion(name, function, **declared):
    report = report_of(name, function, **declared)
    assert report.exit_code == 1
    ((found,),) = {r.diagnosis for r in report.results if r.outcome == "fail" and r.capability == name}
    assert found.fault == "convention"
    return found.description


def ddpm(predict, x0, noise, t, *, alpha, sigma):
    a, s = expand(alpha, sigma)
    return ((predict(a * x0 + s * noise, t) - noise) ** 2).mean((0, 1))


def test_ddpm_declared_as_a_score_is_told_what_it_is():
    told = suggestion("objective.path", ddpm)
    for part in ("prediction='noise'", "factor=1", "reduction='mean'", "dimension='mean'"):
        assert part in told
    assert_conforms(report_of("objective.path", ddpm, prediction="noise", factor=1, reduction="mean", dimension="mean"))


def test_a_forgotten_weight_is_told():
    def weighted(predict, x0, noise, t, *, alpha, sigma):
        a, s = expand(alpha, sigma)
        return ((s * predict(a * x0 + s * noise, t) + noise) ** 2).sum(1)

    told = suggestion("objective.path", weighted)
    assert "factor=1" in told
    assert "weight='sigma**2'" in told


def test_edm_with_a_half_is_told():
    assert "factor=0.5" in suggestion("objective.edm", lambda *a, **k: 0.5 * of_the_network(*a, **k))


# --- near misses -----------------------------------------------------------------------------------------------------


def test_an_epsilon_in_the_weight_is_seen():
    def guarded(predict, x0, noise, t, *, alpha, sigma):
        a, s = expand(alpha, sigma)
        r = predict(a * x0 + s * noise, t) - x0
        return 0.5 * alpha**2 / (sigma**2 + 1e-8) * (r**2).sum(1)

    declared = {"prediction": "data", "weight": "snr"}
    assert report_of("objective.path", guarded, **declared).exit_code == 1


def test_the_variance_preserving_form_of_the_weight_of_v_is_right_there():
    # min(SNR, γ)/(SNR + 1) is asked for on that path only; the general form agrees there.
    def general(predict, x0, noise, t, *, alpha, sigma):
        a, s = expand(alpha, sigma)
        r = predict(a * x0 + s * noise, t) - (a * noise - s * x0)
        return 0.5 * np.minimum(alpha**2, 5 * sigma**2) / (alpha**2 + sigma**2) ** 2 * (r**2).sum(1)

    assert_conforms(report_of("objective.path", general, prediction="v", weight="min_snr"))


def test_signatures_name_what_is_passed():
    capability = CATALOGUE["objective.path"]
    assert capability.parameters == ("predict", "x0", "noise", "t")
    for prediction in PREDICTIONS:
        for weight in WEIGHTS:
            names = {"alpha", "sigma"}
            names |= {"alpha_dot", "sigma_dot"} if prediction == "velocity" else set()
            names |= {"diffusion"} if weight == "diffusion**2" else set()
            for case in capability.cases({**capability.defaults, "prediction": prediction, "weight": weight}):
                assert set(case.keywords) == names


# --- other libraries -------------------------------------------------------------------------------------------------


def tutorial(predict, x0, noise, t, *, alpha, sigma):
    """Salimans and Ho's v with its loss as tutorials write it; runs in torch and in JAX."""
    a, s = alpha[:, None], sigma[:, None]
    return ((predict(a * x0 + s * noise, t) - (a * noise - s * x0)) ** 2).mean()


@pytest.mark.peer
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("arrays", ["torch", "jax"])
def test_tutorials_conform_with_their_gradients(arrays, dtype):
    pytest.importorskip(arrays)
    declared = {"prediction": "v", "factor": 1, "reduction": "mean", "dimension": "mean"}
    report = report_of("objective.path", tutorial, dtype, arrays, **declared)
    assert_conforms(report)
    assert {r.capability for r in report.results} == {"objective.path", "objective.path.gradient"}

    def edm(denoiser, x0, noise, sigma, *, sigma_data):
        weight = (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
        return (weight[:, None] * (denoiser(x0 + sigma[:, None] * noise, sigma) - x0) ** 2).mean()

    report = report_of("objective.edm", edm, dtype, arrays, reduction="mean", dimension="mean")
    assert_conforms(report)
    assert {r.capability for r in report.results} == {"objective.edm", "objective.edm.gradient"}
