"""Capabilities ``target.gaussian.*``: the log density of N(μ, Σ), and its score."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.targets.parts import LOG_2PI, inverse
from refscore.conformance.capabilities.targets.problems import gaussians
from refscore.conformance.capabilities.targets.sizes import Sizes, sizes
from refscore.conformance.capability import Capability, Case, Fault, Function, Values
from refscore.targets import Gaussian

__all__ = ["GAUSSIAN"]


def _log_prob(x: Float, mean: Float, cov: Float) -> Float:
    return Gaussian(mean, cov).log_prob(x)


def _score(x: Float, mean: Float, cov: Float) -> Float:
    return Gaussian(mean, cov).score(x)


def _cases(size: Callable[[Sizes], Float]) -> Iterator[Case]:
    for name, x, mean, cov in gaussians():
        arguments = (x, mean, cov)

        def expect(function: Function, arguments: tuple[Float, ...] = arguments) -> Values:
            return (np.asarray(function(*arguments)),)

        yield Case(name, arguments, expect, (size(sizes(x, np.ones(1), mean[None], cov[None])),))


def _density(value: Callable[[Float, Float, int], Float], change: Callable[[Float], Float] = np.asarray) -> Function:
    """A log density from the Mahalanobis distance, log det Σ and d, for a covariance that may be changed first."""

    def function(x: Float, mean: Float, cov: Float) -> Float:
        cov = change(cov)
        return value(_distance(x, mean, cov), np.linalg.slogdet(cov)[1], len(mean))

    return function


def _distance(x: Float, mean: Float, cov: Float) -> Float:
    delta = x - mean
    return np.asarray((delta @ inverse(cov) * delta).sum(-1))


def _expanded(x: Float, mean: Float, cov: Float) -> Float:
    precision = inverse(cov)
    distance = (x @ precision * x).sum(-1) - 2 * x @ precision @ mean + mean @ precision @ mean
    return _normal(distance, np.linalg.slogdet(cov)[1], len(mean))


def _normal(q: Float, log_det: Float, d: int) -> Float:
    return -0.5 * (d * LOG_2PI + log_det + q)


def _root(cov: Float) -> Float:
    values, axes = np.linalg.eigh(cov)
    return np.asarray((axes * np.sqrt(values)) @ axes.T)


def _diagonal(cov: Float) -> Float:
    return np.diag(np.diag(cov))


def _product(matrix: Callable[[Float], Float]) -> Function:
    """The score with another matrix where −Σ⁻¹ belongs."""
    return lambda x, mean, cov: (x - mean) @ matrix(cov).T


def _whitening(cov: Float) -> Float:
    return inverse(np.asarray(np.linalg.cholesky(cov), dtype=cov.dtype))


LOG_PROB = Capability(
    name="target.gaussian.log_prob",
    title="Log density of a Gaussian",
    signature="log_prob(x (n, d), mean (d,), cov (d, d)) -> (n,)",
    formula="log p = −½ [d log 2π + log det Σ + (x − μ)ᵀ Σ⁻¹ (x − μ)]",
    label="N.1",
    source="Bishop (2006), eq. 2.43",
    page="docs/targets/gaussian.md",
    reference=_log_prob,
    cases=lambda _: _cases(lambda size: size.log_prob),
    truth="integrates to one",
    faults=(
        Fault(
            "NLOGP-no-determinant",
            "log det Σ is left out",
            "the score is right, likelihoods of different covariances cannot be compared",
            _density(lambda q, log_det, d: -0.5 * (d * LOG_2PI + q)),
        ),
        Fault(
            "NLOGP-no-2pi",
            "d log 2π is left out",
            "the score is right, the density does not integrate to one",
            _density(lambda q, log_det, d: -0.5 * (log_det + q)),
        ),
        Fault(
            "NLOGP-one-2pi",
            "log 2π is taken once, whatever the dimension",
            "right in one dimension; 0.92 nats too large for each further one",
            _density(lambda q, log_det, d: -0.5 * (LOG_2PI + log_det + q)),
            "https://github.com/ermongroup/ncsn/blob/master/models/gmm.py",
        ),
        Fault(
            "NLOGP-normaliser-not-halved",
            "d log 2π + log det Σ is not halved",
            "the score is right, the density does not integrate to one",
            _density(lambda q, log_det, d: -(d * LOG_2PI + log_det) - 0.5 * q),
            "https://github.com/ermongroup/sliced_score_matching/blob/master/losses/dsm.py",
        ),
        Fault(
            "NLOGP-distance-not-halved",
            "the squared distance is not halved",
            "the density is that of half the covariance, with another's normaliser",
            _density(lambda q, log_det, d: -0.5 * (d * LOG_2PI + log_det) - q),
        ),
        Fault(
            "NLOGP-not-squared",
            "the distance is not squared",
            "a Laplace-like density with the normaliser of a Gaussian",
            _density(lambda q, log_det, d: _normal(np.sqrt(q), log_det, d)),
        ),
        Fault(
            "NLOGP-precision",
            "the covariance is taken for a precision",
            "right where all variances are one",
            _density(_normal, inverse),
        ),
        Fault(
            "NLOGP-deviation",
            "the covariance is passed where a scale belongs: Σ Σᵀ is the covariance",
            "right where all variances are one",
            _density(_normal, lambda cov: cov @ cov),
        ),
        Fault(
            "NLOGP-root",
            "a scale is used where the covariance belongs: Σ^½ is the covariance",
            "right where all variances are one",
            _density(_normal, _root),
        ),
        Fault(
            "NLOGP-diagonal",
            "only the variances are used",
            "correlations are not seen",
            _density(_normal, _diagonal),
        ),
        Fault(
            "NLOGP-underflow",
            "the logarithm of a density that was computed first",
            "−∞ some 38 standard deviations away, in float32 already 13",
            _density(lambda q, log_det, d: np.log(np.exp(_normal(q, log_det, d)))),
        ),
        Fault(
            "NLOGP-expanded",
            "(x − μ)ᵀ Σ⁻¹ (x − μ) is multiplied out",
            "digits cancel where the data are far from the origin",
            _expanded,
        ),
    ),
)

SCORE = Capability(
    name="target.gaussian.score",
    title="Score of a Gaussian",
    signature="score(x (n, d), mean (d,), cov (d, d)) -> (n, d)",
    formula="s = −Σ⁻¹ (x − μ)",
    label="N.2",
    source="Hyvärinen (2005), section 3.1",
    page="docs/targets/gaussian.md",
    reference=_score,
    cases=lambda _: _cases(lambda size: size.score),
    truth="E s = 0 and E s (x − μ)ᵀ = −I",
    faults=(
        Fault(
            "NSCORE-sign",
            "the gradient of the energy, −∇ log p",
            "samples move away from the data",
            _product(inverse),
            "https://github.com/soran-ghaderi/torchebm/issues/318",
        ),
        Fault(
            "NSCORE-no-mean",
            "the mean is not subtracted",
            "samples gather at the origin",
            lambda x, mean, cov: -x @ inverse(cov),
        ),
        Fault(
            "NSCORE-precision",
            "the covariance is taken for a precision",
            "right where all variances are one",
            _product(lambda cov: -cov),
        ),
        Fault(
            "NSCORE-deviation",
            "the covariance is passed where a scale belongs: Σ Σᵀ is the covariance",
            "right where all variances are one",
            _product(lambda cov: -inverse(cov @ cov)),
        ),
        Fault(
            "NSCORE-root",
            "divided by the standard deviation once: Σ^½ is the covariance",
            "right where all variances are one",
            _product(lambda cov: -inverse(_root(cov))),
        ),
        Fault(
            "NSCORE-diagonal",
            "only the variances are used",
            "correlations are not seen",
            _product(lambda cov: -inverse(_diagonal(cov))),
        ),
        Fault(
            "NSCORE-one-solve",
            "one of the two triangular solves is left out: L⁻¹ (x − μ)",
            "the whitened residual, right where all variances are one",
            _product(lambda cov: -_whitening(cov)),
        ),
        Fault(
            "NSCORE-solves-exchanged",
            "the triangular solves in the wrong order: L⁻¹ L⁻ᵀ (x − μ)",
            "right for diagonal covariances only",
            _product(lambda cov: -_whitening(cov) @ _whitening(cov).T),
        ),
        Fault(
            "NSCORE-doubled",
            "the ½ of the exponent is forgotten",
            "samples have half the covariance",
            _product(lambda cov: -2 * inverse(cov)),
        ),
        Fault(
            "NSCORE-expanded",
            "Σ⁻¹ x − Σ⁻¹ μ instead of Σ⁻¹ (x − μ)",
            "digits cancel where the data are far from the origin",
            lambda x, mean, cov: inverse(cov) @ mean - x @ inverse(cov),
        ),
    ),
)

GAUSSIAN = (LOG_PROB, SCORE)
