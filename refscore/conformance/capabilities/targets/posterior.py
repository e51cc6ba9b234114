"""Capabilities ``target.mixture.denoise`` and ``.posterior_covariance``: Tweedie's formula and its second order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.targets.common import Change, Shares, law_faults, right, share_faults, unchanged
from refscore.conformance.capabilities.targets.parts import Parts, average, outer, parts, perturbed
from refscore.conformance.capabilities.targets.problems import noisy_mixtures
from refscore.conformance.capabilities.targets.sizes import posterior_sizes
from refscore.conformance.capability import Capability, Case, Fault, Function, Values
from refscore.targets import Mixture

__all__ = ["POSTERIOR"]

# From the parts of the perturbed mixture, the shares, x (n, d) and levels (n, 1) to a value.
Value = Callable[[Parts, Float, Float, Float, Float], Float]
Perturb = Callable[[Float, Float, Float, Float], tuple[Float, Float]]


def _cases(output: int) -> Iterator[Case]:
    for name, (problem, alpha, sigma) in noisy_mixtures():
        keywords = {"alpha": alpha, "sigma": sigma}

        def expect(
            function: Function, arguments: tuple[Float, ...] = tuple(problem), keywords: dict[str, Float] = keywords
        ) -> Values:
            return (np.asarray(function(*arguments, **keywords)),)

        size = posterior_sizes(*problem, alpha, sigma)[output]
        yield Case(name, tuple(problem), expect, (size,), keywords=keywords)


def _wrong(
    value: Value,
    weights: Change = unchanged,
    covs: Change = unchanged,
    shares: Shares = right,
    perturb: Perturb = perturbed,
) -> Function:
    """The value from the parts of the perturbed mixture, with something else where a change is given."""

    def function(x: Float, w: Float, means: Float, c: Float, *, alpha: Float, sigma: Float) -> Float:
        p = parts(x, weights(w), *perturb(means, covs(c), alpha, sigma))
        return value(p, shares(p, w), x, alpha[:, None], sigma[:, None])

    return function


def _denoise(p: Parts, share: Float, x: Float, a: Float, s: Float) -> Float:
    return (x + s**2 * average(share, p.each)) / a


def _jacobian(p: Parts, share: Float) -> Float:
    spread = p.each - average(share, p.each)
    return average(share, outer(spread, spread) - p.precision)


def _covariance(p: Parts, share: Float, x: Float, a: Float, s: Float) -> Float:
    a, s = a[..., None], s[..., None]
    return (s / a) ** 2 * (np.eye(x.shape[-1], dtype=x.dtype) + s**2 * _jacobian(p, share))


def _within(p: Parts, share: Float, x: Float, a: Float, s: Float) -> Float:
    a, s = a[..., None], s[..., None]
    return (s / a) ** 2 * (np.eye(x.shape[-1], dtype=x.dtype) - s**2 * average(share, p.precision))


def _jacobian_subtracted(p: Parts, share: Float, x: Float, a: Float, s: Float) -> Float:
    twice = 2 * (s / a)[..., None] ** 2 * np.eye(x.shape[-1], dtype=x.dtype)
    return np.asarray(twice - _covariance(p, share, x, a, s))


def _clean(means: Float, covs: Float, _alpha: Float, _sigma: Float) -> tuple[Float, Float]:
    return means[:, None], covs[:, None]


def _added_only(means: Float, covs: Float, alpha: Float, sigma: Float) -> tuple[Float, Float]:
    return perturbed(means, covs, np.ones_like(alpha), sigma)


def _means_unscaled(means: Float, covs: Float, alpha: Float, sigma: Float) -> tuple[Float, Float]:
    return means[:, None], perturbed(means, covs, alpha, sigma)[1]


def _covs_scaled_once(means: Float, covs: Float, alpha: Float, sigma: Float) -> tuple[Float, Float]:
    return perturbed(means, covs, alpha, sigma)[0], perturbed(means, covs, np.sqrt(alpha), sigma)[1]


def _noise_not_squared(means: Float, covs: Float, alpha: Float, sigma: Float) -> tuple[Float, Float]:
    return perturbed(means, covs, alpha, np.sqrt(sigma))


def _perturb_faults(prefix: str, value: Value) -> tuple[Fault, ...]:
    """Mistakes with the law of α x0 + σ ε."""
    return (
        Fault(
            f"{prefix}-clean-law",
            "the mixture is not perturbed: its score without noise is used",
            "right for small σ at α = 1 only",
            _wrong(value, perturb=_clean),
        ),
        Fault(
            f"{prefix}-means-unscaled",
            "the means are not scaled by α in the perturbed mixture",
            "right where α = 1; the modes stand still while the data shrink",
            _wrong(value, perturb=_means_unscaled),
        ),
        Fault(
            f"{prefix}-covs-scaled-once",
            "the covariances are scaled by α, not by α²",
            "right where α = 1 only",
            _wrong(value, perturb=_covs_scaled_once),
        ),
        Fault(
            f"{prefix}-noise-not-squared",
            "σ I is added to the covariances, not σ² I",
            "right at σ = 1 only",
            _wrong(value, perturb=_noise_not_squared),
        ),
        Fault(
            f"{prefix}-no-alpha",
            "α is left out everywhere: the formula of variance-exploding paths",
            "right on VE and EDM paths only",
            _wrong(
                lambda p, share, x, a, s: value(p, share, x, np.ones_like(a), s),
                perturb=_added_only,
            ),
        ),
    )


DENOISE = Capability(
    name="target.mixture.denoise",
    title="Posterior mean of the clean sample: Tweedie's formula on a mixture",
    signature="denoise(x (n, d), weights (k,), means (k, d), covs (k, d, d), *, alpha (n,), sigma (n,)) -> (n, d)",
    formula="E[x₀ given x] = (x + σ² s(x))/α,  s the score of Σ_k w_k N(α μ_k, α² Σ_k + σ² I)",
    label="TWEEDIE.1",
    source="Robbins (1956); Efron (2011), Tweedie's formula and selection bias",
    page="docs/targets/mixture.md",
    reference=lambda x, weights, means, covs, *, alpha, sigma: Mixture(weights, means, covs).denoise(
        x, alpha=alpha, sigma=sigma
    ),
    cases=lambda _: _cases(0),
    truth="Σ_k r_k (A_k x + B_k μ_k), which does not cancel",
    faults=(
        *law_faults("MIXDENOISE", partial(_wrong, _denoise)),
        *share_faults("MIXDENOISE", partial(_wrong, _denoise)),
        *_perturb_faults("MIXDENOISE", _denoise),
        Fault(
            "MIXDENOISE-not-divided",
            "the result is not divided by α: E[α x₀ given x]",
            "right where α = 1; too small near the noise",
            _wrong(lambda p, share, x, a, s: a * _denoise(p, share, x, a, s)),
        ),
        Fault(
            "MIXDENOISE-sigma-once",
            "σ s stands where σ² s belongs",
            "right at σ = 1 only",
            _wrong(lambda p, share, x, a, s: (x + s * average(share, p.each)) / a),
        ),
        Fault(
            "MIXDENOISE-not-lifted",
            "α and σ of shape (n,) are multiplied onto (n, d) without an event axis",
            "each dimension gets the level of another sample; silent where n = d",
            _wrong(lambda p, share, x, a, s: _denoise(p, share, x, a[:, 0], s[:, 0])),
            "https://github.com/facebookresearch/flow_matching",
        ),
        Fault(
            "MIXDENOISE-sign",
            "x − σ² s instead of x + σ² s",
            "adds the noise once more instead of taking it away",
            _wrong(lambda p, share, x, a, s: (x - s**2 * average(share, p.each)) / a),
        ),
    ),
)

COVARIANCE = Capability(
    name="target.mixture.posterior_covariance",
    title="Posterior covariance of the clean sample: Tweedie's second order on a mixture",
    signature=(
        "posterior_covariance(x (n, d), weights (k,), means (k, d), covs (k, d, d), *, alpha (n,), sigma (n,))"
        " -> (n, d, d)"
    ),
    formula="Cov[x₀ given x] = (σ/α)² (I + σ² J(x)),  J the Jacobian of the score of the noised mixture",
    label="TWEEDIE.2",
    source="Efron (2011), section 2; Meng et al. (2021), Estimating high order gradients",
    page="docs/targets/mixture.md",
    reference=lambda x, weights, means, covs, *, alpha, sigma: Mixture(weights, means, covs).posterior_covariance(
        x, alpha=alpha, sigma=sigma
    ),
    cases=lambda _: _cases(1),
    truth="Σ_k r_k [V_k + (m_k − m)(m_k − m)ᵀ], which does not cancel",
    faults=(
        *law_faults("MIXCOV", partial(_wrong, _covariance)),
        *share_faults("MIXCOV", partial(_wrong, _covariance)),
        *_perturb_faults("MIXCOV", _covariance),
        Fault(
            "MIXCOV-not-divided",
            "σ² (I + σ² J): not divided by α²",
            "right where α = 1 only",
            _wrong(lambda p, share, x, a, s: a[..., None] ** 2 * _covariance(p, share, x, a, s)),
        ),
        Fault(
            "MIXCOV-divided-once",
            "divided by α, not by α²: σ²/α times the Jacobian of the denoiser, which has an α of its own",
            "right where α = 1 only",
            _wrong(lambda p, share, x, a, s: a[..., None] * _covariance(p, share, x, a, s)),
        ),
        Fault(
            "MIXCOV-within-only",
            "the components' own covariances are averaged: no term between the components",
            "certain between two modes, where nothing is",
            _wrong(_within),
        ),
        Fault(
            "MIXCOV-sign",
            "I − σ² J instead of I + σ² J",
            "larger than the noise explains",
            _wrong(_jacobian_subtracted),
        ),
    ),
)


POSTERIOR = (DENOISE, COVARIANCE)
