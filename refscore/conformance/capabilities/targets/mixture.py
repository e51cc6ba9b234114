"""Capabilities ``target.mixture.*`` that need no noise: log density, score, its Jacobian and trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.targets.common import Change, Shares, law_faults, right, share_faults, unchanged
from refscore.conformance.capabilities.targets.parts import LOG_2PI, Parts, average, inverse, log_sum_exp, outer, parts
from refscore.conformance.capabilities.targets.problems import mixtures
from refscore.conformance.capabilities.targets.sizes import Sizes, sizes
from refscore.conformance.capability import Capability, Case, Fault, Function, Values
from refscore.targets import Mixture

__all__ = ["MIXTURE"]

Value = Callable[[Parts, Float], Float]


def _cases(size: Callable[[Sizes], Float]) -> Iterator[Case]:
    for name, problem in mixtures():

        def expect(function: Function, arguments: tuple[Float, ...] = tuple(problem)) -> Values:
            return (np.asarray(function(*arguments)),)

        yield Case(name, tuple(problem), expect, (size(sizes(*problem)),))


def _log_density(p: Parts, _share: Float) -> Float:
    return log_sum_exp(p.joint)


def _score(p: Parts, share: Float) -> Float:
    return average(share, p.each)


def _jacobian(p: Parts, share: Float) -> Float:
    spread = p.each - average(share, p.each)
    return average(share, outer(spread, spread) - p.precision)


def _wrong(value: Value, weights: Change = unchanged, covs: Change = unchanged, shares: Shares = right) -> Function:
    """The value from the parts of a mixture, with something else where a change is given."""

    def function(x: Float, w: Float, means: Float, c: Float) -> Float:
        p = parts(x, weights(w), means, covs(c))
        return value(p, shares(p, w))

    return function


def _within(p: Parts, share: Float) -> Float:
    return -average(share, p.precision)


def _uncentred(p: Parts, share: Float) -> Float:
    return average(share, outer(p.each, p.each) - p.precision)


def _between_subtracted(p: Parts, share: Float) -> Float:
    return 2 * _within(p, share) - _jacobian(p, share)


def _averaged_covariance(p: Parts, share: Float) -> Float:
    return -inverse(average(share, inverse(p.precision)))


def _trace_of(value: Value) -> Value:
    return lambda p, share: np.asarray(np.trace(value(p, share), axis1=-2, axis2=-1))


_trace = _trace_of(_jacobian)

LOG_PROB = Capability(
    name="target.mixture.log_prob",
    title="Log density of a mixture of Gaussians",
    signature="log_prob(x (n, d), weights (k,), means (k, d), covs (k, d, d)) -> (n,)",
    formula="log p = log Σ_k w_k N(x; μ_k, Σ_k)",
    label="MIX.1",
    source="Bishop (2006), eq. 9.7",
    page="docs/targets/mixture.md",
    reference=lambda x, weights, means, covs: Mixture(weights, means, covs).log_prob(x),
    cases=lambda _: _cases(lambda size: size.log_prob),
    truth="integrates to one",
    faults=(
        *law_faults("MIXLOGP", partial(_wrong, _log_density)),
        Fault(
            "MIXLOGP-no-determinants",
            "the determinants of the covariances are left out",
            "wide modes are too heavy",
            _wrong(lambda p, share: log_sum_exp(p.joint + 0.5 * p.log_det)),
        ),
        Fault(
            "MIXLOGP-no-2pi",
            "d log 2π is left out",
            "the score is right, the density does not integrate to one",
            _wrong(lambda p, share: _log_density(p, share) + 0.5 * p.delta.shape[-1] * LOG_2PI),
        ),
        Fault(
            "MIXLOGP-one-2pi",
            "log 2π is taken once, whatever the dimension",
            "right in one dimension; 0.92 nats too large for each further one",
            _wrong(lambda p, share: _log_density(p, share) + 0.5 * (p.delta.shape[-1] - 1) * LOG_2PI),
            "https://github.com/ermongroup/ncsn/blob/master/models/gmm.py",
        ),
        Fault(
            "MIXLOGP-underflow",
            "densities are added first, then the logarithm is taken",
            "−∞ some 38 standard deviations from the modes, in float32 already 13",
            _wrong(lambda p, share: np.log(np.exp(p.joint).sum(0))),
        ),
        Fault(
            "MIXLOGP-likeliest",
            "the largest term stands for the sum",
            "up to log k too small between the modes",
            _wrong(lambda p, share: p.joint.max(0)),
        ),
        Fault(
            "MIXLOGP-mean-of-logs",
            "log densities are averaged instead of densities",
            "far modes drag the value down everywhere: a product of experts",
            lambda x, w, means, covs: w @ (parts(x, w, means, covs).joint - np.log(w)[:, None]),
        ),
    ),
)

SCORE = Capability(
    name="target.mixture.score",
    title="Score of a mixture of Gaussians",
    signature="score(x (n, d), weights (k,), means (k, d), covs (k, d, d)) -> (n, d)",
    formula="s = −Σ_k r_k Σ_k⁻¹ (x − μ_k),  r_k = w_k N(x; μ_k, Σ_k)/p(x)",
    label="MIX.2",
    source="Song & Ermon (2019), section 3.2.2, for two components",
    page="docs/targets/mixture.md",
    reference=lambda x, weights, means, covs: Mixture(weights, means, covs).score(x),
    cases=lambda _: _cases(lambda size: size.score),
    truth="∇ log p",
    faults=(
        *law_faults("MIXSCORE", partial(_wrong, _score)),
        *share_faults("MIXSCORE", partial(_wrong, _score)),
        Fault(
            "MIXSCORE-sign",
            "the gradient of the energy, −∇ log p",
            "samples move away from the data",
            _wrong(lambda p, share: -_score(p, share)),
            "https://github.com/soran-ghaderi/torchebm/issues/318",
        ),
        Fault(
            "MIXSCORE-gradient-of-density",
            "∇p, not divided by p",
            "vanishes outside the modes: samples do not move there",
            _wrong(_score, shares=lambda p, weights: np.exp(p.joint)),
        ),
    ),
)

JACOBIAN = Capability(
    name="target.mixture.score_jacobian",
    title="Jacobian of the score of a mixture of Gaussians",
    signature="score_jacobian(x (n, d), weights (k,), means (k, d), covs (k, d, d)) -> (n, d, d)",
    formula="J = Σ_k r_k [(s_k − s)(s_k − s)ᵀ − Σ_k⁻¹]",
    label="MIX.3",
    source="differentiate the score once more",
    page="docs/targets/mixture.md",
    reference=lambda x, weights, means, covs: Mixture(weights, means, covs).score_jacobian(x),
    cases=lambda _: _cases(lambda size: size.jacobian),
    truth="the Hessian of log p",
    faults=(
        *law_faults("MIXJAC", partial(_wrong, _jacobian)),
        *share_faults("MIXJAC", partial(_wrong, _jacobian)),
        Fault(
            "MIXJAC-within-only",
            "the responsibilities are treated as constants: no term between the components",
            "negative definite everywhere; log p is not concave between modes",
            _wrong(_within),
        ),
        Fault(
            "MIXJAC-uncentred",
            "Σ_k r_k s_k s_kᵀ without − s sᵀ: the Hessian of p over p",
            "not the derivative of the score: grows with its square",
            _wrong(_uncentred),
        ),
        Fault(
            "MIXJAC-between-subtracted",
            "the term between the components enters with a minus",
            "too concave between modes",
            _wrong(_between_subtracted),
        ),
        Fault(
            "MIXJAC-averaged-covariance",
            "covariances are averaged, then inverted",
            "right for one component only",
            _wrong(_averaged_covariance),
        ),
        Fault(
            "MIXJAC-sign",
            "the Hessian of the energy, −log p",
            "positive where the score contracts",
            _wrong(lambda p, share: -_jacobian(p, share)),
        ),
    ),
)

TRACE = Capability(
    name="target.mixture.score_trace",
    title="Laplacian of the log density of a mixture of Gaussians",
    signature="score_trace(x (n, d), weights (k,), means (k, d), covs (k, d, d)) -> (n,)",
    formula="tr J = Σ_k r_k [|s_k − s|² − tr Σ_k⁻¹]",
    label="MIX.3",
    source="Hyvärinen (2005), eq. 4, for its first term",
    page="docs/targets/mixture.md",
    reference=lambda x, weights, means, covs: Mixture(weights, means, covs).score_trace(x),
    cases=lambda _: _cases(lambda size: size.trace),
    truth="the sum of the eigenvalues of J",
    faults=(
        *law_faults("MIXTRACE", partial(_wrong, _trace)),
        *share_faults("MIXTRACE", partial(_wrong, _trace)),
        Fault(
            "MIXTRACE-within-only",
            "the responsibilities are treated as constants: no term between the components",
            "negative everywhere; log p is not concave between modes",
            _wrong(_trace_of(_within)),
        ),
        Fault(
            "MIXTRACE-uncentred",
            "Σ_k r_k |s_k|² without − |s|²: Δp over p",
            "grows with the square of the score",
            _wrong(_trace_of(_uncentred)),
        ),
        Fault(
            "MIXTRACE-all-entries",
            "all entries of J are added, not its diagonal",
            "right for diagonal Jacobians only",
            _wrong(lambda p, share: _jacobian(p, share).sum((-2, -1))),
            "https://github.com/ermongroup/sliced_score_matching/issues/3",
        ),
        Fault(
            "MIXTRACE-mean",
            "the diagonal is averaged, not added",
            "d times too small",
            _wrong(lambda p, share: _trace(p, share) / p.delta.shape[-1]),
        ),
        Fault(
            "MIXTRACE-divergence-of-density",
            "Δp, not divided by p",
            "vanishes outside the modes",
            _wrong(_trace_of(_uncentred), shares=lambda p, weights: np.exp(p.joint)),
        ),
    ),
)

MIXTURE = (LOG_PROB, SCORE, JACOBIAN, TRACE)
