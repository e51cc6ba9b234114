"""Sums of Gaussians on a grid: densities term by term in 40 digits, masses by the normal distribution function."""

import mpmath
import numpy as np
import pytest
from scipy.stats import norm

import refscore as rs
from refscore.exact import gaussian_sums
from refscore.exact.gaussian_sums import TAIL, TILE, Plane, Sum, Tiles

U = 2.0**-53
C, S = np.cos(0.4), np.sin(0.4)
TURN = np.array([[C, -S], [S, C]])
FLAT = np.eye(2)


def many(n, seed=3, frame=TURN):
    """n Gaussians with common axes, of unequal weights and widths, the lightest first."""
    u = rs.noise.tape(seed, 1, n, 5)[0]
    weights = np.sort(np.exp(8 * u[:, 0]))
    return Sum(weights / weights.sum(), 3 * u[:, 1:3], 0.5 * np.exp(0.5 * np.tanh(u[:, 3:5])), frame)


def law_of(found):
    covs = (found.frame * found.scale[:, None, :] ** 2) @ found.frame.T
    return rs.targets.mixture(found.weights, found.mean @ found.frame.T, 0.5 * (covs + covs.transpose(0, 2, 1)))


def exactly(found, x):
    """Σ w N(u; a, s²) N(v; b, t²) at one point, every term, in 40 digits."""
    with mpmath.workdps(40):
        u, v = (sum(mpmath.mpf(float(found.frame[i, j])) * mpmath.mpf(float(x[i])) for i in range(2)) for j in range(2))
        return mpmath.fsum(
            mpmath.mpf(float(w)) * mpmath.npdf(u, *map(float, (m[0], s[0]))) * mpmath.npdf(v, *map(float, (m[1], s[1])))
            for w, m, s in zip(found.weights, found.mean, found.scale, strict=True)
        )


def places(plane, count=40):
    """Nodes in all parts of a plane."""
    i = np.linspace(0, len(plane.u) - 1, count).round().astype(int)
    return i, (i * 7 + 3) % len(plane.v)


@pytest.mark.parametrize("n", [1, 3, 65, 300], ids=lambda n: f"{n} components")
@pytest.mark.parametrize("frame", [FLAT, TURN], ids=["upright", "turned"])
def test_the_density_is_the_sum_of_all_terms(n, frame):
    found = many(n, frame=frame)
    low, high, precision = gaussian_sums.extent(found, frame)
    plane = gaussian_sums.plane_over(low, high, 0.9 / np.sqrt(precision), frame)
    i, j = places(plane)
    points = (frame @ np.stack([plane.u[i], plane.v[j]])).T
    right = np.array([float(exactly(found, x)) for x in points])
    left_out = TAIL / (2 * np.pi * found.scale.prod(1).min())
    sides = [norm.pdf(nodes, found.mean[:, a, None], found.scale[:, a, None]) for a, nodes in enumerate(plane[:2])]
    everywhere = (found.weights[:, None] * sides[0]).T @ sides[1]  # no windows
    for law in (found, law_of(found)) if n < 100 or frame is FLAT else (found,):
        ours = gaussian_sums.on_plane(law, plane)
        assert ours.shape == (len(plane.u), len(plane.v))
        assert (np.abs(ours - everywhere) <= left_out + 400 * U * everywhere.max()).all()
        assert (np.abs(ours[i, j] - right) <= left_out + 400 * U * right.max()).all()
        assert ours.sum() * plane.area == pytest.approx(1.0, abs=1e-9)  # the trapezoidal rule on smooth functions
    assert right.max() > 1e6 * left_out


def test_few_components_and_other_axes_are_taken_one_by_one_to_their_last_digit():
    found = many(5)
    law = law_of(found)
    plane = Plane(np.linspace(-9, 9, 32), np.linspace(-9, 9, 48), FLAT)
    i, j = places(plane)
    value = gaussian_sums.on_plane(law, plane)[i, j]
    right = [exactly(found, x) for x in np.stack([plane.u[i], plane.v[j]], 1)]
    for ours, known in zip(value, right, strict=True):
        assert abs(ours - float(known)) <= 64 * U * float(known) * (1 - np.log(float(known)))  # also where it is 1e-100
    assert float(min(right)) < 1e-30
    turned = gaussian_sums.on_plane(law_of(many(300)), plane)[i, j]  # more than few, whose axes are others
    for ours, x in zip(turned, np.stack([plane.u[i], plane.v[j]], 1), strict=True):
        known = float(exactly(many(300), x))
        assert abs(ours - known) <= 64 * U * known * (1 - np.log(known))


