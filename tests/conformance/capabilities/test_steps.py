"""Steps: other correct algebra conforms, in float64 and in float32 throughout; conventions; noise drawn inside."""

import math

import numpy as np
import pytest

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.conformance.capabilities.steps import STEPS
from refscore.conformance.capabilities.steps.ancestral import ANCESTRAL_VP
from refscore.conformance.capabilities.steps.ddim import DDIM
from refscore.conformance.recorders.numpy import standard_normal
from refscore.paths import EDM, VE, VP, DiscreteVP, Flow, SubVP

DTYPES = ["float64", "float32"]


def report_of(name, function, dtype="float64", arrays="numpy", noise=None, **conventions):
    adapter = Adapter("under test", dtype=dtype, arrays=arrays)
    adapter.implements(name, noise=noise, **conventions)(function)
    return check_here(adapter)


def bad(report):
    return [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"]


def diagnosed(report):
    return {(d.fault, d.description) for r in report.results for d in r.diagnosis}


def native(function):
    """Hold a function to the dtype of its arguments, so that a float32 test is one."""

    def wrapped(model, x, *arguments, **keywords):
        result = function(model, x, *arguments, **keywords)
        assert result.dtype == x.dtype
        return result

    return wrapped


def column(*values):
    return tuple(v[:, None] for v in values)


# Everything about a path in the dtype of t, as codes write it: exponentials, differences that cancel, no expm1.


def alpha_sigma(path, t):
    one = np.ones_like(t)
    if isinstance(path, EDM):
        return one, t
    if isinstance(path, Flow):
        return 1 - t, t
    if isinstance(path, VE):
        return one, np.exp((1 - t) * math.log(path.sigma_min) + t * math.log(path.sigma_max))
    if isinstance(path, DiscreteVP):
        bars = np.concatenate([[1.0], np.cumprod(1 - path.betas)]).astype(t.dtype)
        bar = bars[np.rint(t * len(path.betas)).astype(int)]
        return np.sqrt(bar), np.sqrt(1 - bar)
    log_alpha = -0.25 * t**2 * (path.beta_max - path.beta_min) - 0.5 * t * path.beta_min
    variance = 1 - np.exp(2 * log_alpha)
    return np.exp(log_alpha), (variance if isinstance(path, SubVP) else np.sqrt(variance))


def f_and_g2(path, t):
    zero = np.zeros_like(t)
    if isinstance(path, EDM):
        return zero, 2 * t
    if isinstance(path, Flow):
        return -1 / (1 - t), 2 * t / (1 - t)
    if isinstance(path, VE):
        return zero, alpha_sigma(path, t)[1] ** 2 * (2 * math.log(path.sigma_max / path.sigma_min))
    beta = path.beta_min + t * (path.beta_max - path.beta_min)
    discount = 1 - alpha_sigma(path, t)[0] ** 4 if isinstance(path, SubVP) else 1
    return -0.5 * beta, beta * discount


# --- Langevin


def langevin_mean_and_std(score, x, noise, *, step_size):
    return score(x) * (step_size / 2) + x + noise * step_size**0.5


def langevin_factored(score, x, noise, *, step_size):
    root = np.sqrt(np.asarray(step_size, x.dtype))
    return x + root * (noise + root / 2 * score(x))


def langevin_averaged(score, x, noise, *, step_size):
    """The mean of a drift step and a noise step, each taken twice as far."""
    return 0.5 * ((x + step_size * score(x)) + (x + 2 * np.sqrt(np.asarray(step_size, x.dtype)) * noise))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [langevin_mean_and_std, langevin_factored, langevin_averaged])
def test_langevin(function, dtype):
    assert bad(report_of("step.langevin", native(function), dtype)) == []


def image_code(score, x, noise, *, step_size):
    return x + step_size * score(x) + np.sqrt(np.asarray(2 * step_size, x.dtype)) * noise


