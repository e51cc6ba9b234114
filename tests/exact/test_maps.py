"""exact/maps.py: maps read from outside, pushed by moments over nodes, composed, and what is not affine."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refscore as rs
from refscore.exact import AffineMap, NotAffine, probe
from refscore.samplers import langevin_step
from tests.cubature import product, sigma_points

U = 2.0**-53
START = rs.targets.gaussian([3.0, -2.0], [[2.0, -0.5], [-0.5, 1.0]])


@st.composite
def maps(draw, d=2):
    def quarters(*shape):
        n = int(np.prod(shape))
        return np.array(draw(st.lists(st.integers(-8, 8), min_size=n, max_size=n)), float).reshape(shape) / 4

    return AffineMap(quarters(d, d), quarters(draw(st.integers(0, 3)), d, d), quarters(d))


def moments(f, start, n_draws):
    """Mean and covariance of f(x, z) over nodes that integrate quadratics exactly: no law is assumed."""
    (state, *noise), weights = product(*[sigma_points(start.d)] * (n_draws + 1))
    root = np.linalg.cholesky(start.cov)
    out = f(start.mean + state @ root.T, np.array(noise).reshape(n_draws, len(state), start.d))
    mean = weights @ out
    return mean, (out - mean).T @ ((out - mean) * weights[:, None])


@given(maps())
def test_a_map_is_read_exactly(f):  # (LAW.1): quarters, powers of two and sums of a few integers do not round
    found = probe(lambda x, z: f(x, z), 2, len(f.noises))
    for name in ("matrix", "noises", "constant"):
        np.testing.assert_array_equal(getattr(found, name), getattr(f, name))


@given(maps(), st.integers(1, 20), st.sampled_from([2.0**-20, 1.0, 2.0**20]))
def test_rows_and_scale_do_not_matter(f, rows, scale):
    found = probe(lambda x, z: f(x, z), 2, len(f.noises), rows_per_call=rows)
    np.testing.assert_array_equal(found.noises, f.noises)
    found = probe(lambda x, z: f(x, z), 2, len(f.noises), scale=scale)
    # the response is h times the map beside the constant c: c's rounding is divided by h
    np.testing.assert_allclose(found.matrix, f.matrix, atol=8 * U * max(1.0, 4 / scale))


@given(maps())
def test_pushing_is_taking_moments(f):  # (LAW.2), by cubature of the run itself
    f = AffineMap(f.matrix, np.concatenate([f.noises[:1], [np.eye(2)]]), f.constant)
    mean, cov = moments(f, START, len(f.noises))
    pushed = f.push(START)
    size = np.abs(f.matrix).sum() ** 2 * 4 + np.abs(f.noises).sum() ** 2 + np.abs(f.constant).sum() ** 2 + 1
    np.testing.assert_allclose(pushed.mean, mean, atol=64 * U * size)
    np.testing.assert_allclose(pushed.cov, cov, atol=64 * U * size)


@given(maps(), maps(), st.integers(-4, 4))
def test_composition(f, g, seed):  # (LAW.3)
    x = np.array([[1.0, seed], [0.5, -2.0]])
    z = np.arange(2.0 * 2 * (len(f.noises) + len(g.noises))).reshape(-1, 2, 2) % 5 - 2
    both = f.then(g)
    np.testing.assert_array_equal(both(x, z), g(f(x, z[: len(f.noises)]), z[len(f.noises) :]))  # sixteenths: exact


@pytest.mark.parametrize("limit", [3.0, 3.999])
def test_clipping_is_noticed(limit):
    def clipped(x, z):
        return np.clip(langevin_step(lambda y: 0 * y, x, z[0], step_size=0.25), -limit, limit)

    with pytest.raises(NotAffine, match="off by"):
        probe(clipped, 2, 1)
    assert probe(clipped, 2, 1, scale=2.0**-4).matrix[0, 0] == 1.0  # small rows stay inside the clipping


def batch_norm(x, z):
    return x / np.sqrt(1 + np.mean(x**2))


def centred(x, z):
    return x + z[0] - 0.5 * x.mean(0)


def shared_noise(x, z):
    return x + z[0][:1]


def shared_noise_of_the_last(x, z):
    return x + z[0] + 2.0**-20 * z[0][-1:]


def counted(x, z):
    return x * (1 + 1 / len(x))


@pytest.mark.parametrize("run", [batch_norm, centred, shared_noise, shared_noise_of_the_last, counted])
@pytest.mark.parametrize("rows", [None, 2, 3])
def test_rows_that_see_each_other_are_said_to(run, rows):
    """All of these are affine within one batch: a step size from its norms, as in score_sde's corrector, a mean, …"""
    with pytest.raises(NotAffine, match="samples of a batch see each other"):
        probe(run, 2, 1, rows_per_call=rows)


def test_the_number_of_rows_is_noticed_in_one_dimension():
    with pytest.raises(NotAffine, match="samples of a batch see each other"):
        probe(counted, 1, 0)


def test_rows_that_see_each_other_are_no_matter_one_at_a_time():
    """A run that is only ever given one sample has a map; one whose size depends on that sample bends."""
    assert probe(centred, 2, 1, rows_per_call=1).matrix[0, 0] == 0.5
    with pytest.raises(NotAffine, match="changes by"):
        probe(batch_norm, 2, 0, rows_per_call=1)


def test_a_run_that_bends_is_not_said_to_mix_its_rows():
    with pytest.raises(NotAffine, match="the run is not affine"):
        probe(lambda x, z: x + 0.01 * x**2, 2, 0)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"the output of the run has shape \(3,\); expected \(3, 2\)"):
        probe(lambda x, z: x[:, 0], 2, 0)
    with pytest.raises(ValueError, match=r"scale is -1.0; expected scale > 0"):
        probe(lambda x, z: x, 2, 0, scale=-1)
    with pytest.raises(ValueError, match=r"noises has shape \(2, 2\); expected \(n, 2, 2\)"):
        AffineMap(np.eye(2), np.eye(2), np.zeros(2))
    with pytest.raises(ValueError, match="not finite"):
        probe(lambda x, z: np.where(x > 0, np.nan, x), 2, 0)
    with pytest.raises(ValueError, match=r"x has shape \(1, 3\); expected \(\*batch, 2\)"):
        AffineMap(np.eye(2), np.zeros((0, 2, 2)), np.zeros(2))(np.zeros((1, 3)))


def test_a_map_is_read_only_and_says_what_it_is():
    f = AffineMap(np.eye(2), np.zeros((3, 2, 2)), np.zeros(2))
    assert repr(f) == "AffineMap(d = 2, 3 noise vectors)"
    with pytest.raises(ValueError, match="read-only"):
        f.matrix[0, 0] = 2.0