@pytest.mark.parametrize("n", [1, 10, 1000])
def test_beyond_its_reach_a_law_has_less_than_the_tail(n):
    weights = many(n).weights
    reach = gaussian_sums.reaches(weights)
    with mpmath.workdps(40):
        beyond = mpmath.fsum(mpmath.mpf(float(w)) * mpmath.ncdf(-float(r)) for w, r in zip(weights, reach, strict=True))
    assert 0 < beyond <= TAIL / 2
    seen = reach > 0
    bound = weights[seen] @ np.exp(-(reach[seen] ** 2) / 2)
    assert bound == pytest.approx(TAIL * seen.mean(), rel=1e-10, abs=0)  # the bound, and nothing wasted
    assert gaussian_sums.reaches(np.array([1.0, 0.0, 1e-16]))[1:].tolist() == [0.0, 0.0]  # nobody looks for them


@pytest.mark.parametrize("frame", [FLAT, TURN, TURN.T], ids=["upright", "own", "other"])
@pytest.mark.parametrize("as_mixture", [False, True], ids=["sum", "mixture"])
def test_an_extent_holds_all_but_the_tail_and_knows_the_largest_precision(frame, as_mixture):
    found = many(40)
    low, high, precision = gaussian_sums.extent(law_of(found) if as_mixture else found, frame)
    law = law_of(found)
    for a in range(2):
        outside = mpmath.mpf(0)
        for w, m, cov in zip(law.weights, law.means, law.covs, strict=True):
            deviation = mpmath.sqrt(float(frame[:, a] @ cov @ frame[:, a]))
            middle = float(frame[:, a] @ m)
            ends = mpmath.ncdf((float(low[a]) - middle) / deviation), mpmath.ncdf((middle - float(high[a])) / deviation)
            outside += float(w) * sum(ends)
        assert 0 < outside <= TAIL
        known = max(frame[:, a] @ np.linalg.inv(cov) @ frame[:, a] for cov in law.covs)
        assert precision[a] == pytest.approx(known, rel=1e-12)


def test_the_extent_of_a_law_with_no_common_axes():
    covs = [[[0.5, 0.2], [0.2, 0.75]], [[1.0, 0.0], [0.0, 0.4]]]
    law = rs.targets.mixture([0.8, 0.2], [[1.5, 1.0], [-1.0, -1.5]], covs)
    assert gaussian_sums.sum_of(law) is None
    assert (gaussian_sums.axes(law) == FLAT).all()
    low, high, precision = gaussian_sums.extent(law, FLAT)
    reach = gaussian_sums.reaches(law.weights)
    assert high[0] == pytest.approx(1.5 + reach[0] * 0.5**0.5, rel=1e-15)
    assert low[1] == pytest.approx(-1.5 - reach[1] * 0.4**0.5, rel=1e-15)
    assert precision == pytest.approx([0.75 / 0.335, 1 / 0.4], rel=1e-14)  # of the inverses, not 1/variance
    # one component that weighs next to nothing moves no end
    far = rs.targets.mixture([1 - 1e-16, 1e-16], [[0.0, 0.0], [1e6, 0.0]], [1.0, 1e-8])
    assert gaussian_sums.extent(far, FLAT)[1][0] < 10
    assert gaussian_sums.extent(far, FLAT)[2] == pytest.approx([1.0, 1.0])


