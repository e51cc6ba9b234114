"""How often a proposal is accepted on a Gaussian, at stationarity: exact, in any dimension.

A proposal is a map of (state, noise) that keeps volume and is its own way back. Along an eigenvector of Σ, in units
where both are standard normal, it is a 2×2 matrix T of determinant ±1, and -log a = ½ wᵀ (TᵀT - I) w. The eigenvalues
of TᵀT - I have the sum δ² and the product -δ² for one number δ, the only thing that matters:

    random walk  δ = r,   MALA  δ = e³/4,   HMC  δ = (η³/4) |U_{L-1}(1 - η²/2)|                         (MALA.5)

with r, e and η the proposal's standard deviation, √ε and h over √ℓ, and U Chebyshev's polynomial of the second kind. In
one dimension the rate of acceptance is

    E min(1, a) = 1 - (2/π) atan(δ/2)                                                                 (MALA.6)

and in d dimensions one integral that a sum of 200 terms gives to rounding, (MALA.7).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer, not_negative, number, positive

__all__ = ["hmc", "hmc_delta", "mala", "mala_delta", "of_deltas", "random_walk"]


def random_walk(variance: ArrayLike, *, step_size: ArrayLike) -> float:
    """The rate of acceptance of a random walk x* = x + √ε z on N(μ, Σ).

        δ_j = √(ε/ℓ_j);   in one dimension (2/π) atan(2/δ)                                            (MALA.5)

    Parameters
    ----------
    variance : () or (d,)
        ℓ, the eigenvalues of Σ.
    step_size : float
        ε > 0, the variance of the proposal in every direction.

    Returns
    -------
    float
        E min(1, a), in (0, 1].

    References
    ----------
    Roberts, Gelman & Gilks (1997), Weak convergence and optimal scaling of random walk Metropolis algorithms, for the
    limit 2 Φ(-l/2) at ε = l²/d.

    Examples
    --------
    >>> round(random_walk(1.0, step_size=4.0), 12)  # atan(1)
    0.5
    """
    ell = _eigenvalues(variance)
    return of_deltas(np.sqrt(number(step_size, "step_size", positive) / ell))  # (MALA.5)


def mala(variance: ArrayLike, *, step_size: ArrayLike) -> float:
    """The rate of acceptance of MALA on N(μ, Σ).

        δ_j = (ε/ℓ_j)^(3/2)/4;   in one dimension 1 - (2/π) atan((ε/(4ℓ))^(3/2))                        (MALA.5)

    Parameters
    ----------
    variance : () or (d,)
        ℓ, the eigenvalues of Σ; with a preconditioner F Fᵀ those of F⁻¹ Σ F⁻ᵀ.
    step_size : float
        ε > 0.

    Returns
    -------
    float
        E min(1, a), in (0, 1].

    Notes
    -----
    With ε = l² d^(-1/3) and ℓ = 1 it tends to 2 Φ(-l³/8) as d grows, at d = 1000 to 1e-4.

    References
    ----------
    Roberts & Rosenthal (1998), Optimal scaling of discrete approximations to Langevin diffusions, for the limit.

    Examples
    --------
    >>> round(mala(1.0, step_size=4.0), 12)  # atan(1)
    0.5
    """
    return of_deltas(mala_delta(_eigenvalues(variance), step_size=step_size))


def mala_delta(variance: ArrayLike, *, step_size: ArrayLike) -> Float:
    """δ of MALA for each eigenvalue: (ε/ℓ)^(3/2)/4 of (MALA.5).

    Parameters
    ----------
    variance : (\\*shape)
        ℓ.
    step_size : float
        ε > 0.

    Returns
    -------
    (\\*shape)
        δ.
    """
    value: Float = 0.25 * (number(step_size, "step_size", positive) / positive(variance, "variance")) ** 1.5  # (MALA.5)
    return value


def hmc(variance: ArrayLike, *, step_size: ArrayLike, n_steps: int) -> float:
    """The rate of acceptance of HMC with L leapfrog steps on N(μ, Σ).

        δ_j = (η³/4) |U_{L-1}(1 - η²/2)|,   η = h/√ℓ_j                                                (MALA.5)

    Parameters
    ----------
    variance : () or (d,)
        ℓ, the eigenvalues of Σ.
    step_size : float
        h > 0, below stability (2√ℓ) or not.
    n_steps : int
        L ≥ 1.

    Returns
    -------
    float
        E min(1, a), in (0, 1].

    Notes
    -----
    In one dimension it is (4/π) atan(κ^(-1/2)) with κ + 1/κ = 2c² + s²(χ² + χ⁻²), c = cos Lθ, s = sin Lθ, cos θ =
    1 - η²/2, χ = (1 - η²/4)^(-1/2): the same number, which cancels where η is small.

    Examples
    --------
    One leapfrog step is MALA with √ε = h:

    >>> round(hmc(0.5, step_size=0.8, n_steps=1) - mala(0.5, step_size=0.64), 14)
    0.0
    """
    return of_deltas(hmc_delta(_eigenvalues(variance), step_size=step_size, n_steps=n_steps))


def hmc_delta(variance: ArrayLike, *, step_size: ArrayLike, n_steps: int) -> Float:
    """δ of HMC for each eigenvalue: (η³/4) |U_{L-1}(1 - η²/2)| of (MALA.5).

    Parameters
    ----------
    variance : (\\*shape)
        ℓ.
    step_size : float
        h > 0.
    n_steps : int
        L ≥ 1.

    Returns
    -------
    (\\*shape)
        δ.

    Raises
    ------
    ValueError
        If δ is beyond the largest number: a step far beyond stability, many times.
    """
    h = number(step_size, "step_size", positive)
    eta = h / np.sqrt(positive(variance, "variance"))
    count = integer(n_steps, "n_steps", 1)
    before, polynomial = np.zeros_like(eta), np.ones_like(eta)  # U_{-1}, U_0
    for _ in range(count - 1):
        before, polynomial = polynomial, (2 - eta**2) * polynomial - before
        if not (np.abs(polynomial) < 1e100).all():
            raise ValueError(f"step_size is {h}: so far beyond stability nothing is accepted; expected < 2√ℓ")
    value: Float = 0.25 * eta**3 * np.abs(polynomial)  # (MALA.5)
    return value


def _eigenvalues(variance: ArrayLike) -> Float:
    ell = positive(variance, "variance")
    if ell.ndim > 1 or ell.size == 0:
        raise ValueError(f"variance has shape {ell.shape}; expected () or (d,), the eigenvalues of one covariance")
    return ell


def of_deltas(delta: ArrayLike) -> float:
    """The rate of acceptance from δ of each direction.

        E min(1, a) = 1 - (2/π) ∫ sin θ(u) / (u ρ(u)) du,   u from 0 to ∞
        θ = ½ Σ_j atan(δ_j² u/(1 + δ_j² u²)),   log ρ = ¼ Σ_j log((1 + δ_j² u²)² + δ_j⁴ u²)              (MALA.7)

    Parameters
    ----------
    delta : () or (d,)
        δ ≥ 0.

    Returns
    -------
    float
        E min(1, a); for one δ it is (MALA.6).

    Notes
    -----
    It is 2 P(log a > 0), by Imhof's integral for a sum of squares, in log u by the trapezoidal rule: the integrand is
    analytic where |Im log u| < π/2, so that the error falls as exp(-π²/step).

    References
    ----------
    Imhof (1961), Computing the distribution of quadratic forms in normal variables, eq. 3.2.

    Examples
    --------
    The second, of no size, changes nothing:

    >>> import numpy as np
    >>> round(of_deltas([2.0, 0.0]), 12), float(1 - 2 / np.pi * np.arctan(1))
    (0.5, 0.5)
    """
    d = np.atleast_1d(not_negative(delta, "delta"))
    if d.ndim != 1:
        raise ValueError(f"delta has shape {d.shape}; expected () or (d,)")
    d = d[d > 0]
    if d.size == 0:
        return 1.0
    if d.size == 1:
        return float(1 - 2 / np.pi * np.arctan(0.5 * d[0]))  # (MALA.6)
    square = d**2
    step = 0.125
    first = np.log(2.0**-60) - np.log(square.sum())
    last = 0.5 * np.log(2.0**60 * d.size / min(d.max(), 1.0))
    total = 0.0
    for u in np.exp(np.arange(first, last + step, step)):
        v = square * u
        theta = 0.5 * np.arctan(v / (1 + v * u)).sum()
        log_rho = 0.25 * (2 * np.log1p(v * u) + np.log1p((v / (1 + v * u)) ** 2)).sum()
        total += np.sin(theta) * np.exp(-log_rho)  # (MALA.7)
    return float(1 - 2 / np.pi * step * total)
