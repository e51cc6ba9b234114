"""NCSNv2's rules against its published table, the normal distribution and the chain itself."""

import itertools

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refscore.schedules import geometric, ncsnv2, ncsnv2_step

mp.mp.dps = 50

# d, σ_1, n, T and ε as published; then what follows from them: C at the published ratio, the n, with its fraction, that
# would make C = ½, the ε of the least R, and that R.
TABLE = [
    ("CIFAR-10", 3072, 50, 232, 5, "6.2e-06", ".5670", 219.2, "6.18e-06", "1.05547"),
    ("CelebA 64", 12288, 90, 500, 5, "3.3e-06", ".5669", 472.2, "3.34e-06", "1.03135"),
    (
        "church 96",
        27648,
        140,
        788,
        4,
        None,
        ".5662",
        744.5,
        "2.31e-06",
        "1.02236",
    ),  # ε published as 4.9e-6, the outlier
    ("bedroom 128", 49152, 190, 1086, 3, "1.8e-06", ".5665", 1025.7, "1.77e-06", "1.01737"),
    ("FFHQ 256", 196608, 348, 2311, 3, "9e-07", ".5669", 2181.6, "8.9e-07", "1.00885"),
]
every_row = pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])


def overlap_of(gamma, d):
    gamma = mp.mpf(gamma)
    y = mp.sqrt(2 * mp.mpf(d)) * (gamma - 1)
    return mp.ncdf(y + 3 * gamma) - mp.ncdf(y - 3 * gamma)


def ratio_of(e, gamma, n_steps):
    """Variance after T steps over σ², by running the chain on one data point: c → (1 - e)² c + 2e."""
    variance = gamma**2
    for _ in range(n_steps):
        variance = (1 - e) ** 2 * variance + 2 * e
    return variance


@every_row
def test_number_of_levels(row):
    _, d, high, n, _, _, overlap, real_n, _, _ = row
    published = (high / mp.mpf("0.01")) ** (1 / mp.mpf(n - 1))
    assert f"{float(overlap_of(published, d)):.4f}"[1:] == overlap
    gamma, found = ncsnv2(d=d, sigma_min=0.01, sigma_max=high, overlap=0.5)
    assert f"{1 + np.log(high / 0.01) / np.log(gamma):.1f}" == str(real_n)
    assert found == int(np.ceil(real_n))
    gamma, found = ncsnv2(d=d, sigma_min=0.01, sigma_max=high, overlap=float(overlap_of(published, d)))
    assert gamma == pytest.approx(float(published), rel=1e-14)
    assert found == n


@every_row
def test_step_size(row):
    _, _, high, n, n_steps, published, _, _, best, least = row
    sigmas = geometric(n=n, sigma_min=0.01, sigma_max=high)
    step = ncsnv2_step(sigmas=sigmas, n_steps=n_steps)
    for text in (best, published or best):
        digits = len(text.split("e")[0].replace(".", "")) - 1
        assert f"{step:.{digits}e}" == text
    assert f"{float(ratio_of(mp.mpf(step) / mp.mpf('1e-4'), mp.mpf(sigmas[0] / sigmas[1]), n_steps)):.5f}" == least


@given(st.integers(5, 10**6), st.floats(0.01, 0.99))
def test_the_ratio_solves_the_criterion(d, overlap):  # (SCH.7)
    gamma, n = ncsnv2(d=d, sigma_min=0.01, sigma_max=50, overlap=overlap)
    assert gamma > 1
    # γ is stored rounded, which moves C by |C'| γ u < (√(2d) + 3) γ u; the two Φ add a rounding each.
    assert abs(overlap_of(gamma, d) - overlap) <= 4 * 2.0**-53 * gamma * (np.sqrt(2 * d) + 4)
    assert (50 / 0.01) ** (1 / (n - 1)) <= gamma * (1 + 1e-9)  # (SCH.8)
    assert n == 2 or (50 / 0.01) ** (1 / (n - 2)) > gamma