def test_a_law_in_coordinates_along_its_axes():
    found = many(30)
    upright = gaussian_sums.sum_of(rs.targets.mixture(found.weights, found.mean, found.scale**2))
    assert (upright.frame == FLAT).all()
    assert (upright.mean == found.mean).all()
    assert upright.scale == pytest.approx(found.scale, rel=2 * U)
    cov = np.array([[0.5, 0.2], [0.2, 0.75]])
    common = gaussian_sums.sum_of(rs.targets.mixture(found.weights, found.mean, np.stack([cov] * 30)))
    assert common.mean @ common.frame.T == pytest.approx(found.mean, abs=64 * U)
    assert (common.frame * common.scale[7] ** 2) @ common.frame.T == pytest.approx(cov, abs=8 * U)
    for cov in ([[0.5, 0.2], [0.2, 0.75]], [[0.5, 0.0], [0.0, 0.75]]):
        one = gaussian_sums.sum_of(rs.targets.gaussian([0.7, -1.0], cov))
        assert one.frame @ one.mean[0] == pytest.approx([0.7, -1.0], abs=4 * U)
        assert (one.frame * one.scale**2) @ one.frame.T == pytest.approx(np.array(cov), abs=8 * U)
        assert one.frame @ one.frame.T == pytest.approx(FLAT, abs=4 * U)
    part = gaussian_sums.sum_of(rs.targets.mixture([0.5, 0.0, 0.5], [[1, 2], [9, 9], [3, 4]], [1.0, 4.0, 9.0]))
    assert part.mean.tolist() == [[1, 2], [3, 4]]
    assert part.scale.tolist() == [[1, 1], [3, 3]]
    assert (gaussian_sums.axes(found) == TURN).all()


@pytest.mark.parametrize(("low", "high", "width"), [(-3.0, 5.0, 0.11), (0.0, 1e-9, 0.5), (-1.0, 1.0, 2.0 / 47)])
def test_axes_reach_from_end_to_end_in_whole_tiles(low, high, width):
    plane = gaussian_sums.plane_over(np.array([low, 0]), np.array([high, 1]), np.array([width, 0.1]), FLAT)
    assert len(plane.u) % TILE == len(plane.v) % TILE == 0
    steps = np.diff(plane.u)
    assert steps.max() <= width * (1 + 1e-12)
    assert steps == pytest.approx(steps[0], rel=1e-9)
    assert plane.u[0] <= low + 4 * U
    assert plane.u[-1] >= high - 4 * U
    assert plane.area == pytest.approx(steps[0] * (plane.v[1] - plane.v[0]), rel=1e-12)


def test_a_law_that_outgrows_its_plane_is_noticed():
    plane = Plane(np.linspace(0, 10, 16), np.linspace(-1, 1, 16), FLAT)
    first, last = np.array([0.0, -1.0]), np.array([10.0, 1.0])
    assert plane.holds(first, last)
    assert plane.holds(first - 0.002 * (last - first), last + 0.002 * (last - first))  # up to 3 thousandths
    for a in range(2):
        out = np.zeros(2)
        out[a] = 0.004 * (last - first)[a]
        assert not plane.holds(first - out, last)
        assert not plane.holds(first, last + out)
    assert plane.holds(first, first + (last - first) * [0.85, 0.85])  # 0.72 of it
    assert not plane.holds(first, first + (last - first) * [0.83, 0.83])  # 0.69


def test_tiles_hold_the_nodes_of_squares():
    plane = Plane(np.arange(32.0), np.arange(48.0) / 10, TURN)
    value = plane.u[:, None] + 100 * plane.v
    every = Tiles.every(plane)
    assert every.kept.shape == (6,)
    assert np.sort(every.pick(value)).tolist() == np.sort(value.ravel()).tolist()
    some = Tiles.above(plane, value, 460.0)  # u + 100 v: only the square with the largest u and v, and the one below
    assert some.kept.tolist() == [(value[a : a + 16, b : b + 16] > 460).any() for a in (0, 16) for b in (0, 16, 32)]
    assert 0 < some.kept.sum() < 6
    picked = some.pick(value)
    assert len(picked) == 256 * some.kept.sum() == len(some.points)
    u, v = (some.points @ TURN).T  # along the axes again: each point is the node whose value was picked
    assert picked == pytest.approx(u + 100 * v, rel=1e-13)
    assert plane.points[49] == pytest.approx(TURN @ [plane.u[1], plane.v[1]], abs=1e-15)
