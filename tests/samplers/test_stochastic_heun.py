"""samplers/stochastic_heun.py: the law by a recursion on which no step is taken, the order, and what loses it."""

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import stochastic_heun, stochastic_heun_step
from tests.samplers.laws import SPANS, TARGET, bound, check_law, check_order, marginal


class ByHand:
    """Mean and variance of (SHE.1) along the eigenvectors, where b(x, t) = A x + c."""

    def __init__(self, values, path, times):
        self.values, self.path, self.times = np.asarray(values), path, times

    def law(self, mean0, *, start_mean, start_variance):
        m, w, path = start_mean, start_variance, self.path
        for t, s in zip(self.times[:-1], self.times[1:], strict=True):
            h, line, g2 = t - s, [], []
            for at in (t, s):
                f = path.alpha_dot(at) / path.alpha(at)
                g2.append(2 * path.sigma(at) * path.sigma_dot(at) - 2 * f * path.sigma(at) ** 2)
                v = path.alpha(at) ** 2 * self.values + path.sigma(at) ** 2
                line.append((f + g2[-1] / v, -g2[-1] * path.alpha(at) * mean0 / v))
            (a, c), (a_s, c_s) = line
            m = m - h / 2 * (a * m + c + a_s * (m - h * (a * m + c)) + c_s)
            noise = np.sqrt(h * (g2[0] + g2[1]) / 2) - h / 2 * a_s * np.sqrt(h * g2[0])
            w = w * (1 - h / 2 * (a + a_s * (1 - h * a))) ** 2 + noise**2
        return m, w


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
def test_law_by_a_second_route(span):  # (SHE.1)
    check_law(stochastic_heun, ByHand, span)


@pytest.mark.parametrize("name", ["VP", "SubVP", "EDM", "Cosine", "Flow"])
def test_weak_order_is_two(name):
    check_order(stochastic_heun, SPANS[name], 2, counts=(50, 100, 200, 400))


@pytest.mark.parametrize("name", ["VP", "VE", "EDM"])
def test_weak_order_is_two_on_log_snr_grids(name):
    path, first, last = SPANS[name]
    counts, errors = (50, 100, 200, 400), []
    for n in counts:
        times = rs.schedules.log_snr_times(path, n=n, t_start=first, t_stop=last)
        law = rs.exact.law(stochastic_heun(path, times), TARGET, marginal(path, first))
        errors.append(rs.exact.wasserstein2(law, marginal(path, last)))
    assert abs(rs.exact.observed_order(errors, counts) - 2) <= 0.02


def test_second_moments_on_a_mixture_have_order_two():
    # Weak order speaks of expectations of any smooth function: here of x² on a density that is no Gaussian, exact in
    # the noise by Gauss-Hermite nodes, one step of length h from a point. Local error h³, so slope 3.
    path, t, p = rs.paths.VP(), 0.6, rs.targets.mixture([0.3, 0.7], [[-1.0], [1.5]], 0.2)
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    weights = weights / weights.sum()

    def score(x, at):
        return p.perturb(float(path.alpha(at)), float(path.sigma(at))).score(x)

    def moment(n, h):
        points, mass = np.array([0.4]), np.array([1.0])
        for k in range(n):
            s = t - h * k / n, t - h * (k + 1) / n
            x = np.repeat(points, 21)[:, None]
            z = np.tile(nodes, len(points))[:, None]
            points = stochastic_heun_step(score, x, *s, z, path=path)[:, 0]
            mass = np.outer(mass, weights).ravel()
        return mass @ points**2

    # one step against two: the difference is (1 - 1/4) of the local error constant at h³
    gaps = [abs(moment(1, h) - moment(2, h)) for h in (0.02, 0.01, 0.005, 0.0025)]
    assert abs(rs.exact.observed_order(gaps) - 3) <= 0.02


def faulty(score, x, t, s, noise, *, path, last="mean", two_levels=True, noisy_guess=True):
    h = t - s

    def drift(y, at, asked):
        return path.drift_rate(at) * y - path.diffusion(at) ** 2 * score(y, asked)

    g, g_s = path.diffusion(t), path.diffusion(s)
    first = drift(x, t, t)
    guess = x - h * first + noisy_guess * g * np.sqrt(h) * noise
    second = drift(guess, s, s if two_levels else t)
    spread = {"mean": np.sqrt((g**2 + g_s**2) / 2), "start": g, "end": g_s}[last]
    return x - h / 2 * (first + second) + spread * np.sqrt(h) * noise


FAULTS = {
    "g(t) in the last noise": {"last": "start"},
    "g(s) in the last noise": {"last": "end"},
    "the second stage's score at the first level": {"two_levels": False},
    "no noise in the first stage": {"noisy_guess": False},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_law_and_order_see_the_fault(fault):
    make = bound(lambda *a, **k: faulty(*a, **k, **fault), 1)
    with pytest.raises(AssertionError):
        check_law(make, ByHand, SPANS["VP"])
    with pytest.raises(AssertionError):
        check_order(make, SPANS["VP"], 2, counts=(50, 100, 200, 400))
    check_law(bound(faulty, 1), ByHand, SPANS["VP"])  # the stand-in itself is right


def test_a_time_belongs_to_its_sample():
    path, x, z = rs.paths.VP(), np.arange(9.0).reshape(3, 3), np.ones((3, 3))
    t, s = np.array([0.3, 0.6, 0.9]), np.array([0.2, 0.4, 0.6])
    together = stochastic_heun_step(lambda y, _: -y, x, t, s, z, path=path)
    alone = [stochastic_heun_step(lambda y, _: -y, x[i], t[i], s[i], z[i], path=path) for i in range(3)]
    np.testing.assert_array_equal(together, alone)


def test_bad_arguments_are_named():
    path, x, score = rs.paths.VP(), np.zeros((4, 3)), lambda y, _: -y
    with pytest.raises(ValueError, match=r"s reaches t: t = 0.5, s = 0.75"):
        stochastic_heun_step(score, x, 0.5, 0.75, x, path=path)
    with pytest.raises(ValueError, match=r"noise has shape \(4,\); expected \(4, 3\)"):
        stochastic_heun_step(score, x, 0.5, 0.1, np.zeros(4), path=path)
    with pytest.raises(ValueError, match=r"score\(x, t\) has shape \(4,\); expected \(4, 3\)"):
        stochastic_heun_step(lambda y, _: y[:, 0], x, 0.5, 0.1, x, path=path)
