"""How far one Gaussian is from another: Wasserstein-2, Kullback-Leibler, Fisher divergence and total variation.

Two laws that agree to ten digits are the normal case here, and the textbook formulas lose all ten: they subtract
traces, or logarithms, of the size of the laws. Every formula below starts from the difference E = Σ₂ - Σ₁ and is exact
at 0; its *relative* error stays near u κ, with κ the condition number of the covariances.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import norm, solve_triangular

from refscore.arrays import Float
from refscore.exact.arguments import hold_kind
from refscore.targets import Gaussian, Mixture

__all__ = ["fisher", "kl", "total_variation", "wasserstein2"]

SPACING, LAST, BEND = 0.03125, 45.0, 0.5  # of the nodes of (TVD.1), and how much its contour leans


def wasserstein2(p: Gaussian, q: Gaussian) -> float:
    """The Wasserstein-2 distance of two Gaussians, not its square.

        W₂² = |m₂ - m₁|² + ‖L⁻ᵀ G‖²_F,   Σ₁ = L Lᵀ                                                     (W.1)
        (C + C₁) G + G (C + C₁) = 2 Lᵀ (Σ₂ - Σ₁) L,   C = (Lᵀ Σ₂ L)^½,  C₁ = Lᵀ L                      (W.2)

    Parameters
    ----------
    p, q : Gaussian
        N(m₁, Σ₁) and N(m₂, Σ₂).

    Returns
    -------
    float
        W₂, in the unit of x.

    Raises
    ------
    ValueError
        If the dimensions differ.

    Notes
    -----
    It equals tr Σ₁ + tr Σ₂ - 2 tr (Σ₁^½ Σ₂ Σ₁^½)^½ + |m₂ - m₁|², in which laws closer than 1e-8 of their size cannot be
    told apart. Not to be confused with the Fréchet distance (FID), which is W₂² of Gaussians fitted to features.

    References
    ----------
    Bhatia, Jain & Lim (2019), On the Bures-Wasserstein distance between positive definite matrices, for the distance.

    Examples
    --------
    In one dimension it is the length of (m, √v) to (m', √v'):

    >>> import refscore as rs
    >>> wasserstein2(rs.targets.gaussian([0.0], 4.0), rs.targets.gaussian([3.0], 36.0))
    5.0
    """
    shift = _shift(p, q)
    order = np.argsort(-np.diagonal(p.cov), kind="stable")  # large variances first: a digit more where W2 is large
    first, second = (law.cov[np.ix_(order, order)] for law in (p, q))
    lower = np.linalg.cholesky(first)
    _, size, right = np.linalg.svd(np.linalg.cholesky(second).T @ lower)
    sum_of_roots = (right.T * size) @ right + lower.T @ lower
    values, vectors = np.linalg.eigh(sum_of_roots)
    source = vectors.T @ (lower.T @ (second - first) @ lower) @ vectors
    gap = vectors @ (2 * source / (values[:, None] + values)) @ vectors.T  # (W.2)
    moved = solve_triangular(lower, gap, lower=True, trans="T")
    # SciPy's norm scales, NumPy's squares: distances of 1e-200 are distances too.
    return float(norm(np.append(shift, moved)))  # (W.1)


def kl(p: Gaussian, q: Gaussian) -> float:
    """The Kullback-Leibler divergence of p from q.

        KL(p ‖ q) = E_p log(p/q) = ½ Σ_i (e_i - log(1 + e_i)) + ½ |L⁻¹ (m₁ - m₂)|²,   Σ₂ = L Lᵀ         (KL.1)

    with e_i the eigenvalues of L⁻¹ (Σ₁ - Σ₂) L⁻ᵀ.

    Parameters
    ----------
    p, q : Gaussian
        N(m₁, Σ₁), under which the expectation is taken, and N(m₂, Σ₂).

    Returns
    -------
    float
        KL, in nats.

    Raises
    ------
    ValueError
        If the dimensions differ.

    Notes
    -----
    Not to be confused with KL(q ‖ p): the first law is the one that is averaged over.

    References
    ----------
    Cover & Thomas (2006), Elements of information theory, section 8.5, with Gaussian densities.

    Examples
    --------
    >>> import numpy as np
    >>> import refscore as rs
    >>> found = kl(rs.targets.gaussian([1.0], 4.0), rs.targets.gaussian([0.0], 1.0))
    >>> bool(abs(found - (0.5 * (4 + 1 - 1) - np.log(2))) < 1e-15)
    True
    """
    shift = _shift(p, q)
    lower = np.linalg.cholesky(q.cov)
    half = solve_triangular(lower, p.cov - q.cov, lower=True)
    whitened = solve_triangular(lower, half.T, lower=True)
    e = np.linalg.eigvalsh(0.5 * (whitened + whitened.T))
    return float(0.5 * _excess(e).sum() + 0.5 * (solve_triangular(lower, shift, lower=True) ** 2).sum())  # (KL.1)


def fisher(p: Gaussian, q: Gaussian) -> float:
    """The Fisher divergence of p from q: the mean square of the difference of their scores, under p.

        F(p ‖ q) = E_p |∇ log p - ∇ log q|² = ‖L⁻¹ (Σ₁ - Σ₂) P₂‖²_F + |P₂ (m₁ - m₂)|²                  (FI.1)

    with Σ₁ = L Lᵀ and P₂ = Σ₂⁻¹.

    Parameters
    ----------
    p, q : Gaussian
        N(m₁, Σ₁), under which the expectation is taken, and N(m₂, Σ₂).

    Returns
    -------
    float
        F, in 1/unit² of x.

    Raises
    ------
    ValueError
        If the dimensions differ.

    Notes
    -----
    Not to be confused with explicit score matching, which is half of it, nor with the Fisher information in parameters.

    References
    ----------
    Hyvärinen (2005), Estimation of non-normalized statistical models by score matching, eq. 2 (with ½).

    Examples
    --------
    In one dimension the scores are -(x - 1)/4 and -x; under N(1, 4) their difference 3x/4 + 1/4 has mean 1 and variance
    9/4:

    >>> import refscore as rs
    >>> fisher(rs.targets.gaussian([1.0], 4.0), rs.targets.gaussian([0.0], 1.0))
    3.25
    """
    shift = _shift(p, q)
    lower_p, lower_q = np.linalg.cholesky(p.cov), np.linalg.cholesky(q.cov)
    both = np.concatenate([p.cov - q.cov, -shift[:, None]], axis=1)
    scaled = solve_triangular(lower_q, solve_triangular(lower_q, both, lower=True), lower=True, trans="T")
    bend = solve_triangular(lower_p, scaled[:, :-1].T, lower=True)
    return float((bend**2).sum() + (scaled[:, -1] ** 2).sum())  # (FI.1)


def total_variation(p: Gaussian, q: Gaussian) -> float:
    """The total variation distance of two Gaussians, in any dimension.

        TV = ½ ∫ |p - q| = (1/2πi) ∫ (1 - ρ(s)) / (s (1 - s)) ds,   ρ(s) = ∫ p^(1-s) q^s                (TVD.1)

    along any line from ½ - i∞ to ½ + i∞, with e_i, δ_i the eigenvalues of L⁻¹ (Σ₁ - Σ₂) L⁻ᵀ and L⁻¹ (m₁ - m₂) in their
    eigenvectors, Σ₂ = L Lᵀ, and

        log ρ = ½ Σ_i [s log(1 + e_i) - log(1 + s e_i) - s (1 - s) δ_i² / (1 + s e_i)]                  (TVD.2)

    Parameters
    ----------
    p, q : Gaussian
        N(m₁, Σ₁) and N(m₂, Σ₂).

    Returns
    -------
    float
        Between 0 and 1; small ones have their own digits.

    Raises
    ------
    ValueError
        If the dimensions differ.

    Notes
    -----
    Not to be confused with ∫ |p - q|, which is twice this. There is a closed form in one dimension, Φ at the two places
    where the densities cross, and one for equal covariances, erf(|L⁻¹ (m₁ - m₂)| / √8): this agrees with them.

    Examples
    --------
    >>> import math
    >>> import refscore as rs
    >>> p, q = rs.targets.gaussian([0.0, 0.0], 4.0), rs.targets.gaussian([1.2, 1.6], 4.0)
    >>> abs(total_variation(p, q) - math.erf(1 / 8**0.5)) < 1e-15
    True
    >>> p, q = rs.targets.gaussian([0.0], 1.0), rs.targets.gaussian([0.0], 4.0)  # they cross at ±√(8 log 2 / 3)
    >>> at = (8 * math.log(2) / 3) ** 0.5
    >>> abs(total_variation(p, q) - math.erf(at / 2**0.5) + math.erf(at / 8**0.5)) < 1e-15
    True
    """
    shift = _shift(p, q)
    lower = np.linalg.cholesky(q.cov)
    half = solve_triangular(lower, p.cov - q.cov, lower=True)
    whitened = solve_triangular(lower, half.T, lower=True)
    e, vectors = np.linalg.eigh(0.5 * (whitened + whitened.T))
    d2 = (vectors.T @ solve_triangular(lower, shift, lower=True)) ** 2
    # ρ turns for large |s| as exp(c s): the contour leans to where that decays. Only the real line has singularities.
    bent = e != 0
    lean = -BEND * np.sign(np.log1p(e).sum() + (d2[bent] / e[bent]).sum())
    v = np.arange(0.0, LAST, SPACING)
    s = 0.5 + lean * (np.cosh(v) - 1) + 1j * np.sinh(v)
    slope = np.cosh(v) - 1j * lean * np.sinh(v)
    log_rho = np.zeros_like(s)
    for e_i, d2_i in zip(e, d2, strict=True):
        log_rho += 0.5 * (_excess(s * e_i) - s * _excess(e_i) - s * (1 - s) / (1 + s * e_i) * d2_i)  # (TVD.2)
    values = (-np.expm1(log_rho) / (s * (1 - s)) * slope).real
    return float((values.sum() - 0.5 * values[0]) * SPACING / np.pi)  # (TVD.1)


def _shift(p: Gaussian, q: Gaussian) -> Float:
    hint = ": for mixtures see refscore.exact.on_the_line and on_the_plane"
    for law, name in ((p, "p"), (q, "q")):
        hold_kind(law, name, Gaussian, hint=hint if isinstance(law, Mixture) else "")
    if p.d != q.d:
        raise ValueError(f"p has dimension {p.d} and q has {q.d}; expected the same")
    return q.mean - p.mean


def _excess(e: Any) -> Any:
    """e - log(1 + e) for e > -1, or complex e off that cut, without cancellation.

    With r = e/(2 + e) it is r e - 2 (r³/3 + r⁵/5 + …).
    """
    small = np.abs(e) < 0.5
    r = np.where(small, e, 0.0) / (2 + np.where(small, e, 0.0))
    series = np.zeros_like(r)
    for k in range(35, 1, -2):  # |r| ≤ 1/3: the first term left out is below 2⁻⁵³ of the sum
        series = series * r**2 + 2 / k
    return np.where(small, r * e - series * r**3, e - np.log1p(np.where(small, 0.0, e)))
