"""samplers/adams_bashforth.py, deis.py and pndm.py: the noise interpolated in ρ, in t, or as if steps were equal."""

from functools import partial

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import (
    adams_bashforth,
    deis,
    dpm_solver_2,
    dpm_solver_3,
    exponential_adams,
    noise_form,
    pndm,
    pseudo_runge_kutta,
)
from tests.samplers.laws import TARGET, U, uniform
from tests.samplers.solvers import MIXTURE, SPANS, check_order, errors, polynomial_error

UNEVEN = [0.9, 0.7, 0.62, 0.5, 0.3, 0.12, 0.1]
STARTS = {1: dpm_solver_2, 2: dpm_solver_2, 3: dpm_solver_2, 4: dpm_solver_3}
X = np.array([[3.0, -5.0], [1.0, 2.0]])
SCORE = rs.samplers.noisy_score(TARGET)


def started(make, q):
    return lambda p, t: make(p, t, order=q, starter=STARTS[q](p, t))


@pytest.mark.parametrize("make", [adams_bashforth, deis])
@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("q", [1, 2, 3, 4])
def test_order(make, span, q):
    check_order(started(make, q), span, q, (64, 128, 256, 512))


@pytest.mark.parametrize("make", [adams_bashforth, deis])
def test_started_by_itself_the_order_is_two(make):
    check_order(partial(make, order=4), SPANS["Flow"], 2, (256, 512, 1024, 2048))


@pytest.mark.parametrize(("make", "clock"), [(adams_bashforth, "ρ"), (deis, "t")])
@pytest.mark.parametrize("q", [1, 2, 3])
def test_polynomials_in_its_clock_are_exact(make, clock, q):  # (AB.1) (AB.2) (EXPI.7) (EXPI.8)
    for path in (rs.paths.VP(), rs.paths.Flow()):
        for degree in range(q):
            # from the second step on a history; the first ones are exact for constants, so they start from a fine run
            def run(p, t, degree=degree):
                return make(p, t, order=q, starter=_fine(p, t))

            assert polynomial_error(run, noise_form, clock, degree, path, UNEVEN) <= 1e-12


def _fine(path, times):
    """A start that is exact to rounding: RK4 in ρ in many small steps, from the score alone."""
    first = rs.samplers.ddim(path, times)

    def step(score, x, k, noise):
        (r_t, r_s), a_s = (
            (float(path.sigma(t) / path.alpha(t)) for t in times[k : k + 2]),
            float(path.alpha(times[k + 1])),
        )
        nodes, weights = np.polynomial.legendre.leggauss(40)
        rho = 0.5 * (r_s - r_t) * nodes + 0.5 * (r_s + r_t)
        total = 0.0
        for r, w in zip(rho, weights, strict=True):
            t = float(path.time(-np.log(r)))
            total += w * -path.sigma(t) * score(x, float(path.alpha(t)), float(path.sigma(t)))
        return a_s / path.alpha(times[k]) * x + a_s * 0.5 * (r_s - r_t) * total

    return rs.samplers.Sampler("fine", first.n_steps, 0, first.prior_scale, first.start, first.stop, step)


def test_order_on_a_mixture():
    options = {"target": MIXTURE, "points": np.array([[0.5, -1.0], [-1.5, 0.3]])}
    for make in (adams_bashforth, deis):
        check_order(started(make, 3), SPANS["Flow"], 3, (100, 200, 400, 800), **options)
    check_order(pndm, SPANS["Flow"], 2, (100, 200, 400, 800), **options)


def test_equal_steps_have_the_classical_weights():
    path, times = rs.paths.EDM(), np.linspace(2.0, 0.4, 9)
    ours = rs.samplers.replay(adams_bashforth(path, times, order=4, starter=pseudo_runge_kutta(path, times)), SCORE, X)
    np.testing.assert_allclose(ours, rs.samplers.replay(pndm(path, times), SCORE, X), rtol=1000 * U)


def test_a_last_level_without_noise():
    sampler = adams_bashforth(rs.paths.EDM(), [2.0, 1.0, 0.5, 0.0], order=3)
    assert sampler.stop == (1.0, 0.0)
    assert np.isfinite(rs.samplers.replay(sampler, SCORE, X)).all()


def test_the_three_clocks_are_three_methods():
    path = rs.paths.VP()
    found = [
        rs.samplers.replay(make(path, UNEVEN), SCORE, X)
        for make in (
            partial(adams_bashforth, order=3),
            partial(deis, order=3),
            partial(exponential_adams, order=3, form=noise_form),
        )
    ]
    assert min(np.abs(found[i] - found[i - 1]).max() for i in range(3)) > 1e-4


@pytest.mark.parametrize("make", [pndm, pseudo_runge_kutta])
def test_pndm_has_order_two_and_four_where_steps_are_equal_in_rho(make):
    for name in ("VP", "Flow"):
        check_order(make, SPANS[name], 2, (128, 256, 512, 1024))
    even = (rs.paths.EDM(), 2.0, 0.3)
    check_order(make, even, 4, (64, 128, 256, 512), grid=uniform)


def test_the_multistep_part_of_pndm_needs_equal_steps():
    check_order(pndm, SPANS["EDM"], 2, (128, 256, 512, 1024))  # geometric levels
    check_order(pseudo_runge_kutta, SPANS["EDM"], 4)  # every step by itself is RK4 in ρ


def test_transfer_with_the_noise_of_a_point():
    """Data at a point: the noise is constant, and every step is exact, whatever the grid."""
    path = rs.paths.VP()
    score = lambda x, alpha, sigma: (3 * alpha - x) / sigma**2  # noqa: E731
    (a_t, a_s), (s_t, s_s) = path.alpha([0.9, 0.1]), path.sigma([0.9, 0.1])
    for make in (pndm, pseudo_runge_kutta):
        found = rs.samplers.replay(make(path, UNEVEN), score, np.array([[5.0]]))
        np.testing.assert_allclose(found, 3 * a_s + s_s * (5 - 3 * a_t) / s_t, rtol=1000 * U)


def test_no_signal_no_method():
    for make in (partial(adams_bashforth, order=2), pndm, pseudo_runge_kutta):
        with pytest.raises(ValueError, match=r"path.alpha is 0 at times\[0\] = 1; expected α > 0"):
            make(rs.paths.Flow(), [1.0, 0.5])
    with pytest.raises(ValueError, match="log_snr is -inf"):
        deis(rs.paths.Flow(), [1.0, 0.5], order=2)


@pytest.mark.peer
def test_k_diffusion_takes_the_same_steps():
    import torch

    from validation.peers.k_diffusion_driver import sampling

    sigmas = rs.schedules.karras(n=7, sigma_min=0.1, sigma_max=10.0)

    def model(x, sigma):
        return x + sigma[0] ** 2 * torch.tensor(SCORE(x.numpy(), 1.0, float(sigma[0])))

    theirs = sampling.sample_lms(model, torch.tensor(X), torch.tensor(sigmas), order=4, disable=True)
    ours = rs.samplers.replay(adams_bashforth(rs.paths.EDM(), sigmas, order=4), SCORE, X)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-10)  # their weights are integrated numerically


def test_errors_are_not_zero():
    assert errors(partial(adams_bashforth, order=2), SPANS["VP"], (8,))[0] > 1e-3
