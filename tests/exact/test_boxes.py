"""exact/boxes.py: the rules on their polynomials, integrals known in closed form, and errors on the safe side."""

import numpy as np
import pytest
from mpmath import mp

from refscore.exact.boxes import Boxes, _rule, grid, halved, integral

U = 2.0**-53


def test_the_rule_is_lobattos_and_kronrods():
    """Stieltjes' polynomial for the weight 1 - x² and its zeros, and weights from the moments, in 50 digits."""
    with mp.workdps(50):
        legendre = mp.taylor(lambda x: mp.legendre(7, x), 0, 7)
        slope = [k * legendre[k] for k in range(1, 8)]  # P_7', whose zeros are Lobatto's inner points

        def moment(k):  # ∫ x^k P_7'(x) (1 - x²)
            return sum(
                c * (2 / mp.mpf(i + k + 1) - 2 / mp.mpf(i + k + 3)) for i, c in enumerate(slope) if (i + k) % 2 == 0
            )

        odd = (1, 3, 5)
        below = mp.lu_solve(
            mp.matrix([[moment(j + k) for j in odd] for k in odd]), mp.matrix([-moment(7 + k) for k in odd])
        )
        stieltjes = [0, below[0], 0, below[1], 0, below[2], 0, 1]

        def roots(ascending):
            at = lambda x: sum(c * x**k for k, c in enumerate(ascending))  # noqa: E731
            return [mp.findroot(at, float(r.real)) for r in np.roots([float(c) for c in ascending][::-1])]

        inner, added = roots(slope), roots(stieltjes)
        found, kronrod, lobatto = _rule(1)
        for points, weights in (([-1, 1, *inner, *added], kronrod), ([-1, 1, *inner], lobatto)):
            x = sorted(mp.mpf(r) for r in points)
            n = len(x)
            power = mp.matrix([[v**k for v in x] for k in range(n)])
            w = mp.lu_solve(power, mp.matrix([2 / mp.mpf(k + 1) if k % 2 == 0 else 0 for k in range(n)]))
            held = np.flatnonzero(weights)
            exact = np.array([float(v) for v in x])
            assert np.abs(found[held, 0] - exact)[1:-1].max() <= U
            assert (exact - found[held, 0])[[0, -1]].tolist() == [-(2.0**-50), 2.0**-50]
            assert np.abs(weights[held] - np.array([float(v) for v in w])).max() <= U


@pytest.mark.parametrize("d", [1, 2])
def test_rules_have_their_degrees(d):
    nodes, kronrod, lobatto = _rule(d)
    for weights, degree in ((kronrod, 21), (lobatto, 13)):
        for power in range(degree + 1):
            exact = 0.0 if power % 2 else 2 / (power + 1)
            assert abs(weights @ np.prod(nodes**power, axis=1) - exact**d) <= 16 * U
        even = degree + 1
        assert abs(weights @ nodes[:, 0] ** even - 2 / (even + 1) * 2 ** (d - 1)) > 1e-8


def test_halves_cover_a_box():
    parts = halved(Boxes(np.array([[0.0, -2.0]]), np.array([[1.0, 2.0]]), np.array([7])))
    assert sorted(map(tuple, parts.lower)) == [(0, -2), (0, 0), (0.5, -2), (0.5, 0)]
    assert sorted(map(tuple, parts.upper)) == [(0.5, 0), (0.5, 2), (1, 0), (1, 2)]
    assert parts.owner.tolist() == [7] * 4


ROUGH = {
    "kink": (lambda x, c: np.abs(x - c), lambda c: (c**2 + (1 - c) ** 2) / 2),
    "jump": (lambda x, c: np.where(x > c, 1.0, 0.0), lambda c: 1 - c),
    "both": (lambda x, c: np.where(x > c, np.exp(x), -(x**2)), lambda c: np.exp(1) - np.exp(c) - c**3 / 3),
    "curvature": (lambda x, c: np.maximum(x - c, 0) ** 2, lambda c: (1 - c) ** 3 / 3),
    "root": (lambda x, c: np.sqrt(np.abs(x - c)), lambda c: (c**1.5 + (1 - c) ** 1.5) / 1.5),
}