@pytest.mark.parametrize("dtype", DTYPES)
def test_langevin_of_the_image_codes_is_a_convention(dtype):
    assert bad(report_of("step.langevin", native(image_code), dtype, scale="full")) == []
    assert any("scale='full'" in text for _, text in diagnosed(report_of("step.langevin", image_code, dtype)))
    twice = report_of("step.langevin", langevin_factored, dtype, scale="full")
    assert any("scale='half'" in text for _, text in diagnosed(twice))


# --- SDE and ODE


def em_score_sde(score, x, t, s, noise, *, path):
    """Drift of the reverse SDE, a negative dt, x_mean first."""
    (f, g2), dt = column(*f_and_g2(path, t)), (s - t)[:, None]
    x_mean = x + (f * x - g2 * score(x, t)) * dt
    return x_mean + np.sqrt(g2) * np.sqrt(-dt) * noise


def em_by_noise(score, x, t, s, noise, *, path):
    """From a predicted noise, grouped by x."""
    (f, g2), h = column(*f_and_g2(path, t)), (t - s)[:, None]
    sigma = alpha_sigma(path, t)[1][:, None]
    predicted = -sigma * score(x, t)
    return (1 - h * f) * x - (h * g2 / sigma) * predicted + np.sqrt(g2 * h) * noise


def em_by_levels(score, x, t, s, noise, *, path):
    """g² from the path itself, 2σσ' − 2fσ²."""
    sigma, slope = (np.asarray(v, x.dtype) for v in (path.sigma(t), path.sigma_dot(t)))
    f = np.asarray(path.drift_rate(t), x.dtype)
    (g2, f), h = column(2 * sigma * slope - 2 * f * sigma**2, f), (t - s)[:, None]
    return x - h * f * x + h * g2 * score(x, t) + np.sqrt(h * g2) * noise


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [em_score_sde, em_by_noise, em_by_levels])
def test_euler_maruyama(function, dtype):
    assert bad(report_of("step.euler_maruyama", native(function), dtype)) == []


def chain(path, t, s):
    (at, st), (an, sn) = alpha_sigma(path, t), alpha_sigma(path, s)
    return at / an, st, sn


def rd_levels(score, x, t, s, noise, *, path):
    a, st, sn = column(*chain(path, t, s))
    b2 = st**2 - a**2 * sn**2
    return (2 - a) * x + b2 * score(x, t) + np.sqrt(b2) * noise


def rd_betas(score, x, t, s, noise, *, path):
    """β = 1 − a² where α² + σ² = 1; the difference of squares otherwise."""
    a, st, sn = column(*chain(path, t, s))
    if isinstance(path, (VP, DiscreteVP)):
        beta = 1 - a * a
        forward = np.sqrt(1 - beta) * x - x
    else:
        beta = (st - a * sn) * (st + a * sn)
        forward = a * x - x
    return (x - (forward - beta * score(x, t))) + np.sqrt(beta) * noise


def rd_snr(score, x, t, s, noise, *, path):
    a, st, sn = column(*chain(path, t, s))
    tau = 1 - (a * sn / st) ** 2
    return x + (1 - a) * x + st * (st * tau) * score(x, t) + st * np.sqrt(tau) * noise


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [rd_levels, rd_betas, rd_snr])
def test_reverse_diffusion(function, dtype):
    assert bad(report_of("step.reverse_diffusion", native(function), dtype)) == []


def slope_by_coefficients(score, x, t, path):
    f, g2 = column(*f_and_g2(path, t))
    return f * x - g2 / 2 * score(x, t)


def slope_by_predictions(score, x, t, path):
    """u = α' x̂_0 + σ' ε̂"""
    values = (path.alpha(t), path.sigma(t), path.alpha_dot(t), path.sigma_dot(t))
    alpha, sigma, alpha_dot, sigma_dot = column(*(np.asarray(v, x.dtype) for v in values))
    predicted = -sigma * score(x, t)
    return alpha_dot * ((x - sigma * predicted) / alpha) + sigma_dot * predicted


