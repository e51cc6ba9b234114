"""objectives/couplings.py: optimality by trying everything, plans by their equations, reflow on straight flows."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.objectives import assign, draw_pairs, entropic_plan, reflow_pairs
from tests.objectives import rational


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_the_assignment_is_the_best_of_all_permutations(seed, d):  # (OT.1), (OT.3)
    x0, x1 = rational.quarters(seed, 6, d), rational.quarters(seed + 10, 6, d)

    def cost(order):
        return ((x0 - x1[list(order)]) ** 2).sum()

    order = assign(x0, x1)
    assert sorted(order) == list(range(6))
    assert cost(order) == min(cost(each) for each in itertools.permutations(range(6)))


def test_a_cycle_tells_a_permutation_from_its_inverse():  # on a line the order is kept
    x0, x1 = np.array([[0.0], [1.0], [2.0]]), np.array([[20.0], [0.0], [10.0]])
    order = assign(x0, x1)
    assert_array_equal(order, [1, 2, 0])
    assert_array_equal(x1[order].ravel(), [0, 10, 20])


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 3), (5, 2)])
@pytest.mark.parametrize("epsilon", [0.25, 1.0, 64.0])
def test_a_plan_has_its_marginals_and_its_form(epsilon, n, m):  # (OT.4)
    x0, x1 = rational.quarters(0, n, 2), rational.quarters(1, m, 2)
    plan = entropic_plan(x0, x1, epsilon=epsilon)
    np.testing.assert_allclose(plan.sum(1), 1 / n, rtol=1e-13)
    np.testing.assert_allclose(plan.sum(0), 1 / m, rtol=1e-11)
    cost = 0.5 * ((x0[:, None] - x1) ** 2).sum(-1)
    log = np.log(plan) + cost / epsilon  # f + g: every 2 × 2 minor of it vanishes
    np.testing.assert_allclose(log - log[:1] - log[:, :1] + log[0, 0], 0, atol=1e-11)


def test_the_plan_lies_between_the_assignment_and_independence():
    x0, x1 = rational.quarters(0, 4, 2), rational.quarters(1, 4, 2)
    far = entropic_plan(x0, x1, epsilon=1e9)
    np.testing.assert_allclose(far, 1 / 16, rtol=1e-6)
    near = entropic_plan(x0, x1, epsilon=0.0625)
    assert_array_equal(near.argmax(1), assign(x0, x1))


def test_costs_far_beyond_the_range_of_exp():
    plan = entropic_plan([[0.0], [1e6]], [[1e6], [0.0]], epsilon=1e-3)
    assert_array_equal(plan, [[0, 0.5], [0.5, 0]])


def test_a_plan_that_does_not_converge_is_an_error():
    with pytest.raises(
        ArithmeticError, match=r"column sums are off by .* after 3 iterations; expected 1e-12: epsilon is"
    ):
        entropic_plan(rational.quarters(0, 4, 2), rational.quarters(1, 4, 2), epsilon=0.25, max_iterations=3)


def test_pairs_are_drawn_in_proportion():  # (OT.5)
    plan = np.array([[1.0, 0.0, 2.0], [0.0, 5.0, 0.0]])  # of total 8
    i, j = draw_pairs(plan, (np.arange(8) + 0.5) / 8)
    assert_array_equal(i, [0, 0, 0, 1, 1, 1, 1, 1])
    assert_array_equal(j, [0, 2, 2, 1, 1, 1, 1, 1])
    i, j = draw_pairs(plan, [0.0, 0.125, 0.375, 1 - 2.0**-53])  # edges belong to the cell that starts there
    assert_array_equal(3 * i + j, [0, 2, 4, 4])


def test_reflow_of_a_straight_flow_is_exact_in_one_step():  # (OT.6)
    x1 = rational.quarters(0, 5, 2)
    stretch = np.array([[2.0, 0.5], [0.0, 0.25]])

    def straight(x, t):  # x = ((1 - t) S + t I) x1
        return x @ np.linalg.inv((1 - t) * stretch + t * np.eye(2)).T @ (np.eye(2) - stretch).T

    x0, same = reflow_pairs(straight, x1, [1.0, 0.0])
    assert_array_equal(x0, x1 @ stretch.T)
    assert same is x1 or np.array_equal(same, x1)
    many, _ = reflow_pairs(straight, x1, np.linspace(1, 0, 9))
    np.testing.assert_allclose(many, x0, rtol=1e-13, atol=1e-14)


def test_reflow_takes_its_steps_down():
    seen = []
    reflow_pairs(lambda x, t: seen.append(float(t)) or 0 * x, [[1.0]], [1.0, 0.75, 0.25, 0.0])
    assert seen == [1.0, 0.75, 0.25]


def test_bad_arguments_are_refused():
    x = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"x1 has 2 points; expected 3, as many as x0"):
        assign(x, x[:2])
    with pytest.raises(ValueError, match=r"x1 has shape \(3, 1\); expected \(\*batch, 2\)"):
        assign(x, x[:, :1])
    with pytest.raises(ValueError, match=r"x0 has shape \(2,\); expected \(n, 2\), one set of points"):
        entropic_plan(x[0], x, epsilon=1)
    with pytest.raises(ValueError, match=r"epsilon is 0.0; expected epsilon > 0"):
        entropic_plan(x, x, epsilon=0)
    with pytest.raises(ValueError, match=r"plan has shape \(2, 2\) and least entry -1.0; expected \(n, m\), P >= 0"):
        draw_pairs([[1, 1], [1, -1]], [0.5])
    with pytest.raises(ValueError, match=r"uniform has shape \(1,\); expected \(k,\) with 0 <= u < 1"):
        draw_pairs([[1.0]], [1.0])
    with pytest.raises(ValueError, match=r"times has shape \(2,\); expected \(k \+ 1,\), falling from noise to data"):
        reflow_pairs(lambda x, t: x, x, [0.0, 1.0])
    with pytest.raises(ValueError, match=r"velocity\(x, t\) has shape \(2,\); expected \(3, 2\)"):
        reflow_pairs(lambda x, t: x[0], x, [1.0, 0.0])
