"""Two checks that every sampler has to pass and every fault has to fail, both without a single sample.

`check_law` holds the probed law against the recursion of `refscore.exact.recursions`, a route on which no step is
taken. `check_order` holds the rate at which the law nears the exact marginal against the published order.
"""

import numpy as np

import refscore as rs
from refscore.samplers import Sampler

U = 2.0**-53
TARGET = rs.targets.gaussian([0.7, -1.0], [[0.5, 0.2], [0.2, 1.5]])  # m ≠ 0, s ≠ 1, axes not the coordinates'
VALUES, VECTORS = np.linalg.eigh(TARGET.cov)

# A stretch of each path that is smooth, away from the poles of σ' and 1/α.
SPANS = {
    "VP": (rs.paths.VP(), 0.9, 0.05),
    "SubVP": (rs.paths.SubVP(), 0.9, 0.05),
    "VE": (rs.paths.VE(0.1, 10.0), 0.6, 0.1),
    "EDM": (rs.paths.EDM(), 2.0, 0.3),
    "Cosine": (rs.paths.Cosine(), 0.9, 0.05),
    "Flow": (rs.paths.Flow(), 0.9, 0.05),
}


def uniform(span, n):
    _, first, last = span
    return np.linspace(first, last, n + 1)


def marginal(path, t):
    """The exact law at time t."""
    return TARGET.perturb(float(path.alpha(t)), float(path.sigma(t)))


def by_recursion(recursion, start):
    """The law of the last state along the eigenvectors, put back into the coordinates of the target."""
    mean, variance = recursion.law(
        VECTORS.T @ TARGET.mean,
        start_mean=VECTORS.T @ start.mean,
        start_variance=np.diag(VECTORS.T @ start.cov @ VECTORS),
    )
    cov = (VECTORS * variance) @ VECTORS.T
    return rs.targets.gaussian(VECTORS @ mean, 0.5 * (cov + cov.T))


def law_gap(sampler, recursion, start):
    law, expected = rs.exact.law(sampler, TARGET, start), by_recursion(recursion, start)
    return rs.exact.wasserstein2(law, expected) / np.sqrt(np.trace(expected.cov) + expected.mean @ expected.mean)


def check_law(make, recursion, span, n=24):
    """W2 between probed law and recursion, relative to the size of the law.

    A step rounds about 10 times in numbers of the size of the state, and the contraction forgets the older errors: 24
    steps stay below 240 u = 3e-14. The limit 1e-12 is the promise; a fault is 1e-4 away.
    """
    path, first, _ = span
    times = uniform(span, n)
    gap = law_gap(make(path, times), recursion(VALUES, path, times), marginal(path, first))
    assert gap <= 1e-12, gap


def order(make, span, counts=(25, 50, 100, 200)):
    """Observed order of W2 between the law at the last time and the exact marginal there, from the exact one."""
    path, first, last = span
    errors = [
        rs.exact.wasserstein2(
            rs.exact.law(make(path, uniform(span, n)), TARGET, marginal(path, first)), marginal(path, last)
        )
        for n in counts
    ]
    return rs.exact.order_of(errors, counts)


def check_order(make, span, published, counts=(25, 50, 100, 200)):
    found = order(make, span, counts)
    assert abs(found.value - published) <= 0.02, found


def bound(step, draws):
    """Make a factory of samplers from a step(score, x, t, s, noise, path=), score(x, t), so that faults are short."""

    def make(path, times):
        def at(k):
            return float(path.alpha(times[k])), float(path.sigma(times[k]))

        def taken(score, x, k, noise):
            def timed(y, t):
                return score(y, float(path.alpha(t)), float(path.sigma(t)))

            return step(timed, x, times[k], times[k + 1], noise, path=path)

        return Sampler("fault", len(times) - 1, draws, path.prior_scale, at(0), at(-1), taken)

    return make
