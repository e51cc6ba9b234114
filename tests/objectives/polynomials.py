"""A cubic log density in autograd, and the same as a model: the definition that objectives on domains are held to."""

import itertools

import autograd
import autograd.numpy as anp
import numpy as np

from refscore.models import ExponentialFamily, monomials

U = 2.0**-53


def exponents(d, degree=3):
    """α of each monomial, in the order of ``monomials``."""
    degrees = range(1, degree + 1)
    terms = itertools.chain(*(itertools.combinations_with_replacement(range(d), m) for m in degrees))
    return [[term.count(i) for i in range(d)] for term in terms]


def log_density(theta, x):
    """Σ_k θ_k x^α_k at one point."""
    powers = []
    for alpha in exponents(len(x)):
        value = 1.0
        for x_i, a in zip(x, alpha):
            for _ in range(a):
                value = value * x_i
        powers.append(value)
    return anp.dot(theta, anp.array(powers))


def family(d, seed=0):
    """A cubic whose coefficients are quarters."""
    k = len(exponents(d))
    return ExponentialFamily(monomials(d, 3), np.random.default_rng(seed).integers(-6, 7, k) / 4)


def magnitudes(model):
    """The model with all signs positive: at |x| its values are the sizes of the terms of s, J and their slopes in θ."""
    return ExponentialFamily(model.features, np.abs(model.theta))


def score(theta, x):
    return autograd.grad(log_density, 1)(theta, x)


def gradient(total, model):
    """Of a function of θ, by autograd."""
    return autograd.grad(total)(model.theta)
