"""exact/directional.py against quadrature over the objectives themselves."""

import numpy as np
import pytest
from scipy.special import roots_jacobi

from refscore.exact.directional import (
    Cosines,
    simplex_expectation,
    simplex_minimiser,
    simplex_variance,
    sphere_expectation,
    sphere_minimiser,
    sphere_variance,
    von_mises_fisher_cosines,
)
from refscore.models import ExponentialFamily, monomials
from refscore.objectives import orthant_product, simplex, sphere


def cosine_mean(kappa, d, function):
    """E f(t) for t of von Mises-Fisher, by the Gauss rule of (1 - t²)^((d-3)/2): e^(κt) is entire."""
    t, weights = roots_jacobi(48, (d - 3) / 2, (d - 3) / 2)
    weights = weights * np.exp(kappa * (t - 1))
    return sum(w * function(x) for x, w in zip(t, weights, strict=True)) / weights.sum()


@pytest.mark.parametrize("d", [2, 3, 5, 12])
@pytest.mark.parametrize("kappa", [1e-6, 0.5, 2.0, 30.0])
def test_cosines(kappa, d):  # (SPH.5)
    found = von_mises_fisher_cosines(kappa, d)
    for got, function in (
        (found.first, lambda t: t),
        (found.off, lambda t: 1 - t * t),
        (found.crossed, lambda t: t * (1 - t * t)),
        (found.off_square, lambda t: (1 - t * t) ** 2),
    ):
        assert abs(got - cosine_mean(kappa, d, function)) <= 1e-13


@pytest.mark.parametrize("d", [2, 3, 5])
def test_expectation_and_variance_are_those_of_the_objective(d):  # (SPH.6) (SPH.7)
    kappa, own = 1.5, 2.0
    data = von_mises_fisher_cosines(own, d)
    model = ExponentialFamily(monomials(d, 1), [kappa, *np.zeros(d - 1)])

    def value(t):
        return sphere(model, [t, np.sqrt(1 - t * t), *np.zeros(d - 2)]).item()

    first = cosine_mean(own, d, value)
    assert abs(sphere_expectation(kappa, data) - first) <= 1e-12
    assert abs(sphere_variance(kappa, data) - cosine_mean(own, d, lambda t: (value(t) - first) ** 2)) <= 1e-11


@pytest.mark.parametrize("d", [2, 3, 7])
@pytest.mark.parametrize("kappa", [0.25, 4.0])
def test_the_best_kappa_is_the_datas_own(kappa, d):  # (SPH.8)
    data = von_mises_fisher_cosines(kappa, d)
    assert abs(sphere_minimiser(data) - kappa) <= 1e-13 * kappa
    best = sphere_expectation(kappa, data)
    assert all(sphere_expectation(kappa + step, data) > best for step in (-0.125, 0.125))


def test_a_wrapped_normal_has_a_kappa_of_its_own():
    """E t = e^(-s/2), E (1 - t²) = (1 - e^(-2s))/2: κ = e^(s/2)/sinh s, which is not the maximum-likelihood one."""
    s = 0.7
    data = Cosines(2, np.exp(-s / 2), (1 - np.exp(-2 * s)) / 2, 0.0, 0.0)
    assert abs(sphere_minimiser(data) - np.exp(s / 2) / np.sinh(s)) <= 1e-14


# Koehler-type efficiency of score matching against maximum likelihood: relative variance of κ, from the sandwich.
EFFICIENCY = [(2, 0.5, 0.9461), (2, 1, 0.8510), (2, 2, 0.7775), (2, 4, 0.8963), (2, 8, 0.9829)]
EFFICIENCY += [(3, 0.5, 0.9845), (3, 1, 0.9497), (3, 2, 0.8966), (3, 4, 0.9219), (3, 8, 0.9800)]


@pytest.mark.parametrize(("d", "kappa", "known"), EFFICIENCY)
def test_known_efficiencies(d, kappa, known):
    """Var of κ̂ is Var(κ (1 - t²) - (d - 1) t) / E(1 - t²)² a sample; maximum likelihood has 1/Var t."""
    data = von_mises_fisher_cosines(kappa, d)
    square = kappa**2 * data.off_square - 2 * (d - 1) * kappa * data.crossed + (d - 1) ** 2 * (1 - data.off)
    variance_t = 1 - data.off - data.first**2
    assert abs(data.off**2 / square / variance_t - known) <= 5e-5


MODEL, DATA = np.array([1.25, 0.75, 2.0]), np.array([1.5, 2.5, 3.0])


def dirichlet_score(alpha):
    class Dirichlet:
        """s = (α - 1)/u."""

        def __call__(self, u):
            return (alpha - 1) / u

        def jacobian(self, u):
            return -((alpha - 1) / u**2)[..., None] * np.eye(len(alpha))

        def vjp(self, u, v):
            return -v * (alpha - 1) / u**2

    return Dirichlet()


def sticks(n=6):
    """Nodes and weights of the Dirichlet law, exact for polynomials: u_1 is a beta share, u_2 one of the rest."""
    (a, wa), (b, wb) = (
        roots_jacobi(n, after - 1, before - 1) for before, after in ((DATA[0], DATA[1:].sum()), (DATA[1], DATA[2]))
    )
    first, second = np.meshgrid((a + 1) / 2, (b + 1) / 2, indexing="ij")
    nodes = np.stack([first, (1 - first) * second, (1 - first) * (1 - second)], axis=-1)
    return nodes, np.multiply.outer(wa / wa.sum(), wb / wb.sum())


def test_simplex_expectation_and_variance_are_those_of_the_objective():  # (SIM.7) (SIM.8)
    u, weights = sticks()
    values = simplex(dirichlet_score(MODEL), u, g=orthant_product(1))
    first = (weights * values).sum()
    second = (weights * (values - first) ** 2).sum()
    assert abs(simplex_expectation(MODEL, DATA) - first) <= 1e-13
    assert abs(simplex_variance(MODEL, DATA) - second) <= 1e-13
    assert second > 1e-4


def test_the_best_alpha_is_the_datas_own():  # (SIM.9)
    best = simplex_expectation(simplex_minimiser(DATA), DATA)
    for i in range(3):
        e = np.eye(3)[i]
        slope = simplex_expectation(DATA + e / 8, DATA) - simplex_expectation(DATA - e / 8, DATA)
        assert abs(slope) <= 1e-14  # exact for a quadratic
        assert simplex_expectation(DATA + e / 8, DATA) > best


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"kappa is 0.0; expected kappa > 0"):
        von_mises_fisher_cosines(0, 3)
    with pytest.raises(ValueError, match=r"d is 1; expected at least 2"):
        von_mises_fisher_cosines(1, 1)
    with pytest.raises(ValueError, match=r"model has shape \(2,\); expected \(\*batch, 3\)"):
        simplex_expectation([1, 1], DATA)
    with pytest.raises(ValueError, match=r"data has a value of 0.0; expected data > 0"):
        simplex_minimiser([0, 1])
