"""What the released samplers of Song et al. (2021) return on N(0, 1/4) at N = 1000: their grids, our steps.

The released code visits t = linspace(1, ε, N), takes Euler-Maruyama steps of 1/N from each of these (so that the last
one passes the end of the grid), looks up the discrete level ⌊t (N - 1)⌋ for its other two predictors, and returns the
mean of the last step without its noise. The continuous score is asked at t itself. Numbers are relative errors of the
variance, in percent.
"""

import numpy as np
import pytest

import refscore as rs
from refscore.exact import probe
from refscore.samplers import ancestral_ve_step, ancestral_vp_step, euler_maruyama_step, reverse_diffusion_step

N = 1000
VE, VP, SUBVP = rs.paths.VE(0.01, 50.0), rs.paths.VP(0.1, 20.0), rs.paths.SubVP(0.1, 20.0)
BETAS = np.linspace(0.1 / N, 20 / N, N)


def percent(path, eps, step, variance=0.25):
    """The variance of the last mean against the data's; `step` is step(score, x, noise, t, index)."""
    v = path.prior_scale**2
    for k, t in enumerate(np.linspace(1, eps, N)):
        total = float(path.alpha(t)) ** 2 * variance + float(path.sigma(t)) ** 2

        def run(x, z, t=t, total=total):
            return step(lambda y: -y / total, x, z[0], t, int(t * (N - 1)))

        found = probe(run, 1, 1)
        v = found.matrix[0, 0] ** 2 * v + (found.noise_cov[0, 0] if k < N - 1 else 0.0)
    return 100 * (v / variance - 1)


def em(path):
    return lambda score, x, z, t, i: euler_maruyama_step(lambda y, _: score(y), x, t, t - 1 / N, z, path=path)


def rd_ve(score, x, z, t, i):
    if i == 0:  # down to no noise at all, which is not on the path; the last mean is ancestral's
        return ancestral_ve_step(score, x, 0 * z, sigma_t=0.01, sigma_s=0.0)
    return reverse_diffusion_step(lambda y, _: score(y), x, i / (N - 1), (i - 1) / (N - 1), z, path=VE)


def ancestral_ve(score, x, z, t, i):
    sigma = [float(VE.sigma(j / (N - 1))) if j >= 0 else 0.0 for j in (i, i - 1)]
    return ancestral_ve_step(score, x, z, sigma_t=sigma[0], sigma_s=sigma[1])


def rd_vp(score, x, z, t, i):
    return reverse_diffusion_step(lambda y, _: score(y), x, (i + 1) / N, i / N, z, path=rs.paths.DiscreteVP(BETAS))


def ancestral_vp(score, x, z, t, i):  # (x + β s)/√(1 - β) + √β z: levels with this β, large variance
    a = np.sqrt(1 - BETAS[i])
    at = {"alpha_t": a, "sigma_t": np.sqrt(BETAS[i]), "alpha_s": 1.0, "sigma_s": 0.0}
    return ancestral_vp_step(score, x, z, **at, variance=rs.samplers.large_variance(*at.values()))


@pytest.mark.parametrize(
    ("path", "eps", "step", "published"),
    [
        (VE, 1e-5, em(VE), 0.14),
        (VE, 1e-5, rd_ve, 0.83),
        (VE, 1e-5, ancestral_ve, -0.88),
        (VP, 1e-3, em(VP), 0.09),
        (VP, 1e-3, rd_vp, 0.76),
        (VP, 1e-3, ancestral_vp, 0.50),
        (SUBVP, 1e-3, em(SUBVP), 0.16),
    ],
    ids=["VE EM", "VE RD", "VE ancestral", "VP EM", "VP RD", "VP ancestral", "SubVP EM"],
)
def test_published_variance(path, eps, step, published):
    assert round(percent(path, eps, step), 2) == published


def test_ancestral_sampling_of_unit_data_is_exact():
    """s² = 1: a step takes a² v + b² = 1 to itself; only the noise kept out of the last step is missing."""
    missing = 100 * BETAS[0]
    # N steps of a rounding each, relative to 1
    assert abs(percent(VP, 1e-3, ancestral_vp, variance=1.0) + missing) <= 100 * 8 * N * 2.0**-53
