"""The truth about denoising with any kernel: in closed form for affine scores, by quadrature for mixtures on the line.

For s(x) = -A (x - b), x0 ~ N(μ, Σ) and an offset δ independent of it, the residual is the sum of three parts,

    s(x) - ∇ log k(δ) = m + ζ + w,   m = -A (μ - b),   ζ ~ N(0, A Σ Aᵀ),   w = -A δ - ∇ log k(δ)        (KER.8)

of which the last is no Gaussian. Integration by parts gives E[δ ∇ log kᵀ] = -I for any kernel, and so a kernel enters
the expectation with its covariance and F alone. The variance takes fourth moments of w: independent coordinates for
Laplace's noise, a random length times a direction for Student's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import betaln, ndtr, stdtrit

from refscore.arrays import Float
from refscore.exact.residuals import Moments, cholesky, moments, normal
from refscore.exact.truth import Truth, over_data_and_noise
from refscore.models.affine import AffineScore
from refscore.objectives.denoising_kernel import denoising_kernel
from refscore.objectives.kernels import (
    GaussianKernel,
    IsotropicKernel,
    LaplaceKernel,
    StudentKernel,
)
from refscore.targets import Gaussian, Mixture

__all__ = [
    "denoising_kernel_expectation",
    "denoising_kernel_minimiser",
    "denoising_kernel_on_mixture",
    "denoising_kernel_variance",
    "kernel_covariance",
]

Known = IsotropicKernel | GaussianKernel | LaplaceKernel | StudentKernel


def kernel_covariance(kernel: Known, d: int) -> Float:
    """The covariance of what a kernel adds.

        Cov δ = σ² I,   S,   2 b² I,   τ² ν/(ν - 2) I                                                 (KER.9)

    Parameters
    ----------
    kernel : IsotropicKernel, GaussianKernel, LaplaceKernel or StudentKernel
        The law of δ.
    d : int
        Dimension.

    Returns
    -------
    (d, d)
        Cov δ.

    Raises
    ------
    ValueError
        If it is infinite: Student's with ν ≤ 2.

    Examples
    --------
    >>> kernel_covariance(LaplaceKernel(0.5), 2)
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    if isinstance(kernel, GaussianKernel):
        kernel.information(d)  # holds d to the kernel's own
        return kernel.cov
    if isinstance(kernel, StudentKernel):
        if kernel.degrees <= 2:
            raise ValueError(f"degrees is {kernel.degrees}; expected more than 2: the variance is infinite")
        variance = kernel.scale**2 * kernel.degrees / (kernel.degrees - 2)
    else:
        variance = kernel.sigma**2 if isinstance(kernel, IsotropicKernel) else 2 * kernel.scale**2
    value: Float = variance * np.eye(d)  # (KER.9)
    return value


def denoising_kernel_expectation(score: AffineScore, data: Moments, kernel: Known) -> float:
    """E of ``objectives.denoising_kernel`` for an affine score.

        E ℓ = ½ [|A (μ - b)|² + tr A (Σ + Cov δ) Aᵀ - 2 tr A + F(k)]                                   (KER.10)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b).
    data : Moments
        Mean μ and covariance Σ of the clean x0.
    kernel : IsotropicKernel, GaussianKernel, LaplaceKernel or StudentKernel
        The law of δ; with finite variance.

    Returns
    -------
    float
        E ℓ ≥ 0, in 1/unit².

    Raises
    ------
    ValueError
        If Cov δ is infinite, or a dimension is another.

    Notes
    -----
    Terms of size F cancel near the minimum on narrow data; for a Gaussian kernel ``expectations.denoising`` does not.

    Examples
    --------
    >>> import refscore as rs
    >>> p, s = rs.targets.gaussian([1], 9), rs.models.AffineScore([[2]], [0.5])
    >>> denoising_kernel_expectation(s, p, IsotropicKernel(0.5)), rs.exact.expectations.denoising(s, p, 0.5)
    (19.0, 19.0)
    """
    mean, cov = moments(data, score.d)
    m, a = score(mean), score.matrix
    noised = cov + kernel_covariance(kernel, score.d)
    square = m @ m + np.trace(a @ noised @ a.T) - 2 * np.trace(a) + kernel.information(score.d)
    return float(0.5 * square)  # (KER.10)


