"""DEIS: the noise is interpolated in the path's own time, its integral in σ/α is exact.

    x_{k+1} = (α_s/α_t) x_k + Σ_j w_j ε̂_{k-j},   w_j = α_s ∫ ℓ_j(τ) ρ'(τ) dτ   from t to s                 (EXPI.7)

with ℓ_j the Lagrange polynomials in τ: "tAB". With polynomials in ρ it is :func:`adams_bashforth` ("ρAB"), in log ρ the
noise form of :func:`exponential_adams`, the DEIS of diffusers. The order is the same, not the constant.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer
from refscore.paths import Path
from refscore.samplers.exponential import Levels, levels_along
from refscore.samplers.linear_multistep import linear_multistep
from refscore.samplers.multistep import Multistep
from refscore.samplers.replay import Sampler

__all__ = ["deis"]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)


def deis(path: Path, times: ArrayLike, *, order: int, starter: Sampler | None = None) -> Multistep:
    """DEIS with polynomials in time (tAB-DEIS) as a :class:`Multistep`.

        Σ_j w_j c_j^n = α_s [ρ_s - ρ_t - n ∫_0^1 δ^(n-1) (ρ(t + δ(s - t)) - ρ_t) dδ]                      (EXPI.8)

    with c_j = (t_{k-j} - t_k)/(s - t) and n = 0 … q - 1: (EXPI.7) for the monomials, by parts, so that no ρ' is needed.

    Parameters
    ----------
    path : Path
        α, σ and λ.
    times : (n + 1,)
        Descending time grid, where λ is finite.
    order : int
        q ≥ 1, how many predictions are interpolated; q = 1 is DDIM. The paper's tAB0 has q = 1, tAB3 has q = 4.
    starter : Sampler, optional
        Who takes the first q - 1 steps, on the same grid; by default they are taken with the order that the history
        allows.

    Returns
    -------
    Multistep
        Of n steps with one evaluation each, no noise.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or meets an infinite λ, or `starter` has another grid.

    Notes
    -----
    The integral is a Gauss-Legendre sum with 32 nodes a step, exact to rounding where ρ is smooth over the step. Not to
    be confused with ``DEISMultistepScheduler`` of diffusers, which interpolates in log ρ.

    References
    ----------
    Zhang & Chen (2023), Fast sampling of diffusion models with exponential integrator, eq. 14 and 15.

    Examples
    --------
    On EDM's path t = ρ, and the method is Adams-Bashforth in ρ:

    >>> import refscore as rs
    >>> p, times = rs.targets.gaussian([1.0], 0.25), [2.0, 1.5, 0.7, 0.4]
    >>> laws = [rs.exact.law(m(rs.paths.EDM(), times, order=3), p) for m in (deis, rs.samplers.adams_bashforth)]
    >>> bool(rs.exact.wasserstein2(*laws) < 1e-12)
    True
    """
    at, order = levels_along(path, times), integer(order, "order", 1)
    return linear_multistep(
        f"deis {order} (in t)",
        levels=(at.alpha, at.sigma),
        prior_scale=path.prior_scale,
        order=order,
        predict=lambda s, x, k: -at.sigma[k] * s,  # noqa: ARG005
        keep=np.asarray(at.alpha[1:] / at.alpha[:-1]),
        weights=[_weights(path, at, k, order) for k in range(len(at.times) - 1)],  # (EXPI.7)
        starter=starter,
    )


def _weights(path: Path, at: Levels, k: int, order: int) -> Float:
    t, s = at.times[k], at.times[k + 1]
    nodes = (at.times[k::-1][:order] - t) / (s - t)
    delta = 0.5 * (NODES + 1)
    inside = np.clip(t + delta * (s - t), s, t)
    start = at.sigma[k] / at.alpha[k]
    risen = path.sigma(inside) / path.alpha(inside) - start
    whole = at.sigma[k + 1] / at.alpha[k + 1] - start
    moments = [whole - n * 0.5 * (WEIGHTS * delta ** max(n - 1, 0) * risen).sum() for n in range(len(nodes))]
    value: Float = at.alpha[k + 1] * np.linalg.solve(np.vander(nodes, increasing=True).T, moments)  # (EXPI.8)
    return value
