"""Networks in NumPy: within their bound of refscore's models at every level, and what cannot be asked is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refscore as rs
import refscore_kernels as rk
from refscore import models
from refscore_kernels.prepare import prepare, universal
from refscore_kernels.prepare_networks import KINDS
from tests.kernels.nets import ACTIVATIONS, SIGMAS, plain, points, told

STEEPEST = (1.1, 1.0, 1.0, 1.13)  # of SiLU, tanh, softplus and GELU
UNIT = {np.float64: 2.0**-53, np.float32: 2.0**-24}
WIDTHS = ([3, 3], [3, 1, 3], [3, 9, 17, 3], [3, 8, 5, 5, 16, 3])


def bound(model: Any, x: np.ndarray, u: float, alpha: float = 1.0, sigma: float = 0.0) -> Any:
    """(FWD.9) from the values of the layers in float64; terms of the size u² are in the factor 1.01."""
    net, d = model.network, x.shape[1]
    kind = KINDS.index(net.activation.derivatives)
    skip, out, into, told_of, gains = 0.0, 1.0, 1.0, np.zeros(0), [np.ones(len(b)) for b in net.biases]
    if not isinstance(model, models.MLPScore):
        a, b, c = (float(f) for f in model.scaling(sigma / alpha))
        skip, out, into = a / alpha**2, b / alpha, c / alpha
    if isinstance(model, models.ConditionalMLP):
        told_of = model.embedding(sigma / alpha)
    if isinstance(model, models.EmbeddedMLP):
        k = int(np.argmin(np.abs(model.sigmas - sigma / alpha)))
        gains = [table[k] for table in model.tables] + gains[-1:]
    h = np.concatenate([into * x, np.broadcast_to(told_of, (len(x), len(told_of)))], 1)
    e = np.concatenate([4 * u * np.abs(into * x), np.zeros((len(x), len(told_of)))], 1)
    for layer, (w, b, g) in enumerate(zip(net.weights, net.biases, gains)):
        n = w.shape[1] + 4
        gamma = n * u / (1 - n * u)
        e = np.abs(g) * (e @ np.abs(w).T + gamma * (np.abs(h) @ np.abs(w).T + np.abs(b)))
        h = g * (h @ w.T + b)
        if layer < len(net.weights) - 1:
            h = net.activation.derivatives(h, 0)[0]
            e = STEEPEST[kind] * e + 4 * u * np.maximum(1, np.abs(h))
    assert d == h.shape[1]
    return 1.01 * (np.abs(out) * e + 5 * u * (np.abs(skip * x) + np.abs(out * h)))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.name)
def test_scores_are_the_models_within_their_bound(activation: models.Activation) -> None:
    x = points()
    for widths in WIDTHS:
        model = plain(widths, activation)
        for dtype, u in UNIT.items():
            given = x.astype(dtype).astype(np.float64)
            found = rk.network_score(model, given, backend="portable", dtype=dtype)
            assert found.dtype == dtype
            assert found.shape == x.shape
            distance, allowed = np.abs(found - model(given)), bound(model, given, u) + bound(model, given, 2.0**-53)
            assert (distance <= allowed).all()
            assert np.median(allowed) < 2**12 * u * max(1, np.abs(found).max())  # it says something


@pytest.mark.parametrize("name", told())
def test_levels_change_what_they_should(name: str) -> None:
    x = points()
    for activation in ACTIVATIONS:
        model = told(activation)[name]
        for dtype, u in UNIT.items():
            for alpha, sigma in ((1.0, 4.0), (1.0, 0.3), (0.25, 0.375)):
                given = x.astype(dtype).astype(np.float64)
                ready = prepare(model, np.array([[1.0, 1.5], [alpha, sigma]]), dtype)
                found = rk.portable.SCORES[ready.name](given.T.astype(dtype), 1, ready.params)[0].T
                truth = model(given / alpha, np.full(len(x), sigma / alpha)) / alpha
                allowed = bound(model, given, u, alpha, sigma) + bound(model, given, 2.0**-53, alpha, sigma)
                assert (np.abs(found - truth) <= allowed).all()
                assert np.abs(ready.function(given, alpha, sigma) - truth).max() <= allowed.max()


def test_the_scale_of_a_path_goes_through_the_model() -> None:
    """EDM's scaling around a network of zeros is exact for N(0, 4 I), on any path."""
    zero = models.Network([[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]], [[0.0, 0.0]])
    model, law = models.ConditionalMLP(zero, models.edm(2.0), models.C_NOISE), rs.targets.gaussian([0.0, 0.0], 4.0)
    times, x = np.linspace(1.0, 0.02, 9), 3 * points(50, 2)
    for path in (rs.paths.VP(), rs.paths.VE(sigma_min=0.01, sigma_max=10.0)):
        sampler = rs.samplers.ddim(path, times)
        for backend in ("portable", "reference"):
            found = rk.run(sampler, model, x, seed=1, backend=backend).x
            truth = rk.run(sampler, law, x, seed=1, backend=backend).x
            np.testing.assert_allclose(found, truth, rtol=1e-13)


