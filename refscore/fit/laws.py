"""The laws that a training step draws its noise levels and projections from, as functions of uniforms and normals.

A law of levels is its quantile function, from u in (0, 1) to σ:

    one of L levels    σ = σ_{1+⌊Lu⌋}                                                                 (LOO.4)
    log-uniform        σ = σ_min (σ_max/σ_min)^u                                                      (LOO.5)
    log-normal         σ = exp(m + s Φ⁻¹(u))                                                          (LOO.6)

A law of projections is a function of standard normals, see ``refscore.objectives.projections``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from refscore.arrays import Float, number, positive, read_only
from refscore.fit.digests import digest
from refscore.objectives.projections import gaussian, orthogonal, rademacher, sphere

__all__ = [
    "Levels",
    "among",
    "as_levels",
    "gaussian",
    "log_normal",
    "log_uniform",
    "orthogonal",
    "rademacher",
    "sphere",
]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Levels:
    """A law of noise levels.

    Parameters
    ----------
    name : str
        What it prints as, and what a checkpoint remembers of it.
    quantile : callable
        From u in (0, 1), of any shape, to σ > 0 of the same shape, without changing u.

    Examples
    --------
    Your own, here uniform between 1 and 2:

    >>> Levels("uniform(1, 2)", lambda u: 1 + u)
    uniform(1, 2)
    """

    name: str
    quantile: Callable[[Float], Float]

    def __repr__(self) -> str:
        return self.name


def among(sigmas: ArrayLike) -> Levels:
    """Each of L levels with the same probability, as in NCSN.

        σ = σ_{1+⌊Lu⌋}                                                                                (LOO.4)

    Parameters
    ----------
    sigmas : (L,)
        σ_i > 0, in the data's unit, in any order.

    Returns
    -------
    Levels
        The law.

    References
    ----------
    Song & Ermon (2019), Generative modeling by estimating gradients of the data distribution, eq. 6.

    Examples
    --------
    >>> import numpy as np
    >>> among([4, 2, 1]).quantile(np.array([0.1, 0.5, 0.9]))
    array([4., 2., 1.])
    """
    levels = read_only(positive(sigmas, "sigmas"), "sigmas")
    if levels.ndim != 1 or not levels.size:
        raise ValueError(f"sigmas has shape {levels.shape}; expected (L,), L >= 1 noise levels")

    def quantile(u: Float) -> Float:
        value: Float = levels[(len(levels) * u).astype(np.intp)]  # (LOO.4)
        return value

    return Levels(f"among {digest(levels)}", quantile)


def log_uniform(sigma_min: float, sigma_max: float) -> Levels:
    """log σ uniform between two ends: what geometric levels become when there are ever more of them.

        σ = σ_min (σ_max/σ_min)^u                                                                     (LOO.5)

    Parameters
    ----------
    sigma_min, sigma_max : float
        0 < σ_min < σ_max, in the data's unit.

    Returns
    -------
    Levels
        The law. It is that of the level at a uniform time on the VE path.

    Examples
    --------
    >>> import numpy as np
    >>> log_uniform(1, 16).quantile(np.array([0.25, 0.5]))
    array([2., 4.])
    """
    low, high = number(sigma_min, "sigma_min", positive), number(sigma_max, "sigma_max", positive)
    if not low < high:
        raise ValueError(f"sigma_min is {low} and sigma_max {high}; expected sigma_min < sigma_max")
    return Levels(f"log_uniform({low}, {high})", lambda u: np.asarray(low * (high / low) ** u))  # (LOO.5)


def log_normal(mean: float = -1.2, std: float = 1.2) -> Levels:
    """log σ normal, as in EDM.

        σ = exp(m + s Φ⁻¹(u))                                                                         (LOO.6)

    Parameters
    ----------
    mean, std : float
        m and s > 0, EDM's P_mean and P_std, whose values are the defaults, for data with standard deviation ½.

    Returns
    -------
    Levels
        The law.

    Notes
    -----
    Not to be confused with mean and standard deviation of σ: those are exp(m + s²/2) and that times √(exp(s²) - 1).

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, table 1.

    Examples
    --------
    >>> import numpy as np
    >>> log_normal().quantile(np.array([0.5])) == np.exp(-1.2)
    array([ True])
    """
    m, s = number(mean, "mean"), number(std, "std", positive)
    return Levels(f"log_normal({m}, {s})", lambda u: np.asarray(np.exp(m + s * ndtri(u)), dtype=np.float64))  # (LOO.6)


def as_levels(sigmas: ArrayLike | Levels) -> Levels:
    """Take an array for one of its levels, and a law for what it is.

    Parameters
    ----------
    sigmas : (L,) or Levels
        As for :func:`among`, or a law.

    Returns
    -------
    Levels
        The law.
    """
    return sigmas if isinstance(sigmas, Levels) else among(sigmas)
