"""The law of each sampler on a Gaussian, eigenvalue by eigenvalue: a second route to what probing finds.

On N(m, Σ) every sampler here acts on each eigenvector of Σ by itself. Along one with variance ℓ a step is

    x' = c x + b m + √q z,   mean' = c mean + b m,   v' = c² v + q                                      (REC.1)

and c, b and q are functions of ℓ and of the two levels. They are written from the marginal variance and its slope,

    V(t) = α² ℓ + σ²,   e(t) = V'/(2V) = (α α' ℓ + σ σ') / V                                            (REC.2)

in which the probability flow is dx/dt = e (x - α m) + α' m; no score, no f, and no step of ``refscore.samplers``
enters. A function here has the name of the sampler it tells the truth about. Thousands of eigenvalues cost no matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, not_negative, number, positive, read_only
from refscore.paths import Path
from refscore.samplers.arguments import grid

__all__ = [
    "Recursion",
    "ancestral_vp",
    "ddim",
    "euler_maruyama",
    "euler_ode",
    "heun_ode",
    "langevin",
    "reverse_diffusion",
]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Recursion:
    """Steps x' = c x + b m + √q z, for each eigenvalue.

    Parameters
    ----------
    factor, pull, noise : (n, \\*shape)
        c, b and q of each step, for eigenvalues of any shape.
    """

    factor: Float
    pull: Float
    noise: Float

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", read_only(self.factor, "factor"))
        for name in ("pull", "noise"):
            object.__setattr__(self, name, read_only(np.broadcast_to(getattr(self, name), self.factor.shape), name))

    def __repr__(self) -> str:
        return f"Recursion({len(self.factor)} steps, eigenvalues of shape {self.factor.shape[1:]})"

    def law(
        self, mean: ArrayLike, *, start_mean: ArrayLike = 0.0, start_variance: ArrayLike = 1.0
    ) -> tuple[Float, Float]:
        """Mean and variance after the last step.

            mean' = c mean + b m,   v' = c² v + q                                                      (REC.1)

        Parameters
        ----------
        mean : (\\*shape)
            m, the target's mean along the eigenvectors.
        start_mean, start_variance : (\\*shape)
            Of the first state.

        Returns
        -------
        mean, variance : (\\*shape)
            Of the last state.
        """
        m = as_float64(mean, "mean")
        at, v = as_float64(start_mean, "start_mean"), as_float64(start_variance, "start_variance")
        for c, b, q in zip(self.factor, self.pull, self.noise, strict=True):
            at, v = c * at + b * m, c**2 * v + q  # (REC.1)
        return at, v


def langevin(variance: ArrayLike, *, step_size: float, steps: int) -> Recursion:
    """Langevin dynamics.

        c = 1 - ε/(2ℓ),   b = ε/(2ℓ),   q = ε                                                          (REC.3)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ, the eigenvalues of Σ.
    step_size : float
        ε.
    steps : int
        How many.

    Returns
    -------
    Recursion
        Of equal steps.
    """
    pull = 0.5 * number(step_size, "step_size", positive) / positive(variance, "variance")
    every = np.broadcast_to(pull, (steps, *pull.shape))
    return Recursion(1 - every, every, np.full_like(every, step_size))  # (REC.3)


def euler_maruyama(variance: ArrayLike, path: Path, times: ArrayLike) -> Recursion:
    """Euler-Maruyama on the reverse SDE.

        c = 1 - h (2e - f),   b = 2h (α e - α'),   q = h g²,   all at t                                (REC.6)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ, the eigenvalues of Σ.
    path : Path
        α, σ and their derivatives.
    times : (n + 1,)
        Descending time grid.

    Returns
    -------
    Recursion
        Of n steps.
    """
    v = _along(variance, path, times)
    f = v.alpha_dot[:-1] / v.alpha[:-1]
    g2 = 2 * v.sigma[:-1] * (v.sigma_dot[:-1] - f * v.sigma[:-1])
    slope = v.slope[:-1]
    return Recursion(
        1 - v.h * (2 * slope - f),
        2 * v.h * (v.alpha[:-1] * slope - v.alpha_dot[:-1]),
        v.h * g2,  # (REC.6)
    )


def reverse_diffusion(variance: ArrayLike, path: Path, times: ArrayLike) -> Recursion:
    """Reverse diffusion.

        c = 2 - a - q/V_t,   b = q α_t/V_t,   q = σ_t² - a² σ_s²,   a = α_t/α_s                         (REC.7)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ, the eigenvalues of Σ.
    path : Path
        α and σ.
    times : (n + 1,)
        Descending time grid.

    Returns
    -------
    Recursion
        Of n steps.
    """
    v = _along(variance, path, times, slopes=False)
    a, q = v.a, v.step_variance
    return Recursion(2 - a - q / v.total[:-1], q * v.alpha[:-1] / v.total[:-1], q)  # (REC.7)


def ancestral_vp(
    variance: ArrayLike,
    path: Path,
    times: ArrayLike,
    *,
    noise: Callable[[Float, Float, Float, Float], ArrayLike],
) -> Recursion:
    """Ancestral sampling; with α = 1 and the small variance it is the one for VE.

        c = a V_s/V_t,   b = α_s - c α_t,   a = α_t/α_s                                                (REC.8)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ, the eigenvalues of Σ.
    path : Path
        α and σ.
    times : (n + 1,)
        Descending time grid.
    noise : callable
        q as a function of (α_t, σ_t, α_s, σ_s), for instance ``samplers.small_variance``.

    Returns
    -------
    Recursion
        Of n steps.
    """
    v = _along(variance, path, times, slopes=False)
    c = v.a * v.total[1:] / v.total[:-1]
    q = as_float64(noise(v.alpha[:-1], v.sigma[:-1], v.alpha[1:], v.sigma[1:]), "noise")
    return Recursion(c, v.alpha[1:] - c * v.alpha[:-1], q)  # (REC.8)


def ddim(variance: ArrayLike, path: Path, times: ArrayLike, *, eta: float = 0.0) -> Recursion:
    """DDIM.

        c = (α_s α_t ℓ + σ_t √(σ_s² - q)) / V_t,   b = α_s - c α_t,   q = η² σ_s² (σ_t² - a² σ_s²)/σ_t²   (REC.9)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ, the eigenvalues of Σ.
    path : Path
        α and σ.
    times : (n + 1,)
        Descending time grid.
    eta : float
        η.

    Returns
    -------
    Recursion
        Of n steps.
    """
    v = _along(variance, path, times, slopes=False)
    q = (eta * v.sigma[1:] / v.sigma[:-1]) ** 2 * v.step_variance
    if (q > v.sigma[1:] ** 2).any():
        raise ValueError(f"eta is {eta}; expected less: a step would draw more noise than the next level has")
    kept = np.sqrt(v.sigma[1:] ** 2 - q)
    c = (v.alpha[1:] * v.alpha[:-1] * v.ell + v.sigma[:-1] * kept) / v.total[:-1]
    return Recursion(c, v.alpha[1:] - c * v.alpha[:-1], q)  # (REC.9)


def euler_ode(variance: ArrayLike, path: Path, times: ArrayLike) -> Recursion:
    """Euler's method on the probability flow.

        c = 1 - h e_t,   b = h (α_t e_t - α'_t),   q = 0                                               (REC.10)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ, the eigenvalues of Σ.
    path : Path
        α, σ and their derivatives.
    times : (n + 1,)
        Descending time grid.

    Returns
    -------
    Recursion
        Of n steps.
    """
    v = _along(variance, path, times)
    rest = v.alpha * v.slope - v.alpha_dot
    return Recursion(1 - v.h * v.slope[:-1], v.h * rest[:-1], np.zeros(()))  # (REC.10)


def heun_ode(variance: ArrayLike, path: Path, times: ArrayLike) -> Recursion:
    """Heun's method on the probability flow; c̃ and b̃ are Euler's.

        c = 1 - (h/2) (e_t + e_s c̃),   b = (h/2) (α_t e_t - α'_t + α_s e_s - α'_s - e_s b̃),   q = 0     (REC.11)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ, the eigenvalues of Σ.
    path : Path
        α, σ and their derivatives.
    times : (n + 1,)
        Descending time grid.

    Returns
    -------
    Recursion
        Of n steps.
    """
    v = _along(variance, path, times)
    rest = v.alpha * v.slope - v.alpha_dot
    c, b = 1 - v.h * v.slope[:-1], v.h * rest[:-1]
    return Recursion(
        1 - 0.5 * v.h * (v.slope[:-1] + v.slope[1:] * c),
        0.5 * v.h * (rest[:-1] + rest[1:] - v.slope[1:] * b),  # (REC.11)
        np.zeros(()),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Levels:
    """A grid and the eigenvalues, with shapes (n + 1, 1 …, 1) and (\\*shape), ready to meet."""

    ell: Float
    alpha: Float
    sigma: Float
    alpha_dot: Float
    sigma_dot: Float
    h: Float

    @property
    def total(self) -> Float:
        value: Float = self.alpha**2 * self.ell + self.sigma**2  # (REC.2)
        return value

    @property
    def slope(self) -> Float:
        value: Float = (self.alpha * self.alpha_dot * self.ell + self.sigma * self.sigma_dot) / self.total  # (REC.2)
        return value

    @property
    def a(self) -> Float:
        value: Float = self.alpha[:-1] / self.alpha[1:]
        return value

    @property
    def step_variance(self) -> Float:
        value: Float = (self.sigma[:-1] - self.a * self.sigma[1:]) * (self.sigma[:-1] + self.a * self.sigma[1:])
        return value


def _along(variance: ArrayLike, path: Path, times: ArrayLike, *, slopes: bool = True) -> _Levels:
    ell = not_negative(variance, "variance")
    t, alpha, sigma = grid(path, times)
    dots = (path.alpha_dot(t), path.sigma_dot(t)) if slopes else (alpha, alpha)
    column = (-1, *[1] * ell.ndim)
    return _Levels(ell, *(value.reshape(column) for value in (alpha, sigma, *dots, -np.diff(t))))
