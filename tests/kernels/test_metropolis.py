"""MALA and Hamiltonian Monte Carlo: the reference's decisions, the same bits however cut, and the exact law."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import refscore as rs
import refscore_kernels as rk
from refscore_kernels import metropolis, portable
from tests.kernels.laws import D, start, targets

LAWS = targets()
SAMPLERS = {"mala": rk.Mala(0.1), "hmc": rk.Hmc(0.3, 4)}
ALARM = 1e-9  # how often a right sampler fails each of the tests of laws below; the seeds are fixed


def equal(a: rk.State, b: rk.State) -> bool:
    """The same bits and the same counts."""
    assert a.accepted is not None
    assert b.accepted is not None
    return a.x.dtype == b.x.dtype and a.x.tobytes() == b.x.tobytes() and bool((a.accepted == b.accepted).all())


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_portable_decides_as_the_reference(name: str, law: str) -> None:
    how: dict[str, Any] = {"seed": 9, "steps": 12, "stream": 1, "first_chain": 5}
    found = rk.run(SAMPLERS[name], LAWS[law], start(), backend="portable", **how)
    truth = rk.run(SAMPLERS[name], LAWS[law], start(), backend="reference", **how)
    assert 0 < found.accepted.mean() < 12
    assert (found.accepted == truth.accepted).all()
    assert np.abs(found.x - truth.x).max() <= 1e-11 * (1 + np.abs(truth.x).max())


def test_one_step_of_mala_is_the_reference_within_its_bound() -> None:
    """Each side rounds at most six times: 12 · 2^-53 of |x| + (ε/2) p (|x| + |m|) + √ε |z| (KMA.5)."""
    law, eps, x = LAWS["diagonal_gaussian"], 0.1, start(2000)
    z = rs.noise.normals(9, np.arange(2000), D)
    found, truth = (rk.run(rk.Mala(eps), law, x, seed=9, steps=1, backend=b) for b in ("portable", "reference"))
    assert (found.accepted == truth.accepted).all()
    p = 1 / law.covariance.values
    size = np.abs(x) + 0.5 * eps * p * (np.abs(x) + np.abs(law.mean)) + np.sqrt(eps) * np.abs(z)
    assert (np.abs(found.x - truth.x) <= 12 * 2.0**-53 * size).all()
    assert (found.x != truth.x).any()


def test_reference_is_mala_step_on_the_tape_and_its_uniforms() -> None:
    law, x = LAWS["diagonal_mixture"], start()
    count = np.zeros(len(x), int)
    for k, z in enumerate(rs.noise.tape(4, 6, len(x), D, stream=3)):
        u = rs.noise.uniforms(4, np.arange(len(x)), 1, k, stream=3)[:, 0]
        x, accepted = rs.samplers.mala_step(law.score, law.log_prob, x, z, u, step_size=0.1)
        count += accepted
    found = rk.run(rk.Mala(0.1), law, start(), seed=4, steps=6, stream=3, backend="reference")
    assert (found.x == x).all()
    assert (found.accepted == count).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", SAMPLERS)
def test_cuts_offsets_and_blocks_change_no_bit(name: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    how: dict[str, Any] = {"seed": 2**40 + 3, "stream": 5, "dtype": dtype, "backend": "portable"}
    sampler, law = SAMPLERS[name], LAWS["isotropic_mixture"]
    whole = rk.run(sampler, law, start(), steps=9, **how)
    state: Any = start()
    for part in (1, 3, 5):
        state = rk.run(sampler, law, state, steps=part, **how)
    assert equal(state, whole)
    late = rk.run(sampler, law, start()[100:], steps=9, first_chain=100, **how)
    assert late.x.tobytes() == whole.x[100:].tobytes()
    assert (late.accepted == whole.accepted[100:]).all()
    monkeypatch.setattr(metropolis, "LANES", 17)
    assert equal(rk.run(sampler, law, start(), steps=9, **how), whole)


def test_counts_go_through_a_file_and_no_state_is_written_to(tmp_path: Path) -> None:
    how: dict[str, Any] = {"seed": 4, "backend": "portable"}
    half = rk.run(SAMPLERS["mala"], LAWS["gaussian"], start(), steps=5, checkpoint=tmp_path / "run.npz", **how)
    before = half.accepted.copy()
    whole = rk.run(SAMPLERS["mala"], LAWS["gaussian"], half, steps=4, **how)
    assert (half.accepted == before).all()
    assert equal(rk.run(SAMPLERS["mala"], LAWS["gaussian"], rk.load(tmp_path / "run.npz"), steps=4, **how), whole)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_gaussian_stays_and_is_accepted_as_often_as_it_should(name: str, dtype: Any) -> None:
    """From the law itself, the tenth step is N independent decisions with the rate of (MALA.7), and Σ x²/ℓ is χ²."""
    n, ell = 40000, np.array([0.5, 1.0, 4.0])
    law, x = rs.targets.gaussian(np.zeros(3), ell), np.sqrt(ell) * rs.noise.normals(8, np.arange(n), 3, stream=9)
    sampler: Any = {"mala": rk.Mala(0.8), "hmc": rk.Hmc(0.9, 3)}[name]
    exact = rs.exact.acceptance
    rate = exact.mala(ell, step_size=0.8) if name == "mala" else exact.hmc(ell, step_size=0.9, n_steps=3)
    how: dict[str, Any] = {"seed": 8, "backend": "portable", "dtype": dtype}
    ninth = rk.run(sampler, law, x, steps=9, **how)
    tenth = rk.run(sampler, law, ninth, steps=1, **how)
    low, high = stats.binom.ppf([ALARM / 2, 1 - ALARM / 2], n, rate)
    assert 0.3 < rate < 0.95
    assert low <= (tenth.accepted - ninth.accepted).sum() <= high
    square = (tenth.x.astype(np.float64) ** 2 / ell).sum()
    assert stats.chi2.ppf(ALARM / 2, 3 * n) < square < stats.chi2.isf(ALARM / 2, 3 * n)


def test_a_mixture_is_visited_by_its_weights() -> None:
    """N independent chains from the law itself: the cells of x₀ > 0 hold Binomial(N, ½), whatever the step."""
    n = 20000
    law = rs.targets.mixture([0.5, 0.5], [[-1.0, 0.0], [1.0, 0.0]], 0.5)
    side = np.where(rs.noise.uniforms(1, np.arange(n), 1, stream=7) < 0.5, -1.0, 1.0) * np.array([1.0, 0.0])
    x = side + np.sqrt(0.5) * rs.noise.normals(1, np.arange(n), 2, stream=7)
    state = rk.run(rk.Mala(1.0), law, x, seed=1, steps=8, backend="portable")
    low, high = stats.binom.ppf([ALARM / 2, 1 - ALARM / 2], n, 0.5)
    assert low <= (state.x[:, 0] > 0).sum() <= high
    second, spread = state.x[:, 1] ** 2 / 0.5, stats.chi2(n)
    assert spread.ppf(ALARM / 2) < second.sum() < spread.isf(ALARM / 2)


def test_a_decision_turns_where_log_a_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """With u a little below and above a of (MALA.4) every proposal is accepted, and none."""
    law, eps, x = LAWS["isotropic_mixture"], 0.5, start(500)
    z = rs.noise.normals(3, np.arange(500), D)
    p = x + 0.5 * eps * law.score(x) + np.sqrt(eps) * z
    both = law.score(x) + law.score(p)
    log_a = law.log_prob(p) - law.log_prob(x) - 0.5 * np.sqrt(eps) * (z * both).sum(1) - eps / 8 * (both**2).sum(1)
    held = (log_a < -1e-3) & (log_a > -30)
    assert held.sum() > 100
    for shift, accepted in ((-1e-11, 1), (1e-11, 0)):
        u = np.where(held, np.exp(log_a + shift), 0.5)
        monkeypatch.setattr(portable.metropolis, "uniforms", lambda *_, u=u: u)
        state = rk.run(rk.Mala(eps), law, x, seed=3, steps=1, backend="portable")
        assert (state.accepted[held] == accepted).all()


@pytest.mark.parametrize("backend", ["cpu", "portable", "reference"])
@pytest.mark.parametrize("score", [rs.samplers.noisy_score(LAWS["gaussian"]), 3])
def test_a_target_without_a_density_is_refused(score: Any, backend: Any) -> None:
    with pytest.raises(TypeError, match=r"score is .*; expected a Gaussian or a Mixture, whose log density mala needs"):
        rk.run(rk.Mala(0.1), score, start(), seed=1, steps=1, backend=backend)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rk.Mala(0.0), "step_size"),
        (lambda: rk.Mala(float("nan")), "step_size"),
        (lambda: rk.Hmc(-1.0, 2), "step_size"),
        (lambda: rk.Hmc(1.0, 0), "leapfrog_steps is 0; expected at least 1"),
        (lambda: rk.Hmc(1.0, 1.5), "leapfrog_steps"),  # type: ignore[arg-type]
    ],
)
def test_wrong_values_are_refused(make: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_a_state_of_another_sampler_is_refused() -> None:
    state = rk.run(rk.Mala(0.1), LAWS["gaussian"], start(), seed=1, steps=1, backend="portable")
    with pytest.raises(ValueError, match="sampler is hmc; expected mala"):
        rk.run(rk.Hmc(0.1, 1), LAWS["gaussian"], state, seed=1, steps=1, backend="portable")