def slope_by_denoiser(score, x, t, path):
    """Where α = 1: σ' (x − D)/σ."""
    if not isinstance(path, (EDM, VE)):
        return slope_by_coefficients(score, x, t, path)
    sigma, slope = column(*(np.asarray(v, x.dtype) for v in (path.sigma(t), path.sigma_dot(t))))
    return slope * (x - (x + sigma**2 * score(x, t))) / sigma


SLOPES = [slope_by_coefficients, slope_by_predictions, slope_by_denoiser]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("slope", SLOPES)
def test_euler_ode(slope, dtype):
    def step(score, x, t, s, *, path):
        return x + (s - t)[:, None] * slope(score, x, t, path)

    assert bad(report_of("step.euler_ode", native(step), dtype)) == []


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("slope", SLOPES)
def test_heun_ode(slope, dtype):
    def step(score, x, t, s, *, path):
        dt = (s - t)[:, None]
        d = slope(score, x, t, path)
        d_2 = slope(score, x + d * dt, s, path)
        return x + (d + d_2) / 2 * dt

    assert bad(report_of("step.heun_ode", native(step), dtype)) == []


@pytest.mark.parametrize("dtype", DTYPES)
def test_heun_as_a_correction_of_euler(dtype):
    def step(score, x, t, s, *, path):
        h = (t - s)[:, None]
        d = slope_by_coefficients(score, x, t, path)
        euler = x - h * d
        return euler - h / 2 * (slope_by_coefficients(score, euler, s, path) - d)

    assert bad(report_of("step.heun_ode", native(step), dtype)) == []


# --- ancestral


def vp_posterior(score, x, noise, *, alpha_t, sigma_t, alpha_s, sigma_s):
    """OpenAI's way: x̂_0, then the posterior's two coefficients, all from ᾱ."""
    bar, bar_prev = column(alpha_t**2, alpha_s**2)
    beta = 1 - bar / bar_prev
    data = (x + (1 - bar) * score(x)) / np.sqrt(bar)
    mean = np.sqrt(bar_prev) * beta / (1 - bar) * data + np.sqrt(1 - beta) * (1 - bar_prev) / (1 - bar) * x
    return mean + np.sqrt(beta * (1 - bar_prev) / (1 - bar)) * noise


def vp_algorithm_2(score, x, noise, *, alpha_t, sigma_t, alpha_s, sigma_s):
    """Ho et al.'s: (x − β/√(1 − ᾱ) ε̂)/√(1 − β)."""
    bar, bar_prev, sigma_t, sigma_s = column(alpha_t**2, alpha_s**2, sigma_t, sigma_s)
    beta = 1 - bar / bar_prev
    predicted = -np.sqrt(1 - bar) * score(x)
    return (x - beta / np.sqrt(1 - bar) * predicted) / np.sqrt(1 - beta) + np.sqrt(beta) * sigma_s / sigma_t * noise


def vp_log_snr(score, x, noise, *, alpha_t, sigma_t, alpha_s, sigma_s):
    """Kingma et al.'s: c = −expm1 of the difference of log-SNRs."""
    at, st, an, sn = column(alpha_t, sigma_t, alpha_s, sigma_s)
    with np.errstate(divide="ignore"):
        c = -np.expm1(2 * (np.log(at / st) + np.log(sn / an)))
    return an / at * (x + c * st**2 * score(x)) + sn * np.sqrt(c) * noise


VP_WAYS = [vp_posterior, vp_algorithm_2, vp_log_snr]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", VP_WAYS)
def test_ancestral_vp(function, dtype):
    assert bad(report_of("step.ancestral_vp", native(function), dtype)) == []


def vp_large(score, x, noise, *, alpha_t, sigma_t, alpha_s, sigma_s):
    """As score_sde: (x + β s)/√(1 − β) + √β z."""
    beta = 1 - (alpha_t / alpha_s)[:, None] ** 2
    return (x + beta * score(x)) / np.sqrt(1 - beta) + np.sqrt(beta) * noise