@pytest.mark.parametrize("rtol", [1e-2, 1e-4, 1e-6, 1e-9])
@pytest.mark.parametrize("name", ROUGH)
def test_errors_are_on_the_safe_side_wherever_it_is_rough(name, rtol):  # (QDR.1)
    function, exact = ROUGH[name]
    line = grid(np.array([0.0, 1.0]), 1)
    for c in np.random.default_rng(2).uniform(0, 1, 30):
        found = integral(lambda x, _, c=c: function(x[:, 0], c), line, rtol=rtol)
        assert abs(found.value - exact(c)) <= found.error <= (rtol + 100 * U) * found.size


def test_errors_are_on_the_safe_side_at_every_pole():
    # ∫ 1/((x - c)² + a²) over [0, 1], a peak as narrow as a that the rule has to find.
    for c in np.linspace(0.05, 0.95, 7):
        for a in 10.0 ** np.arange(-5, 1):
            exact = (np.arctan((1 - c) / a) + np.arctan(c / a)) / a
            found = integral(
                lambda x, _, c=c, a=a: 1 / ((x[:, 0] - c) ** 2 + a**2), grid(np.linspace(0, 1, 9), 1), rtol=1e-9
            )
            assert abs(found.value - exact) <= found.error
            assert found.error <= 2e-9 * exact


def test_a_kink_across_the_axes():
    # ∫∫ |x + y - 1| over the unit square is ⅓.
    square = grid(np.array([0.0, 1.0]), 2)
    for rtol in (1e-2, 1e-4, 1e-5):
        found = integral(lambda x, _: np.abs(x.sum(1) - 0.9), square, rtol=rtol)
        exact = 0.1 + 0.9**3 / 3  # E(x + y) - 0.9, and twice what is below: ∫ (0.9 - t) t dt = 0.9³/6
        assert abs(found.value - exact) <= found.error <= rtol


def test_a_jump_where_boxes_meet_costs_nothing():
    # The sign at 0 itself is 0: no point may lie there.
    asked = []
    found = integral(
        lambda x, _: asked.append(len(x)) or np.sign(x[:, 0]) + x[:, 0] ** 2,
        grid(np.array([-1.0, 0.0, 1.0]), 1),
        rtol=1e-12,
    )
    assert abs(found.value - 2 / 3) <= found.error < 1e-12
    assert sum(asked) <= 6 * 15


def test_entries_owners_and_zero():
    boxes = Boxes(np.array([[0.0], [1.0]]), np.array([[1.0], [3.0]]), np.array([0, 1]))
    found = integral(lambda x, k: np.stack([x[:, 0] * 0, np.where(k == 0, 1.0, x[:, 0] - 2)], 1), boxes, rtol=1e-12)
    assert found.value[0] == found.error[0] == found.size[0] == 0
    assert abs(found.value[1] - 1) <= found.error[1] <= 1e-12
    assert 1.9 < found.size[1] < 2.1
    # Both rules integrate a line exactly: what is left to tell is the rounding of the sums.
    assert integral(lambda x, _: x[:, 0] / 3, boxes, rtol=1e-12).error >= 32 * U * 1.5


def test_what_is_not_reached_is_refused():
    line = grid(np.array([0.0, 1.0]), 1)
    with pytest.raises(ValueError, match=r"quadrature reached an error of .* with 1000 points; expected 1.0e-10"):
        integral(lambda x, _: np.abs(x[:, 0] - 1 / 3) ** -0.5, line, rtol=1e-10, points=1000)
    with pytest.raises(ValueError, match=r"function\(x\) has shape \(2,\); expected \(15, \*shape\)"):
        integral(lambda x, _: np.ones(2), line, rtol=1e-6)
    with pytest.raises(ValueError, match="d is 3; expected 1 or 2"):
        integral(lambda x, _: x[:, 0], grid(np.array([0.0, 1.0]), 3), rtol=1e-6)
    with pytest.raises(ValueError, match=r"function\(x\) has .* not finite"):
        integral(lambda x, _: np.where(x[:, 0] > 0.5, np.nan, 1.0), line, rtol=1e-6)
