"""exact/quadrature.py against ball arithmetic (acb.integral), and closed forms in two dimensions."""

import itertools

import flint
import numpy as np
import pytest

from refscore import noise
from refscore.exact import expectation
from refscore.exact.quadrature import expectation_given_component, with_noise
from refscore.models import TANH, MLPScore, network
from refscore.targets import gaussian, mixture

U = 2.0**-53

LINE = {
    "one": ([1.0], [0.5], [2.0]),
    "two": ([0.25, 0.75], [-2.0, 1.0], [0.5, 2.0]),
    "far": ([0.5, 0.5], [-20.0, 30.0], [1.0, 0.25]),
    "narrow": ([0.5, 0.5], [0.0, 0.25], [1.0, 2.0**-20]),
    "very narrow": ([2.0**-10, 1 - 2.0**-10], [0.375, 0.0], [2.0**-40, 4.0]),
}


def balls(weights, means, variances, function, cuts):
    """E f(x) with a proven radius, over ±14 standard deviations of each component: beyond it all is below 1e-40."""
    before, flint.ctx.prec = flint.ctx.prec, 128
    try:
        total = flint.acb(0)
        for w, m, v in zip(weights, means, variances, strict=True):
            s = flint.arb(v).sqrt()
            scale = flint.arb(w) / (s * (2 * flint.arb.pi()).sqrt())

            def integrand(x, _, m=m, v=v, scale=scale):
                return function(x) * (-((x - m) ** 2) / (2 * v)).exp() * scale

            ends = [m - 14 * float(s), *sorted(c for c in cuts if abs(c - m) < 14 * float(s)), m + 14 * float(s)]
            for a, b in itertools.pairwise(ends):
                total += flint.acb.integral(
                    integrand, flint.acb(a), flint.acb(b), rel_tol=2.0**-70, abs_tol=2.0**-110, eval_limit=10**6
                )
        return float(total.real.mid()), float(total.real.rad())
    finally:
        flint.ctx.prec = before


def score_of(weights, means, variances):
    def terms(x):
        return [
            (w / flint.arb(v).sqrt() * (-((x - m) ** 2) / (2 * v)).exp(), -(x - m) / v)
            for w, m, v in zip(weights, means, variances, strict=True)
        ]

    return lambda x: sum(a * s for a, s in terms(x)) / sum(a for a, _ in terms(x))


@pytest.mark.parametrize(
    ("name", "rtol"),
    [(name, rtol) for name in LINE for rtol in (1e-4, 1e-12) if (name, rtol) != ("very narrow", 1e-12)],
)
def test_fisher_information(name, rtol):  # (QDR.2)
    weights, means, variances = LINE[name]
    s = score_of(weights, means, variances)
    cuts = [m + k * v**0.5 for m, v in zip(means, variances, strict=True) for k in (-12, -6, -3, 0, 3, 6, 12)]
    truth, radius = balls(weights, means, variances, lambda x: s(x) ** 2, cuts)
    p = mixture(weights, np.array(means)[:, None], variances)
    found = expectation(lambda x: p.score(x)[:, 0] ** 2, p, rtol=rtol)
    assert radius < 1e-18 * truth
    # The score itself is rounded: x - μ_k to one part in 2⁵³ of x, which a narrow component sees magnified.
    rounding = 64 * U * truth * max(1.0, max(abs(m) for m in means) / min(variances) ** 0.5)
    assert abs(found.value - truth) <= found.error + rounding
    assert found.error <= 2 * rtol * truth


@pytest.mark.parametrize("width", [0.5, 3.0, 12.0])
def test_a_network_on_the_line(width):
    p = LINE["two"]
    theta = width * (2 * noise.uniforms(0, 0, 13) - 1)
    net = network([1, 4, 1], np.full(13, 0.5), TANH).unpack(theta)
    (w1, w2), (b1, b2) = net.weights, net.biases

    def f(x):
        hidden = [((2 * (x * float(w) + float(b))).exp(), float(v)) for w, b, v in zip(w1[:, 0], b1, w2[0])]
        return sum(v * (1 - 2 / (e + 1)) for e, v in hidden) + float(b2[0])

    truth, radius = balls(*p, lambda x: f(x) ** 4, [-1.0, 0.0, 1.0])
    q = mixture(p[0], np.array(p[1])[:, None], p[2])
    found = expectation(lambda x: MLPScore(net)(x)[:, 0] ** 4, q, rtol=1e-10)
    assert radius < 1e-18 * truth
    assert abs(found.value - truth) <= found.error <= 2e-10 * truth


PLANE = mixture([0.25, 0.75], [[-2, 1], [1, 0]], [[[0.5, 0.25], [0.25, 0.375]], [[2, -0.5], [-0.5, 1]]])


def along(a):
    """The law of a·x, on the line."""
    return PLANE.weights, PLANE.means @ a, np.einsum("i,kij,j->k", a, PLANE.covs, a)