@pytest.mark.parametrize("dtype", DTYPES)
def test_ancestral_vp_with_the_large_variance_is_a_convention(dtype):
    assert bad(report_of("step.ancestral_vp", native(vp_large), dtype, variance="large")) == []
    assert any("variance='large'" in text for _, text in diagnosed(report_of("step.ancestral_vp", vp_large, dtype)))
    swapped = report_of("step.ancestral_vp", vp_log_snr, dtype, variance="large")
    assert any("variance='small'" in text for _, text in diagnosed(swapped))


def ve_score_sde(score, x, noise, *, sigma, sigma_next):
    u, v = column(sigma, sigma_next)
    return x + (u**2 - v**2) * score(x) + np.sqrt(v**2 * (u**2 - v**2) / u**2) * noise


def ve_k_diffusion(score, x, noise, *, sigma, sigma_next):
    """Euler to σ_down = σ'²/σ, then new noise."""
    u, v = column(sigma, sigma_next)
    up, down = v * np.sqrt((u - v) * (u + v)) / u, v * v / u
    d = (x - (x + u**2 * score(x))) / u
    return x + d * (down - u) + noise * up


def ve_k_diffusion_clamped(score, x, noise, *, sigma, sigma_next):
    u, v = column(sigma, sigma_next)
    up = np.sqrt(v**2 * (u**2 - v**2) / u**2)
    down = np.sqrt(np.maximum(v**2 - up**2, 0))
    return x - u * score(x) * (down - u) + noise * up


VE_WAYS = [ve_score_sde, ve_k_diffusion, ve_k_diffusion_clamped]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", VE_WAYS)
def test_ancestral_ve(function, dtype):
    assert bad(report_of("step.ancestral_ve", native(function), dtype)) == []


def test_ancestral_ve_whose_sigma_down_is_no_number_in_float32():
    # https://github.com/huggingface/diffusers/issues/14213
    def unclamped(score, x, noise, *, sigma, sigma_next):
        u, v = column(sigma, sigma_next)
        up = (v**2 * (u**2 - v**2) / u**2) ** 0.5
        down = (v**2 - up**2) ** 0.5
        return x - u * score(x) * (down - u) + noise * up

    with np.errstate(invalid="ignore"):
        report = report_of("step.ancestral_ve", native(unclamped), "float32")
    assert [(r.check, "not a number" in r.message) for r in report.results if r.outcome != "pass"] == [
        ("step.ancestral_ve/apart", True)
    ]


def ve_reverse_diffusion(score, x, noise, *, sigma, sigma_next):
    u, v = column(sigma, sigma_next)
    return x + (u**2 - v**2) * score(x) + np.sqrt(u**2 - v**2) * noise


@pytest.mark.parametrize("dtype", DTYPES)
def test_ancestral_ve_with_the_large_variance_is_a_convention(dtype):
    assert bad(report_of("step.ancestral_ve", native(ve_reverse_diffusion), dtype, variance="large")) == []
    undeclared = report_of("step.ancestral_ve", ve_reverse_diffusion, dtype)
    assert any("variance='large'" in text for _, text in diagnosed(undeclared))


# --- DDIM


def ddim_diffusers(predict_noise, x, noise, *, alpha_t, sigma_t, alpha_s, sigma_s, eta):
    """From ᾱ alone."""
    bar, bar_prev = column(alpha_t**2, alpha_s**2)
    e = predict_noise(x)
    data = (x - (1 - bar) ** 0.5 * e) / bar**0.5
    std = eta * ((1 - bar_prev) / (1 - bar) * (1 - bar / bar_prev)) ** 0.5
    return bar_prev**0.5 * data + (1 - bar_prev - std**2) ** 0.5 * e + std * noise


