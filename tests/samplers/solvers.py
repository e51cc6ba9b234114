"""What every solver of the probability flow has to pass: orders on log-SNR grids, polynomials integrated exactly.

A solver's error is that of its affine map, against the exact flow of a Gaussian: constant and matrix, every entry. The
polynomial check knows neither φ-functions nor weights: the model says a polynomial of a clock, whatever x is, and the
integral is done by Gauss and Legendre in λ.
"""

import numpy as np

import refscore as rs
from tests.samplers.laws import TARGET, VALUES, VECTORS

SPANS = {
    "VP": (rs.paths.VP(), 0.9, 0.05),
    "Flow": (rs.paths.Flow(), 0.9, 0.05),
    "EDM": (rs.paths.EDM(), 10.0, 0.1),
}
POINTS = np.concatenate([np.zeros((1, 2)), np.eye(2)])
MIXTURE = rs.targets.mixture([0.3, 0.7], [[-1.0, 0.5], [0.8, -0.2]], [0.3, 0.5])
CLOCKS = {  # name: the clock of a level (t, α, σ)
    "λ": lambda t, a, s: np.log(a / s),
    "ρ": lambda t, a, s: s / a,
    "t": lambda t, a, s: t,
}


def log_snr_grid(span, n):
    path, first, last = span
    return rs.schedules.log_snr_times(path, n=n, t_start=first, t_stop=last)


def levels(path, t):
    return float(path.alpha(t)), float(path.sigma(t))


def by_eigenvalues(x, alpha, sigma):
    """The noisy score of TARGET, by its eigenvectors: no factor is found twice."""
    return -((x - alpha * TARGET.mean) @ VECTORS / (alpha**2 * VALUES + sigma**2)) @ VECTORS.T


def errors(make, span, counts, grid=log_snr_grid, target=TARGET, points=POINTS):
    path, first, last = span
    ends = {"start": levels(path, first), "stop": levels(path, last)}
    exact = rs.exact.flow_map(target, **ends)(points) if target is TARGET else rs.exact.flow(target, points, **ends)[0]
    score = by_eigenvalues if target is TARGET else rs.samplers.noisy_score(target)
    runs = [rs.samplers.replay(make(path, grid(span, n)), score, points) for n in counts]
    return [np.sqrt(np.mean((run - exact) ** 2)) for run in runs]


def check_order(make, span, published, counts=(32, 64, 128, 256), **options):
    found = rs.exact.order_of(errors(make, span, counts, **options), counts)
    assert abs(found.value - published) <= 0.02, found


def polynomial_error(make, form, clock, degree, path, times):
    """The run with the model clock^degree, against the exact solution (EXPI.1) by quadrature; relative."""
    reading = CLOCKS[clock]

    def level_time(alpha, sigma):
        return float(path.time(np.log(alpha / sigma)))

    def said(alpha, sigma):
        return reading(level_time(alpha, sigma), alpha, sigma) ** degree

    def score(x, alpha, sigma):  # the score whose prediction in this form is the polynomial, and no function of x
        value = np.full_like(x, said(alpha, sigma))
        return -value / sigma if form.name == "noise" else (alpha * value - x) / sigma**2

    sampler = make(path, times)
    x = np.array([[0.3]])
    found = rs.samplers.replay(sampler, score, x)
    (a_t, s_t), (a_s, s_s) = sampler.start, sampler.stop
    nodes, weights = np.polynomial.legendre.leggauss(200)
    lam_t, lam_s = np.log(a_t / s_t), np.log(a_s / s_s)
    lam = 0.5 * (lam_s - lam_t) * nodes + 0.5 * (lam_s + lam_t)
    values = np.array([said(*levels(path, float(path.time(v)))) for v in lam])
    if form.name == "noise":
        kept, parts = a_s / a_t * x, -a_s * np.exp(-lam) * values
    else:
        kept, parts = s_s / s_t * x, s_s * np.exp(lam) * values
    parts = 0.5 * (lam_s - lam_t) * weights * parts
    return abs(found - kept - parts.sum()).max() / (abs(kept).max() + abs(parts).sum())
