"""samplers/predictor_corrector.py: two orders, their laws by a second route, and what they end at."""

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import annealed_corrector_step, corrector_predictor, predictor_corrector, reverse_diffusion
from tests.samplers.laws import TARGET, VALUES, by_recursion


class ByHand:
    """Mean and variance of reverse diffusion with fixed corrections, along the eigenvectors."""

    def __init__(self, path, times, snr, m, *, paper):
        self.path, self.times, self.snr, self.m, self.paper = path, times, snr, m, paper

    def law(self, mean0, *, start_mean, start_variance):
        mean, w = start_mean, start_variance
        path = self.path

        def at(t):
            return path.alpha(t) * mean0, path.alpha(t) ** 2 * VALUES + path.sigma(t) ** 2

        def correct(mean, w, t):
            mu, v = at(t)
            e = 2 * (self.snr * path.sigma(t)) ** 2
            for _ in range(self.m):
                mean, w = mean - e * (mean - mu) / v, w * (1 - e / v) ** 2 + 2 * e
            return mean, w

        for t, s in zip(self.times[:-1], self.times[1:], strict=True):
            if not self.paper:
                mean, w = correct(mean, w, t)
            a = path.alpha(t) / path.alpha(s)
            b2 = path.sigma(t) ** 2 - a**2 * path.sigma(s) ** 2
            mu, v = at(t)
            mean, w = (2 - a) * mean - b2 * (mean - mu) / v, w * (2 - a - b2 / v) ** 2 + b2
            if self.paper:
                mean, w = correct(mean, w, s)
        return mean, w


def fixed(path, snr=0.2):
    return lambda score, x, noise, t: annealed_corrector_step(score, x, noise, snr=snr, sigma=path.sigma(t))


ORDERS = {"paper": predictor_corrector, "code": corrector_predictor}
PATHS = {"VP": rs.paths.VP(), "VE": rs.paths.VE(0.1, 10.0)}


def gap(order, against, path, m=2):
    times, start = np.linspace(0.9, 0.1, 13), rs.targets.gaussian([0.1, 0.4], 30.0)
    law = rs.exact.law(
        ORDERS[order](path, times, predictor=reverse_diffusion, corrector=fixed(path), corrector_steps=m), TARGET, start
    )
    expected = by_recursion(ByHand(path, times, 0.2, 2, paper=against == "paper"), start)
    return rs.exact.wasserstein2(law, expected) / np.sqrt(np.trace(expected.cov))


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("order", ORDERS)
def test_law_by_a_second_route(order, path):  # (PCS.7) (PCS.8)
    assert gap(order, order, path) <= 1e-12


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_the_orders_and_counts_are_told_apart(path):
    assert gap("paper", "code", path) > 1e-4
    assert gap("code", "paper", path) > 1e-4
    assert gap("code", "code", path, m=1) > 1e-4


def test_many_steps_end_at_the_bias_of_the_corrector():
    """With ever more levels the corrections have the last word: v/(1 - e/(2v)) at the last level, and not v."""
    path, r, errors = PATHS["VE"], 0.3, []
    target = rs.targets.gaussian([0.7], 0.25)
    v = 0.25 + path.sigma(0.2) ** 2
    limit = v / (1 - r**2 * path.sigma(0.2) ** 2 / v)
    counts = (400, 800, 1600)
    for n in counts:
        times = rs.schedules.log_snr_times(path, n=n, t_start=0.9, t_stop=0.2)
        sampler = predictor_corrector(path, times, predictor=reverse_diffusion, corrector=fixed(path, r))
        law = rs.exact.law(sampler, target, target.perturb(1.0, float(path.sigma(0.9))))
        errors.append(abs(law.cov[0, 0] / limit - 1))
    assert abs(rs.exact.observed_order(errors, counts) - 1) <= 0.02
    assert errors[-1] < 0.3 * abs(v / limit - 1)


def test_a_predictor_without_noise_leaves_its_vector_unused():
    path, times = rs.paths.VP(), [0.9, 0.5, 0.2]

    def predictor(path, times):
        inner, given = rs.samplers.euler_ode(path, times), []

        def step(score, x, k, noise):
            given.append(noise)
            assert given == [None] * len(given)
            return inner.step(score, x, k, noise)

        return rs.samplers.Sampler("ode", inner.n_steps, 0, 1.0, inner.start, inner.stop, step)

    sampler = predictor_corrector(path, times, predictor=predictor, corrector=fixed(path))
    tape = rs.noise.tape(3, 4, (5,), 2)
    other = tape.copy()
    other[[0, 2]] += 1
    start = np.ones((5, 2))
    ends = [rs.samplers.replay(sampler, rs.samplers.noisy_score(TARGET), start, z) for z in (tape, other)]
    np.testing.assert_array_equal(*ends)
    other[1] += 1
    assert abs(rs.samplers.replay(sampler, rs.samplers.noisy_score(TARGET), start, other) - ends[0]).max() > 1e-3


def test_the_corrector_is_told_its_time():
    path, times, told = rs.paths.VP(), [0.9, 0.5, 0.2], {}
    for name, make in ORDERS.items():
        seen = told[name] = []

        def corrector(score, x, noise, t, seen=seen):
            seen.append(t)
            return x

        sampler = make(path, times, predictor=reverse_diffusion, corrector=corrector, corrector_steps=2)
        rs.samplers.replay(sampler, rs.samplers.noisy_score(TARGET), np.zeros((1, 2)), np.zeros((6, 1, 2)))
    assert told == {"paper": [0.5, 0.5, 0.2, 0.2], "code": [0.9, 0.9, 0.5, 0.5]}


def test_bad_counts_are_named():
    path = rs.paths.VP()
    for make in ORDERS.values():
        with pytest.raises(ValueError, match="corrector_steps is 0"):
            make(path, [0.9, 0.1], predictor=reverse_diffusion, corrector=fixed(path), corrector_steps=0)