def ddim_gathered(predict_noise, x, noise, *, alpha_t, sigma_t, alpha_s, sigma_s, eta):
    """Gathered by x and ε̂."""
    at, st, an, sn = column(alpha_t, sigma_t, alpha_s, sigma_s)
    tau = 1 - (at * sn / (an * st)) ** 2
    kept = sn * np.sqrt(1 - eta**2 * tau)
    return an / at * x + (kept - an * st / at) * predict_noise(x) + eta * sn * np.sqrt(tau) * noise


def ddim_score_form(predict_noise, x, noise, *, alpha_t, sigma_t, alpha_s, sigma_s, eta):
    """By a step of the posterior, its noise split into an old part and a new one."""
    at, st, an, sn = column(alpha_t, sigma_t, alpha_s, sigma_s)
    a = at / an
    c = eta * sn / st * np.sqrt((st - a * sn) * (st + a * sn))
    e = predict_noise(x)
    return (x - st * e) / a + np.sqrt((sn - c) * (sn + c)) * e + c * noise


DDIM_WAYS = [ddim_diffusers, ddim_gathered, ddim_score_form]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", DDIM_WAYS)
def test_ddim(function, dtype):
    assert bad(report_of("step.ddim", native(function), dtype)) == []


def ddim_azula(predict_noise, x, noise, *, alpha_t, sigma_t, alpha_s, sigma_s, eta):
    """η multiplies the variance."""
    at, st, an, sn = column(alpha_t, sigma_t, alpha_s, sigma_s)
    share = eta * (1 - (at / an * sn / st) ** 2)
    e = predict_noise(x)
    return an * (x - st * e) / at + sn * np.sqrt(1 - share) * e + sn * np.sqrt(share) * noise


@pytest.mark.parametrize("dtype", DTYPES)
def test_ddim_with_eta_on_the_variance_is_a_convention(dtype):
    assert bad(report_of("step.ddim", native(ddim_azula), dtype, eta="variance")) == []
    assert any("eta='variance'" in text for _, text in diagnosed(report_of("step.ddim", ddim_azula, dtype)))


# --- annealed Langevin


def ald_algorithm_1(score, x, noise, *, sigmas, step_size, steps_per_level):
    draws = iter(noise)
    for sigma in sigmas:
        step = step_size * sigma**2 / sigmas[-1] ** 2
        for _ in range(steps_per_level):
            x = x + step / 2 * score(x, np.full(len(x), sigma)) + np.sqrt(step) * next(draws)
    return x


def ald_relative(score, x, noise, *, sigmas, step_size, steps_per_level):
    """Root of the step size first; σ given as a number."""
    roots = np.sqrt(np.asarray(step_size, x.dtype)) * (sigmas / sigmas[-1])
    for k, z in enumerate(noise):
        i = k // steps_per_level
        x = x + roots[i] * (z + roots[i] / 2 * score(x, sigmas[i]))
    return x


def ald_by_levels(score, x, noise, *, sigmas, step_size, steps_per_level):
    """The noise as (L, T, n, d), and numbers of Python for the levels."""
    for sigma, draws in zip(sigmas, noise.reshape(len(sigmas), steps_per_level, *x.shape)):
        width = float(step_size * (sigma / sigmas[-1]) ** 2)
        for z in draws:
            x = x + (z * width**0.5 + 0.5 * width * score(x, float(sigma)))
    return x


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [ald_algorithm_1, ald_relative, ald_by_levels])
def test_annealed_langevin(function, dtype):
    assert bad(report_of("sampler.annealed_langevin", native(function), dtype)) == []


def ncsn(denoise):
    def run(score, x, noise, *, sigmas, step_size, steps_per_level):
        """The image codes' loop."""
        draws = iter(noise)
        for sigma in sigmas:
            step = step_size * (sigma / sigmas[-1]) ** 2
            for _ in range(steps_per_level):
                x = x + step * score(x, sigma) + np.sqrt(step * 2) * next(draws)
        return x + sigmas[-1] ** 2 * score(x, sigmas[-1]) if denoise else x

    return run


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("denoise", [False, True])
def test_annealed_langevin_of_the_image_codes(denoise, dtype):
    name = "sampler.annealed_langevin"
    assert bad(report_of(name, native(ncsn(denoise)), dtype, scale="full", denoise=denoise)) == []
    found = {text for _, text in diagnosed(report_of(name, ncsn(denoise), dtype, denoise=not denoise))}
    assert any(f"denoise={denoise}" in text and "scale='full'" in text for text in found)