def denoising_kernel_minimiser(data: Moments, kernel: Known) -> AffineScore:
    """The affine score that minimises :func:`denoising_kernel_expectation`.

        A = (Σ + Cov δ)⁻¹,   b = μ                                                                    (KER.11)

    Parameters
    ----------
    data : Moments
        Mean μ and covariance Σ of the clean x0; Σ may be singular.
    kernel : IsotropicKernel, GaussianKernel, LaplaceKernel or StudentKernel
        The law of δ; with finite variance.

    Returns
    -------
    AffineScore
        The minimiser among affine scores. That of all scores is ∇ log q, which is affine for Gaussian kernels only.

    Raises
    ------
    ValueError
        If Cov δ is infinite, or a dimension is another.

    Examples
    --------
    >>> import refscore as rs
    >>> denoising_kernel_minimiser(rs.targets.gaussian([1], 3.5), LaplaceKernel(0.5))([[3]])
    array([[-0.5]])
    """
    d = np.asarray(data.mean).size
    mean, cov = moments(data, d)
    inverse = np.linalg.inv(cholesky(cov + kernel_covariance(kernel, d)))
    return AffineScore(inverse.T @ inverse, mean)  # (KER.11)


def denoising_kernel_variance(score: AffineScore, data: Moments, kernel: Known) -> float:
    """Var of one sample of ``objectives.denoising_kernel``, over x0 and δ, for an affine score.

        Var ℓ = ½ tr K² + mᵀ (K + W) m + tr K W + Var ½ |w|²,   K = A Σ Aᵀ,   W = E w wᵀ              (KER.12)

    with m, w of (KER.8), and Var ½ |w|² from (VAR.4), (KER.13) or (KER.14).

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b).
    data : Moments
        The law N(μ, Σ) of the clean x0, a ``Gaussian``.
    kernel : IsotropicKernel, GaussianKernel, LaplaceKernel or StudentKernel
        The law of δ; with finite fourth moments.

    Returns
    -------
    float
        Var ℓ, in 1/unit⁴.

    Raises
    ------
    ValueError
        If fourth moments are infinite (Student's with ν ≤ 4), or a dimension is another.

    Examples
    --------
    The zero score leaves ½ |∇ log k|², which is a number for Laplace's kernel:

    >>> import refscore as rs
    >>> zero = rs.models.AffineScore([[0, 0], [0, 0]], [0, 0])
    >>> denoising_kernel_variance(zero, rs.targets.gaussian([1, 2]), LaplaceKernel(0.5))
    0.0
    """
    mean, cov = moments(normal(data), score.d)
    m, a = score(mean), score.matrix
    k = a @ cov @ a.T
    if isinstance(kernel, LaplaceKernel):
        w, own = _laplace(a, kernel)
    elif isinstance(kernel, StudentKernel):
        w, own = _student(a, kernel)
    else:
        lower = np.linalg.cholesky(kernel_covariance(kernel, score.d))
        root = np.linalg.inv(lower).T - a @ lower
        w = root @ root.T
        own = float(0.5 * (w**2).sum())  # (VAR.4)
    return float(0.5 * (k**2).sum() + m @ (k + w) @ m + (k * w).sum() + own)  # (KER.12)


def denoising_kernel_on_mixture(
    score: Callable[[Float], Float], mixture: Mixture | Gaussian, kernel: Known, *, rtol: float = 1e-10
) -> Truth:
    """Truth about ``objectives.denoising_kernel`` for any score, on a mixture on the line, over x0 and δ.

        δ = Q(Φ(z)),   z ~ N(0, 1),   Q the quantile function of k                                    (KER.15)

    Parameters
    ----------
    score : callable
        s, from (n, 1) to (n, 1).
    mixture : Mixture or Gaussian
        The law of the clean x0, d = 1.
    kernel : IsotropicKernel, GaussianKernel, LaplaceKernel or StudentKernel
        The law of δ; where s is not bounded its moments must exist.
    rtol : float
        As for :func:`~refscore.exact.expectation`.

    Returns
    -------
    Truth
        E ℓ and Var ℓ.

    Raises
    ------
    ValueError
        If d > 1.

    Examples
    --------
    >>> import refscore as rs
    >>> p, s, k = rs.targets.gaussian([1], 9), rs.models.AffineScore([[2]], [0.5]), LaplaceKernel(0.5)
    >>> found = denoising_kernel_on_mixture(s, p, k).expectation
    >>> round(float(found.value), 9), denoising_kernel_expectation(s, p, k)
    (19.5, 19.5)
    """

    def loss(x0: Float, z: Float) -> Float:
        return denoising_kernel(score, x0, _of_normal(kernel, z), kernel)  # (KER.15)

    return over_data_and_noise(loss, mixture, rtol=rtol)


