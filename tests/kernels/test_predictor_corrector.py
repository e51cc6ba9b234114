"""Correctors whose step size comes from each sample's own lengths: read off, run, and held to the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refscore as rs
import refscore_kernels as rk
from refscore_kernels import NotLinear, portable
from refscore_kernels.backends import tables
from refscore_kernels.portable.noise import fill, round_keys
from refscore_kernels.program import program
from tests.kernels.laws import D, samplers, start, targets

PATH, TIMES, LAWS, SNR = rs.paths.VE(), np.linspace(1.0, 0.02, 8), targets(), 0.16
ORDERS = {"predict": rs.samplers.predictor_corrector, "correct": rs.samplers.corrector_predictor}
PREDICTORS = {"reverse": rs.samplers.reverse_diffusion, "ode": rs.samplers.euler_ode, "heun": rs.samplers.heun_ode}


def by_sample(score: Any, x: Any, noise: Any, t: float) -> Any:
    """The paper's corrector, with a scale that depends on the level."""
    return rs.samplers.langevin_corrector_step(score, x, noise, snr=SNR, scale=1 - 0.5 * t)


def by_batch(score: Any, x: Any, noise: Any, t: float) -> Any:
    """The released code's corrector."""
    return rs.samplers.batch_corrector_step(score, x, noise, snr=SNR)


def made(order: str, predictor: str, corrector: Any = by_sample) -> rs.samplers.Sampler:
    """Two corrections for each prediction."""
    return ORDERS[order](PATH, TIMES, predictor=PREDICTORS[predictor], corrector=corrector, corrector_steps=2)


def test_numbers_of_a_corrector_are_its_formula() -> None:
    """x' = x + 2 c r² ρ² s + 2 √c r ρ z, from (PCS.1) and (PCS.2)."""
    plan = rk.plan_of(made("predict", "reverse"))
    assert plan.by_lengths.tolist() == [False, True, True] * 7
    c = 1 - 0.5 * np.repeat(TIMES[1:], 2)
    assert (plan.state[plan.by_lengths] == 1).all()
    assert np.allclose(plan.score[plan.by_lengths, 0, 0], 2 * c * SNR**2, rtol=1e-15, atol=0)
    assert np.allclose(plan.noise[plan.by_lengths, 0, 0], 2 * np.sqrt(c) * SNR, rtol=1e-15, atol=0)
    assert not plan.simple
    assert plan.levels[plan.level[plan.by_lengths, 0], 1].tolist() == np.repeat(PATH.sigma(TIMES[1:]), 2).tolist()


@pytest.mark.parametrize(
    "corrector",
    [
        by_batch,
        lambda s, x, z, t: np.maximum(by_sample(s, x, z, t), -10.0),
        lambda s, x, z, t: by_sample(s, x, z * np.abs(z), t),
        lambda s, x, z, t: by_sample(lambda y: s(y + 1e-3 * z), x, z, t),
        lambda s, x, z, t: by_sample(s, x, z, t) + 1e-9 * np.linalg.norm(x, axis=-1, keepdims=True),
    ],
    ids=["batch", "wall", "square", "point", "length"],
)
@pytest.mark.parametrize(("order", "step"), [("predict", 1), ("correct", 0)])
def test_other_correctors_are_refused(order: str, step: int, corrector: Any) -> None:
    with pytest.raises(
        NotLinear, match=rf"step {step} of .* nor a corrector whose step size is set by each sample's own"
    ):
        rk.plan_of(made(order, "reverse", corrector))


@pytest.mark.parametrize("law", ["gaussian", "isotropic_mixture"])
@pytest.mark.parametrize("predictor", PREDICTORS)
@pytest.mark.parametrize("order", ORDERS)
def test_portable_is_the_reference_but_for_roundings(order: str, predictor: str, law: str) -> None:
    sampler, x = made(order, predictor), 50 * start()
    found, truth = (rk.run(sampler, LAWS[law], x, seed=9, stream=2, backend=b) for b in ("portable", "reference"))
    assert np.abs(found.x - truth.x).max() <= 1e-11 * (1 + np.abs(truth.x).max())


def test_one_correction_is_the_reference_within_its_bound() -> None:
    """(4 d + 22 + 12 κ) 2^-53 of |x| + e p (|x| + |m|) + √(2e) |z|, κ = |p (|x| + |m|)| / |s| (KPC.2)."""
    law, x = LAWS["diagonal_gaussian"], 3 * start(2000)
    sampler = rs.samplers.corrector_predictor(PATH, [0.02, 0.01], predictor=PREDICTORS["ode"], corrector=by_sample)
    found, truth = (rk.run(sampler, law, x, seed=9, steps=1, backend=b).x for b in ("portable", "reference"))
    noisy, z = law.perturb(1.0, float(PATH.sigma(0.02))), rs.noise.normals(9, np.arange(2000), D)
    most, s = (np.abs(x) + np.abs(noisy.mean)) / noisy.covariance.values, noisy.score(x)
    size, kappa = (np.linalg.norm(v, axis=1, keepdims=True) for v in (s, most))
    e = 2 * 0.99 * (SNR * np.linalg.norm(z, axis=1, keepdims=True) / size) ** 2
    bound = (4 * D + 22 + 12 * kappa / size) * 2.0**-53 * (np.abs(x) + e * most + np.sqrt(2 * e) * np.abs(z))
    assert (np.abs(found - truth) <= bound).all()
    assert (found != truth).any()


