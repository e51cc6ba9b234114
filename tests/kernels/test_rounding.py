"""The bound of the distance to the reference: never passed, never silly, and passed by a kernel that is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refscore as rs
import refscore_kernels as rk
from refscore_kernels import backends, rounding
from tests.kernels import laws
from tests.kernels.laws import start, targets

STEPS = 200
LAWS = targets()
NAMES = (*laws.samplers(),)
QUICK = ("diagonal_gaussian", "basis_mixture")


def sampler_of(name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, int | None]:
    """The sampler of the other tests, over 200 steps."""
    if name == "annealed":
        sigmas = np.geomspace(2.0, 0.5, 40)
        return rs.samplers.annealed(sigmas, step_size=0.05, steps_per_level=5, denoise=True), None
    monkeypatch.setattr(laws, "TIMES", np.linspace(1.0, 0.02, STEPS + 1))
    sampler, steps = laws.samplers()[name]
    return sampler, None if steps is None else STEPS


def apart(sampler: Any, target: Any, steps: int | None, n: int = 6, **how: Any) -> np.ndarray:
    """|kernels - reference|, for states and memories."""
    found, truth = (
        rk.run(sampler, target, start(n), seed=3, steps=steps, **each)
        for each in (how or {"backend": "portable"}, {"backend": "reference"})
    )
    return np.stack([abs(a - b) for a, b in zip((found.x, *found.memory), (truth.x, *truth.memory))])


@pytest.mark.parametrize("law", [law if law in QUICK else pytest.param(law, marks=pytest.mark.slow) for law in LAWS])
@pytest.mark.parametrize("name", NAMES)
def test_the_distance_is_below_the_bound_and_not_far_below(
    law: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler, steps = sampler_of(name, monkeypatch)
    most = rounding.bound(sampler, LAWS[law], start(6), seed=3, steps=steps)
    distance = apart(sampler, LAWS[law], steps)
    assert (distance <= most).all()
    assert most.max() < 1e-10
    if distance.any():
        assert most.max() < 1e4 * distance.max()


def hard_laws() -> dict[str, Any]:
    """Ill-conditioned, far from the origin, sharp beside wide, many components, weights that are almost 0."""
    turn = np.linalg.qr(rs.noise.normals(5, np.arange(6), 6))[0]
    thin = turn @ np.diag(np.geomspace(1e-10, 1.0, 6)) @ turn.T
    thin = (thin + thin.T) / 2
    means = rs.noise.normals(6, np.arange(8), 6)
    sizes = np.geomspace(1e-4, 1e4, 8)
    return {
        "thin": rs.targets.gaussian(means[0], thin),
        "far": rs.targets.gaussian(1e6 * means[0], thin + np.eye(6)),
        "thin mixture": rs.targets.mixture(
            [0.5, 0.5 - 1e-12, 1e-12], means[:3], np.stack([thin + np.eye(6), thin, np.eye(6)])
        ),
        "far mixture": rs.targets.mixture(np.full(8, 0.125), 1e3 + 2 * means, np.full(8, 1.7)),
        "sharp and wide": rs.targets.mixture(np.full(8, 0.125), means, sizes[:, None] * np.ones(6)),
    }


@pytest.mark.parametrize("name", hard_laws())
@pytest.mark.parametrize("size", [1.0, 100.0])
def test_scores_of_hard_laws_are_as_far_apart_as_is_said(name: str, size: float) -> None:
    law = hard_laws()[name]
    mean = law.mean if name in ("thin", "far") else law.means[0]
    x = mean + size * rs.noise.normals(7, np.arange(500), 6)
    said = rounding._score_error(law, x)
    found = np.abs(rk.log_prob_and_score(law, x, backend="portable").score - law.score(x))
    assert (found <= said).all()
    assert (found > said / 1000).any()


@pytest.mark.parametrize("place", [1, 2, 3], ids=["state", "score", "noise"])
@pytest.mark.parametrize("name", ["langevin", "euler-maruyama"])
def test_one_number_off_by_1e_13_passes_the_bound(name: str, place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sampler, steps = sampler_of(name, monkeypatch)
    most = rounding.bound(sampler, LAWS["isotropic_mixture"], start(6), seed=3, steps=steps)
    right = backends.tables

    def wrong(*given: Any) -> Any:
        numbers = list(right(*given))
        numbers[place] = numbers[place] * (1 + 1e-13)
        return tuple(numbers)

    monkeypatch.setattr(backends, "tables", wrong)
    assert (apart(sampler, LAWS["isotropic_mixture"], steps) > most).any()


def _one(step: Any) -> Any:
    return rs.samplers.Sampler("own", 1, 1, 1.0, None, None, step)


@pytest.mark.parametrize(
    "step",
    [lambda score, x, k, z: (x + 8 * z) - 8 * z, lambda score, x, k, z: score(x, 1.0, 0.0)],
    ids=["a reference that rounds more than its sum", "nothing but a score"],
)
def test_each_source_of_rounding_is_counted(step: Any) -> None:
    law = hard_laws()["thin"]
    x = law.mean + rs.noise.normals(8, np.arange(500), 6)
    most = rounding.bound(_one(step), law, x, seed=3)
    a, b = (rk.run(_one(step), law, x, seed=3, backend=name).x for name in ("portable", "reference"))
    assert (abs(a - b) <= most[0]).all()
    assert (abs(a - b) > 2 * 2.0**-53 * abs(b)).any()  # more than a sum of one term explains


def test_another_noise_or_another_chain_is_another_bound() -> None:
    sampler, law = rs.samplers.langevin(0.02), LAWS["gaussian"]
    whole = rounding.bound(sampler, law, start(6), seed=3, steps=20)
    late = rounding.bound(sampler, law, start(6)[4:], seed=3, steps=20, first_chain=4)
    assert np.allclose(late, whole[:, 4:], rtol=1e-9, atol=0)
    assert (rounding.bound(sampler, law, start(6), seed=4, steps=20) != whole).all()


def test_no_step_adds_nothing() -> None:
    assert not rounding.bound(rs.samplers.langevin(0.02), LAWS["gaussian"], start(6), seed=3, steps=0).any()


@pytest.mark.slow
@pytest.mark.parametrize("law", ["gaussian", "isotropic_mixture", "wide"])
def test_contraction_stays_below_the_same_bound(law: str) -> None:
    pytest.importorskip("numba", reason="only compiled kernels contract")
    sampler = rs.samplers.langevin(0.02)
    target = rs.targets.gaussian(np.zeros(5), 1e16) if law == "wide" else LAWS[law]  # wide: no score, sums alone
    most = rounding.bound(sampler, target, start(), seed=3, steps=STEPS)
    distance = apart(sampler, target, STEPS, 131, backend="cpu", contract=True)
    assert (distance <= most).all()
    assert distance.any()


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"target": 3}, TypeError, "target is int"),
        ({"target": rs.targets.gaussian(np.zeros(5), 1.0, factor=np.ones((5, 1)))}, ValueError, "low-rank"),
        ({"steps": None}, ValueError, "steps is None"),
        ({"sampler": rs.samplers.ddim(laws.VP, laws.TIMES), "steps": 9}, ValueError, "steps is 9"),
    ],
)
def test_wrong_calls_say_what_is_wrong(wrong: dict[str, Any], error: Any, message: str) -> None:
    given: dict[str, Any] = {"sampler": rs.samplers.langevin(0.1), "target": LAWS["gaussian"], "start": start(3),
                             "seed": 1, "steps": 2} | wrong  # fmt: skip
    with pytest.raises(error, match=message):
        rounding.bound(**given)
