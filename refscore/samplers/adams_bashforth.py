"""Adams-Bashforth in σ/α: the linear multistep method (LMS) of k-diffusion, on any path.

In y = x/α and ρ = σ/α the probability flow is dy/dρ = ε̂, with nothing linear left over. The last q predictions are
interpolated by a polynomial in ρ, and that is integrated:

    x_{k+1} = (α_s/α_t) x_k + α_s Δ Σ_j w_j ε̂_{k-j},   Δ = ρ_s - ρ_t                                     (AB.1)
    Σ_j w_j c_j^n = 1/(n + 1),   c_j = (ρ_{k-j} - ρ_k)/Δ,   n = 0 … q - 1                                (AB.2)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer
from refscore.paths import Path
from refscore.samplers.arguments import grid
from refscore.samplers.exponential import exponential_weights
from refscore.samplers.linear_multistep import linear_multistep
from refscore.samplers.multistep import Multistep
from refscore.samplers.replay import Sampler

__all__ = ["adams_bashforth"]


def adams_bashforth(path: Path, times: ArrayLike, *, order: int, starter: Sampler | None = None) -> Multistep:
    """Adams-Bashforth in ρ = σ/α as a :class:`Multistep`; on EDM's path it is k-diffusion's LMS.

        x_{k+1} = (α_s/α_t) x_k + α_s Δ Σ_j w_j ε̂_{k-j},   w of (AB.2)                                   (AB.1)

    Parameters
    ----------
    path : Path
        α and σ.
    times : (n + 1,)
        Descending time grid, where α > 0; the last level may be without noise.
    order : int
        q ≥ 1; q = 1 is DDIM.
    starter : Sampler, optional
        Who takes the first q - 1 steps, on the same grid; by default they are taken with the order that the history
        allows, as in k-diffusion.

    Returns
    -------
    Multistep
        Of n steps with one evaluation each, no noise.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or has a level with α = 0, or `starter` has another grid.

    Notes
    -----
    Order q given a start of order q - 1, and 2 with the default start and q ≥ 2. The weights are exact; k-diffusion
    finds them by numerical integration. Not to be confused with PNDM's PLMS, whose weights are those of equal steps on
    every grid. It is the ρAB method of DEIS.

    References
    ----------
    Zhang & Chen (2023), Fast sampling of diffusion models with exponential integrator, appendix, ρAB-DEIS; Crowson,
    k-diffusion, ``sample_lms``.

    Examples
    --------
    Data at the point 3: ε̂ is the same all along, and any grid is exact, here down to the point itself.

    >>> import refscore as rs
    >>> sampler = adams_bashforth(rs.paths.EDM(), [2.0, 1.7, 0.4, 0.0], order=3)
    >>> rs.samplers.replay(sampler, lambda x, alpha, sigma: (3 - x) / sigma**2, [[5.0]]).round(14)
    array([[3.]])
    """
    t, alpha, sigma = grid(path, times)
    order = integer(order, "order", 1)
    if not (alpha > 0).all():
        raise ValueError(f"path.alpha is {alpha.min():g} at times[0] = {t[0]:g}; expected α > 0, since ρ = σ/α")
    rho = sigma / alpha

    def weights(k: int) -> Float:
        gap = rho[k + 1] - rho[k]
        nodes = (rho[k::-1][:order] - rho[k]) / gap
        value: Float = alpha[k + 1] * gap * exponential_weights(nodes, 0.0)  # (AB.2)
        return value

    return linear_multistep(
        f"adams-bashforth {order}",
        levels=(alpha, sigma),
        prior_scale=path.prior_scale,
        order=order,
        predict=lambda s, x, k: -sigma[k] * s,  # noqa: ARG005
        keep=np.asarray(alpha[1:] / alpha[:-1]),
        weights=[weights(k) for k in range(len(t) - 1)],  # (AB.1)
        starter=starter,
    )
