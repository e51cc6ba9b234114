"""What one expert of a product says about its own direction: a log density φ(u) and its first three derivatives.

Three derivatives are what score matching asks of an expert: the score needs φ′, the Jacobian φ″, and the gradient of
its trace in the parameters φ‴. An expert is raised to a power γ, and the normaliser of one alone depends on γ.

All of them are accurate in both tails and where they are small; none overflows where its value does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.special import betaln

from refscore.arrays import Float, of_shape

__all__ = ["GAUSSIAN", "LOG_COSH", "STUDENT_T", "Expert"]

Four = tuple[Float, Float, Float, Float]
LOG_2 = float(np.log(2))


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Expert:
    """A log density φ(u) on the line, up to a constant, with its derivatives.

    Ready made are ``STUDENT_T``, ``LOG_COSH`` and ``GAUSSIAN``:

        STUDENT_T:  φ = -log(1 + u²/2),   φ′ = -q u,   φ″ = q (1 - 2q),   φ‴ = q² u (4q - 1),
                    q = 1/(1 + u²/2)                                                                  (POE.1)
        LOG_COSH:   φ = -log cosh u,   φ′ = -tanh u,   φ″ = -1/cosh² u,   φ‴ = 2 tanh u / cosh² u     (POE.2)
        GAUSSIAN:   φ = -u²/2,   φ′ = -u,   φ″ = -1,   φ‴ = 0                                         (POE.3)

    Parameters
    ----------
    name : str
        What to print.
    derivatives : callable
        From u, an array of float64, to (φ, φ′, φ″, φ‴), each of that shape.
    log_normaliser : callable
        From powers γ > 0, an array, to log ∫ exp(γ φ(u)) du, infinite where there is no density:

            STUDENT_T:  log ∫ (1 + u²/2)^(-γ) du = ½ log 2 + log B(γ - ½, ½),   γ > ½                 (POE.4)
            LOG_COSH:   log ∫ cosh(u)^(-γ) du = log B(γ/2, ½)                                         (POE.5)
            GAUSSIAN:   log ∫ exp(-γ u²/2) du = ½ log(2π/γ)                                           (POE.6)

    Notes
    -----
    ``STUDENT_T`` to the power γ is Student's t of 2γ - 1 degrees of freedom in u √(γ - ½). Not to be confused with the
    same without ½, -log(1 + u²), whose u is 1/√2 times ours.

    ``LOG_COSH`` to the power 2 is the logistic density in 2u, to the power 1 the hyperbolic secant's. Not to be
    confused with ICA's -2 log cosh(π u/(2√3)), the logistic of unit variance, whose u is 2√3/π times ours.

    References
    ----------
    Welling, Hinton & Osindero (2003), Learning sparse topographic representations with products of Student-t
    distributions. Hyvärinen (2005), Estimation of non-normalized statistical models by score matching, section 3.

    Examples
    --------
    One's own, a sub-Gaussian one:

    >>> import numpy as np
    >>> from scipy.special import gammaln
    >>> quartic = Expert(
    ...     "quartic",
    ...     lambda u: (-(u**4) / 4, -(u**3), -3 * u**2, -6 * u),
    ...     lambda gamma: np.log(2) + gammaln(1.25) - 0.25 * np.log(gamma / 4),
    ... )

    Student's t of one degree of freedom is Cauchy's density, 1/(π (1 + z²)) with z = u/√2:

    >>> bool(np.isclose(STUDENT_T.log_normaliser(1.0), np.log(np.pi * np.sqrt(2)), rtol=1e-15))
    True
    """

    name: str
    derivatives: Callable[[Float], Four]
    log_normaliser: Callable[[Float], Float]

    def __repr__(self) -> str:
        return f"Expert({self.name})"

    def __call__(self, u: Float) -> Four:
        """(φ, φ′, φ″, φ‴) at u, each held to the shape of u."""
        value, first, second, third = self.derivatives(u)
        return (
            of_shape(value, "the expert's value", u.shape, "u"),
            of_shape(first, "the expert's first derivative", u.shape, "u"),
            of_shape(second, "the expert's second derivative", u.shape, "u"),
            of_shape(third, "the expert's third derivative", u.shape, "u"),
        )


def _student_t(u: Float) -> Four:
    z = np.abs(u) * 0.5**0.5
    far = np.maximum(z, 1.0)
    ratio = (np.minimum(z, 1.0) / far) ** 2  # 1 + z² = far² (1 + ratio), and neither factor overflows
    over = 1 / (far * (1 + ratio))
    q, slope = over / far, (u / far) * over  # q and q u
    return (
        -(2 * np.log(far) + np.log1p(ratio)),
        -slope,
        q * (1 - 2 * q),
        q * slope * (4 * q - 1),
    )  # (POE.1)


def _log_cosh(u: Float) -> Four:
    a = np.abs(u)
    tail = np.exp(-a) ** 2
    near = np.log1p(2 * np.sinh(0.5 * np.minimum(a, 1.0)) ** 2)  # cosh u = 1 + 2 sinh²(u/2)
    far = a + (np.log1p(tail) - LOG_2)
    tanh, sech2 = np.tanh(u), 4 * tail / (1 + tail) ** 2
    return -np.where(a < 1, near, far), -tanh, -sech2, 2 * tanh * sech2  # (POE.2)


def _gaussian(u: Float) -> Four:
    return -0.5 * u**2, -u, -np.ones_like(u), np.zeros_like(u)  # (POE.3)


def _student_t_normaliser(gamma: Float) -> Float:
    proper = gamma > 0.5
    value: Float = 0.5 * LOG_2 + betaln(np.where(proper, gamma, 1.0) - 0.5, 0.5)  # (POE.4)
    return np.where(proper, value, np.inf)


def _log_cosh_normaliser(gamma: Float) -> Float:
    value: Float = betaln(0.5 * gamma, 0.5)  # (POE.5)
    return value


def _gaussian_normaliser(gamma: Float) -> Float:
    value: Float = 0.5 * np.log(2 * np.pi / gamma)  # (POE.6)
    return value


STUDENT_T = Expert("Student-t", _student_t, _student_t_normaliser)
LOG_COSH = Expert("log cosh", _log_cosh, _log_cosh_normaliser)
GAUSSIAN = Expert("Gaussian", _gaussian, _gaussian_normaliser)
