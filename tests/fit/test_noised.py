"""fit/noised.py: denoising and multilevel, with a model's workspace and without one, against the objectives."""

import numpy as np
import pytest

from refscore import noise, objectives
from refscore.fit import Levels, denoising, draws, log_normal, log_uniform, multilevel
from refscore.models import AffineScore, FixedLevel
from tests.fit.training import AFFINE, DATA, LEVELS, assert_gradient_of_the_mean, network

SIGMAS = [3.0, 1.0, 0.25]
LAWS = [SIGMAS, log_uniform(0.1, 5.0), log_normal(-1.2, 1.2)]


class OfOneLevel:
    """A network at σ = ½ as a score with a workspace: its buffers are those of the noise-conditional one."""

    def __init__(self, model):
        self.model, self.pack = model, model.pack

    def unpack(self, theta):
        return OfOneLevel(self.model.unpack(theta))

    def workspace(self, n, dtype=np.float64):
        inner = self.model.workspace(n, dtype)

        class At:
            theta, gradient, backward = inner.theta, inner.gradient, inner.backward

            def forward(self, x):
                return inner.forward(x, np.asarray(0.5, dtype))

        return At()


@pytest.mark.parametrize("sigmas", LAWS)
def test_multilevel_draws_and_values(sigmas):
    loss, theta = multilevel(LEVELS, DATA, sigmas=sigmas, batch=7, seed=3), LEVELS.pack() + 0.25
    for k in (0, 100, 3):
        x0, eps, sigma = loss.draw(k)
        assert np.array_equal(eps.ravel(), noise.normals(3, k, 14, stream=draws.NOISE))
        u = noise.uniforms(3, k, 7, stream=draws.LEVEL)
        if isinstance(sigmas, Levels):
            assert np.array_equal(sigma, sigmas.quantile(u))
        else:
            assert np.array_equal(sigma, [sigmas[int(3 * one)] for one in u])
        assert (x0[:, None] == DATA).all(-1).any(1).all()
        values, _ = loss(theta, k)
        assert np.array_equal(values, objectives.multilevel(LEVELS.unpack(theta), x0, eps, sigma))


def test_denoising_draws_and_values():
    loss, theta = denoising(AFFINE, DATA, sigma=0.5, batch=7, seed=3), AFFINE.pack() + 0.25
    for k in (0, 100, 3):
        x0, eps, sigma = loss.draw(k)
        assert sigma == 0.5
        assert np.array_equal(eps.ravel(), noise.normals(3, k, 14, stream=draws.NOISE))
        assert np.array_equal(loss(theta, k)[0], objectives.denoising(AFFINE.unpack(theta), x0, eps, 0.5))


def test_gradients_without_a_workspace():  # (LOO.9)
    assert_gradient_of_the_mean(denoising(AFFINE, DATA, sigma=0.5, batch=6), 5)
    assert_gradient_of_the_mean(multilevel(LEVELS, DATA, sigmas=SIGMAS, batch=6), 5)
    assert_gradient_of_the_mean(multilevel(LEVELS, DATA, sigmas=SIGMAS, weight=lambda sigma: 1 / sigma, batch=6), 5)


def weighed(weight):
    """An objective and the gradient of each sample, of the network at theta, for what a step draws."""

    def values(model, *drawn):
        return objectives.multilevel(model, *drawn, weight=weight)

    def gradients(model, *drawn):
        each = zip(*(np.split(array, len(array)) for array in drawn))
        return np.array([objectives.multilevel_gradient(model, *one, weight=weight) for one in each])

    return values, gradients


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weight", [np.square, lambda sigma: 1.0 + sigma])
@pytest.mark.parametrize("batch", [None, 7])
def test_a_workspace_gives_what_the_objective_gives(dtype, weight, batch):  # (LOO.9)
    model = network()
    loss = multilevel(model, DATA, sigmas=SIGMAS, weight=weight, batch=batch, dtype=dtype)
    objective, gradient_of_each = weighed(weight)
    u = np.finfo(dtype).eps / 2
    theta = (model.pack() + 0.125).astype(dtype)
    for k in (0, 70, 3):
        drawn = loss.draw(k)
        values, gradient = loss(theta, k)
        assert values.dtype == gradient.dtype == dtype
        expected = objective(model.unpack(theta), *drawn)
        each = gradient_of_each(model.unpack(theta), *drawn)
        n = len(expected)
        # r = s + ε/σ loses digits where the two cancel: their sizes, and the path through three layers of at most 9
        # inputs with 5 roundings a term, both in dtype
        x0, eps, sigma = drawn
        size = np.abs(model.unpack(theta)(x0 + sigma[:, None] * eps, sigma)) + np.abs(eps / sigma[:, None])
        roundings = 3 * 9 * 5 * u
        lost = weight(sigma) * (size**2).sum(-1)
        assert (np.abs(values - expected) <= roundings * lost).all()
        amplified = np.abs(each).sum(0) / n * (1 + np.sqrt(lost / expected).max())
        assert (np.abs(gradient - each.sum(0) / n) <= roundings * (amplified + np.abs(each).max() / n)).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_denoising_in_a_workspace_is_multilevel_at_one_level(dtype):
    model = network()
    one = denoising(OfOneLevel(model), DATA, sigma=0.5, batch=7, seed=2, dtype=dtype)
    same = multilevel(model, DATA, sigmas=[0.5], weight=np.ones_like, batch=7, seed=2, dtype=dtype)
    theta = model.pack().astype(dtype)
    for k in (0, 70):
        assert all(np.array_equal(a, b) for a, b in zip(one(theta, k), same(theta, k)))
        assert np.array_equal(one.draw(k)[1], same.draw(k)[1])
    plain = denoising(FixedLevel(model, 0.5), DATA, sigma=0.5, batch=7, seed=2)
    if dtype is np.float64 and not hasattr(plain.model, "workspace"):
        values, gradient = plain(model.pack(), 3)
        assert np.abs(values / one(theta, 3)[0] - 1).max() < 1e-12
        assert np.abs(gradient - one(theta, 3)[1]).max() < 1e-12 * np.abs(gradient).max()


