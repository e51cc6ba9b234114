"""exact/laws.py: laws against whole runs seen from outside, against moments over nodes, and what is no law."""

import numpy as np
import pytest

import refscore as rs
from refscore.exact import NotAffine, law, probe, step_map
from refscore.samplers import (
    ancestral_vp,
    batch_corrector_step,
    corrector_predictor,
    ddim,
    langevin,
    noisy_score,
    predictor_corrector,
    replay,
    reverse_diffusion,
)
from tests.exact.test_maps import START, moments

U = 2.0**-53
TARGET = rs.targets.gaussian([0.7, -1.0], [[0.5, 0.2], [0.2, 1.5]])
PATH, TIMES = rs.paths.VP(), np.linspace(0.9, 0.1, 7)


def whole_run(sampler, target):
    score = noisy_score(target)
    return lambda x, z: replay(sampler, score, x, z if sampler.draws else None)


@pytest.mark.parametrize(
    "sampler", [ancestral_vp(PATH, TIMES), ddim(PATH, TIMES), ddim(PATH, TIMES, eta=0.7)], ids=repr
)
def test_the_law_is_that_of_the_whole_run_seen_from_outside(sampler):
    black_box = probe(whole_run(sampler, TARGET), 2, sampler.draws * 6).push(START)
    # each run rounds some 10 times a step in numbers of size 10
    assert rs.exact.wasserstein2(law(sampler, TARGET, START), black_box) <= 6 * 10 * 10 * U


def test_the_law_is_that_of_the_moments_of_the_run():
    """No probe at all: 2·4 nodes a draw through two steps of Langevin."""
    mean, cov = moments(whole_run(langevin(0.3), TARGET), START, 2)
    found = law(langevin(0.3), TARGET, START, steps=2)
    np.testing.assert_allclose(found.mean, mean, atol=64 * U * 4)
    np.testing.assert_allclose(found.cov, cov, atol=64 * U * 16)


def test_equal_steps_by_repeated_squaring_are_the_loop():
    step, expected = step_map(langevin(0.3), noisy_score(TARGET), 0, 2), START
    for n in range(12):
        found = law(langevin(0.3), TARGET, START, steps=n)
        np.testing.assert_allclose(found.cov, expected.cov, rtol=64 * U)
        np.testing.assert_allclose(found.mean, expected.mean, rtol=64 * U, atol=64 * U)
        expected = step.push(expected)


def test_the_first_steps_of_a_grid():
    part = law(ancestral_vp(PATH, TIMES), TARGET, START, steps=4)
    short = law(ancestral_vp(PATH, TIMES[:5]), TARGET, START)
    np.testing.assert_array_equal(part.cov, short.cov)
    np.testing.assert_array_equal(law(ancestral_vp(PATH, TIMES), TARGET, START, steps=0).cov, START.cov)


def test_a_run_starts_from_the_prior():
    path = rs.paths.EDM(sigma_max=5.0)
    assert law(ddim(path, [5.0, 1.0]), TARGET, steps=0).cov[0, 0] == 25.0
    assert law(langevin(0.1), TARGET, steps=0).cov[0, 0] == 1.0


def test_a_mixture_is_told_what_to_do():
    mixture = rs.targets.mixture([0.5, 0.5], [[-2.0], [2.0]])
    with pytest.raises(
        NotAffine, match="law needs a Gaussian target and got Mixture: its score is not affine"
    ) as error:
        law(langevin(0.1), mixture, steps=10)
    for advice in ("samplers.replay with a tape", "refscore.exact.flow", "gaussian(target.mean, target.cov)"):
        assert advice in str(error.value)


def test_a_bent_score_is_noticed_in_a_step():
    mixture = rs.targets.mixture([0.5, 0.5], [[-2.0], [2.0]])
    with pytest.raises(NotAffine, match="off by"):
        step_map(langevin(0.1), noisy_score(mixture), 0, 1)


def test_a_corrector_with_one_size_for_the_batch_has_no_law():
    """score_sde's rule is affine within a batch, so that one call of a step cannot tell."""

    def corrector(score, x, noise, t):
        return batch_corrector_step(score, x, noise, snr=0.16)

    for make in (corrector_predictor, predictor_corrector):
        sampler = make(PATH, TIMES, predictor=reverse_diffusion, corrector=corrector)
        with pytest.raises(NotAffine, match="samples of a batch see each other"):
            law(sampler, TARGET, START)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (None, "steps is None, but langevin takes any number of equal steps"),
        (-1, "steps is -1; expected at least 0"),
        (1.5, "steps is 1.5; expected a whole number"),
    ],
)
def test_bad_step_counts_of_langevin(steps, message):
    with pytest.raises(ValueError, match=message):
        law(langevin(0.1), TARGET, steps=steps)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="steps is 7; expected a whole number ≤ 6"):
        law(ddim(PATH, TIMES), TARGET, steps=7)
    with pytest.raises(ValueError, match="start has dimension 1; expected that of the target, 2"):
        law(ddim(PATH, TIMES), TARGET, rs.targets.gaussian([0.0]))
    with pytest.raises(TypeError, match="start is a Mixture; expected a Gaussian"):
        law(ddim(PATH, TIMES), TARGET, rs.targets.mixture([1.0], [[0.0, 0.0]], [1.0]))
    with pytest.raises(TypeError, match="sampler is a function; expected a Sampler or a Multistep"):
        law(ddim, TARGET)


def test_a_law_that_grows_without_bound_is_said():
    assert np.isfinite(law(langevin(9.0), TARGET, steps=3).cov).all()
    with pytest.raises(ValueError, match="langevin grows without bound: after 1000000 steps its law is beyond float64"):
        law(langevin(100.0), TARGET, steps=10**6)
    for read in (rs.exact.marginals, rs.exact.stationary_law, rs.exact.contraction_rate):
        with pytest.raises(TypeError, match="sampler is a str; expected a Sampler or a Multistep"):
            read("langevin", TARGET)


def test_bad_steps_and_scores_are_named():
    sampler, score = ddim(PATH, TIMES), rs.samplers.noisy_score(TARGET)
    for k in (6, -1):
        with pytest.raises(ValueError, match=f"k is {k}; expected"):
            rs.exact.step_map(sampler, score, k, 2)
    with pytest.raises(ValueError, match=r"d is 0; expected"):
        rs.exact.step_map(sampler, score, 0, 0)
    with pytest.raises(ValueError, match=r"score\(x, alpha, sigma\) has shape"):
        rs.exact.step_map(sampler, lambda x, alpha, sigma: -x[0], 0, 2)
    with pytest.raises(TypeError, match="score is a Gaussian; expected a callable"):
        rs.exact.step_map(sampler, TARGET, 0, 2)
    with pytest.raises(TypeError, match="sampler is a str; expected"):
        rs.exact.step_map("ddim", score, 0, 2)
