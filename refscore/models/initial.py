"""Where a fit starts: directions and weights from uniforms that the caller draws, so that a start can be repeated."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, number, positive, read_only
from refscore.models.boltzmann import GaussianBernoulliRBM
from refscore.models.expert_shapes import STUDENT_T, Expert
from refscore.models.experts import ProductOfExperts

__all__ = ["gaussian_bernoulli_rbm", "product_of_experts"]


def product_of_experts(uniform: ArrayLike, *, expert: Expert = STUDENT_T, gamma: float = 1.0) -> ProductOfExperts:
    """A product of experts to start a fit from: directions at random, biases 0, one power for all.

        W = √(3/d) (2u - 1)                                                                           (POE.15)

    so that E |w_k|² = 1, and u_k has variance 1 for data of covariance I.

    Parameters
    ----------
    uniform : (K, d)
        u, uniforms in [0, 1], for example ``refscore.noise.uniforms(seed, range(K), d)``.
    expert : Expert
        φ.
    gamma : float
        γ > 0 of every expert.

    Returns
    -------
    ProductOfExperts
        With K experts in dimension d.

    Raises
    ------
    ValueError
        If a uniform is outside [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> import refscore as rs
    >>> rs.models.product_of_experts(rs.noise.uniforms(0, range(6), 2), gamma=1.5)
    ProductOfExperts(matrix (6, 2), Student-t)
    """
    uniform = _unit(uniform, "(K, d)")
    count, d = uniform.shape
    matrix = np.sqrt(3 / d) * (2 * uniform - 1)  # (POE.15)
    log_gamma = np.full(count, np.log(number(gamma, "gamma", positive)))
    return ProductOfExperts(matrix, np.zeros(count), log_gamma, expert)


def gaussian_bernoulli_rbm(uniform: ArrayLike, *, centre: ArrayLike, sigma: ArrayLike) -> GaussianBernoulliRBM:
    """A machine to start a fit from: weights at random, each bit as likely as not at the centre.

        W_ji = σ_i √(6/(H + d)) (2u_ji - 1),   b = centre,   c = -Q b                                 (RBM.13)

    Parameters
    ----------
    uniform : (H, d)
        u, uniforms in [0, 1], for example ``refscore.noise.uniforms(seed, range(H), d)``.
    centre : (d,)
        b, for example the mean of the data, in the data's unit.
    sigma : () or (d,)
        σ > 0, for example the standard deviation of the data, in the data's unit.

    Returns
    -------
    GaussianBernoulliRBM
        With H bits in dimension d.

    Raises
    ------
    ValueError
        If a uniform is outside [0, 1], `sigma` is not positive, or the shapes do not fit.

    Examples
    --------
    At the centre each bit is as likely as not, wherever the centre is:

    >>> import refscore as rs
    >>> model = gaussian_bernoulli_rbm(rs.noise.uniforms(0, range(3), 2), centre=[100, -7], sigma=[2, 0.5])
    >>> model.hidden_given_visible([100, -7]).round(12)
    array([0.5, 0.5, 0.5])
    """
    uniform = _unit(uniform, "(H, d)")
    hidden, d = uniform.shape
    centre, sigma = read_only(centre, "centre", (d,)), positive(sigma, "sigma")
    if sigma.shape not in ((), (d,)):
        raise ValueError(f"sigma has shape {sigma.shape}; expected () or ({d},)")
    shape = np.sqrt(6 / (hidden + d)) * (2 * uniform - 1)  # (RBM.13)
    return GaussianBernoulliRBM(
        sigma * shape, centre, -(shape / sigma) @ centre, np.broadcast_to(np.log(sigma), d)
    )  # (RBM.13)


def _unit(uniform: ArrayLike, shape: str) -> Float:
    array = as_float64(uniform, "uniform")
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"uniform has shape {array.shape}; expected {shape}, not empty")
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError(f"uniform has values from {array.min()} to {array.max()}; expected 0 to 1")
    return array