def test_theta_is_not_written_to_and_a_step_can_be_repeated():
    model = network()
    loss, theta = multilevel(model, DATA, sigmas=SIGMAS, batch=7), model.pack()
    theta.setflags(write=False)
    values, gradient = (array.copy() for array in loss(theta, 5))
    loss(theta + 1, 6)
    assert all(np.array_equal(a, b) for a, b in zip(loss(theta, 5), (values, gradient)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_bit_depends_on_how_far_ahead_is_drawn(dtype, monkeypatch):
    model = network()
    loss, theta = multilevel(model, DATA, sigmas=SIGMAS, batch=7, dtype=dtype), model.pack().astype(dtype)
    expected = [[array.copy() for array in loss(theta, k)] for k in (0, 69, 3)]
    monkeypatch.setattr(draws, "BLOCK_NUMBERS", 100)
    short = multilevel(model, DATA, sigmas=SIGMAS, batch=7, dtype=dtype)
    for k, both in zip((0, 69, 3), expected):
        assert all(np.array_equal(a, b) for a, b in zip(short(theta, k), both))


def test_a_step_in_a_workspace_allocates_nothing():
    import tracemalloc

    model, data = network((64, 64)), noise.normals(0, np.arange(500), 2)
    loss, theta = multilevel(model, data, sigmas=SIGMAS, dtype=np.float32), model.pack().astype(np.float32)
    loss(theta, 0)
    tracemalloc.start()
    loss(theta, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 500 * 4  # bytes: less than one layer's values; what is left is of the size of σ


def test_configurations_tell_losses_apart():
    variants = [
        multilevel(LEVELS, DATA, sigmas=SIGMAS),
        multilevel(LEVELS, DATA, sigmas=SIGMAS[:2]),
        multilevel(LEVELS, DATA, sigmas=log_uniform(0.25, 3)),
        multilevel(LEVELS, DATA, sigmas=SIGMAS, weight=np.ones_like),
        multilevel(network(), DATA, sigmas=SIGMAS),
        multilevel(network(), DATA, sigmas=SIGMAS, dtype=np.float32),
        denoising(AFFINE, DATA, sigma=1.0),
        denoising(AFFINE, DATA, sigma=2.0),
    ]
    assert len({str(sorted(loss.configuration.items())) for loss in variants}) == len(variants)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: denoising(AFFINE, DATA, sigma=0.0), ValueError, "sigma is 0.0; expected sigma > 0"),
        (lambda: denoising(AFFINE, DATA, sigma=[1.0]), ValueError, "expected a single number"),
        (lambda: denoising(AFFINE, DATA, sigma=1.0, dtype=np.float32), TypeError, "has no workspace; expected float64"),
        (lambda: denoising(AFFINE, DATA, sigma=1.0, dtype=np.float16), TypeError, "dtype is float16; expected float32"),
        (lambda: denoising(abs, DATA, sigma=1.0), TypeError, "expected a score model with vjp_parameters"),
        (lambda: multilevel(LEVELS, DATA, sigmas=[1.0, -1.0]), ValueError, "sigmas has a value of -1.0"),
        (lambda: multilevel(LEVELS, DATA, sigmas=SIGMAS, weight=2.0), TypeError, "weight is 2.0; expected a function"),
        (lambda: multilevel(LEVELS, DATA, sigmas=SIGMAS, weight=np.negative), ValueError, "weight has a value of -2"),
        (
            lambda: multilevel(LEVELS, DATA, sigmas=Levels("wrong", lambda u: -u)).draw(0),
            ValueError,
            "sigma, drawn from wrong, has a value of",
        ),
        (
            lambda: multilevel(LEVELS, DATA, sigmas=Levels("short", lambda u: 1 + u[..., 0])).draw(0),
            ValueError,
            r"short gives shape \(1,\) for u of shape \(1, 30\)",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_affine_model_has_no_workspace():
    assert not hasattr(AffineScore, "workspace")  # the tests above mean it by "without a workspace"
