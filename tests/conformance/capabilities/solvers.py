"""Solving with a covariance in its own dtype, by different algebra: LAPACK itself, since NumPy computes in float64.

A solver takes Σ (d, d) and returns x ↦ Σ⁻¹ x for rows x (n, d), Σ⁻¹, and log det Σ.
"""

import numpy as np
from scipy.linalg import get_lapack_funcs


def cholesky(cov):
    potrf, potrs = get_lapack_funcs(("potrf", "potrs"), (cov,))
    factor, info = potrf(cov, lower=True, clean=True)
    assert info == 0
    return _solving(cov, lambda rows: potrs(factor, rows.T, lower=True)[0].T, 2 * np.log(np.diag(factor)).sum())


def whitening(cov):
    potrf, trtri = get_lapack_funcs(("potrf", "trtri"), (cov,))
    factor, info = potrf(cov, lower=True, clean=True)
    assert info == 0
    root = trtri(factor, lower=True)[0]
    return _solving(cov, lambda rows: rows @ root.T @ root, 2 * np.log(np.diag(factor)).sum())


def lu(cov):
    getrf, getrs = get_lapack_funcs(("getrf", "getrs"), (cov,))
    factors, pivots, _ = getrf(cov)
    return _solving(cov, lambda rows: getrs(factors, pivots, rows.T)[0].T, np.log(np.abs(np.diag(factors))).sum())


def inverse(cov):
    getrf, getri = get_lapack_funcs(("getrf", "getri"), (cov,))
    factors, pivots, _ = getrf(cov)
    precision = getri(factors, pivots)[0]
    determinant = np.abs(np.prod(np.diag(factors)))
    return lambda rows: np.einsum("ij,nj->ni", precision, rows), precision, np.log(determinant)


def eigenvectors(cov):
    values, axes, _ = get_lapack_funcs("syevd", (cov,))(cov)
    return _solving(cov, lambda rows: ((rows @ axes) / values) @ axes.T, np.log(values).sum())


def singular_vectors(cov):
    left, values, right, _ = get_lapack_funcs("gesdd", (cov,))(cov)
    return _solving(cov, lambda rows: ((rows @ left) / values) @ right, np.log(values).sum())


def _solving(cov, solve, log_det):
    return solve, solve(np.eye(len(cov), dtype=cov.dtype)), log_det


SOLVERS = (cholesky, whitening, lu, inverse, eigenvectors, singular_vectors)
