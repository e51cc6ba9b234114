"""objectives/missing_marginal.py: the estimated marginal in autograd, exact marginals of Gaussians, and masks."""

import itertools

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal

from refscore.models import AffineScore, QuadraticEnergy
from refscore.objectives import LogDensity, implicit, implicit_gradient, missing_marginal, missing_marginal_gradient
from tests.cubature import problems
from tests.objectives import polynomials as poly
from tests.objectives.polynomials import U

MASK = np.array([[True, False, True], [False, True, False], [True, True, True], [False, False, False]])
RNG = np.random.default_rng(7)
X = RNG.integers(-4, 5, (4, 3)) / 4
DRAWN = RNG.integers(-4, 5, (5, 4, 3)) / 4
PROPOSAL = RNG.integers(-8, 1, (5, 4)) / 4


def marginal(theta, x, i, mask=MASK):
    """log (1/r) Σ_k q(x_λ, x'_k)/p'(x'_k), up to a constant, as a function of all of x."""
    seen = mask[i].astype(float)
    logs = [poly.log_density(theta, seen * x + (1 - seen) * z) - p for z, p in zip(DRAWN[:, i], PROPOSAL[:, i])]
    return anp.log(sum(anp.exp(v) for v in logs))


def definition(theta, i):
    """½ |∇|² + Δ of the estimated marginal."""
    slope = autograd.grad(marginal, 1)(theta, X[i], i)
    return anp.trace(autograd.hessian(marginal, 1)(theta, X[i], i)) + 0.5 * anp.dot(slope, slope)


MODEL = LogDensity(poly.family(3, seed=2))
SIZE = (16 * np.abs(MODEL.model.theta).sum()) ** 2  # of s² and of what multiplies it, |x| ≤ 1


def test_value_is_the_implicit_objective_of_the_estimated_marginal():  # (MIS.1) – (MIS.3)
    values = missing_marginal(MODEL, X, MASK, DRAWN, proposal_log_prob=PROPOSAL)
    expected = [definition(MODEL.model.theta, i) for i in range(4)]
    assert np.abs(values - expected).max() <= 4 * U * SIZE
    assert values[3] == 0  # nothing is observed
    assert np.abs(values[:3]).min() > 0.1


def test_gradient_is_autograds():  # (MIS.4)
    got = missing_marginal_gradient(MODEL, X, MASK, DRAWN, proposal_log_prob=PROPOSAL)
    expected = poly.gradient(lambda theta: sum(definition(theta, i) for i in range(4)), MODEL.model)
    assert np.abs(got - expected).max() <= 16 * U * SIZE
    assert np.abs(expected).max() > 0.1


def test_batches_of_any_shape():
    values = missing_marginal(MODEL, X, MASK, DRAWN, proposal_log_prob=PROPOSAL)
    square = missing_marginal(
        MODEL,
        X.reshape(2, 2, 3),
        MASK.reshape(2, 2, 3),
        DRAWN.reshape(5, 2, 2, 3),
        proposal_log_prob=PROPOSAL.reshape(5, 2, 2),
    )
    assert_array_equal(square.ravel(), values)
    one = missing_marginal(MODEL, X[0], MASK[0], DRAWN[:, 0], proposal_log_prob=PROPOSAL[:, 0])
    assert one.shape == ()
    assert_allclose(one, values[0], rtol=0, atol=4 * U * SIZE)


def test_what_is_not_observed_is_not_read_and_what_is_observed_not_imputed():
    hidden, over = np.where(MASK, X, np.nan), np.where(MASK, 1e300, DRAWN)
    for function in (missing_marginal, missing_marginal_gradient):
        assert_array_equal(
            function(MODEL, hidden, MASK, over, proposal_log_prob=PROPOSAL),
            function(MODEL, X, MASK, DRAWN, proposal_log_prob=PROPOSAL),
        )


def test_constants_of_density_and_proposal_do_not_count():
    class Shifted:
        score, score_diagonal = staticmethod(MODEL.score), staticmethod(MODEL.score_diagonal)

        def __call__(self, x):
            return MODEL(x) - 3000.0  # e^-3000 is no float

    values = missing_marginal(MODEL, X, MASK, DRAWN, proposal_log_prob=PROPOSAL)
    shifted = missing_marginal(Shifted(), X, MASK, DRAWN, proposal_log_prob=PROPOSAL + np.array([0, 5e3, -5e3, 0]))
    assert_allclose(shifted, values, rtol=0, atol=5e3 * U * SIZE)


