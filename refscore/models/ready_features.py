"""Ready-made features: monomials, Gaussian bumps, cosines and sines, with their derivatives by hand.

The derivatives of each are multiples of the features themselves, so that one evaluation serves all.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer, positive, read_only
from refscore.models.features import Features

__all__ = ["fourier_features", "monomials", "radial_features"]

FAR = 1e100  # a distance at which every bump is 0, and whose square is finite


def monomials(d: int, degree: int) -> Features:
    """All monomials x^α = Π x_i^α_i of total degree 1 to `degree`.

        ∂_i x^α = α_i x^(α-e_i),   ∂_i ∂_j x^α = α_i (α_j - δ_ij) x^(α-e_i-e_j)                       (EXF.7)

    Parameters
    ----------
    d : int
        Dimension of x.
    degree : int
        The largest total degree |α| = Σ α_i, at least 1.

    Returns
    -------
    Features
        k = C(d + degree, degree) - 1 of them: by degree, then in the order x_1², x_1 x_2, …, x_2², …

    Notes
    -----
    Every derivative is a multiple of a monomial of the same list (or 1), so that one table of powers serves all.

    Not to be confused with Hermite polynomials, an orthogonal basis of the same space: of monomials of a high degree
    the matrix Γ of score matching is ill-conditioned.

    Examples
    --------
    >>> import numpy as np
    >>> monomials(2, 2).value(np.array([[2.0, 3.0]]))
    array([[2., 3., 4., 6., 9.]])
    >>> monomials(10, 4)
    Features(1000 in dimension 10)
    """
    d, degree = integer(d, "d", 1), integer(degree, "degree", 1)
    terms: list[tuple[int, ...]] = [()]  # x_1 x_1 x_2 is (0, 0, 1); the constant () comes first and is no feature
    for m in range(1, degree + 1):
        terms.extend(itertools.combinations_with_replacement(range(d), m))
    place = {term: i for i, term in enumerate(terms)}
    exponents = np.array([[term.count(i) for i in range(d)] for term in terms], dtype=np.float64)
    lower = np.array([[place[_without(term, i)] for i in range(d)] for term in terms])
    k = len(terms) - 1
    first, below = exponents[1:], lower[1:]
    second = first[:, :, None] * (first[:, None, :] - np.eye(d))
    twice = lower[below]

    def table(x: Float) -> Float:
        powers = np.ones((k + 1, len(x)))
        for i, term in enumerate(terms[1:], start=1):
            powers[i] = powers[place[term[:-1]]] * x[:, term[-1]]
        return powers.T

    def gradient(x: Float) -> Float:
        value: Float = first * table(x)[:, below]  # (EXF.7)
        return value

    def product(x: Float, v: Float) -> Float:
        powers, value = table(x), np.zeros((len(x), k, d))
        for j in range(d):
            value += second[:, :, j] * powers[:, twice[:, :, j]] * v[:, j, None, None]  # (EXF.7)
        return value

    def laplacian(x: Float) -> Float:
        powers, value = table(x), np.zeros((len(x), k))
        for i in range(d):
            value += second[:, i, i] * powers[:, twice[:, i, i]]  # (EXF.7)
        return value

    return Features(d, k, lambda x: table(x)[:, 1:], gradient, product, laplacian)


def radial_features(centres: ArrayLike, length_scale: ArrayLike) -> Features:
    """Gaussian bumps, with z = (x - c_k)/ℓ_k.

        φ_k = exp(-½ |z|²),   ∇φ_k = -φ_k z/ℓ_k                                                       (EXF.8)
        ∇²φ_k v = φ_k [z (z·v) - v]/ℓ_k²,   Δφ_k = φ_k (|z|² - d)/ℓ_k²                                (EXF.9)

    Parameters
    ----------
    centres : (k, d)
        c, in the data's unit.
    length_scale : () or (k,)
        ℓ > 0, in the data's unit: the standard deviation of the bump.

    Returns
    -------
    Features
        k of them. They vanish far away, so that the family needs a base that does not: ``base`` of
        :class:`~refscore.models.ExponentialFamily`.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a length scale is not positive.

    Notes
    -----
    Not to be confused with exp(-|x - c|²/ℓ²) and exp(-γ |x - c|²): ℓ is √2 times ours, γ is 1/(2 ℓ²).

    Examples
    --------
    At one length scale from the centre the slope is -e^(-½)/ℓ:

    >>> import numpy as np
    >>> bump = radial_features([[0.0]], 2.0)
    >>> bool(abs(bump.gradient(np.array([[2.0]]))[0, 0, 0] + np.exp(-0.5) / 2) < 1e-16)
    True
    """
    c = _rows(centres, "centres")
    length = read_only(positive(length_scale, "length_scale"), "length_scale")
    k, d = c.shape
    if length.shape not in ((), (k,)):
        raise ValueError(f"length_scale has shape {length.shape}; expected () or ({k},), one for each centre")
    ell = np.broadcast_to(length, (k,))[:, None]

    def parts(x: Float) -> tuple[Float, Float]:
        z = np.clip((x[:, None] - c) / ell, -FAR, FAR)
        return np.exp(-0.5 * (z**2).sum(-1)), z  # (EXF.8)

    def gradient(x: Float) -> Float:
        phi, z = parts(x)
        value: Float = -phi[..., None] * z / ell  # (EXF.8)
        return value

    def product(x: Float, v: Float) -> Float:
        phi, z = parts(x)
        along = (z * v[:, None]).sum(-1, keepdims=True)
        value: Float = phi[..., None] * (z * along - v[:, None]) / ell**2  # (EXF.9)
        return value

    def laplacian(x: Float) -> Float:
        phi, z = parts(x)
        value: Float = phi * (z**2 - 1).sum(-1) / ell[:, 0] ** 2  # (EXF.9)
        return value

    return Features(d, k, lambda x: parts(x)[0], gradient, product, laplacian)


def fourier_features(frequencies: ArrayLike) -> Features:
    """The cosines, then the sines, of m phases ω·x.

        ∇cos ω·x = -ω sin ω·x,   ∇sin ω·x = ω cos ω·x                                                 (EXF.10)
        ∇²f v = -ω (ω·v) f,   Δf = -|ω|² f,   for f = cos ω·x and f = sin ω·x                         (EXF.11)

    Parameters
    ----------
    frequencies : (m, d)
        ω, in radians per unit of the data; none is 0.

    Returns
    -------
    Features
        k = 2m of them: cos ω_1·x, …, cos ω_m·x, sin ω_1·x, …, sin ω_m·x.

    Raises
    ------
    ValueError
        If a frequency is 0: its cosine is a constant and its sine is 0, and no score sees them.

    Notes
    -----
    Not to be confused with random Fourier features, √(2/m) cos(ω·x + b) with random ω and b, which span the same where
    b is free, nor with frequencies in cycles, cos 2πω·x.

    Examples
    --------
    >>> import numpy as np
    >>> waves = fourier_features([[np.pi / 2]])
    >>> waves.laplacian(np.array([[1.0]])) + (np.pi / 2) ** 2 * waves.value(np.array([[1.0]]))
    array([[0., 0.]])
    """
    omega = _rows(frequencies, "frequencies")
    if not omega.any(axis=1).all():
        worst = int(np.argmin(omega.any(axis=1)))
        raise ValueError(
            f"frequencies[{worst}] is 0; expected none: a constant is no feature, the score does not see it"
        )
    m, d = omega.shape

    def value(x: Float) -> Float:
        phase = x @ omega.T
        return np.concatenate([np.cos(phase), np.sin(phase)], axis=1)

    def gradient(x: Float) -> Float:
        phase = (x @ omega.T)[..., None]
        return np.concatenate([-omega * np.sin(phase), omega * np.cos(phase)], axis=1)  # (EXF.10)

    both = np.concatenate([omega, omega])

    def product(x: Float, v: Float) -> Float:
        slopes: Float = -both * (v @ both.T * value(x))[..., None]  # (EXF.11)
        return slopes

    return Features(d, 2 * m, value, gradient, product, lambda x: -(both**2).sum(1) * value(x))  # (EXF.11)


def _without(term: tuple[int, ...], i: int) -> tuple[int, ...]:
    """The product `term` with one factor x_i taken out; 1, the empty product, where there is none."""
    if i not in term:
        return ()
    at = term.index(i)
    return term[:at] + term[at + 1 :]


def _rows(value: ArrayLike, name: str) -> Float:
    """`value` as a read-only array of at least one row of at least one number."""
    rows = read_only(value, name)
    if rows.ndim != 2 or rows.size == 0:
        raise ValueError(f"{name} has shape {rows.shape}; expected (k, d), one row for each")
    return rows