@pytest.mark.parametrize("rtol", [1e-5, 1e-10, 1e-13])
@pytest.mark.parametrize("a", [(1.0, 0.0), (0.5, -1.0), (3.0, 2.0)])
def test_the_plane_in_closed_form(a, rtol):  # E exp(a·x) = Σ w exp(m + v/2), E cos(a·x) = Σ w e^{-v/2} cos m
    a = np.array(a)
    w, m, v = along(a)
    exact = np.array(
        [
            w @ np.exp(m / 4 + v / 32),
            w @ (np.exp(-v / 2) * np.cos(m)),
            w @ (m**2 + v),
            w @ (m**4 + 6 * m**2 * v + 3 * v**2),
        ]
    )
    bound = np.array([w @ np.exp(m / 4 + v / 32), 1, exact[2], exact[3]])

    def f(x):
        y = x @ a
        return np.stack([np.exp(y / 4), np.cos(y), y**2, y**4], axis=1)

    found = expectation(f, PLANE, rtol=rtol)
    assert (np.abs(found.value - exact) <= found.error + 8 * U * bound).all()
    assert (found.error <= rtol * bound + 128 * U * bound).all()


def test_a_function_of_one_direction_is_an_integral_on_the_line():
    a = np.array([1.5, -1.0])
    w, m, v = along(a)
    truth, _ = balls(w, m, v, lambda x: 1 - 2 / ((2 * x).exp() + 1), [-1.0, 0.0, 1.0])
    found = expectation(lambda x: np.tanh(x @ a), PLANE, rtol=1e-10)
    assert abs(found.value - truth) <= found.error <= 1e-10


def test_a_kink_along_an_axis_and_across_them():
    # Σ w E|y|, y ~ N(m, v).
    for a, rtol in (((1.0, 0.0), 1e-5), ((1.0, 1.0), 1e-4)):
        w, m, v = along(np.array(a))
        below = np.array([float((flint.arb(mk) / flint.arb(2 * vk).sqrt()).erf()) for mk, vk in zip(m, v)])
        truth = w @ (m * below + np.sqrt(2 * v / np.pi) * np.exp(-(m**2) / (2 * v)))
        found = expectation(lambda x, a=a: np.abs(x @ a), PLANE, rtol=rtol)
        assert abs(found.value - truth) <= found.error <= 1.01 * rtol * truth


def test_a_narrow_mode_in_the_plane():
    # -E tr J = E |s|² by two functions; the narrow component holds all but a millionth of it.
    p = mixture([0.25, 0.75], [[0, 0], [0.25, 0.125]], [1, 2.0**-20])
    left = expectation(lambda x: (p.score(x) ** 2).sum(-1), p)
    right = expectation(p.score_trace, p)
    assert abs(left.value + right.value) <= left.error + right.error
    assert 0.7 * 2 * 2.0**20 < left.value < 0.76 * 2 * 2.0**20


def test_given_the_component():
    p = mixture([0.25, 0.75], [[-2], [1]], [4, 9])
    found = expectation_given_component(lambda x, k: np.stack([k == 0, x[:, 0] * (k == 1)], 1).astype(float), p)
    assert (np.abs(found.value - [0.25, 0.75]) <= found.error).all()


def test_with_noise():  # (QDR.3)
    p = mixture([0.25, 0.75], [[-2], [1]], [4, 9])
    both = with_noise(p)
    assert both.means.tolist() == [[-2, 0], [1, 0]]
    assert both.covs.tolist() == [[[4, 0], [0, 1]], [[9, 0], [0, 1]]]
    found = expectation(lambda x: np.stack([x[:, 0] * x[:, 1], x[:, 0] ** 2 * x[:, 1] ** 2], 1), both)
    assert (np.abs(found.value - [0, 0.25 * 8 + 0.75 * 10]) <= found.error).all()


def test_tails_that_outgrow_the_gaussian_are_told():
    p = gaussian([0], 1)
    assert expectation(lambda x: np.exp(x[:, 0] ** 2 / 4), p).error < 1e-9
    assert expectation(lambda x: np.exp(0.499 * x[:, 0] ** 2), p).error > 0.05


def test_a_component_without_weight_does_not_count():
    p, q = mixture([0, 1], [[100], [0]]), gaussian([0], 1)
    asked = []
    value = expectation(lambda x: asked.append(x.max()) or x[:, 0] ** 2, p).value
    assert value == expectation(lambda x: x[:, 0] ** 2, q).value
    assert max(asked) < 13  # no point near it


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: expectation(lambda x: x[:, 0], mixture([1], [[0]]), rtol=1e-14),
            ValueError,
            "rtol is 1e-14; expected",
        ),
        (lambda: expectation(lambda x: x[:, 0], mixture([1], [[0, 0, 0]])), ValueError, "d is 3; expected 1 or 2"),
        (lambda: expectation(lambda x: x[:, 0], "p"), TypeError, "mixture is a str; expected a Mixture or a Gaussian"),
        (lambda: expectation(lambda x: np.ones(3), mixture([1], [[0]])), ValueError, r"function\(x\) has shape \(3,\)"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()