@given(st.floats(0.0005, 1.0), st.integers(1, 200))
def test_the_step_is_a_stationary_point_of_the_chain(log_gamma, n_steps):  # (SCH.9), (SCH.10)
    sigmas = np.exp(-log_gamma * np.arange(4))
    step = ncsnv2_step(sigmas=sigmas, n_steps=n_steps)
    e, gamma = mp.mpf(step) / mp.mpf(sigmas[-1]) ** 2, mp.exp(mp.mpf(log_gamma))

    def ratio(e):
        q = 2 / (2 - e)
        return (1 - e) ** (2 * n_steps) * (gamma**2 - q) + q

    assert 0 < e < 1
    assert abs(ratio(e) - ratio_of(e, gamma, n_steps)) < mp.mpf(10) ** -40
    assert ratio(e) > 1
    # The error of e, one Newton step long, in units of e.
    assert abs(mp.diff(ratio, e) / mp.diff(ratio, e, 2)) <= 1e-11 * e


@every_row
def test_levels_rounded_to_float32_are_geometric(row):
    _, _, high, n, n_steps, published, _, _, best, _ = row
    sigmas = geometric(n=n, sigma_min=0.01, sigma_max=high)
    rounded = sigmas.astype(np.float32)
    step = ncsnv2_step(sigmas=rounded, n_steps=n_steps)
    for text in (best, published or best):
        digits = len(text.split("e")[0].replace(".", "")) - 1
        assert f"{step:.{digits}e}" == text
    assert step == ncsnv2_step(sigmas=rounded.astype(np.float64).tolist(), n_steps=n_steps)
    # σ_n² moves by two roundings, log γ by two roundings over log(σ_1/σ_n) > 8, and e by at most as much as log γ.
    assert abs(step / ncsnv2_step(sigmas=sigmas, n_steps=n_steps) - 1) <= 2.25 * 2.0**-24


@every_row
def test_one_level_a_little_off_is_not(row):
    _, _, high, n, n_steps, *_ = row
    for off in (1 + 2.0**-21, 1 - 2.0**-21):  # eight roundings to float32
        sigmas = geometric(n=n, sigma_min=0.01, sigma_max=high)
        sigmas[n // 2] *= off
        with pytest.raises(ValueError, match="no constant ratio"):
            ncsnv2_step(sigmas=sigmas, n_steps=n_steps)


def test_all_levels_use_one_step():
    # The ratio after T steps is the same at every level when level i steps by ε σ_i² / σ_n².
    sigmas = geometric(n=7, sigma_min=0.1, sigma_max=3)
    step = ncsnv2_step(sigmas=sigmas, n_steps=3)
    for before, level in itertools.pairwise(sigmas):
        variance, size = before**2, step * (level / sigmas[-1]) ** 2
        for _ in range(3):
            variance = (1 - size / level**2) ** 2 * variance + 2 * size
        expected = ratio_of(step / 0.01, (30 ** (1 / 6)), 3)
        assert variance / level**2 == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"d": 4}, ValueError, "d is 4; expected at least 5"),
        ({"d": 3072.0}, TypeError, "d is 3072.0, of type float; expected an integer"),
        ({"overlap": 0}, ValueError, "overlap is 0"),
        ({"overlap": 0.998}, ValueError, "overlap is 0.998; expected a value in \\(0, 0.9973\\)"),
        ({"sigma_min": 60}, ValueError, "expected 0 < sigma_min < sigma_max"),
    ],
)
def test_refusals(wrong, error, message):
    with pytest.raises(error, match=message):
        ncsnv2(**({"d": 3072, "sigma_min": 0.01, "sigma_max": 50, "overlap": 0.5} | wrong))


@pytest.mark.parametrize(
    ("sigmas", "n_steps", "error", "message"),
    [
        ([1.0], 5, ValueError, r"shape \(1,\)"),
        ([1.0, 0.0], 5, ValueError, "positive levels"),
        ([1.0, 0.5, 0.3], 5, ValueError, "no constant ratio"),
        ([0.25, 0.5, 1.0], 5, ValueError, "descending"),
        ([1.0, 1.0], 5, ValueError, "no constant ratio above 1"),
        ([1.0, 1.0 + 1e-9, 1.0 - 1e-9], 5, ValueError, "no constant ratio above 1"),
        ([1.0, 0.5], 0, ValueError, "n_steps is 0"),
        ([1.0, 0.5], 2.5, TypeError, "n_steps is 2.5"),
    ],
)
def test_refusals_of_the_step(sigmas, n_steps, error, message):
    with pytest.raises(error, match=message):
        ncsnv2_step(sigmas=sigmas, n_steps=n_steps)