def test_mean_square_after_one_correction() -> None:
    """From |x|² = q: E|x'|² = q - 4 r² v d + 4 r² (1 + r²) v² d (d + 2) / q (KPC.3), within 6 standard errors."""
    n, d, q, v, r = 40000, 3, 5.0, 1.5, 0.4
    path = rs.paths.VE(sigma_min=0.01, sigma_max=1.0)
    variance = v - float(path.sigma(1.0)) ** 2

    def corrector(score: Any, x: Any, z: Any, t: float) -> Any:
        return rs.samplers.langevin_corrector_step(score, x, z, snr=r)

    sampler = rs.samplers.corrector_predictor(path, [1.0, 0.5], predictor=PREDICTORS["ode"], corrector=corrector)
    x = rs.noise.normals(3, np.arange(n), d, stream=1)
    x *= np.sqrt(q) / np.linalg.norm(x, axis=1, keepdims=True)
    law = rs.targets.gaussian(np.zeros(d), variance)
    square = (rk.run(sampler, law, x, seed=3, steps=1, backend="portable").x ** 2).sum(1)
    exact = q - 4 * r**2 * v * d + 4 * r**2 * (1 + r**2) * v**2 * d * (d + 2) / q
    assert abs(square.mean() - exact) <= 6 * square.std() / np.sqrt(n)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_cuts_and_offsets_change_no_bit(dtype: Any) -> None:
    sampler, how = made("predict", "reverse"), {"seed": 2**40 + 3, "stream": 5, "dtype": dtype, "backend": "portable"}
    whole: Any = rk.run(sampler, LAWS["isotropic_mixture"], start(), **how)  # type: ignore[arg-type]
    state: Any = start()
    for part in (1, 3, 17):
        state = rk.run(sampler, LAWS["isotropic_mixture"], state, steps=part, **how)  # type: ignore[arg-type]
    assert state.x.dtype == dtype
    assert state.x.tobytes() == whole.x.tobytes()
    late = rk.run(sampler, LAWS["isotropic_mixture"], start()[100:], first_chain=100, **how)  # type: ignore[arg-type]
    assert late.x.tobytes() == whole.x[100:].tobytes()


def _asked(plan: Any, law: Any, steps: int) -> list[list[Any]]:
    """The points and levels where each step of the portable twin asks for scores."""
    asked: list[Any] = []

    def score(x: Any, level: int) -> Any:
        asked.append((x.copy(), level))
        return np.ascontiguousarray(law.perturb(*plan.levels[level]).score(x.T).T)

    y = rs.noise.normals(1, np.arange(plan.state.shape[1] * D), 7).reshape(-1, D, 7)
    every = []
    for k in range(steps):
        asked.clear()
        portable.steps.linear(score, fill, y, tables(plan, np.float64), (0, 0, 0), (k, k + 1), round_keys(1))
        every.append(list(asked))
    return every


def _changing(score: Any, x: Any, memory: Any, k: int, noise: Any) -> Any:
    """Begins at its state or at its memory, and ends at the new state at a level that the next one has, or not."""
    moved = x + 0.1 * score(x if k % 2 == 0 else memory[0], 1.0, 0.5 if k < 4 else 0.25)
    return moved, (memory[0] + 0.1 * score(moved, 1.0, 0.5),)


CHANGING = rs.samplers.Multistep("changing", 6, 0, 1.0, None, None, lambda x: (0.5 * x,), _changing)
FORMS = samplers() | {"underdamped": (rs.samplers.underdamped(0.1, friction=1.0), 9), "changing": (CHANGING, None)}
KEPT = {"obabo": [1], "baoab": [1], "underdamped": [-1], "changing": [-1, 1, -1, -1, -1, 1]}


@pytest.mark.parametrize("name", [name for name in FORMS if not rk.plan_of(FORMS[name][0]).simple])
def test_a_kept_score_is_that_of_the_next_steps_first_point(name: str) -> None:
    sampler, steps = FORMS[name]
    plan = rk.plan_of(sampler)
    kept = program(plan, np.float64).kept.tolist()
    if name in KEPT:
        assert kept == KEPT[name]
    every = _asked(plan, LAWS["diagonal_gaussian"], sampler.n_steps or steps or 0)
    for k in range(len(every) - 1):
        j, next_first = kept[k % len(kept)], every[k + 1][:1]
        repeated = [x.tobytes() == y.tobytes() and a == b for y, b in next_first for x, a in every[k]]
        assert repeated.index(True) == j if any(repeated) else j == -1
