"""Couplings of two laws by their moments, and the optimal and entropic ones of two Gaussians in closed form.

With Σ_0 = L_0 L_0ᵀ, Σ_1 = L_1 L_1ᵀ and the singular values L_0ᵀ L_1 = V S Uᵀ, the coordinates x0 = m_0 + L_0 V a and
x1 = m_1 + L_1 U b have a, b ~ N(0, I) and x0ᵀ x1 = Σ_i s_i a_i b_i + …, so that transport decouples into pairs (a_i,
b_i) of one correlation each. The cost ½ |x0 - x1|² with entropy, (OT.2), asks of each for the ρ that has most of
s ρ + ½ ε log(1 - ρ²):

    K = Cov(x0, x1) = L_0 V diag(ρ) Uᵀ L_1ᵀ,   ρ_i = 2 s_i / (ε + √(ε² + 4 s_i²))                      (OT.7)

ε → 0 gives ρ = 1, optimal transport, whose cost is ½ |m_0 - m_1|² + ½ tr(Σ_0 + Σ_1) - Σ_i s_i, half of Bures'; ε → ∞
gives ρ = 0, independence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from refscore.arrays import Float, not_negative, number, read_only
from refscore.exact.maps import AffineMap
from refscore.exact.residuals import Moments, cholesky, moments, normal
from refscore.targets.gaussian import Gaussian

__all__ = ["Coupling", "entropic", "independent", "optimal", "pushed"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Coupling:
    """The moments of pairs (x0, x1) of data and noise.

    Parameters
    ----------
    data, noise : Moments
        Mean and covariance of x0 and of x1.
    cross : (d, d)
        K = Cov(x0, x1): rows belong to the data.

    Raises
    ------
    ValueError
        If the shapes do not fit, or no pairs have these moments.

    Examples
    --------
    >>> import refscore as rs
    >>> pairs = Coupling(rs.targets.gaussian([0.0], 4.0), rs.targets.gaussian([0.0]), [[1.0]])
    >>> pairs.cov
    array([[4., 1.],
           [1., 1.]])
    """

    data: Moments
    noise: Moments
    cross: Float

    def __post_init__(self) -> None:
        d = len(self.data.mean)
        object.__setattr__(self, "cross", read_only(self.cross, "cross", (d, d)))
        if len(self.noise.mean) != d:
            raise ValueError(f"noise has dimension {len(self.noise.mean)}; expected {d}, that of data")
        moments(self, 2 * d)

    def __repr__(self) -> str:
        return f"Coupling({self.data!r}, {self.noise!r}, cross {self.cross.shape})"

    @property
    def d(self) -> int:
        """Dimension of x0 and of x1."""
        return len(self.cross)

    @property
    def mean(self) -> Float:
        """The mean of (x0, x1), (2d,)."""
        return np.concatenate([self.data.mean, self.noise.mean])

    @property
    def cov(self) -> Float:
        """The covariance of (x0, x1), (2d, 2d)."""
        value: Float = np.block([[self.data.cov, self.cross], [self.cross.T, self.noise.cov]])
        return value

    def gaussian(self) -> Coupling:
        """This coupling, held to be Gaussian; a TypeError where an end is a mixture or a finite data set."""
        normal(self.data)
        normal(self.noise)
        return self


def independent(data: Moments, noise: Moments) -> Coupling:
    """Independent pairs: K = 0.

    Parameters
    ----------
    data, noise : Moments
        The laws of x0 and x1, of any kind.

    Returns
    -------
    Coupling
        Their product.

    Raises
    ------
    ValueError
        If the dimensions differ.
    """
    return Coupling(data, noise, np.zeros((len(data.mean), len(data.mean))))


def optimal(data: Gaussian, noise: Gaussian) -> Coupling:
    """Optimal transport between two Gaussians: (OT.7) with ρ = 1.

    Parameters
    ----------
    data, noise : Gaussian
        The laws of x0 and x1.

    Returns
    -------
    Coupling
        The coupling of least E |x0 - x1|²; x1 is an affine function of x0.

    Raises
    ------
    ValueError
        If the dimensions differ.

    Examples
    --------
    Its cost is half the squared Wasserstein distance:

    >>> import refscore as rs
    >>> p = rs.targets.gaussian([1.0, 0.0], [[2.0, 0.5], [0.5, 1.0]])
    >>> q = rs.targets.gaussian([0.0, 0.0], [[1.0, -0.3], [-0.3, 3.0]])
    >>> pairs = optimal(p, q)
    >>> cost = 1.0 + (pairs.data.cov + pairs.noise.cov - 2 * pairs.cross).trace()
    >>> bool(abs(cost - rs.exact.wasserstein2(p, q) ** 2) < 1e-14)
    True
    """
    return _decoupled(normal(data), normal(noise), 0.0)


def entropic(data: Gaussian, noise: Gaussian, *, epsilon: float) -> Coupling:
    """The entropic plan of two Gaussians, (OT.7): the ends of a Schrödinger bridge with σ² = ε.

    Parameters
    ----------
    data, noise : Gaussian
        The laws of x0 and x1.
    epsilon : float
        ε ≥ 0, in unit²; against the cost ½ |x0 - x1|².

    Returns
    -------
    Coupling
        The coupling.

    Raises
    ------
    ValueError
        If ε is negative or the dimensions differ.

    Notes
    -----
    Not to be confused with the entropic plan for the cost |x0 - x1|² without ½, which is this for ½ ε.

    References
    ----------
    Janati et al. (2020), Entropic optimal transport between unbalanced Gaussian measures has a closed form, theorem 1;
    Bunne et al. (2023), The Schrödinger bridge between Gaussian measures has a closed form.

    Examples
    --------
    The density of the plan is f(x0) g(x1) exp(x0·x1/ε), so that the precision matrix has -I/ε off its diagonal:

    >>> import numpy as np
    >>> import refscore as rs
    >>> p = rs.targets.gaussian([1.0, 0.0], [[2.0, 0.5], [0.5, 1.0]])
    >>> q = rs.targets.gaussian([0.0, 0.0], [[1.0, -0.3], [-0.3, 3.0]])
    >>> precision = np.linalg.inv(entropic(p, q, epsilon=0.5).cov)
    >>> np.abs(precision[:2, 2:] + 2 * np.eye(2)).max() < 1e-14
    np.True_
    """
    return _decoupled(normal(data), normal(noise), number(epsilon, "epsilon", not_negative))


def pushed(noise: Gaussian, into_data: AffineMap) -> Coupling:
    """Pairs of noise and where a map takes it, as reflow makes them: K = R Σ_1 for x0 = R x1 + h.

    Parameters
    ----------
    noise : Gaussian
        The law of x1.
    into_data : AffineMap
        The map to x0, without noise of its own.

    Returns
    -------
    Coupling
        The deterministic coupling.

    Raises
    ------
    ValueError
        If the map draws noise, or is singular.

    Examples
    --------
    After one rectification of Gaussian data the pairs are those of optimal transport:

    >>> import refscore as rs
    >>> p, q = rs.targets.gaussian([1.0, 0.0], [[2.0, 0.5], [0.5, 1.0]]), rs.targets.gaussian([0.0, 0.0])
    >>> reflowed = pushed(q, rs.exact.flow_map(p, start=(0.0, 1.0), stop=(1.0, 0.0)))
    >>> bool(abs(reflowed.cross - optimal(p, q).cross).max() < 1e-14)
    True
    """
    if len(into_data.noises):
        raise ValueError(f"into_data draws {len(into_data.noises)} noise vectors; expected a map without noise")
    return Coupling(into_data.push(noise), noise, into_data.matrix @ noise.cov)


def _decoupled(data: Moments, noise: Moments, epsilon: float) -> Coupling:
    d = len(data.mean)
    lower0, lower1 = (cholesky(moments(law, d)[1]) for law in (data, noise))
    v, s, u = np.linalg.svd(lower0.T @ lower1)
    rho = 2 * s / (epsilon + np.hypot(epsilon, 2 * s))  # (OT.7)
    return Coupling(data, noise, (lower0 @ v * rho) @ (lower1 @ u.T).T)  # (OT.7)