def _of_normal(kernel: Known, z: Float) -> Float:
    """δ as an odd, increasing function of a standard normal, on the line."""
    if isinstance(kernel, IsotropicKernel | GaussianKernel):
        return kernel.offset(z)
    below = ndtr(-np.abs(z))
    if isinstance(kernel, LaplaceKernel):
        return np.copysign(kernel.offset(below), z)
    value: Float = np.copysign(kernel.scale * stdtrit(kernel.degrees, below), z)
    return value


def _laplace(a: Float, kernel: LaplaceKernel) -> tuple[Float, float]:
    """W and Var ½ |w|² for w = Σ_i ±(e_i p_i + r_i), e_i exponential, p_i = -b A_i and r_i the i-th unit vector over b.

    W = Σ_i W_i,   W_i = 2 p pᵀ + p rᵀ + r pᵀ + r rᵀ
    Var |w|² = Σ_i [20 |p|⁴ + 16 |p|² p·r + 4 (p·r)²] + 2 Σ_{i≠j} tr W_i W_j                      (KER.13)
    """
    p, r = -kernel.scale * a.T, np.eye(len(a)) / kernel.scale
    cross = p[:, :, None] * r[:, None, :]
    each = 2 * p[:, :, None] * p[:, None, :] + cross + cross.transpose(0, 2, 1) + r[:, :, None] * r[:, None, :]
    whole = each.sum(0)
    square, mixed = (p**2).sum(1), (p * r).sum(1)
    own = (20 * square**2 + 16 * square * mixed + 4 * mixed**2).sum()
    pairs = 2 * ((whole**2).sum() - (each**2).sum())
    return whole, float(0.25 * (own + pairs))  # (KER.13)


def _student(a: Float, kernel: StudentKernel) -> tuple[Float, float]:
    """W and Var ½ |w|² for w = (c/(1 + y) I - A) δ, c = (ν + d)/(ν τ²), |δ|² = ν τ² y, y beta prime, in any direction.

    |w|² = ν τ² y [nᵀ AᵀA n - 2 c/(1+y) nᵀ A n + c²/(1+y)²],   n uniform on the unit sphere
    E (nᵀ M n)(nᵀ N n) = [tr M tr N + 2 tr M N]/(d (d + 2))   for symmetric M, N
    E y^j (1 + y)^(-k) = B(d/2 + j, ν/2 - j + k)/B(d/2, ν/2)                                      (KER.14)
    """
    d, nu = len(a), kernel.degrees
    if nu <= 4:
        raise ValueError(f"degrees is {nu}; expected more than 4: the fourth moment is infinite")
    unit, c = nu * kernel.scale**2, (nu + d) / (nu * kernel.scale**2)

    def moment(j: int, k: int) -> float:
        return float(np.exp(betaln(0.5 * d + j, 0.5 * nu - j + k) - betaln(0.5 * d, 0.5 * nu)))  # (KER.14)

    forms = [a.T @ a, -c * (a + a.T), c**2 * np.eye(d)]  # of nᵀ · n, with (1 + y)^0, (1 + y)^-1, (1 + y)^-2
    outer = [a @ a.T, -c * (a + a.T), c**2 * np.eye(d)]
    w = sum(unit * moment(1, k) / d * form for k, form in enumerate(outer))
    second = sum(
        unit**2 * moment(2, k + j) * (np.trace(f) * np.trace(g) + 2 * (f * g).sum()) / (d * (d + 2))
        for k, f in enumerate(forms)
        for j, g in enumerate(forms)
    )
    return np.asarray(w), float(0.25 * (second - np.trace(w) ** 2))
