"""β sequences against their formulas in 50 digits and the values that were published."""

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from refscore.paths import Cosine, DiscreteVP
from refscore.schedules import cosine_betas, linear_betas, scaled_linear_betas

mp.mp.dps = 50
U = 2.0**-53


def worst(found, exact):
    return max(float(abs(mp.mpf(float(f)) / e - 1)) / U for f, e in zip(found, exact, strict=True))


def test_ddpm_as_published():
    betas = linear_betas(n=1000, beta_start=1e-4, beta_end=0.02)
    bars = np.cumprod(1 - betas)
    assert f"{bars[-1]:.4e}" == "4.0358e-05"
    posterior = betas[1:] * (1 - bars[:-1]) / (1 - bars[1:])  # β̃_t; ratios β̃/β at t = 1, 10, 100, counted from 0
    assert [f"{posterior[t - 1] / betas[t]:.4f}" for t in (1, 10, 100)] == ["0.4547", "0.8639", "0.9821"]
    # DPM-Solver's λ_T for it, to the digits it is printed with
    assert f"{DiscreteVP(betas).log_snr(1):.4f}" == "-5.0588"


@pytest.mark.parametrize("n", [2, 3, 17, 1000])
@pytest.mark.parametrize(("start", "end"), [(1e-4, 0.02), (0.00085, 0.012), (0.3, 0.3), (1e-9, 0.999)])
def test_linear_and_scaled_linear(n, start, end):
    ramp = [mp.mpf(i) / (n - 1) for i in range(n)]
    low, high = mp.mpf(start), mp.mpf(end)
    found = linear_betas(n=n, beta_start=start, beta_end=end)
    assert worst(found, [low + r * (high - low) for r in ramp]) <= 4
    root_low, root_high = mp.sqrt(low), mp.sqrt(high)
    scaled = scaled_linear_betas(n=n, beta_start=start, beta_end=end)
    assert worst(scaled, [(root_low + r * (root_high - root_low)) ** 2 for r in ramp]) <= 8
    for betas in (found, scaled):
        assert (betas.shape, betas[0], betas[-1]) == ((n,), start, end)


def test_latent_diffusion():
    betas = scaled_linear_betas(n=1000)
    assert (betas[0], betas[-1]) == (0.00085, 0.012)
    assert f"{np.prod(1 - betas):.5f}" == "0.00466"  # ᾱ_T = 0.0047, a signal that does not vanish


@pytest.mark.parametrize(("n", "s"), [(1, 0.008), (2, 0.008), (10, 0.0), (10, 0.5), (1000, 0.008)])
def test_cosine(n, s):  # Nichol & Dhariwal (2021), as in its code: min(1 - f(i+1)/f(i), 0.999)
    def f(t):
        return mp.cos((t + mp.mpf(s)) / (1 + mp.mpf(s)) * mp.pi / 2) ** 2

    exact = [min(1 - f(mp.mpf(i + 1) / n) / f(mp.mpf(i) / n), mp.mpf(0.999)) for i in range(n)]
    assert worst(cosine_betas(n=n, s=s), exact) <= 12


def test_cosine_does_not_cancel():
    n = 10**6  # 1 - f/f has lost eight digits here
    betas = cosine_betas(n=n)
    step, offset = mp.pi / 2 / (1 + mp.mpf(0.008)) / n, mp.mpf(0.008) * n
    for i in (0, 1, 5 * 10**5, 9 * 10**5, n - 3):
        a, b = step * (i + offset), step * (i + 1 + offset)
        assert worst([betas[i]], [1 - (mp.cos(b) / mp.cos(a)) ** 2]) <= 12


def test_cosine_is_the_path_until_the_clip():
    betas = cosine_betas(n=50)
    nodes = np.arange(50) / 50
    assert_allclose(DiscreteVP(betas).alpha(nodes), Cosine().alpha(nodes), rtol=1e-13)
    assert betas[-1] == 0.999
    assert cosine_betas(n=50, max_beta=0.5).max() == 0.5
    # lambda at the last indices of 1000, as DPM-Solver's users see it
    bars = np.cumprod(1 - cosine_betas(n=1000))
    tail = 0.5 * np.log(bars[-5:] / (1 - bars[-5:]))
    assert [f"{v:.3f}" for v in tail] == ["-5.078", "-5.365", "-5.771", "-6.464", "-9.918"]


@pytest.mark.parametrize("schedule", [linear_betas, scaled_linear_betas])
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"n": 0}, ValueError, "n is 0"),
        ({"n": 10.0}, TypeError, "expected an integer"),
        ({"beta_start": 0}, ValueError, "expected 0 < beta_start <= beta_end < 1"),
        ({"beta_end": 1}, ValueError, "expected 0 < beta_start <= beta_end < 1"),
        ({"beta_start": 0.5, "beta_end": 0.1}, ValueError, "beta_start is 0.5 and beta_end 0.1"),
    ],
)
def test_refusals(schedule, wrong, error, message):
    with pytest.raises(error, match=message):
        schedule(**({"n": 10} | wrong))


@pytest.mark.parametrize(
    ("wrong", "message"), [({"n": -1}, "n is -1"), ({"s": -0.1}, "s is -0.1"), ({"max_beta": 1}, "max_beta is 1.0")]
)
def test_refusals_of_cosine(wrong, message):
    with pytest.raises(ValueError, match=message):
        cosine_betas(**({"n": 10} | wrong))


@pytest.mark.parametrize("schedule", [linear_betas, scaled_linear_betas])
def test_one_step(schedule):
    assert schedule(n=1, beta_start=0.1, beta_end=0.2).tolist() == [0.1]
