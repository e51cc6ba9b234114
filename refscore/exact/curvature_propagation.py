"""The truth about curvature propagation: its mean is the implicit objective, and its scatter a quadratic form's.

T_0 and U_0 of (CPR.2) are linear in the N random numbers v of a sample, T_0 = Φ v and U_0 = Ψ v with columns that are
the slopes of the hidden units times a and b. So the estimate of the trace is a quadratic form with a known variance,

    T_0ᵀ U_0 = vᵀ G v,   G = Φᵀ Ψ (N, N),   tr G = tr J                                               (CPR.6)

for each law of v one of ``refscore.exact.projections``, in N dimensions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer, samples
from refscore.exact import on_mixtures
from refscore.exact.projections import Projection, Squares
from refscore.exact.quadrature import Expectation, expectation
from refscore.exact.truth import Truth
from refscore.models.mlp_energy import MLPEnergy
from refscore.objectives.curvature_propagation import propagated, roots
from refscore.targets import Gaussian, Mixture

__all__ = ["curvature_propagation_form", "curvature_propagation_on_mixture"]

Factor = Callable[[Float], tuple[Float, Float]]


def curvature_propagation_form(model: MLPEnergy, x: ArrayLike, factor: Factor = roots) -> Float:
    """G of (CPR.6), the quadratic form that one projection draws from.

    Parameters
    ----------
    model : MLPEnergy
        The energy, with N hidden units in all.
    x : (\\*batch, d)
        Where.
    factor : callable
        ``objectives.curvature_propagation.roots`` or ``one_and_all``.

    Returns
    -------
    (\\*batch, N, N)
        G, in 1/unit²; not symmetric.

    Examples
    --------
    >>> import refscore as rs
    >>> model, x = rs.models.MLPEnergy(rs.models.network([2, 3, 4, 1], rs.noise.uniforms(0, 0, 30))), [[0.5, -1.0]]
    >>> form = curvature_propagation_form(model, x)
    >>> form.shape, bool(abs(form.trace(axis1=1, axis2=2) - model.trace(x)).max() < 1e-15)
    ((1, 7, 7), True)
    """
    x = samples(x, "x", model.d)
    units = sum(model.network.widths[1:-1])
    axes = np.broadcast_to(np.eye(units).reshape(units, *[1] * (x.ndim - 1), units), (units, *x.shape[:-1], units))
    first, second = (np.moveaxis(part, 0, -1) for part in propagated(model, x, axes, factor))
    value: Float = np.swapaxes(first, -1, -2) @ second  # (CPR.6)
    return value


def curvature_propagation_on_mixture(
    model: MLPEnergy,
    mixture: Mixture | Gaussian,
    *,
    projection: Projection,
    n_projections: int = 1,
    factor: Factor = roots,
    rtol: float = 1e-10,
) -> Truth:
    """Truth about ``objectives.curvature_propagation`` on a mixture, over x and m independent projections.

        Var ℓ = Var (tr J + ½ |s|²) + (1/m) E_x Var_v [vᵀ G v]                                        (CPR.7)

    Parameters
    ----------
    model : MLPEnergy
        The energy.
    mixture : Mixture or Gaussian
        The law of x, d ≤ 2.
    projection : callable
        The law of v: ``gaussian_projection`` or ``rademacher_projection``.
    n_projections : int
        How many projections m each sample has, drawn independently.
    factor : callable
        ``objectives.curvature_propagation.roots``, or ``one_and_all`` for the plain form.
    rtol : float
        As for :func:`~refscore.exact.expectation`.

    Returns
    -------
    Truth
        E ℓ, that of ``on_mixtures.implicit``, and Var ℓ. The minimiser is that of the implicit objective, too.
    """
    m = integer(n_projections, "n_projections", 1)
    mean, variance = on_mixtures.implicit(model, mixture, rtol=rtol)
    units = sum(model.network.widths[1:-1])

    def sums(x: Float) -> Float:
        g = curvature_propagation_form(model, x, factor)
        h = 0.5 * (g + np.swapaxes(g, 1, 2))
        diagonal = np.diagonal(h, axis1=1, axis2=2)
        spread = diagonal - diagonal.mean(1, keepdims=True)
        off = (h**2).sum((1, 2)) - (diagonal**2).sum(1)
        return np.stack([off, (diagonal**2).sum(1), (spread**2).sum(1)], axis=1)

    value, error = expectation(sums, mixture, rtol=rtol)
    given, off_by = (projection(Squares(units, *map(float, part))) / m for part in (value, error))
    return Truth(mean, Expectation(variance.value + given, variance.error + off_by))  # (CPR.7)
