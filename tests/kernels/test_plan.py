"""A plan says what a sampler does, or that it cannot."""

from __future__ import annotations

import numpy as np
import pytest

import refscore as rs
from refscore_kernels import NotLinear, plan_of
from tests.kernels.laws import TIMES, VP, samplers


def test_numbers_of_langevin_are_its_formula() -> None:
    plan = plan_of(rs.samplers.langevin(0.09))
    assert plan.simple
    assert plan.draws == 1
    assert (plan.state.item(), plan.score.item(), plan.noise.item()) == (1.0, 0.045, 0.3)
    assert plan.levels.tolist() == [[1.0, 0.0]]


def test_numbers_of_reverse_diffusion_are_its_formula() -> None:
    """x' = x (2 - √(1 - β)) + β s + √β z, β of the discrete chain from the marginals (Song et al. 2021, eq. 46)."""
    plan = plan_of(rs.samplers.reverse_diffusion(VP, TIMES))
    alpha = VP.alpha(TIMES)
    beta = 1 - (alpha[:-1] / alpha[1:]) ** 2
    assert np.allclose(plan.score[:, 0, 0], beta, rtol=1e-13, atol=0)
    assert np.allclose(plan.noise[:, 0, 0], np.sqrt(beta), rtol=1e-13, atol=0)
    assert np.allclose(plan.state[:, 0, 0], 2 - np.sqrt(1 - beta), rtol=1e-13, atol=0)


def test_forms_of_the_samplers() -> None:
    forms = {name: (plan.score.shape[1:], plan.draws, plan.simple) for name, plan in
             ((name, plan_of(sampler)) for name, (sampler, _) in samplers().items())}  # fmt: skip
    assert forms == {
        "langevin": ((1, 1), 1, True),
        "euler-maruyama": ((1, 1), 1, True),
        "ddim": ((1, 1), 0, True),
        "heun": ((1, 2), 0, False),
        "annealed": ((1, 2), 1, False),
        "obabo": ((2, 2), 2, False),
        "baoab": ((2, 2), 1, False),
        "unipc": ((4, 2), 0, False),
        "pndm": ((4, 5), 0, False),
        "stochastic heun": ((1, 2), 1, False),
    }


def _one(step: object) -> rs.samplers.Sampler:
    return rs.samplers.Sampler("odd", None, 1, 1.0, None, None, step)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "step",
    [
        lambda s, x, k, z: np.maximum(x + s(x, 1.0, 0.0), 0) + z,
        lambda s, x, k, z: x + s(x, 1.0, 0.0) * np.sqrt((z**2).sum(-1, keepdims=True)),
        lambda s, x, k, z: x + s(x, 1.0, 0.0) + z @ np.ones((x.shape[-1], x.shape[-1])),
        lambda s, x, k, z: x + s(x, 1.0, 0.0) + z + x.mean(0),
        lambda s, x, k, z: x + s(x, 1.0, 0.0) + z + 1.0,
        lambda s, x, k, z: x + s(x, 1.0, abs(float(x.ravel()[0]))) + z,
        lambda s, x, k, z: x + s(np.tanh(x), 1.0, 0.0) + z,
    ],
    ids=["wall", "norm", "matrix", "batch", "shift", "level", "point"],
)
def test_what_is_not_linear_is_refused(step: object) -> None:
    with pytest.raises(NotLinear, match=r"step 0 of odd is not a linear function .* backend='reference'"):
        plan_of(_one(step))


def test_samplers_bound_to_a_dimension_are_refused() -> None:
    matrix = rs.samplers.preconditioned_langevin(0.1, factor=np.array([[1.0, 0.0], [0.5, 1.0]]))
    with pytest.raises(NotLinear, match=r"takes no step in dimension 1 \(.*expected backend='reference'"):
        plan_of(matrix)


def test_repr_says_what_it_is() -> None:
    assert repr(plan_of(rs.samplers.obabo(0.1, friction=1.0))) == (
        "Plan(underdamped langevin, obabo: any number of equal steps, 2 states, 2 scores and 2 draws a step, 1 levels)"
    )