def test_a_step_is_the_references_within_the_bound_of_its_score() -> None:
    model, x, h = plain([3, 9, 17, 3]), points(), 0.1
    how: dict[str, Any] = {"seed": 4, "steps": 1}
    found, truth = (rk.run(rs.samplers.langevin(h), model, x, backend=b, **how).x for b in ("portable", "reference"))
    allowed = h / 2 * 2 * bound(model, x, 2.0**-53) + 8 * 2.0**-53 * (np.abs(x) + h * np.abs(model(x)) + 4)
    assert (np.abs(found - truth) <= allowed).all()
    level = told()["edm"]
    fixed = models.FixedLevel(level, 0.7)
    assert prepare(fixed, np.array([[1.0, 0.0]]), np.float64).name == "network"
    found, truth = (rk.run(rs.samplers.langevin(h), fixed, x, backend=b, **how).x for b in ("portable", "reference"))
    allowed = h * bound(level, x, 2.0**-53, 1.0, 0.7) + 8 * 2.0**-53 * (np.abs(x) + h * np.abs(fixed(x)) + 4)
    assert (np.abs(found - truth) <= allowed).all()


def test_annealed_langevin_with_a_table_of_levels() -> None:
    sampler = rs.samplers.annealed(SIGMAS, step_size=0.05, steps_per_level=2, denoise=True)
    x = rs.noise.normals(8, np.arange(20), 3)
    found, truth = (rk.run(sampler, told()["ncsn"], x, seed=2, backend=b).x for b in ("portable", "reference"))
    z = rs.noise.tape(2, 6, 20, 3)
    model = told()["ncsn"]
    plainly = rs.samplers.annealed_langevin(model, x, z, sigmas=SIGMAS, step_size=0.05, steps_per_level=2, denoise=True)
    np.testing.assert_allclose(found, truth, atol=1e-13)
    np.testing.assert_array_equal(truth, plainly)


def test_a_network_without_a_kernel_and_other_models_run_by_their_own_functions() -> None:
    x, langevin = points(9), rs.samplers.langevin(0.1)
    affine = models.AffineScore(np.eye(3), np.zeros(3))
    for model in (plain([3, 4, 3], models.SIN), affine, models.FixedLevel(told()["edm"], np.full(9, 0.5))):
        assert prepare(model, np.array([[1.0, 0.0]]), np.float64).name == ""
        found, truth = (rk.run(langevin, model, x, seed=1, steps=3, backend=b).x for b in ("portable", "reference"))
        np.testing.assert_allclose(found, truth, rtol=1e-13)


def test_what_cannot_be_asked_is_named() -> None:
    x = points(4)
    annealed = rs.samplers.annealed(SIGMAS, step_size=0.05, steps_per_level=1)
    for backend in ("portable", "reference"):
        with pytest.raises(ValueError, match=r"knows no level, and is asked at alpha = 1\.0, sigma = 4\.0"):
            rk.run(annealed, plain([3, 2, 3]), x, seed=1, backend=backend)
        with pytest.raises(ValueError, match=r"sigma = 0\.0; expected both positive, or FixedLevel"):
            rk.run(rs.samplers.langevin(0.1), told()["edm"], x, seed=1, steps=1, backend=backend)
    with pytest.raises(ValueError, match="none of the 3 levels; the nearest is"):
        rk.network_score(told()["ncsn"], x, 0.5, backend="portable")
    with pytest.raises(ValueError, match=r"expected both positive"):
        universal(told()["edm"])(x, 0.0, 1.0)
    for model in (plain([3, 2, 3]), models.FixedLevel(told()["edm"], 1.0)):
        with pytest.raises(ValueError, match=r"\(N, 3\)"):
            rk.run(rs.samplers.langevin(0.1), model, x[:, :2], seed=1, steps=1, backend="portable")
    ready = prepare(plain([3, 2, 3]), np.array([[1.0, 0.0]]), np.float64)
    with pytest.raises(ValueError, match="without a density"):
        rk.portable.SCORES["network"](x.T, 0, ready.params)[1]()


def test_wrong_calls_of_network_score() -> None:
    x, model = points(4), plain([3, 2, 3])
    for wrong, message in (
        (lambda: rk.network_score(abs, x), "model is builtin_function_or_method"),
        (lambda: rk.network_score(model, x[0]), r"x has shape \(3,\)"),
        (lambda: rk.network_score(model, x[:, :2]), "x has shape"),
        (lambda: rk.network_score(told()["edm"], x), "expected both positive"),
        (lambda: rk.network_score(told()["edm"], x, -1.0), "sigma"),
        (lambda: rk.network_score(model, x, 1.0), "knows no level"),
        (lambda: rk.network_score(plain([3, 2, 3], models.SIN), x), "no kernel"),
        (lambda: rk.network_score(model, x, threads=0), "threads"),
        (lambda: rk.network_score(model, x, backend="gpu"), "backend"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            wrong()
    assert rk.network_score(model, x, backend="reference").tobytes() == model(x).tobytes()
