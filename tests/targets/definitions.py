"""Mixtures and their posteriors at 300 digits, from mpmath matrices and the definitions, and what rounding may cost.

A Gaussian is a mixture of one; a data set is one with covariances 0 and noise. Nothing here is shared with refscore,
and the algebra is another one: E[s sᵀ] - s sᵀ, Σ - α² Σ C⁻¹ Σ and inverses, all of which 300 digits forgive.
"""

from types import SimpleNamespace

import mpmath
import numpy as np
from mpmath import mp

U = 2.0**-53
DIGITS = 300


def matrix(a):
    return mp.matrix(np.asarray(a, dtype=float).tolist())


def floats(a):
    value = np.array(a.tolist(), dtype=float)
    return value[:, 0] if value.shape[1] == 1 else value


def exact(weights, means, covs, x, alpha=1.0, sigma=0.0):
    """Everything about Σ_k w_k N(α μ_k, α² Σ_k + σ² I) at one point, and about x0 given x = α x0 + σ ε."""
    with mpmath.workdps(DIGITS):
        d, alpha, sigma = len(x), mp.mpf(alpha), mp.mpf(sigma)
        x, mu, cov = matrix(x), [matrix(m) for m in means], [matrix(c) for c in covs]
        noisy = [alpha**2 * c + sigma**2 * mp.eye(d) for c in cov]
        precision, delta = [c**-1 for c in noisy], [x - alpha * m for m in mu]
        joint = [
            mp.mpf(w) * mp.exp(-(e.T * p * e)[0] / 2) / mp.sqrt((2 * mp.pi) ** d * mp.det(c))
            for w, e, p, c in zip(weights, delta, precision, noisy, strict=True)
        ]
        share = [j / sum(joint) for j in joint]
        each = [-(p * e) for p, e in zip(precision, delta, strict=True)]
        known = [alpha * c * p for c, p in zip(cov, precision, strict=True)]  # A
        prior = [sigma**2 * p for p in precision]  # B
        centre = [m + a * e for m, a, e in zip(mu, known, delta, strict=True)]
        left = [c - alpha * a * c for c, a in zip(cov, known, strict=True)]  # V

        def average(values):
            return sum((r * v for r, v in zip(share, values, strict=True)), mp.zeros(values[0].rows, values[0].cols))

        score, mean = average(each), average(centre)
        return SimpleNamespace(
            log_prob=mp.log(sum(joint)),
            score=score,
            jacobian=average([s * s.T - p for s, p in zip(each, precision, strict=True)]) - score * score.T,
            mean=mean,
            covariance=average([v + m * m.T for v, m in zip(left, centre, strict=True)]) - mean * mean.T,
            parts=SimpleNamespace(
                share=np.array([float(r) for r in share]),
                log_det=np.array([float(mp.log(mp.det(c))) for c in noisy]),
                delta=np.array([floats(mp.matrix(e)).reshape(d) for e in delta]),
                each=np.array([floats(s).reshape(d) for s in each]),
                precision=np.array([floats(p).reshape(d, d) for p in precision]),
                noisy=np.array([floats(c).reshape(d, d) for c in noisy]),
                known=np.array([floats(a).reshape(d, d) for a in known]),
                prior=np.array([floats(b).reshape(d, d) for b in prior]),
                left=np.array([floats(v).reshape(d, d) for v in left]),
                centre_gap=np.array([floats(m - mean).reshape(d) for m in centre]),
                x_gap=floats(x - alpha * mean).reshape(d),
                mean_gap=np.array([floats(m - mean).reshape(d) for m in mu]),
            ),
        )


def error(got, truth):
    """|got - truth|, the subtraction at 300 digits."""
    with mpmath.workdps(DIGITS):
        if not isinstance(truth, mp.matrix):
            return float(abs(mp.mpf(float(got)) - truth))
        return np.abs(floats(matrix(np.asarray(got).reshape(truth.rows, truth.cols)) - truth))