def test_denoising_at_a_wrong_level_is_caught():
    def run(score, x, noise, *, sigmas, step_size, steps_per_level):
        x = ald_algorithm_1(score, x, noise, sigmas=sigmas, step_size=step_size, steps_per_level=steps_per_level)
        return x + sigmas[0] ** 2 * score(x, sigmas[0])

    report = report_of("sampler.annealed_langevin", run, denoise=True)
    failed = {r.check.split("/")[1] for r in report.results if r.outcome == "fail"}
    assert failed == {"n=d", "n<d", "n=1", "d=1", "L=2,T=1", "L=2,T=4"}  # with one level it is the right one


# --- noise


def drawing(function, shape=lambda x: x.shape):
    """A step that draws its noise inside, where the signature has it last."""

    def step(model, x, *times, **keywords):
        return function(model, x, *times, standard_normal(shape(x)).astype(x.dtype), **keywords)

    return step


STEPS_WITH_NOISE = {
    "step.langevin": langevin_factored,
    "step.euler_maruyama": em_score_sde,
    "step.reverse_diffusion": rd_levels,
    "step.ancestral_vp": vp_posterior,
    "step.ancestral_ve": ve_score_sde,
    "step.ddim": ddim_diffusers,
}


@pytest.mark.parametrize("name", STEPS_WITH_NOISE)
def test_noise_that_is_drawn_inside(name):
    assert bad(report_of(name, drawing(STEPS_WITH_NOISE[name]), "float32", noise="recorded")) == []


@pytest.mark.parametrize("name", STEPS_WITH_NOISE)
def test_noise_that_the_batch_shares_is_found_by_its_shape(name):
    shared = drawing(STEPS_WITH_NOISE[name], lambda x: (1, x.shape[-1]))
    report = report_of(name, shared, noise="recorded")
    failed = [r for r in report.results if r.outcome == "fail"]
    assert "shape (1, 3); expected (3, 3): samples or dimensions share their noise" in failed[0].message
    assert report.exit_code == 1


@pytest.mark.parametrize("name", [n for n in STEPS_WITH_NOISE if n != "step.ddim"])
def test_noise_that_is_never_drawn_is_found(name):
    def silent(model, x, *times, **keywords):
        return STEPS_WITH_NOISE[name](model, x, *times, np.zeros_like(x), **keywords)

    failed = [r for r in report_of(name, silent, noise="recorded").results if r.outcome == "fail"]
    assert "drew nothing that refscore could see" in failed[0].message


def test_annealed_langevin_draws_step_by_step_or_all_at_once():
    rng = np.random.default_rng(0)

    def one_by_one(score, x, *, sigmas, step_size, steps_per_level):
        for sigma in sigmas:
            step = step_size * (sigma / sigmas[-1]) ** 2
            for _ in range(steps_per_level):
                x = x + step / 2 * score(x, sigma) + np.sqrt(step) * rng.normal(size=x.shape)
        return x

    def at_once(score, x, *, sigmas, step_size, steps_per_level):
        noise = rng.standard_normal((len(sigmas) * steps_per_level, *x.shape))
        return ald_relative(score, x, noise, sigmas=sigmas, step_size=step_size, steps_per_level=steps_per_level)

    def too_few(score, x, *, sigmas, step_size, steps_per_level):
        noise = rng.standard_normal(x.shape)
        return x + noise

    def shared(score, x, *, sigmas, step_size, steps_per_level):
        return x + rng.standard_normal((1, x.shape[-1]))

    name = "sampler.annealed_langevin"
    assert bad(report_of(name, one_by_one, noise="recorded")) == []
    assert bad(report_of(name, at_once, noise="recorded")) == []
    for wrong, message in (
        (too_few, "drew (3, 3); the algorithm draws"),
        (shared, "draw 1 has shape (1, 3); expected"),
    ):
        failed = [r for r in report_of(name, wrong, noise="recorded").results if r.outcome == "fail"]
        assert message in failed[0].message


