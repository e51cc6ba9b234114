"""samplers/runge_kutta.py: orders, order conditions, identities with Euler and Heun, RK45, what is refused."""

from functools import partial

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import EULER, HEUN, MIDPOINT, RALSTON, RK4, Tableau, flow_rk45, runge_kutta, runge_kutta_step
from tests.samplers.laws import TARGET, U
from tests.samplers.solvers import MIXTURE, SPANS, check_order, levels

ALL = (EULER, MIDPOINT, HEUN, RALSTON, RK4)
MIXED = {"target": MIXTURE, "points": np.array([[0.5, -1.0], [-1.5, 0.3]])}


@pytest.mark.parametrize("tableau", ALL, ids=repr)
@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
def test_order(tableau, span):
    by_chance = tableau is MIDPOINT and span is not SPANS["VP"]
    check_order(partial(runge_kutta, tableau=tableau), span, 3 if by_chance else tableau.order)


@pytest.mark.parametrize("tableau", [MIDPOINT, RK4], ids=repr)
def test_order_on_a_mixture(tableau):
    """The third order of the midpoint rule on a Gaussian, in the time of flow matching, is an accident."""
    check_order(partial(runge_kutta, tableau=tableau), SPANS["Flow"], tableau.order, (50, 100, 200, 400), **MIXED)


def test_why_the_midpoint_rule_is_better_on_gaussians():  # (RK.4)
    # one step of dx/dt = V'/(2V) x: off by h³ V'''/(48 V), nothing where V is quadratic in t
    for cubic in (0.0, 1.0):

        def variance(t, cubic=cubic):
            return 2 + t - t**2 + cubic * t**3

        def velocity(x, t, cubic=cubic):
            return 0.5 * (1 - 2 * t + 3 * cubic * t**2) / variance(t, cubic) * x

        t, h = 0.6, -0.01
        found = runge_kutta_step(velocity, [[1.0]], t, t + h, tableau=MIDPOINT)[0, 0]
        off = (np.sqrt(variance(t + h) / variance(t)) - found) / h**3
        assert abs(off - cubic * 6 / (48 * variance(t))) < 0.001, off


@pytest.mark.parametrize("tableau", ALL, ids=repr)
def test_order_conditions(tableau):  # Butcher's, to the order claimed and no further
    a, b, c = tableau.matrix, tableau.weights, tableau.nodes
    conditions = [
        (1, b.sum() - 1),
        (2, b @ c - 1 / 2),
        (3, b @ c**2 - 1 / 3),
        (3, b @ a @ c - 1 / 6),
        (4, b @ c**3 - 1 / 4),
        (4, (b * c) @ a @ c - 1 / 8),
        (4, b @ a @ c**2 - 1 / 12),
        (4, b @ a @ a @ c - 1 / 24),
    ]
    assert all(abs(rest) < 8 * U for order, rest in conditions if order <= tableau.order)
    assert any(abs(rest) > 0.01 for order, rest in conditions if order == tableau.order + 1) or tableau is RK4


def test_euler_and_heun_are_those_of_the_flow():
    times, x, score = np.linspace(0.9, 0.1, 6), np.array([[1.0, -2.0]]), rs.samplers.noisy_score(TARGET)
    path = rs.paths.VP()
    for tableau, other in ((EULER, rs.samplers.euler_ode), (HEUN, rs.samplers.heun_ode)):
        ours = rs.samplers.replay(runge_kutta(path, times, tableau=tableau), score, x)
        np.testing.assert_allclose(ours, rs.samplers.replay(other(path, times), score, x), rtol=64 * U)


def test_flow_matching_from_pure_noise():
    """On a velocity the step starts at t = 1, where a score could not: points at 3, u = (x - 3)/t, straight lines."""
    for tableau in ALL:
        found = runge_kutta_step(lambda x, t: (x - 3) / t, [[5.0]], 1.0, 0.25, tableau=tableau)
        np.testing.assert_allclose(found, [[3.5]], rtol=16 * U)


def test_stages_stand_where_the_nodes_say():
    asked = []
    runge_kutta_step(lambda x, t: asked.append(float(t)) or 0 * x, [[1.0]], 0.8, 0.4, tableau=RK4)
    np.testing.assert_allclose(asked, [0.8, 0.6, 0.6, 0.4], rtol=4 * U)
    x, t, s = np.arange(6.0).reshape(2, 3), np.array([0.9, 0.5]), np.array([0.5, 0.4])
    timed = lambda y, time: np.sin(y) * (time[:, None] if np.ndim(time) else time)  # noqa: E731
    together = runge_kutta_step(timed, x, t, s, tableau=RK4)
    alone = [runge_kutta_step(timed, x[i], t[i], s[i], tableau=RK4) for i in range(2)]
    np.testing.assert_allclose(together, alone, rtol=16 * U)


def test_rk45_finds_the_exact_flow():  # (RK.3)
    path, first, last = SPANS["VP"]
    x = np.array([[1.0, -2.0], [0.3, 0.1]])
    ends = {"start": levels(path, first), "stop": levels(path, last)}
    exact = rs.exact.flow_map(TARGET, **ends)(x)
    score = lambda y, t: rs.samplers.noisy_score(TARGET)(y, *levels(path, t))  # noqa: E731
    off = []
    for tol in (1e-5, 1e-8, 1e-11):
        found = flow_rk45(score, x, path=path, t_start=first, t_stop=last, rtol=tol, atol=tol)
        off.append(np.abs(found - exact).max() / tol)
    assert max(off) < 100  # the flow contracts: local errors of size tol in some 20 to 300 steps


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="matrix has entries on or above the diagonal"):
        Tableau("implicit", 1, np.ones(1), np.ones((1, 1)), np.ones(1))
    with pytest.raises(ValueError, match="the rows of matrix sum to"):
        Tableau("off", 1, np.zeros(2), np.array([[0, 0], [0.5, 0]]), np.ones(2) / 2)
    with pytest.raises(ValueError, match="expected s < t"):
        flow_rk45(lambda x, t: x, [[1.0]], path=rs.paths.VP(), t_start=0.1, t_stop=0.5)
    with pytest.raises(ValueError, match=r"rtol is 0.0; expected rtol > 0"):
        flow_rk45(lambda x, t: x, [[1.0]], path=rs.paths.VP(), t_start=0.5, t_stop=0.1, rtol=0)
