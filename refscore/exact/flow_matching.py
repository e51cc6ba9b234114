"""What flow matching is worth between laws with known moments, in any coupling: straight lines among the interpolants.

For Gaussian data and independent normal noise what is left at the best velocity is the price of crossing lines,

    E ℓ = ½ tr Cov(ẋ_t given x_t) > 0                                                                 (FM.11)

and 0 for a deterministic coupling whose lines do not cross, which reflow makes of it.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from refscore.arrays import Float
from refscore.exact.couplings import Coupling
from refscore.exact.interpolants import (
    interpolant_velocity_expectation,
    interpolant_velocity_minimiser,
    interpolant_velocity_variance,
)
from refscore.models.velocity import AffineVelocity
from refscore.paths.interpolants import linear_interpolant

__all__ = ["flow_matching_expectation", "flow_matching_minimiser", "flow_matching_variance"]


def flow_matching_expectation(
    velocity: AffineVelocity, coupling: Coupling, t: ArrayLike, *, sigma_min: float = 0.0
) -> Float:
    """E of ``objectives.flow_matching`` at each time: (FM.9) on straight lines.

    Parameters
    ----------
    velocity : AffineVelocity
        The model u.
    coupling : Coupling
        Moments of the pairs (x0, x1).
    t : (\\*times,)
        Times in [0, 1]; 0 is data.
    sigma_min : float
        As for the objective.

    Returns
    -------
    (\\*times,)
        E ℓ at each time, in unit².

    Raises
    ------
    ValueError
        If a time is outside [0, 1] or the dimensions differ.

    Examples
    --------
    At t = ½ between two standard normal laws the best velocity is 0, and ½ E |x1 - x0|² = 1 is left:

    >>> import refscore as rs
    >>> from refscore.exact.couplings import independent
    >>> normal = rs.targets.gaussian([0.0])
    >>> pairs = independent(normal, normal)
    >>> best = flow_matching_minimiser(pairs, 0.5)
    >>> best.matrices.ravel(), flow_matching_expectation(best, pairs, 0.5)
    (array([0.]), array(1.))
    """
    return interpolant_velocity_expectation(velocity, coupling, t, linear_interpolant(sigma_min=sigma_min))


def flow_matching_variance(
    velocity: AffineVelocity, coupling: Coupling, t: ArrayLike, *, sigma_min: float = 0.0
) -> Float:
    """Var of one sample of ``objectives.flow_matching`` at each time, for Gaussian ends: (FM.9) on straight lines.

    Parameters
    ----------
    velocity : AffineVelocity
        The model u.
    coupling : Coupling
        Moments of the jointly Gaussian pairs.
    t : (\\*times,)
        Times in [0, 1]; 0 is data.
    sigma_min : float
        As for the objective.

    Returns
    -------
    (\\*times,)
        Var ℓ at each time, in unit⁴.

    Raises
    ------
    TypeError
        If the pairs are not known to be Gaussian.
    ValueError
        If a time is outside [0, 1] or the dimensions differ.
    """
    return interpolant_velocity_variance(velocity, coupling, t, linear_interpolant(sigma_min=sigma_min))


def flow_matching_minimiser(coupling: Coupling, t: float, *, sigma_min: float = 0.0) -> AffineVelocity:
    """The affine velocity at one time that minimises ``flow_matching_expectation``: (FM.10) on straight lines.

    Parameters
    ----------
    coupling : Coupling
        Moments of the pairs.
    t : float
        The time.
    sigma_min : float
        As for the objective.

    Returns
    -------
    AffineVelocity
        The field at this time.

    Raises
    ------
    ValueError
        If Cov(x_t) is singular.
    """
    return interpolant_velocity_minimiser(coupling, t, linear_interpolant(sigma_min=sigma_min))
