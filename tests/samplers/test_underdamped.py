"""samplers/underdamped.py: each splitting as a product of matrices, orders in unit time, faults."""

import numpy as np
import pytest
from scipy.linalg import expm

import refscore as rs
from refscore.samplers import Multistep, baoab, baoab_step, obabo, obabo_step, underdamped, underdamped_step
from tests.samplers.laws import TARGET, U

GAMMA = 1.3
PRECISION = np.linalg.inv(TARGET.cov)
I2, O2 = np.eye(2), np.zeros((2, 2))
START = rs.targets.gaussian([2.0, -3.0, 0.5, 0.0], np.diag([1.0, 0.5, 0.25, 2.0]))
MEAN = np.concatenate([TARGET.mean, np.zeros(2)])


def parts(h):
    """A, B, O over time h as matrices on (x - m, v), and the noise of O."""
    drift, kick = np.block([[I2, h * I2], [O2, I2]]), np.block([[I2, O2], [-h * PRECISION, I2]])
    keep = np.exp(-GAMMA * h)
    return drift, kick, np.block([[I2, O2], [O2, keep * I2]]), np.block([[O2, O2], [O2, (1 - keep**2) * I2]])


def law_of(words, law):
    """The law after parts (letter, time), by matrices."""
    mean, cov = law.mean - MEAN, law.cov
    for letter, time in words:
        drift, kick, rub, noise = parts(time)
        matrix = {"A": drift, "B": kick, "O": rub}[letter]
        mean, cov = matrix @ mean, matrix @ cov @ matrix.T + (noise if letter == "O" else 0)
    return rs.targets.gaussian(mean + MEAN, 0.5 * (cov + cov.T))


def words(name, h):
    times = {"baoab": (0.5, 0.5, 1, 0.5, 0.5), "obabo": (0.5, 0.5, 1, 0.5, 0.5)}[name]
    return list(zip(name.upper(), np.array(times) * h))


def pushed(sampler, law, steps):
    step = rs.exact.step_map(sampler, rs.samplers.noisy_score(TARGET), 0, 2)
    for _ in range(steps):
        law = step.push(law)
    return law


