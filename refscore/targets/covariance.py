"""Covariances by their eigenvalues: what a path does to Σ it does to its eigenvalues, and to nothing else.

With orthonormal columns U (d, r), eigenvalues λ_1 … λ_r and one eigenvalue λ_⊥ on the rest of the space,

    f(Σ) = U diag(f(λ)) Uᵀ + f(λ_⊥) (I - U Uᵀ)                                                      (COV.1)

for every function f: Σ⁻¹, Σ^½, α² Σ + σ² I, and the three matrices of Tweedie's formula are one factorisation with
other numbers on it. Nothing is inverted or subtracted, so each eigenvalue keeps its own digits at any α and σ. A scalar
and a diagonal Σ have U = I, a full Σ has r = d, and c I + F Fᵀ has r < d.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.lapack import dgejsv

from refscore.arrays import Float, as_float64, read_only

__all__ = ["Covariance", "by_shape", "low_rank"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Covariance:
    """One covariance, or a stack of them, as eigenvalues and eigenvectors (COV.1).

    Its methods take f(λ), not f: an array (\\*k, n or 1, m) made from ``spectrum``. So f may differ between samples.

    Parameters
    ----------
    d : int
        Dimension.
    values : (\\*k, m)
        Eigenvalues, all positive. m = d, or m = 1 for one eigenvalue in every direction, or m = r + 1 with λ_⊥ last.
    basis : (\\*k, d, r) or None
        U; None for the coordinate axes.
    matrix : (\\*k, d, d) or None
        Σ itself where it was given as a matrix, so that it comes back bit for bit.
    """

    d: int
    values: Float
    basis: Float | None = None
    matrix: Float | None = None

    def __getitem__(self, k: int) -> Covariance:
        """Covariance number k of the stack."""
        basis, matrix = (None if a is None else a[k] for a in (self.basis, self.matrix))
        return Covariance(self.d, self.values[k], basis, matrix)

    def __repr__(self) -> str:
        """What it is, in one line."""
        what = "Covariance" if self.values.ndim == 1 else f"Stack of {len(self.values)} covariances"
        return f"{what} in dimension {self.d}: {self.kind}, standard deviations {self.spread}"

    @property
    def spread(self) -> str:
        """The least and the largest standard deviation, in words."""
        root = np.sqrt(self.values)
        return f"{root.min():.3g} to {root.max():.3g}"

    @property
    def kind(self) -> str:
        """The form in words: scalar, diagonal, low-rank or full."""
        m = self.values.shape[-1]
        if self.basis is None:
            return "scalar" if m == 1 else "diagonal"
        return "full" if self.basis.shape[-1] == self.d else "low-rank"

    @property
    def spectrum(self) -> Float:
        """λ with an axis for the samples, (\\*k, 1, m)."""
        return self.values[..., None, :]

    @property
    def multiplicity(self) -> Float:
        """How many directions share each eigenvalue, (m,)."""
        count = np.ones(self.values.shape[-1])
        count[-1] += self.d - len(count)
        return count

    @property
    def dense(self) -> Float:
        """Σ as matrices (\\*k, d, d)."""
        if self.matrix is not None:
            return self.matrix
        if self.values.ndim == 1:
            return self.at(self.values)
        return np.stack([self[k].dense for k in range(len(self.values))])

    def trace(self, f: Float) -> Float:
        """tr f(Σ), shape (\\*k, n or 1)."""
        value: Float = f @ self.multiplicity
        return value

    def times(self, f: Float, v: Float) -> Float:
        """f(Σ) v for rows v (\\*k, n, d) (COV.1)."""
        if self.basis is None:
            return f * v
        rank, y = self.basis.shape[-1], v @ self.basis
        value: Float = (f[..., :rank] * y) @ np.swapaxes(self.basis, -1, -2)  # (COV.1)
        if rank < self.d:
            value += f[..., rank:] * (v - y @ np.swapaxes(self.basis, -1, -2))
        return value

    def quadratic(self, f: Float, v: Float) -> Float:
        """vᵀ f(Σ) v as a sum of squares, for rows v (\\*k, n, d); shape (\\*k, n)."""
        if self.basis is None:
            return np.asarray((f * v**2).sum(-1))
        rank, y = self.basis.shape[-1], v @ self.basis
        value: Float = (f[..., :rank] * y**2).sum(-1)
        if rank < self.d:
            value += f[..., rank] * ((v - y @ np.swapaxes(self.basis, -1, -2)) ** 2).sum(-1)
        return value

    def at(self, f: Float) -> Float:
        """f(Σ) of one covariance as matrices (\\*n, d, d), for f (\\*n, m)."""
        eye = np.eye(self.d)
        if self.basis is None:
            return np.asarray(f[..., None] * eye)
        rank = self.basis.shape[-1]
        value: Float = (self.basis * f[..., None, :rank]) @ self.basis.T  # (COV.1)
        if rank < self.d:
            value += f[..., rank:, None] * (eye - self.basis @ self.basis.T)
        return 0.5 * (value + np.swapaxes(value, -1, -2))

    def blend(self, weights: Float, f: Float) -> Float:
        """Σ_k w_k f(Σ_k) over a stack, for `weights` (k, n) and f (k, n or 1, m); shape (n, d, d)."""
        if self.basis is None:  # a sum of diagonals: add first, make matrices of it once
            return self[0].at(np.asarray((weights[..., None] * f).sum(0)))
        total = np.zeros((weights.shape[1], self.d, self.d))
        for k, weight in enumerate(weights):
            total += weight[:, None, None] * self[k].at(f[k])
        return total

    def perturb(self, alpha: float, sigma: float) -> Covariance:
        """The covariance of α x0 + σ ε.

            α² Σ + σ² I :  λ → α² λ + σ²                                                            (COV.2)

        Parameters
        ----------
        alpha, sigma : float
            Not negative, not both 0.

        Returns
        -------
        Covariance
            With the same eigenvectors.

        Raises
        ------
        ValueError
            If a variance leaves the range of float64.
        """
        square, added = alpha * alpha, sigma * sigma  # not **, which raises where this gives inf
        values = square * self.values + added  # (COV.2)
        if not (np.isfinite(values).all() and (values > 0).all()):
            raise ValueError(f"alpha = {alpha} and sigma = {sigma} give a variance outside the range of float64")
        matrix = None if self.matrix is None else read_only(square * self.matrix + added * np.eye(self.d), "matrix")
        return Covariance(self.d, read_only(values, "values"), self.basis, matrix)

    def posterior(self, alpha: ArrayLike, sigma: ArrayLike) -> tuple[Float, Float, Float]:
        """What x = α x0 + σ ε tells about x0 ~ N(μ, Σ): the mean is A x + B μ, the covariance V.

            A = α Σ C⁻¹,   B = σ² C⁻¹,   α A + B = I,   C = α² Σ + σ² I                               (TWEEDIE.3)
            V = σ² Σ C⁻¹                                                                              (TWEEDIE.4)

        Parameters
        ----------
        alpha, sigma : () or (n, 1)
            In units where the larger is about 1, as :func:`observation` makes them.

        Returns
        -------
        tuple of three (\\*k, n or 1, m)
            The eigenvalues of A, B and V.
        """
        alpha, sigma = np.asarray(alpha), np.asarray(sigma)
        noisy = alpha**2 * self.spectrum + sigma**2
        known, prior = alpha * self.spectrum / noisy, sigma**2 / noisy  # (TWEEDIE.3)
        return known, prior, self.spectrum * prior  # (TWEEDIE.4)


def by_shape(covs: ArrayLike, lead: tuple[int, ...], d: int, name: str) -> Covariance:
    """Covariances by the shape they come in.

    Parameters
    ----------
    covs : (), lead, (\\*lead, d) or (\\*lead, d, d)
        One variance for all, one each, d each, or symmetric positive definite matrices.
    lead : tuple of int
        Shape of the stack: () for one covariance, (K,) for K.
    d : int
        Dimension.
    name : str
        The argument's name, for the error.

    Returns
    -------
    Covariance
        A stack of shape `lead`.

    Raises
    ------
    ValueError
        If the shape is another, or a covariance is not symmetric positive definite.
    """
    covs = as_float64(covs, name)
    if covs.shape in ((), lead):
        return _on_axes(np.broadcast_to(covs, lead)[..., None], d, name)
    if covs.shape == (*lead, d):
        return _on_axes(covs, d, name)
    if covs.shape == (*lead, d, d):
        return _full(covs, name)
    shapes = ", ".join(str(shape) for shape in dict.fromkeys([(), lead, (*lead, d)]))
    raise ValueError(f"{name} has shape {covs.shape}; expected {shapes} or {(*lead, d, d)}")


def low_rank(variance: Float, factor: Float, name: str) -> Covariance:
    """The covariance c I + F Fᵀ of a variance c and a factor F (d, r), without a matrix of size (d, d).

        F = U S Vᵀ   ⇒   λ = c + S²,  λ_⊥ = c                                                       (COV.4)

    Parameters
    ----------
    variance : ()
        c ≥ 0; c > 0 unless F has rank d.
    factor : (d, r)
        F.
    name : str
        The variance's name, for the error.

    Returns
    -------
    Covariance
        With min(d, r) directions of its own.

    Raises
    ------
    ValueError
        If the result is not positive definite.
    """
    d, columns = factor.shape
    if columns == 0:
        return _on_axes(variance[None], d, name)
    basis, root, _ = np.linalg.svd(factor, full_matrices=False)
    values = variance + np.append(root, np.zeros(min(1, d - len(root)))) ** 2  # (COV.4)
    if not (variance >= 0 and (values > 0).all()):
        raise ValueError(
            f"{name} = {variance:.3g} with a factor of shape {factor.shape} is not positive definite: "
            f"its least eigenvalue is {values.min():.3g}; expected {name} > 0, or a factor of rank {d}"
        )
    return Covariance(d, read_only(values, name), read_only(basis, "factor"))


def _on_axes(variances: Float, d: int, name: str) -> Covariance:
    """Scalar or diagonal covariances, from variances (\\*k, 1) or (\\*k, d)."""
    if not (variances > 0).all():
        raise ValueError(f"{name} is not positive definite: its least variance is {variances.min():.3g}; expected > 0")
    return Covariance(d, read_only(variances, name))


def _full(matrix: Float, name: str) -> Covariance:
    """Factor symmetric positive definite matrices (\\*k, d, d).

        Σ = L Lᵀ,   Lᵀ = Q S Uᵀ   ⇒   λ = S²                                                        (COV.3)

    with L from Cholesky, and the singular value decomposition by Jacobi's rotations. Then units cost nothing: the error
    grows with the condition number of the correlation matrix, not with that of Σ. A decomposition that first reduces Σ
    to three diagonals loses every digit of a small variance beside a large one.

    Parameters
    ----------
    matrix : (\\*k, d, d)
        Σ.
    name : str
        The argument's name, for the error.

    Returns
    -------
    Covariance
        A stack of shape \\*k; on the axes if every matrix is diagonal.

    Raises
    ------
    ValueError
        If a matrix is not symmetric to the last bit, or not positive definite.

    References
    ----------
    Demmel and Veselić (1992), Jacobi's method is more accurate than QR; Drmač and Veselić (2008), New fast and accurate
    Jacobi SVD algorithm.
    """
    transposed = np.swapaxes(matrix, -1, -2)
    if not np.array_equal(matrix, transposed):
        gap = np.abs(matrix - transposed).max()
        raise ValueError(f"{name} is not symmetric: it differs from its transpose by up to {gap:.3g}; expected by 0")
    d = matrix.shape[-1]
    if not (matrix * (1 - np.eye(d))).any():
        return _on_axes(np.diagonal(matrix, axis1=-2, axis2=-1), d, name)
    values, basis = np.empty(matrix.shape[:-1]), np.empty(matrix.shape)
    for k in np.ndindex(matrix.shape[:-2]):
        try:
            factor = np.linalg.cholesky(matrix[k])
        except np.linalg.LinAlgError:
            least, *_, largest = np.linalg.eigvalsh(matrix[k])
            which = f"{name}[{k[0]}]" if k else name
            raise ValueError(
                f"{which} is not positive definite: its eigenvalues reach from {least:.3g} to {largest:.3g}"
            ) from None
        root, _, basis[k], work, _, failed = dgejsv(factor.T, joba=0, jobu=0, jobv=0, jobr=0, jobt=0, jobp=0)
        if failed:
            raise ArithmeticError(f"Jacobi's rotations do not converge on {name}")
        values[k] = (root * (work[0] / work[1])) ** 2  # (COV.3); LAPACK may scale against overflow
    return Covariance(d, read_only(values, name), read_only(basis, name), read_only(matrix, name))
