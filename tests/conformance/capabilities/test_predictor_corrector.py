"""sampler.predictor_corrector: the reference by another route, other correct algebra, conventions and faults told."""

import itertools
import math

import numpy as np
import pytest

from refscore.conformance import Adapter, check_here
from refscore.conformance.capabilities.samplers.alternation import even_times, run_alternation
from refscore.conformance.capabilities.samplers.predictor_corrector import PREDICTOR_CORRECTOR, plain_alternation
from refscore.conformance.capability import as_values, ratio_of
from refscore.conformance.recorders.numpy import standard_normal
from refscore.paths import VE

DTYPES = ["float64", "float32"]
NAME = "sampler.predictor_corrector"


def report_of(function, dtype="float64", arrays="numpy", noise=None, **conventions):
    adapter = Adapter("under test", dtype=dtype, arrays=arrays)
    adapter.implements(NAME, noise=noise, **conventions)(function)
    return check_here(adapter)


def bad(report):
    return [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"]


def diagnosed(report):
    return {(d.fault, d.description) for r in report.results for d in r.diagnosis}


CHOICES = {c.name: c.values for c in PREDICTOR_CORRECTOR.conventions} | {"t_stop": (1e-3, 0.0)}
EVERY = [dict(zip(CHOICES, values)) for values in itertools.product(*CHOICES.values())]


@pytest.mark.parametrize("conventions", EVERY, ids=lambda c: ",".join(map(str, c.values())))
def test_the_reference_by_another_route(conventions):
    """Coefficients in a loop of its own, not the package's steps and samplers: below one unit of rounding."""
    for case in PREDICTOR_CORRECTOR.cases(conventions):
        (found,), (other,) = as_values(case.expect(run_alternation)), as_values(case.expect(plain_alternation))
        assert ratio_of(other, found, case.size[0], 2.0**-53).max() < 1


# Whole runs in the dtype of x, as codes write them: α and σ by exponentials, 1 − α² that cancels.


def levels(path, t):
    if isinstance(path, VE):
        low, high = math.log(path.sigma_min), math.log(path.sigma_max)
        return np.ones_like(t), np.exp((1 - t) * low + t * high)
    if not hasattr(path, "beta_min"):
        bars = np.cumprod(np.concatenate([[1.0], 1 - path.betas])).astype(t.dtype)
        bar = bars[np.rint(t * len(path.betas)).astype(int)]
        return np.sqrt(bar), np.sqrt(1 - bar)
    log_alpha = -0.25 * t**2 * (path.beta_max - path.beta_min) - 0.5 * t * path.beta_min
    return np.exp(log_alpha), np.sqrt(1 - np.exp(2 * log_alpha))


def drift_and_g2(path, t):
    if isinstance(path, VE):
        return 0 * t, levels(path, t)[1] ** 2 * (2 * math.log(path.sigma_max / path.sigma_min))
    beta = path.beta_min + t * (path.beta_max - path.beta_min)
    return -0.5 * beta, beta


def alternating(*, paper, predictor="reverse_diffusion", batch=False, denoise=False, t_stop=1e-3):
    """As score_sde writes it: x_mean beside x, corrections in a loop of their own."""

    def predict(score, x, z, path, t, s):
        (at, st), (an, sn) = levels(path, t), levels(path, s)
        grad = score(x, np.full(len(x), t))
        if predictor == "euler_maruyama":
            f, g2 = drift_and_g2(path, t)
            mean = x + (f * x - g2 * grad) * (s - t)
            return mean + np.sqrt(g2) * np.sqrt(t - s) * z, mean
        if isinstance(path, VE):
            mean, std = x + (st**2 - sn**2) * grad, np.sqrt(st**2 - sn**2)
            return mean + std * (sn / st if predictor == "ancestral" else 1) * z, mean
        beta = 1 - (at / an) ** 2
        mean = 2 * x - np.sqrt(1 - beta) * x + beta * grad
        mean = (x + beta * grad) / np.sqrt(1 - beta) if predictor == "ancestral" else mean
        return mean + np.sqrt(beta) * z, mean

    def correct(score, x, z, path, t, c, snr):
        grad = score(x, np.full(len(x), t))
        lengths = [np.linalg.norm(v, axis=-1, keepdims=True) for v in (z, grad)]
        noise_norm, grad_norm = [v.mean() for v in lengths] if batch else lengths
        step = (snr * noise_norm / grad_norm) ** 2 * 2 * c
        mean = x + step * grad
        return mean + np.sqrt(step * 2) * z, mean

    def run(score, x, noise, *, path, n_steps, corrector_steps, snr):
        times = np.linspace(1, t_stop, n_steps + 1, dtype=x.dtype)
        draws = iter(noise)
        for t, s in itertools.pairwise(times):
            c = (levels(path, t)[0] / levels(path, s)[0]) ** 2
            if paper:
                x, mean = predict(score, x, next(draws), path, t, s)
            for _ in range(corrector_steps):
                x, mean = correct(score, x, next(draws), path, s if paper else t, c, snr)
            if not paper:
                x, mean = predict(score, x, next(draws), path, t, s)
        out = mean if denoise else x
        assert out.dtype == noise.dtype
        return out

    return run


RUNS = {
    "paper": ({"paper": True}, {}),
    "score_sde": (
        {"paper": False, "batch": True, "denoise": True},
        {"order": "corrector_first", "norms": "batch_mean", "denoise": True},
    ),
    "score_sde, to 1e-5": (
        {"paper": False, "batch": True, "t_stop": 1e-5},
        {"order": "corrector_first", "norms": "batch_mean", "t_stop": 1e-5},
    ),
    "euler": ({"paper": True, "predictor": "euler_maruyama"}, {"predictor": "euler_maruyama"}),
    "ancestral": ({"paper": False, "predictor": "ancestral"}, {"predictor": "ancestral", "order": "corrector_first"}),
    "the chain": ({"paper": True, "t_stop": 0.0, "denoise": True}, {"t_stop": 0.0, "denoise": True}),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RUNS)
def test_other_algebra_in_every_convention(name, dtype):
    made, declared = RUNS[name]
    assert bad(report_of(alternating(**made), dtype, **declared)) == []


@pytest.mark.parametrize("name", [name for name in RUNS if name != "paper"])
def test_what_was_not_declared_is_told(name):
    made, declared = RUNS[name]
    said = diagnosed(report_of(alternating(**made)))
    assert any(fault == "convention" and all(f"{k}={v!r}" in text for k, v in declared.items()) for fault, text in said)


@pytest.mark.parametrize(("name", "value"), [("order", "corrector_first"), ("norms", "batch_mean"), ("t_stop", 1e-5)])
def test_what_was_declared_too_much_is_told(name, value):
    said = diagnosed(report_of(alternating(paper=True), **{name: value}))
    assert any(fault == "convention" and text.startswith(f"{name}=") for fault, text in said)


def test_a_stop_of_ones_own():
    assert bad(report_of(alternating(paper=True, t_stop=0.05), t_stop=0.05)) == []
    with pytest.raises(ValueError, match="t_stop"):
        report_of(alternating(paper=True), t_stop=1.0)


def test_noise_drawn_inside():
    run = alternating(paper=True)

    def drawing(score, x, *, path, n_steps, corrector_steps, snr):
        noise = np.stack([standard_normal(x.shape) for _ in range(n_steps * (1 + corrector_steps))])
        return run(score, x, noise, path=path, n_steps=n_steps, corrector_steps=corrector_steps, snr=snr)

    assert bad(report_of(drawing, noise="recorded")) == []


@pytest.mark.parametrize(
    ("steps_left_out", "faults"), [(1, {"PC-grid-points"}), (-1, set())], ids=["one too few", "one too many"]
)
def test_a_wrong_number_of_steps_is_told_by_its_draws_and_named(steps_left_out, faults):
    def drawing(score, x, *, path, n_steps, corrector_steps, snr):
        times = even_times(n_steps - steps_left_out, 1e-3) if n_steps > steps_left_out else np.ones(1)
        for t, s in itertools.pairwise(times):
            at, an = float(path.alpha(t)), float(path.alpha(s))
            b = math.sqrt(float(path.sigma(t)) ** 2 - (at / an * float(path.sigma(s))) ** 2)
            x = (2 - at / an) * x + b**2 * score(x, np.full(len(x), t)) + b * standard_normal(x.shape)
            for _ in range(corrector_steps):
                z, grad = standard_normal(x.shape), score(x, np.full(len(x), s))
                ratio = (z**2).sum(-1, keepdims=True) / (grad**2).sum(-1, keepdims=True)
                e = 2 * (at / an * snr) ** 2 * ratio
                x = x + e * grad + np.sqrt(2 * e) * z
        return x

    report = report_of(drawing, noise="recorded")
    messages = [r.message for r in report.results if r.outcome == "fail"]
    assert any("the algorithm draws" in message for message in messages)
    assert {fault for fault, _ in diagnosed(report)} == faults


def test_the_draws_are_read_in_the_order_of_use():
    run = alternating(paper=True)

    def shuffled(score, x, noise, *, path, n_steps, corrector_steps, snr):
        blocks = noise.reshape(n_steps, 1 + corrector_steps, *x.shape)
        turned = np.concatenate([blocks[:, 1:], blocks[:, :1]], axis=1).reshape(noise.shape)
        return run(score, x, turned, path=path, n_steps=n_steps, corrector_steps=corrector_steps, snr=snr)

    assert {fault for fault, _ in diagnosed(report_of(shuffled))} == {"PC-noise-order"}


def test_alpha_forgotten_shows_on_vp_only():
    run = alternating(paper=True)

    def forgetful(score, x, noise, *, path, n_steps, corrector_steps, snr):
        return plain_without_alpha(score, x, noise, path, n_steps, corrector_steps, snr)

    def plain_without_alpha(score, x, noise, path, n, m, snr):
        if isinstance(path, VE):
            return run(score, x, noise, path=path, n_steps=n, corrector_steps=m, snr=snr)
        times, draws = even_times(n, 1e-3), iter(noise)
        for t, s in itertools.pairwise(times):
            a = float(path.alpha(t) / path.alpha(s))
            x = (2 - a) * x + (1 - a * a) * score(x, np.full(len(x), t)) + math.sqrt(1 - a * a) * next(draws)
            for _ in range(m):
                z, grad = next(draws), score(x, np.full(len(x), s))
                e = 2 * (snr * np.linalg.norm(z, axis=-1) / np.linalg.norm(grad, axis=-1))[:, None] ** 2
                x = x + e * grad + np.sqrt(2 * e) * z
        return x

    report = report_of(forgetful)
    assert {fault for fault, _ in diagnosed(report)} == {"PC-no-alpha"}
    assert all("/vp" in r.check for r in report.results if r.outcome == "fail")


@pytest.mark.peer
@pytest.mark.parametrize("dtype", DTYPES)
def test_in_torch(dtype):
    torch = pytest.importorskip("torch")

    def run(factor):
        def pc(score, x, noise, *, path, n_steps, corrector_steps, snr):
            times = even_times(n_steps, 1e-3)
            alpha, sigma = (torch.tensor(v, dtype=x.dtype) for v in (path.alpha(times), path.sigma(times)))
            times, draws = torch.tensor(times, dtype=x.dtype), iter(noise)
            for k in range(n_steps):
                a = alpha[k] / alpha[k + 1]
                b2 = sigma[k] ** 2 - a**2 * sigma[k + 1] ** 2
                x = (2 - a) * x + b2 * score(x, times[k].expand(len(x))) + b2.sqrt() * next(draws)
                for _ in range(corrector_steps):
                    z, grad = next(draws), score(x, times[k + 1].expand(len(x)))
                    e = factor * a**2 * (snr * z.norm(dim=-1) / grad.norm(dim=-1))[:, None] ** 2
                    x = x + e * grad + (2 * e).sqrt() * z
            return x

        return pc

    assert bad(report_of(run(2), dtype, arrays="torch")) == []
    assert {fault for fault, _ in diagnosed(report_of(run(1), dtype, arrays="torch"))} == {"PC-no-two"}
