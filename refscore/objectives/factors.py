"""The same loss in every prediction: exact factors between the squared errors of score, noise, data, v and velocity.

Every prediction P is P = k x + c s with numbers k and c of the level, the conversions of ``refscore.predictions``. The
target is the same function of the kernel's score -ε/σ. So the difference does not see k:

    P - T = c (s + ε/σ),   ½ w |P - T|² = ½ w c² |s + ε/σ|²                                           (WGT.1)

Here is c for each prediction, c = 1 for the score itself, and what it makes of a weight. It holds sample by sample, for
any network, whether it is trained or not.

Examples
--------
One sample and one wrong score; the losses of noise and v in units of the score's:

>>> from refscore.predictions import score_to_noise, score_to_v
>>> x0, noise, a, s, model = 2.0, -1.0, 0.25, 0.5, [7.0]  # x = 0
>>> of_score = (7.0 + noise / s) ** 2
>>> float((score_to_noise(model, [0], a, s)[0] - noise) ** 2 / of_score), float(noise_factor(a, s) ** 2)
(0.25, 0.25)
>>> float((score_to_v(model, [0], a, s)[0] - (a * noise - s * x0)) ** 2 / of_score), float(v_factor(a, s) ** 2)
(0.390625, 0.390625)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, not_negative, number, positive

__all__ = ["data_factor", "edm_factor", "noise_factor", "reweighted", "v_factor", "velocity_factor"]


def noise_factor(alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The factor of the score in the noise, ε̂ = -σ s.

        c = -σ                                                                                        (WGT.2)

    Parameters
    ----------
    alpha, sigma : array_like
        α ≥ 0, which does not enter, and σ ≥ 0; of shapes that broadcast.

    Returns
    -------
    ndarray
        c.
    """
    _, sigma = _levels(alpha, sigma)
    return -sigma  # (WGT.2)


def data_factor(alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The factor of the score in the data, x̂0 = (x + σ² s)/α.

        c = σ²/α                                                                                      (WGT.3)

    Parameters
    ----------
    alpha, sigma : array_like
        α > 0 and σ ≥ 0; of shapes that broadcast.

    Returns
    -------
    ndarray
        c.
    """
    alpha, sigma = _levels(positive(alpha, "alpha"), sigma)
    value: Float = sigma**2 / alpha  # (WGT.3)
    return value


def v_factor(alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The factor of the score in v = α ε̂ - σ x̂0.

        c = -σ (α² + σ²)/α                                                                            (WGT.4)

    Parameters
    ----------
    alpha, sigma : array_like
        α > 0 and σ ≥ 0; of shapes that broadcast.

    Returns
    -------
    ndarray
        c; -σ/α where α² + σ² = 1.
    """
    alpha, sigma = _levels(positive(alpha, "alpha"), sigma)
    value: Float = -sigma * (alpha**2 + sigma**2) / alpha  # (WGT.4)
    return value


def velocity_factor(alpha: ArrayLike, sigma: ArrayLike, alpha_dot: ArrayLike, sigma_dot: ArrayLike) -> Float:
    """The factor of the score in the velocity u = α' x̂0 + σ' ε̂, which is -½ g².

        c = -σ (α σ' - α' σ)/α                                                                        (WGT.5)

    Parameters
    ----------
    alpha, sigma, alpha_dot, sigma_dot : array_like
        α > 0, σ ≥ 0 and their derivatives in time; of shapes that broadcast.

    Returns
    -------
    ndarray
        c.

    Notes
    -----
    So the likelihood weighting g² of the score is the weight 4/g² of the velocity: (WGT.7) with c² = g⁴/4.
    """
    alpha, sigma = _levels(positive(alpha, "alpha"), sigma)
    alpha_dot, sigma_dot = as_float64(alpha_dot, "alpha_dot"), as_float64(sigma_dot, "sigma_dot")
    value: Float = -sigma * (alpha * sigma_dot - alpha_dot * sigma) / alpha  # (WGT.5)
    return value


def edm_factor(sigma: ArrayLike, sigma_data: float) -> Float:
    """The factor of the score in EDM's raw network F, where x + σ² s = c_skip x + c_out F.

        c = σ²/c_out = σ √(σ² + σ_data²)/σ_data                                                       (WGT.6)

    Parameters
    ----------
    sigma : array_like
        σ ≥ 0.
    sigma_data : float
        σ_data > 0.

    Returns
    -------
    ndarray
        c.
    """
    sigma, sigma_data = not_negative(sigma, "sigma"), number(sigma_data, "sigma_data", positive)
    value: Float = sigma * np.hypot(sigma, sigma_data) / sigma_data  # (WGT.6)
    return value


def reweighted(weight: ArrayLike, given: ArrayLike, wanted: ArrayLike) -> Float:
    """The weight that makes the same loss of another prediction.

        w_B = w_A (c_A/c_B)²                                                                          (WGT.7)

    Parameters
    ----------
    weight : array_like
        w_A, the weight with the prediction A.
    given, wanted : array_like
        c_A and c_B, from the functions above, 1 for the score; c_B ≠ 0.

    Returns
    -------
    ndarray
        w_B, of the common shape.

    Raises
    ------
    ValueError
        If a weight is negative, or c_B is 0.

    Examples
    --------
    DDPM's loss, weight 1 on the noise, is the weight SNR on the data:

    >>> float(reweighted(1, noise_factor(0.75, 0.5), data_factor(0.75, 0.5))), (0.75 / 0.5) ** 2
    (2.25, 2.25)
    """
    given, wanted = as_float64(given, "given"), as_float64(wanted, "wanted")
    if (wanted == 0).any():
        raise ValueError("wanted is 0 somewhere; expected a factor that is not: that prediction does not see the score")
    value: Float = not_negative(weight, "weight") * (given / wanted) ** 2  # (WGT.7)
    return value


def _levels(alpha: ArrayLike, sigma: ArrayLike) -> tuple[Float, Float]:
    alpha, sigma = np.broadcast_arrays(not_negative(alpha, "alpha"), not_negative(sigma, "sigma"))
    return alpha, sigma
