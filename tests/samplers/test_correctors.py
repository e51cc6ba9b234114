"""samplers/correctors.py: three rules for the step size, and what their laws end at."""

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import annealed_corrector_step, batch_corrector_step, langevin_corrector_step
from tests.samplers.laws import U

X, Z = rs.noise.tape(1, 2, (4, 3), 2)
RULES = {"per sample": langevin_corrector_step, "batch": batch_corrector_step}


def score(x):
    return -(x - 0.3) / np.array([0.5, 2.0])


def lengths(x):
    return np.sqrt(np.einsum("...d,...d->...", x, x))


def test_a_size_for_each_sample():  # (PCS.1) (PCS.2), in the letters of the paper: ε = 2 (r |z|/|g|)²
    got = langevin_corrector_step(score, X, Z, snr=0.16, scale=0.9)
    for i in np.ndindex(4, 3):
        g = score(X[i])
        eps = 2 * 0.9 * (0.16 * lengths(Z[i]) / lengths(g)) ** 2
        np.testing.assert_allclose(got[i], X[i] + eps * g + np.sqrt(2 * eps) * Z[i], rtol=16 * U, atol=16 * U)


def test_one_size_for_the_batch():  # (PCS.3): the mean of the lengths, then the ratio, then the square
    got = batch_corrector_step(score, X, Z, snr=0.16, scale=0.9)
    eps = 2 * 0.9 * (0.16 * lengths(Z).mean() / lengths(score(X)).mean()) ** 2
    np.testing.assert_allclose(got, X + eps * score(X) + np.sqrt(2 * eps) * Z, rtol=16 * U, atol=16 * U)


def test_a_batch_of_one_is_per_sample():
    one = [rule(score, X[0, :1], Z[0, :1], snr=0.3) for rule in RULES.values()]
    np.testing.assert_allclose(one[0], one[1], rtol=8 * U)


def test_the_rules_differ_on_a_batch():
    a, b = (rule(score, X, Z, snr=0.16) for rule in RULES.values())
    assert abs(a - b).max() > 1e-2


def stepped(rule):
    return lambda x, z: rule(lambda y: 1 - y, x, z[0], snr=0.16)


def test_the_size_depends_on_the_state():
    with pytest.raises(rs.exact.NotAffine):
        rs.exact.probe(stepped(langevin_corrector_step), 2, 1)


def test_the_batch_rule_is_one_map_a_batch():
    with pytest.raises(rs.exact.NotAffine, match="see each other"):
        rs.exact.probe(stepped(batch_corrector_step), 2, 1)
    with pytest.raises(rs.exact.NotAffine, match="changes by"):
        rs.exact.probe(stepped(batch_corrector_step), 2, 1, rows_per_call=1)


def test_the_fixed_rule_is_langevin():  # (PCS.4): ε = 2e
    got = annealed_corrector_step(score, X, Z, snr=0.16, sigma=0.7, scale=0.9)
    wanted = rs.samplers.langevin_step(score, X, Z, step_size=4 * 0.9 * (0.16 * 0.7) ** 2)
    np.testing.assert_allclose(got, wanted, rtol=16 * U, atol=16 * U)


# ---- where the rules end


@pytest.mark.parametrize("d", [1, 2, 5])
def test_the_second_moment_after_one_step(d):
    """E|x'|² given x = |x|² - 4 r² v d + 4 r² (1 + r²) v² d(d + 2)/|x|², of which (PCS.6) is the balance.

    With x along an axis, |x'|² is a polynomial of degree 4 in z after averaging over ±z: Gauss-Hermite is exact.
    """
    v, r = 0.7, 0.3
    nodes, weights = np.polynomial.hermite_e.hermegauss(7)
    z = np.stack(np.meshgrid(*[nodes] * d, indexing="ij"), axis=-1).reshape(-1, d)
    mass = np.stack(np.meshgrid(*[weights / weights.sum()] * d, indexing="ij"), axis=-1).reshape(-1, d).prod(axis=-1)
    x = np.zeros((len(z), d))
    x[:, 0] = 1.3
    z[lengths(z) == 0] = 1e-200  # |z| = 0 moves nothing, and is no case apart
    moved = langevin_corrector_step(lambda y: -y / v, x, z, snr=r)
    found = mass @ lengths(moved) ** 2
    size = 1.3**2
    exact = size - 4 * r**2 * v * d + 4 * r**2 * (1 + r**2) * v**2 * d * (d + 2) / size
    assert abs(found - exact) <= 1e-13 * exact
    balance = (d + 2) * (1 + r**2) * v  # (PCS.6): put 1/|x|² = 1/balance into the line above and nothing changes
    assert abs(-4 * r**2 * v * d + 4 * r**2 * (1 + r**2) * v**2 * d * (d + 2) / balance) < 1e-15