@given(problems())
def test_with_everything_observed_it_is_the_implicit_objective(problem):
    model = QuadraticEnergy(problem.matrix, problem.centre)
    x = RNG.integers(-8, 9, (4, problem.d)) / 4
    mask, draws = np.ones(x.shape, bool), np.zeros((1, *x.shape))
    got = missing_marginal(LogDensity(model), x, mask, draws, proposal_log_prob=np.zeros((1, 4)))
    assert_array_equal(got, implicit(model, x))
    slope = missing_marginal_gradient(LogDensity(model), x, mask, draws, proposal_log_prob=np.zeros((1, 4)))
    assert_array_equal(slope, implicit_gradient(model, x))


COV = np.array([[1.0, 0.6, 0.2], [0.6, 1.5, -0.3], [0.2, -0.3, 0.8]])
MEAN = np.array([0.5, -1.0, 0.25])


def conditional_nodes(seen, x):
    """Nodes of equal weight, exact for quadratics under the law of the missing coordinates given the observed ones."""
    inner = np.linalg.inv(COV[np.ix_(seen, seen)])
    gain = COV[np.ix_(~seen, seen)] @ inner
    spread = np.linalg.cholesky(COV[np.ix_(~seen, ~seen)] - gain @ COV[np.ix_(seen, ~seen)])
    k = len(spread)
    steps = np.sqrt(k) * np.concatenate([np.eye(k), -np.eye(k)]) @ spread.T
    draws = np.zeros((2 * k, 3))
    draws[:, ~seen] = MEAN[~seen] + gain @ (x[seen] - MEAN[seen]) + steps
    return draws


@pytest.mark.parametrize("pattern", [p for p in itertools.product([True, False], repeat=3) if 0 < sum(p) < 3], ids=str)
def test_exact_imputations_give_the_exact_marginal_of_a_gaussian(pattern):  # (MIS.1)
    seen, x = np.array(pattern), np.array([0.25, 1.5, -0.75])
    draws = conditional_nodes(seen, x)
    model = LogDensity(QuadraticEnergy(np.linalg.inv(COV), MEAN))
    # The nodes lie where the conditional density is the same, so its logarithm is any constant.
    value = missing_marginal(model, x, seen, draws, proposal_log_prob=np.zeros(len(draws)))
    exact = AffineScore(np.linalg.inv(COV[np.ix_(seen, seen)]), MEAN[seen])
    assert abs(value - implicit(exact, x[seen])) <= 1e-13


def test_any_proposal_tends_to_the_marginal():
    """Equal steps integrate a Gaussian times its logarithmic slopes to all digits: a proposal that is flat there."""
    seen, x = np.array([True, False]), np.array([0.75, 0.0])
    cov = COV[:2, :2]
    grid = np.linspace(-12, 12, 401)
    draws = np.stack([0 * grid, grid], axis=-1)
    value = missing_marginal(
        LogDensity(QuadraticEnergy(np.linalg.inv(cov), MEAN[:2])), x, seen, draws, proposal_log_prob=0 * grid
    )
    assert abs(value - implicit(AffineScore([[1.0]], MEAN[:1]), x[:1])) <= 1e-13


def test_bad_arguments_are_refused():
    for function in (missing_marginal, missing_marginal_gradient):
        with pytest.raises(TypeError, match="mask has dtype float64; expected bool"):
            function(MODEL, X, MASK.astype(float), DRAWN, proposal_log_prob=PROPOSAL)
        with pytest.raises(ValueError, match=r"x has shape \(4, 3\); expected \(1, 3\), the shape of mask"):
            function(MODEL, X, MASK[:1], DRAWN, proposal_log_prob=PROPOSAL)
        with pytest.raises(ValueError, match=r"imputations has shape \(5, 1, 3\); expected \(r, 4, 3\), r ≥ 1"):
            function(MODEL, X, MASK, DRAWN[:, :1], proposal_log_prob=PROPOSAL)
        with pytest.raises(ValueError, match=r"imputations has shape \(0, 4, 3\); expected \(r, 4, 3\), r ≥ 1"):
            function(MODEL, X, MASK, DRAWN[:0], proposal_log_prob=PROPOSAL[:0])
        with pytest.raises(ValueError, match=r"proposal_log_prob has shape \(5,\); expected \(5, 4\)"):
            function(MODEL, X, MASK, DRAWN, proposal_log_prob=PROPOSAL[:, 0])
        with pytest.raises(ValueError, match="x has 1 value that is not finite"):
            function(MODEL, X * [[np.nan, 1, 1], [1] * 3, [1] * 3, [1] * 3], MASK, DRAWN, proposal_log_prob=PROPOSAL)
    with pytest.raises(TypeError, match="score has no method log_prob"):
        LogDensity(AffineScore([[1]], [0]))
