"""objectives/times.py: densities are slopes of the maps that draw, normalisers integrals; published forms hold."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import scipy.stats
from scipy.integrate import quad

from refscore import objectives, paths
from tests.cubature import U

PATHS = [paths.VP(), paths.SubVP(), paths.VE(), paths.VETransition(), paths.Cosine(), paths.Flow()]
LOW, HIGH = 0.01, 0.95


@pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
def test_normaliser_is_the_integral(path):  # (WGT.15), (WGT.16)
    def weight(t):
        return float((path.diffusion(t) / path.sigma(t)) ** 2)

    integral, error = quad(weight, LOW, HIGH, epsabs=0, epsrel=1e-13, limit=200)
    found = objectives.likelihood_normaliser(path, LOW, HIGH)
    assert abs(found - integral) <= error + 64 * U * integral
    density = objectives.likelihood_density([0.1, 0.5], path, LOW, HIGH)
    assert (np.abs(density - [weight(0.1) / found, weight(0.5) / found]) <= 8 * U * density).all()


@pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
def test_quantile_inverts_the_integral(path):  # (WGT.17)
    u = np.array([[0.0, 0.125], [0.5, 1.0]])
    t = objectives.likelihood_time(u, path, LOW, HIGH)
    assert t.shape == u.shape
    assert np.abs(t[[0, 1], [0, 1]] - [LOW, HIGH]).max() <= 64 * U * HIGH
    for share, time in zip(u.flat[1:], t.flat[1:], strict=True):
        integral, error = quad(lambda s: float(objectives.likelihood_density(s, path, LOW, HIGH)), LOW, min(time, HIGH))
        assert abs(integral - share) <= error + 256 * U


def test_the_forms_of_the_published_code():
    # score_flow: Z = log(e^B - 1) between the ends for VP, and 2 log sinh for sub-VP; VE is uniform.
    def integral(t):
        return t * 0.1 + 0.5 * t**2 * 19.9

    vp = np.log(np.expm1(integral(HIGH))) - np.log(np.expm1(integral(LOW)))
    assert abs(objectives.likelihood_normaliser(paths.VP(), LOW, HIGH) - vp) <= 64 * U * abs(vp)
    sub = 2 * (np.log(np.sinh(integral(HIGH) / 2)) - np.log(np.sinh(integral(LOW) / 2)))
    assert abs(objectives.likelihood_normaliser(paths.SubVP(), LOW, HIGH) - sub) <= 64 * U * abs(sub)
    u = np.linspace(0, 1, 5)
    assert np.abs(objectives.likelihood_time(u, paths.VE(), 0, 1) - u).max() <= 64 * U


@pytest.mark.parametrize(
    ("draw", "density"),
    [
        (objectives.logit_normal_time, objectives.logit_normal_density),
        (objectives.log_normal_level, objectives.log_normal_density),
    ],
)
@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (-1.2, 1.2), (0.5, 0.25)])
def test_density_is_the_slope_of_the_map(draw, density, mean, std):  # (WGT.18) to (WGT.21)
    z = np.linspace(-3, 3, 7)

    def by_autograd(value):
        level = mean + std * value
        return anp.exp(level) if draw is objectives.log_normal_level else 1 / (1 + anp.exp(-level))

    assert np.abs(draw(z, mean, std) / by_autograd(z) - 1).max() <= 32 * U
    slope = autograd.elementwise_grad(by_autograd)(z)
    product = density(draw(z, mean, std), mean, std) * slope
    assert np.abs(product / scipy.stats.norm.pdf(z) - 1).max() <= 1000 * U / std**2  # logit t loses digits near 1


def test_defaults_are_the_papers():
    z = np.array([-1.0, 0.0, 2.0])
    assert np.array_equal(objectives.log_normal_level(z), np.exp(-1.2 + 1.2 * z))
    assert objectives.logit_normal_time(0.0) == 0.5
    found = objectives.log_normal_density([0.3, 2.0])
    assert np.allclose(found, scipy.stats.lognorm(1.2, scale=np.exp(-1.2)).pdf([0.3, 2.0]), rtol=64 * U, atol=0)


def test_far_tails_do_not_overflow():
    assert np.array_equal(objectives.logit_normal_time([-1000.0, 1000.0]), [0.0, 1.0])


def test_refusals():
    path = paths.VP()
    with pytest.raises(
        ValueError, match=r"t_min is 0.0, where the log signal-to-noise ratio is inf; expected a finite"
    ):
        objectives.likelihood_normaliser(path, 0, 1)
    with pytest.raises(ValueError, match=r"t_stop is 1.0, where the log signal-to-noise ratio is -inf"):
        objectives.likelihood_time(0.5, paths.Flow(), 0.1, 1)
    with pytest.raises(ValueError, match=r"t_min is 0.5 and t_stop 0.5; expected t_min < t_stop"):
        objectives.likelihood_normaliser(path, 0.5, 0.5)
    with pytest.raises(ValueError, match=r"t has a value of 0.05; expected 0.1 <= t <= 1"):
        objectives.likelihood_density([0.2, 0.05], path, 0.1, 1)
    with pytest.raises(ValueError, match=r"u has a value outside \[0, 1\]; expected 0 <= u <= 1"):
        objectives.likelihood_time([0.5, 1.5], path, 0.1, 1)
    with pytest.raises(ValueError, match=r"t has a value outside \(0, 1\); expected 0 < t < 1"):
        objectives.logit_normal_density([0.5, 1.0])
    for function in (objectives.logit_normal_time, objectives.log_normal_level):
        with pytest.raises(ValueError, match=r"std is 0.0; expected std > 0"):
            function([0.0], 0, 0)
    with pytest.raises(ValueError, match=r"sigma is 0.0; expected sigma > 0"):
        objectives.log_normal_density(0)
