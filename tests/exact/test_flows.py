"""exact/flows.py: the Gaussian map at 50 digits, the integration against transported quantiles."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

import refscore as rs
from refscore.exact import flow, flow_map

U = 2.0**-53
TARGET = rs.targets.gaussian([0.7, -1.0], [[0.5, 0.2], [0.2, 1.5]])
WEIGHTS, MEANS, SCALES = np.array([0.3, 0.7]), np.array([-1.0, 0.8]), np.array([0.25, 0.4])
LINE = rs.targets.mixture(WEIGHTS, MEANS[:, None], SCALES**2)
PATHS = {
    "VP": rs.paths.VP(),
    "SubVP": rs.paths.SubVP(),
    "VE": rs.paths.VE(0.1, 10.0),
    "VETransition": rs.paths.VETransition(0.1, 10.0),
    "EDM": rs.paths.EDM(sigma_max=1.0),
    "Cosine": rs.paths.Cosine(),
    "Flow": rs.paths.Flow(),
    "DiscreteVP": rs.paths.DiscreteVP(np.linspace(1e-4, 0.02, 100)),
}
levels = st.tuples(st.floats(0.01, 2), st.floats(0.01, 100))


def level(path, t):
    return float(path.alpha(t)), float(path.sigma(t))


def mixture_cdf(x, alpha, sigma):
    """P(α x0 + σ ε ≤ x) and its complement, neither by cancellation."""
    z = (x - alpha * MEANS) / np.hypot(alpha * SCALES, sigma)
    return ndtr(z) @ WEIGHTS, ndtr(-z) @ WEIGHTS


@given(levels, levels)
def test_the_map_at_fifty_digits(
    start, stop
):  # (FLOWMAP.2), without eigenvalues: √A = (A + √det A I)/√(tr A + 2 √det A)
    with mpmath.workdps(50):
        cov, eye = mpmath.matrix(TARGET.cov.tolist()), mpmath.eye(2)
        (at, st_), (as_, ss) = ([mpmath.mpf(v) for v in pair] for pair in (start, stop))
        square = (as_**2 * cov + ss**2 * eye) * (at**2 * cov + st_**2 * eye) ** -1
        det = mpmath.sqrt(square[0, 0] * square[1, 1] - square[0, 1] * square[1, 0])
        ratio = (square + det * eye) / mpmath.sqrt(square[0, 0] + square[1, 1] + 2 * det)
        shift = (as_ * eye - at * ratio) * mpmath.matrix(TARGET.mean.tolist())
        ratio = np.array(ratio.tolist(), dtype=float)
        shift = np.array(shift.tolist(), dtype=float).ravel()
    found = flow_map(TARGET, start=start, stop=stop)
    np.testing.assert_allclose(found.matrix, ratio, atol=32 * U * np.abs(ratio).max())
    size = np.abs(TARGET.mean).max() * (stop[0] + start[0] * np.abs(ratio).max())
    np.testing.assert_allclose(found.constant, shift, atol=64 * U * size)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_it_carries_every_marginal_of_every_path(path):
    first, last = level(path, 0.8), level(path, 0.3)
    found = flow_map(TARGET, start=first, stop=last).push(TARGET.perturb(*first))
    assert rs.exact.wasserstein2(found, TARGET.perturb(*last)) <= 128 * U * np.hypot(*last) * 2


@pytest.mark.parametrize("name", ["VP", "SubVP", "VE", "EDM", "Cosine", "Flow"])
def test_it_solves_the_differential_equation_of_every_path(name):  # dx/ds at s = t is f x - ½ g² s
    path, t, h = PATHS[name], 0.5, 1e-4
    x = np.array([[2.0, 1.0]])
    step = {k: flow_map(TARGET, start=level(path, t), stop=level(path, t + k * h))(x) for k in (-2, -1, 1, 2)}
    slope = (8 * (step[1] - step[-1]) - (step[2] - step[-2])) / (12 * h)
    drift = rs.sde.flow_drift(TARGET.perturb(*level(path, t)).score(x), x, t, path=path)
    # fourth-order difference: rounding u/h and h⁴ times a fifth derivative below 1e4
    np.testing.assert_allclose(slope, drift, atol=1e-10)


@given(levels, levels, levels)
def test_flows_compose(a, b, c):
    twice = flow_map(TARGET, start=a, stop=b).then(flow_map(TARGET, start=b, stop=c))
    once = flow_map(TARGET, start=a, stop=c)
    size = np.linalg.norm(twice.matrix, 2) + np.linalg.norm(flow_map(TARGET, start=b, stop=c).matrix, 2) * max(
        a + b + c
    )
    np.testing.assert_allclose(twice.matrix, once.matrix, atol=64 * U * size)
    np.testing.assert_allclose(twice.constant, once.constant, atol=256 * U * size)


@pytest.mark.parametrize(
    ("start", "stop", "scale"),
    [
        ((0.05, 1.0), (1.0, 0.0), 1),
        ((1.0, 80.0), (1.0, 0.002), 80),
        ((0.6, 0.8), (1.0, 0.1), 1),
        ((1.0, 0.0), (0.05, 1.0), 0.5),
    ],
)
def test_on_the_line_the_flow_carries_quantiles(start, stop, scale):
    """In one dimension mass cannot pass mass: F_s(x_s) = F_t(x_t), no equation solved."""
    x = scale * np.linspace(-3, 3, 13)[:, None]
    end, error = flow(LINE, x, start=start, stop=stop)
    below, above = mixture_cdf(x, *start)
    below_s, above_s = mixture_cdf(end, *stop)
    gap = np.where(below < above, below_s - below, above - above_s)
    density = np.exp(LINE.perturb(*stop).log_prob(end))
    # 64 u (1 + |x|/scale)²: rounding of the distribution function in a tail at that many standard deviations
    tail = np.minimum(below, above)
    rounding = 64 * U * tail * (1 + np.abs(x[:, 0] / scale)) ** 2 * 40
    assert (np.abs(gap) <= density * error + rounding + 1e-15 * density).all()
    assert error.max() < 3e-12


def test_a_rotated_product_flows_by_its_factors():
    """Two modes along a direction, a Gaussian across: the flow is that of the line along and (FLOWMAP.2) across."""
    c, s = 0.6, 0.8
    along, across = np.array([c, s]), np.array([-s, c])
    covs = [v**2 * np.outer(along, along) + 0.25 * np.outer(across, across) for v in SCALES]
    covs = [0.5 * (m + m.T) for m in covs]
    plane = rs.targets.mixture(WEIGHTS, MEANS[:, None] * along + 0.3 * across, np.array(covs))
    x = np.array([[1.0, -0.5], [0.0, 0.3], [-2.0, 2.0]])
    start, stop = (0.1, 0.9), (1.0, 0.0)
    end, error = flow(plane, x, start=start, stop=stop)
    line, line_error = flow(LINE, (x @ along)[:, None], start=start, stop=stop)
    rest = flow_map(rs.targets.gaussian([0.3], 0.25), start=start, stop=stop)((x @ across)[:, None])
    assert (np.abs(end @ along - line[:, 0]) <= error + line_error + 1e-14).all()
    assert (np.abs(end @ across - rest[:, 0]) <= error + 1e-14).all()
    assert error.max() < 1e-11


def test_a_gaussian_by_both_routes():
    x, start, stop = np.array([[3.0, 0.0], [-1.0, 40.0]]), (0.1, 1.0), (1.0, 0.0)
    end, error = flow(TARGET, x, start=start, stop=stop)
    assert (np.linalg.norm(end - flow_map(TARGET, start=start, stop=stop)(x), axis=-1) <= error + 1e-13).all()


def test_points_are_reached():
    """Data that are points: down to σ = 0 the flow ends on one of them, and the nearest from not too far."""
    points = np.array([[0.0, 0.0], [1.0, 2.0], [-3.0, 1.0]])
    near = points + np.array([[0.1, 0.05], [0.2, -0.1], [0.0, 0.1]])
    end, error = flow(rs.targets.empirical(points), near, start=(1.0, 0.3), stop=(1.0, 0.0))
    assert np.abs(end - points).max() <= 16 * U
    assert error.max() <= 1e-14
    alone = flow(rs.targets.empirical([[5.0]]), [[7.0]], start=(1.0, 1.0), stop=(1.0, 0.0))[0]
    assert alone.tolist() == [[5.0]]


def test_the_error_grows_where_the_flow_tears():
    far = rs.targets.mixture([0.5, 0.5], [[10.0], [-10.0]])
    end, error = flow(far, np.array([[1e-6], [1.0], [0.0]]) * 80, start=(1.0, 80.0), stop=(1.0, 0.0))
    assert error[0] > 3 * error[1]
    assert abs(end[2, 0]) <= 1e-12  # the middle is a fixed point by symmetry


def test_nothing_to_do():
    x = np.array([[1.0, 2.0]])
    end, error = flow(TARGET, x, start=(1.0, 2.0), stop=(0.5, 1.0))
    assert end.tolist() == [[0.5, 1.0]]
    assert error.tolist() == [0.0]
    assert flow(TARGET, np.zeros((0, 2)), start=(1.0, 2.0), stop=(1.0, 0.0))[0].shape == (0, 2)
    assert flow(TARGET, [1, 2], start=(1, 2), stop=(1, 1))[0].shape == (2,)


@pytest.mark.parametrize("function", [flow, flow_map])
def test_bad_levels_are_refused(function):
    arguments = (TARGET, [[0.0, 0.0]]) if function is flow else (TARGET,)
    with pytest.raises(ValueError, match=r"stop is \(1.0, -1.0\); expected \(α, σ\), both at least 0"):
        function(*arguments, start=(1.0, 1.0), stop=(1.0, -1.0))
    with pytest.raises(ValueError, match=r"start is \(0, 0\)"):
        function(*arguments, start=(0, 0), stop=(1.0, 1.0))


def test_pure_noise_has_no_y():
    with pytest.raises(ValueError, match="start is a level without signal, α = 0"):
        flow(TARGET, [[0.0, 0.0]], start=(0.0, 1.0), stop=(1.0, 0.0))
    end = flow_map(TARGET, start=(0.0, 1.0), stop=(1.0, 0.0))([[0.0, 0.0]])
    np.testing.assert_allclose(end, [TARGET.mean], rtol=8 * U)  # the middle of the noise goes to the mean


def test_a_wrong_dimension_is_named():
    with pytest.raises(ValueError, match=r"x has shape \(1, 3\); expected \(\*batch, 2\)"):
        flow(TARGET, [[0.0, 0.0, 0.0]], start=(1.0, 1.0), stop=(1.0, 0.0))


# ---- faults of people's exact flows


def without_root(target, start, stop):
    values, vectors = np.linalg.eigh(target.cov)
    ratio = (stop[0] ** 2 * values + stop[1] ** 2) / (start[0] ** 2 * values + start[1] ** 2)
    return (vectors * ratio) @ vectors.T


def of_the_total(target, start, stop):  # one ratio for all directions
    v = np.trace(target.cov) / target.d
    return np.sqrt((stop[0] ** 2 * v + stop[1] ** 2) / (start[0] ** 2 * v + start[1] ** 2)) * np.eye(target.d)


@pytest.mark.parametrize("fault", [without_root, of_the_total])
def test_the_marginal_sees_the_fault(fault):
    start, stop = (0.6, 0.8), (1.0, 0.1)
    before, after = TARGET.perturb(*start), TARGET.perturb(*stop)
    right, wrong = flow_map(TARGET, start=start, stop=stop).matrix, fault(TARGET, start, stop)
    assert np.abs(right @ before.cov @ right.T - after.cov).max() <= 64 * U
    assert np.abs(wrong @ before.cov @ wrong.T - after.cov).max() > 1e-2
