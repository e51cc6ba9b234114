"""Where the noise cannot be reached: exact tests of samples against a Gaussian law that is known.

A step at one point x, repeated n times, returns n independent draws of N(μ, Σ) with known μ and Σ. With
Y = L⁻¹ (X − μ), Σ = L Lᵀ, everything below has its null law exactly, for every n:

    n |Ȳ|² ~ χ²_d                                                                                     (STAT.1)
    T_ii² ~ χ²_{n-i},  T_ij ~ N(0, 1) for j < i,  T Tᵀ = Σ_k (Y_k − Ȳ)(Y_k − Ȳ)ᵀ                      (STAT.2)

all independent (Bartlett's decomposition, i = 1 … d). A verdict fails at p ≤ α: α is its probability to fail a correct
code, not an approximation of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from refscore.arrays import Float

__all__ = ["ALPHA", "DRAWS", "Deviation", "gaussian_deviation"]

ALPHA = 1e-9  # of one check
DRAWS = 2**16  # sees a standard deviation off by 6 % and a mean off by 0.05 σ, with a probability above 1 − 1e-6


class Deviation(NamedTuple):
    """How far samples are from a law.

    Parameters
    ----------
    p : float
        Exact p-value of all tests together.
    where : str
        The test that deviates most, in words.
    """

    p: float
    where: str


def gaussian_deviation(x: Float, mean: Float, cov: Float) -> Deviation:
    """Test independent samples against N(μ, Σ), mean and covariance, exactly.

        n |Ȳ|² ~ χ²_d                                                                                 (STAT.1)
        T_ii² ~ χ²_{n-i},  T_ij ~ N(0, 1) for j < i,  T Tᵀ = Σ_k (Y_k − Ȳ)(Y_k − Ȳ)ᵀ                  (STAT.2)

    Parameters
    ----------
    x : (n, d) ndarray
        Samples, n > d.
    mean, cov : (d,), (d, d) ndarray
        μ, and Σ positive definite.

    Returns
    -------
    Deviation
        p = 1 − (1 − p_least)^k for the k = 1 + d(d + 1)/2 independent tests (Šidák), and the test with the least.

    References
    ----------
    Bartlett (1933), On the theory of statistical regression; Anderson (2003), An introduction to multivariate
    statistical analysis, theorem 7.2.1.

    Examples
    --------
    Two samples at ±1 have the mean 0 exactly, and T² = 2:

    >>> from scipy.stats import chi2
    >>> found = gaussian_deviation(np.array([[1.0], [-1.0]]), np.zeros(1), np.eye(1))
    >>> both = 2 * min(chi2.sf(2, 1), chi2.cdf(2, 1))
    >>> bool(abs(found.p - (1 - (1 - min(both, 1)) ** 2)) < 1e-15)
    True
    """
    n, d = x.shape
    y = np.linalg.solve(np.linalg.cholesky(cov), (x - mean).T).T
    centre = y.mean(axis=0)
    _, upper = np.linalg.qr(y - centre)
    root = upper.T  # a Cholesky factor of the scatter, which may be singular
    tests = {"the mean": float(stats.chi2.sf(n * centre @ centre, d))}  # (STAT.1)
    for i in range(d):
        square = root[i, i] ** 2
        both = 2 * min(stats.chi2.sf(square, n - 1 - i), stats.chi2.cdf(square, n - 1 - i))  # (STAT.2)
        size = np.sqrt(square / (n - 1 - i))
        tests[f"the standard deviation along axis {i}, {size:.3f} times the right one"] = float(min(both, 1.0))
        for j in range(i):
            tests[f"the correlation of axes {j} and {i}"] = float(2 * stats.norm.sf(abs(root[i, j])))  # (STAT.2)
    where = min(tests, key=lambda name: tests[name])
    return Deviation(float(-np.expm1(len(tests) * np.log1p(-min(tests[where], 1 - 2.0**-53)))), where)