# --- the cases themselves


def test_a_batch_that_shares_its_noise_differs_from_one_that_does_not():
    shared = report_of(
        "step.langevin", lambda s, x, z, *, step_size: langevin_factored(s, x, z[:1], step_size=step_size)
    )
    assert {fault for fault, _ in diagnosed(shared)} == {"ULA-shared-noise"}


@pytest.mark.parametrize("name", ["step.langevin", "step.euler_maruyama", "step.ancestral_vp", "step.ddim"])
def test_the_law_case_holds_mean_and_noise_matrix(name):
    """The rows give x_s = m + M z at z = 0, e_1, e_2, e_3, and another z that the four predict: an affine step."""
    capability = CATALOGUE[name]
    case = next(c for c in capability.cases(capability.defaults) if c.name.endswith("law"))
    mean, *columns, other = case.expect(capability.reference)[0]
    noise = case.arguments[case.random[0]]
    predicted = mean + noise[-1] @ (np.array(columns) - mean)
    np.testing.assert_allclose(other, predicted, rtol=0, atol=64 * 2.0**-53 * np.abs(columns).max())


@pytest.mark.parametrize("capability", [c for c in STEPS if c not in (ANCESTRAL_VP, DDIM)], ids=lambda c: c.name)
def test_arguments_are_numbers_of_float32(capability):
    """Except where α² + σ² = 1, which has no dyadic solutions: there the bound covers the rounding of α and σ."""
    for case in capability.cases(capability.defaults):
        for value in (*case.arguments, *case.keywords.values()):
            if isinstance(value, (np.ndarray, float)):
                assert np.array_equal(np.asarray(value), np.asarray(value, np.float32).astype(float)), case.name


# --- torch


@pytest.mark.peer
def test_torch_steps_that_draw_inside():
    torch = pytest.importorskip("torch")

    def langevin(score, x, *, step_size):
        return x + step_size / 2 * score(x) + step_size**0.5 * torch.randn_like(x)

    def euler_maruyama(score, x, t, s, *, path):
        f, g = (torch.as_tensor(v, dtype=x.dtype)[:, None] for v in (path.drift_rate(t), path.diffusion(t)))
        dt = (s - t)[:, None]
        return x + (f * x - g**2 * score(x, t)) * dt + g * torch.sqrt(-dt) * torch.randn(x.shape, dtype=x.dtype)

    def ddim(predict_noise, x, *, alpha_t, sigma_t, alpha_s, sigma_s, eta):
        noise = torch.empty_like(x).normal_()
        at, st, an, sn = (v[:, None] for v in (alpha_t, sigma_t, alpha_s, sigma_s))
        e = predict_noise(x)
        std = eta * sn * torch.sqrt(1 - (at * sn / (an * st)) ** 2)
        return an * (x - st * e) / at + torch.sqrt(sn**2 - std**2) * e + std * noise

    def annealed(score, x, *, sigmas, step_size, steps_per_level):
        for sigma in sigmas:
            step = step_size * (sigma / sigmas[-1]) ** 2
            for _ in range(steps_per_level):
                x = x + step / 2 * score(x, sigma) + torch.sqrt(step) * torch.randn_like(x)
        return x

    for dtype in DTYPES:
        for name, function in {
            "step.langevin": langevin,
            "step.euler_maruyama": euler_maruyama,
            "step.ddim": ddim,
            "sampler.annealed_langevin": annealed,
        }.items():
            assert bad(report_of(name, function, dtype, arrays="torch", noise="recorded")) == []