@pytest.mark.parametrize("make", [baoab, obabo])
@pytest.mark.parametrize("h", [0.01, 0.4, 1.1])
def test_a_splitting_is_its_word(make, h):  # (UND.3) (UND.4)
    expected = START
    for _ in range(3):
        expected = law_of(words(make.__name__, h), expected)
    got = pushed(make(h, friction=GAMMA), START, 3)
    np.testing.assert_allclose(got.cov, expected.cov, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(got.mean, expected.mean, rtol=1e-13, atol=1e-13)


def test_euler_is_the_first_order_of_the_generator():  # (UND.2)
    h = 0.2
    generator = np.block([[O2, I2], [-PRECISION, -GAMMA * I2]])
    step = rs.exact.step_map(underdamped(h, friction=GAMMA), rs.samplers.noisy_score(TARGET), 0, 2)
    np.testing.assert_allclose(step.matrix, np.eye(4) + h * generator, atol=8 * U)
    np.testing.assert_allclose(step.noise_cov, np.diag([0, 0, 2 * GAMMA * h, 2 * GAMMA * h]), atol=8 * U)
    np.testing.assert_allclose(step.constant, -h * generator @ MEAN, atol=16 * U)


@pytest.mark.parametrize(("make", "published"), [(underdamped, 1), (baoab, 2), (obabo, 2)])
def test_weak_order(make, published):  # (UND.1)
    flow = expm(np.block([[O2, I2], [-PRECISION, -GAMMA * I2]]))
    end = np.block([[TARGET.cov, O2], [O2, I2]])
    cov = end + flow @ (START.cov - end) @ flow.T
    exact = rs.targets.gaussian(MEAN + flow @ (START.mean - MEAN), 0.5 * (cov + cov.T))
    counts = (32, 64, 128, 256)
    errors = [rs.exact.wasserstein2(pushed(make(1 / n, friction=GAMMA), START, n), exact) for n in counts]
    found = rs.exact.order_of(errors, counts)
    assert abs(found.value - published) <= 0.02, found


def test_rows_and_signs_on_a_curved_score():
    x, v, z = rs.noise.tape(1, 3, 4, 2)
    h, keep = 0.3, np.exp(-GAMMA * 0.3)
    half = v + h / 2 * np.sin(x)
    new = keep * half + np.sqrt(1 - keep**2) * z
    there = x + h / 2 * (half + new)
    got = baoab_step(np.sin, x, v, z, step_size=h, friction=GAMMA)
    np.testing.assert_allclose(got, (there, new + h / 2 * np.sin(there)), rtol=32 * U, atol=32 * U)
    got = underdamped_step(np.sin, x, v, z, step_size=h, friction=GAMMA)
    np.testing.assert_allclose(
        got, (x + h * v, v + h * np.sin(x) - h * GAMMA * v + (2 * GAMMA * h) ** 0.5 * z), rtol=32 * U, atol=32 * U
    )
    keep = np.exp(-GAMMA * h / 2)
    first = keep * v + np.sqrt(1 - keep**2) * z
    there = x + h * first + h * h / 2 * np.sin(x)
    last = keep * (first + h / 2 * (np.sin(x) + np.sin(there))) + np.sqrt(1 - keep**2) * x
    got = obabo_step(np.sin, x, v, [z, x], step_size=h, friction=GAMMA)
    np.testing.assert_allclose(got, (there, last), rtol=32 * U, atol=32 * U)


def test_little_friction_keeps_its_digits():
    """√(1 - e^(-2γh)) is √(2γh) to first order; written without expm1 half of the digits are lost."""
    _, v = baoab_step(np.zeros_like, [[0.0]], [[0.0]], [[1.0]], step_size=1.0, friction=1e-12)
    assert abs(v[0, 0] - np.sqrt(2e-12) * (1 - 0.5e-12)) <= 4 * U * v[0, 0]


def test_a_run_starts_from_rest_and_is_a_loop_of_steps():
    tape, x = rs.noise.tape(2, 5, 3, 2), rs.noise.tape(1, 1, 3, 2)[0]
    sampler = baoab(0.3, friction=GAMMA)
    assert isinstance(sampler, Multistep)
    state, v = x, np.zeros_like(x)
    for z in tape:
        state, v = baoab_step(TARGET.score, state, v, z, step_size=0.3, friction=GAMMA)
    np.testing.assert_array_equal(rs.samplers.replay(sampler, rs.samplers.noisy_score(TARGET), x, tape), state)


def aboba(score, x, v, z, *, step_size, friction):
    x = x + step_size / 2 * v
    v = v + step_size / 2 * score(x)
    v = np.exp(-friction * step_size) * v + np.sqrt(-np.expm1(-2 * friction * step_size)) * z
    v = v + step_size / 2 * score(x)
    return x + step_size / 2 * v, v


def test_the_turned_word_is_another_law():
    def step(score, x, memory, k, noise):
        moved, v = aboba(lambda y: score(y, 1.0, 0.0), x, memory[0], noise, step_size=0.4, friction=GAMMA)
        return moved, (v,)

    turned = Multistep("aboba", None, 1, 1.0, None, None, lambda x: (np.zeros_like(x),), step)
    gap = np.abs(pushed(turned, START, 3).cov - pushed(baoab(0.4, friction=GAMMA), START, 3).cov).max()
    assert gap > 1e-3


@pytest.mark.parametrize("step", [underdamped_step, baoab_step, obabo_step])
def test_bad_arguments_are_named(step):
    good = ([[1.0]], [[1.0]], [[[1.0]], [[1.0]]] if step is obabo_step else [[1.0]])
    with pytest.raises(ValueError, match=r"step_size is 0\.0"):
        step(np.negative, *good, step_size=0.0, friction=1.0)
    with pytest.raises(ValueError, match=r"friction is -1.0; expected friction >= 0"):
        step(np.negative, *good, step_size=0.1, friction=-1.0)
    with pytest.raises(ValueError, match=r"velocity has shape \(1,\); expected \(1, 1\)"):
        step(np.negative, good[0], [1.0], good[2], step_size=0.1, friction=1.0)
    with pytest.raises(ValueError, match="noise has shape"):
        step(np.negative, good[0], good[1], [1.0], step_size=0.1, friction=1.0)
    with pytest.raises(ValueError, match=r"score\(x\) has shape"):
        step(lambda x: x[0], *good, step_size=0.1, friction=1.0)
