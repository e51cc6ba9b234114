"""exact/on_the_way.py: laws against `law` of the first steps, levels against the grid."""

import numpy as np
import pytest

import refscore as rs
from refscore.exact import marginals

P = rs.targets.gaussian([0.7, -1.0], [[0.5, 0.2], [0.2, 1.5]])
TIMES = np.linspace(0.9, 0.05, 9)
PATH = rs.paths.VP()


@pytest.mark.parametrize(
    "make",
    [
        rs.samplers.euler_maruyama,
        rs.samplers.heun_ode,
        rs.samplers.ancestral_vp,
        rs.samplers.dpm_multistep_2,
    ],
)
def test_laws_and_levels(make):
    sampler = make(PATH, TIMES)
    run = marginals(sampler, P)
    assert len(run) == 9
    for k, at in enumerate(run):
        assert (at.alpha, at.sigma) == pytest.approx((PATH.alpha(TIMES[k]), PATH.sigma(TIMES[k])), rel=1e-14)
        known = rs.exact.law(sampler, P, steps=k)
        assert at.law.mean == pytest.approx(known.mean, abs=1e-14)
        assert at.law.cov == pytest.approx(known.cov, abs=1e-14)
        exact = P.perturb(float(PATH.alpha(TIMES[k])), float(PATH.sigma(TIMES[k])))
        assert at.wasserstein2 == pytest.approx(rs.exact.wasserstein2(known, exact), rel=1e-9)
        assert at.kl == pytest.approx(rs.exact.kl(known, exact), rel=1e-9)
        assert at.total_variation == pytest.approx(rs.exact.total_variation(known, exact), rel=1e-9)


def test_the_first_steps_only():
    sampler = rs.samplers.euler_ode(PATH, TIMES)
    some, every = marginals(sampler, P, steps=3), marginals(sampler, P)
    assert len(some) == 4
    assert (some[3].alpha, some[3].sigma) == (every[3].alpha, every[3].sigma)


def test_equal_steps_stay_at_the_data():
    run = marginals(rs.samplers.langevin(step_size=0.1), P, P, steps=5)
    assert [(at.alpha, at.sigma) for at in run] == [(1.0, 0.0)] * 6
    assert run[0].wasserstein2 == 0
    assert 0 < run[1].wasserstein2 < run[5].wasserstein2
    assert len(marginals(rs.samplers.langevin(step_size=0.1), P, P, steps=0)) == 1


def test_what_is_refused():
    with pytest.raises(rs.exact.NotAffine, match="got Mixture"):
        marginals(rs.samplers.euler_ode(PATH, TIMES), rs.targets.mixture([1.0], [[0.0]]))
    with pytest.raises(ValueError, match="start has dimension 1"):
        marginals(rs.samplers.euler_ode(PATH, TIMES), P, rs.targets.gaussian([0.0], 1.0))
    still = rs.samplers.Sampler("still", 1, 0, 1.0, None, None, lambda score, x, k, noise: x)
    with pytest.raises(ValueError, match="asks for no score"):
        marginals(still, P)