@pytest.mark.parametrize("w", [0.2, 0.7, 3.0])
def test_an_endless_batch_has_an_affine_step(w):
    """(PCS.5) from the batch's own rule on a batch whose mean lengths are those of N(0, w) and N(0, 1) exactly.

    Points of a quadrature rule with equal weights: ± pairs of one length each, E|x| and E x² being scaled alike.
    """
    v, r = 0.7, 0.3
    one = np.array([1.0, 1.0, -1.0, -1.0])[:, None]  # mean length 1 = √(mean square)
    z = np.array([1.0, -1.0, 1.0, -1.0])[:, None]
    moved = batch_corrector_step(lambda y: -y / v, np.sqrt(w) * one, z, snr=r)
    exact = w - 4 * r**2 * v + 4 * r**2 * (1 + r**2) * v**2 / w
    assert abs((moved**2).mean() - exact) <= 16 * U * (w + 4 * r**2 * v + 8 * r**2 * v**2 / w)


@pytest.mark.parametrize(("r", "percent"), [(0.16, 2.56), (0.316, 9.9856)])
def test_the_limit_is_one_plus_r_squared_and_not_one_over_one_minus(r, percent):
    v, w = 0.7, 5.0
    for _ in range(2000):
        w = w - 4 * r**2 * v + 4 * r**2 * (1 + r**2) * v**2 / w
    assert abs(w / v - (1 + r**2)) < 1e-13
    assert abs(100 * (w / v - 1) - percent) < 1e-11
    assert abs(w / v - 1 / (1 - r**2)) > 1e-4  # what a size frozen at w = v, e = 2 r² v, would give


@pytest.mark.parametrize(("rule", "d", "n"), [("per sample", 30, 2000), ("batch", 3, 20000)])
def test_chains_end_there(rule, d, n):
    """The states themselves, on a fixed tape: 40 steps of the chain from N(0, v), r = 0.5.

    Per sample the harmonic mean of |x|² is (d + 2)(1 + r²) v; in a large batch the variance is (1 + r²) v. Standard
    errors at these sizes are √(2/(n d)) = 0.6 %; 5 of them separate the limits from v and from v/(1 - r²) = 1.33 v.
    """
    v, r = 0.7, 0.5
    tape = rs.noise.tape(5, 41, (n,), d)
    x = np.sqrt(v) * tape[0]
    for z in tape[1:]:
        x = RULES[rule](lambda y: -y / v, x, z, snr=r)
    size = lengths(x) ** 2
    found = 1 / (1 / size).mean() / (d + 2) if rule == "per sample" else size.mean() / d
    assert abs(found / ((1 + r**2) * v) - 1) < 5 * np.sqrt(2 / (n * d))


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_bad_arguments_are_named(rule):
    with pytest.raises(ValueError, match=r"score\(x\) has the length 0"):
        rule(np.zeros_like, X, Z, snr=0.1)
    with pytest.raises(ValueError, match="snr"):
        rule(score, X, Z, snr=0)
    with pytest.raises(ValueError, match="scale"):
        rule(score, X, Z, snr=0.1, scale=-1)
    with pytest.raises(ValueError, match=r"noise has shape \(3, 2\)"):
        rule(score, X, Z[0], snr=0.1)