def sizes(truth, weights, covs, x, means, alpha=1.0, sigma=0.0):
    """What one rounding u may cost each result: sums of absolute terms, in the order in which they must be formed.

    Where a covariance is not on the axes, its factor costs κ(R) besides, R its correlation matrix: that is the forward
    error of Cholesky (Demmel 1989; Higham 2002, Accuracy and stability of numerical algorithms, section 10.1).
    """
    t, d = truth.parts, len(x)
    straight, conds, precision = [], [], []
    for cov, noisy, exact_precision in zip(covs, t.noisy, t.precision, strict=True):
        scale = np.sqrt(np.diag(noisy))
        correlation = (noisy / scale).T / scale
        on_axes = np.array_equal(cov, np.diag(np.diag(cov)))
        straight.append(on_axes)
        conds.append(1.0 if on_axes else np.linalg.cond(correlation))
        norm = np.linalg.norm(np.linalg.inv(correlation), 2)
        precision.append(np.abs(exact_precision) if on_axes else conds[-1] * norm / np.outer(scale, scale))
    cond, precision = np.array(conds), np.array(precision)
    share, delta = t.share, np.abs(t.delta)
    likeliest = share.argmax()

    # Relative error of r_k: weights, determinants, and the exponents of (MIX.4).
    shift = np.abs(alpha * (np.asarray(means) - np.asarray(means)[likeliest]))
    near = delta[likeliest]
    unequal = np.array([not np.array_equal(c, covs[likeliest]) for c in covs])
    with np.errstate(divide="ignore"):
        chance = np.where(share > 0, np.abs(np.log(np.maximum(weights, 1e-300))), 0.0)
    exponent = np.einsum("ki,kij,kj->k", shift, precision, delta + near)
    exponent += unequal * np.einsum("i,kij,j->k", near, precision + precision[likeliest], near)
    ratio = d * cond + chance + np.abs(t.log_det - t.log_det[0]) + np.abs(t.log_det - t.log_det[likeliest]) + exponent
    ratio = ratio + share @ ratio

    here = near @ precision[likeliest] @ near + d * cond[likeliest] + d * np.log(2 * np.pi) + np.abs(t.log_det[0])
    log_prob = here + share @ ratio + abs(float(truth.log_prob))
    terms = np.einsum("kij,kj->ki", precision, delta)
    spread = np.abs(t.each - share @ t.each)
    score = share @ terms + (share * ratio) @ spread
    slack = terms + score
    jacobian = np.einsum("k,kij->ij", share, precision) + np.einsum("k,ki,kj->ij", share * ratio, spread, spread)
    cross = np.einsum("k,ki,kj->ij", share, slack, spread + U * slack)

    # A, B and V as norms where they are made from a factor: Σ̂ = G (I + F) Gᵀ with G Gᵀ = Σ and |F| ≤ κ(R) u moves A by
    # σ² α C⁻¹ G F Gᵀ C⁻¹, of norm up to κ(R) u |A B|.
    def carried(f, moved):
        norms = d * np.linalg.norm(f, 2, axis=(1, 2)) + cond * np.linalg.norm(moved, 2, axis=(1, 2))
        return np.where(np.array(straight)[:, None, None], np.abs(f), norms[:, None, None])

    known, prior = carried(t.known, t.known @ t.prior), carried(t.prior, alpha * t.known @ t.prior)
    left = carried(t.left, t.left @ t.prior)
    each = known @ np.abs(x) + np.einsum("kij,kj->ki", prior, np.abs(means))
    gap = np.abs(t.centre_gap)
    mean = share @ each + (share * ratio) @ gap
    slack_0 = known @ np.abs(t.x_gap) + np.einsum("kij,kj->ki", prior, np.abs(t.mean_gap))
    slack_0 = slack_0 + share @ slack_0
    cross_0 = np.einsum("k,ki,kj->ij", share, slack_0, gap + U * slack_0)
    covariance = np.einsum("k,kij->ij", share, left) + np.einsum("k,ki,kj->ij", share * ratio, gap, gap)
    return SimpleNamespace(
        log_prob=log_prob,
        score=score,
        jacobian=jacobian + cross + cross.T,
        mean=mean,
        covariance=covariance + cross_0 + cross_0.T,
    )
