"""fit/conditioning.py against the published configurations of NCSNv2."""

import mpmath as mp
import numpy as np
import pytest

from refscore import noise
from refscore.fit import Conditioning, conditioning, largest_distance, suggest_sigma_min

# dimension, σ_1, L, T and step_lr of the released configurations, σ_L = 0.01
PUBLISHED = [
    ("CIFAR-10", 3072, 50.0, 232, 5, "6.2e-06"),
    ("CelebA 64", 12288, 90.0, 500, 5, "3.3e-06"),
    ("LSUN bedroom, tower 128", 49152, 190.0, 1086, 3, "1.8e-06"),
    ("FFHQ 256", 196608, 348.0, 2311, 3, "9e-07"),
]
CHURCH = ("LSUN church 96", 27648, 140.0, 788, 4, "4.9e-06")
every_row = pytest.mark.parametrize(
    ("d", "sigma_max", "n", "n_steps", "step"), [row[1:] for row in PUBLISHED], ids=[row[0] for row in PUBLISHED]
)


def two_points(d, distance):
    x = np.zeros((2, d))
    x[1, d // 2] = distance
    return x


def overlap_of(d, sigma_max, n):
    gamma = (mp.mpf(sigma_max) / mp.mpf("0.01")) ** (mp.mpf(1) / (n - 1))
    y = mp.sqrt(2 * d) * (gamma - 1)
    return float(mp.ncdf(y + 3 * gamma) - mp.ncdf(y - 3 * gamma))


def digits(value, like):
    return f"{value:.{len(like.split('e')[0].replace('.', '')) - 1}e}"


@every_row
def test_published_levels_and_steps(d, sigma_max, n, n_steps, step):  # (COND.4), (COND.5)
    found = conditioning(
        two_points(d, sigma_max), sigma_min=0.01, overlap=overlap_of(d, sigma_max, n), steps_per_level=n_steps
    )
    assert len(found.sigmas) == n
    assert found.sigmas[0] == sigma_max
    assert found.sigmas[-1] == 0.01
    assert digits(found.step_size / 2, step) == step  # the released code's step_lr
    assert found.steps_per_level == n_steps


@every_row
def test_one_overlap_gives_all_published_levels_within_a_level_in_five_hundred(d, sigma_max, n, n_steps, step):
    found = conditioning(two_points(d, sigma_max), sigma_min=0.01, overlap=0.567)
    assert abs(len(found.sigmas) - n) <= max(1, n / 500)
    half = conditioning(two_points(d, sigma_max), sigma_min=0.01)
    assert 0.94 < len(half.sigmas) / n < 0.95  # the ½ of the text


def test_church_has_the_published_levels_and_twice_the_step():  # the known outlier of the paper's table
    _, d, sigma_max, n, n_steps, step = CHURCH
    found = conditioning(
        two_points(d, sigma_max), sigma_min=0.01, overlap=overlap_of(d, sigma_max, n), steps_per_level=n_steps
    )
    assert len(found.sigmas) == n
    assert digits(found.step_size / 2, "2.31e-06") == "2.31e-06"
    assert 2.1 < float(step) / (found.step_size / 2) < 2.2


def test_the_step_leaves_the_least_variance():  # (COND.5), by running the sampler's recursion on one data point
    found = conditioning(noise.normals(0, np.arange(50), 20), sigma_min=0.1, steps_per_level=3)
    gamma = found.sigmas[-2] / found.sigmas[-1]

    def variance(step_size):
        e, c = step_size / 0.1**2, gamma**2
        for _ in range(3):
            c = (1 - e / 2) ** 2 * c + e  # x + (ε/2)(-x/σ²) + √ε z, over σ²
        return c

    best = variance(found.step_size)
    assert best < variance(1.01 * found.step_size)
    assert best < variance(0.99 * found.step_size)
    assert f"{best:.5g} times" in repr(found)


def test_what_is_given_is_taken():
    x = noise.normals(0, np.arange(50), 2)
    found = conditioning(x, sigma_min=0.1, sigma_max=7.0, n_levels=10, steps_per_level=100)
    assert len(found.sigmas) == 10
    assert found.sigmas[0] == 7.0
    assert np.abs(found.sigmas[1:] / found.sigmas[:-1] * 70 ** (1 / 9) - 1).max() < 1e-14
    assert repr(found).count("given") == 4
    assert isinstance(found, Conditioning)
    with pytest.raises(ValueError, match="read-only"):
        found.sigmas[0] = 1.0


def test_the_first_level_is_the_largest_distance():
    x = noise.normals(0, np.arange(200), 7)
    assert conditioning(x, sigma_min=0.1).sigmas[0] == largest_distance(x)


def test_a_last_level_from_neighbours():  # (COND.6): a cubic lattice with spacing 3 in 3 dimensions
    lattice = 3.0 * np.stack(np.meshgrid(*[np.arange(5)] * 3), -1).reshape(-1, 3)
    assert abs(suggest_sigma_min(lattice) / (1.5 / np.sqrt(3)) - 1) <= 4 * 2.0**-53
    assert abs(suggest_sigma_min(lattice, fraction=1.0) / (3 / np.sqrt(3)) - 1) <= 4 * 2.0**-53


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma_min": 0.0}, "sigma_min is 0.0; expected sigma_min > 0"),
        ({"sigma_min": 100.0}, "expected 0 < sigma_min < sigma_max"),
        ({"sigma_min": 0.1, "sigma_max": -1.0}, "sigma_max is -1.0"),
        ({"sigma_min": 0.1, "n_levels": 1}, "n_levels is 1; expected at least 2"),
        ({"sigma_min": 0.1, "steps_per_level": 0}, "steps_per_level is 0"),
        ({"sigma_min": 0.1, "overlap": 1.0}, "overlap is 1.0"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        conditioning(noise.normals(0, np.arange(9), 6), **arguments)


def test_below_five_dimensions_the_number_of_levels_is_asked_for():
    with pytest.raises(ValueError, match=r"data has shape \(9, 2\); expected n_levels, since below 5 dimensions"):
        conditioning(noise.normals(0, np.arange(9), 2), sigma_min=0.1)


def test_points_that_are_there_twice_have_no_scale():
    with pytest.raises(ValueError, match="more than half of its points twice"):
        suggest_sigma_min([[0.0], [0.0], [1.0], [1.0], [2.0]])
