"""Weights of the losses along a path, as values at (α, σ), each for the prediction that its paper writes it with.

The last word of a name is that prediction. :func:`~refscore.objectives.reweighted` gives the same loss for any other.
Three weights need no function: 1; σ², which on the score is 1 on the noise (NCSN, DDPM); and g², the likelihood
weighting, ``path.diffusion(t) ** 2``, on the score. All of them are functions of the signal-to-noise ratio

    SNR = α²/σ²                                                                                       (WGT.8)

times a factor of the prediction. For DDPM's loss one may say weight 1 on the noise, SNR on the data, σ² on the score.

Examples
--------
The three parametrisations of min-SNR are one loss:

>>> from refscore.objectives import data_factor, noise_factor, reweighted, v_factor
>>> import numpy as np
>>> a, s = np.array([0.96, 0.6]), np.array([0.28, 0.8])
>>> of_data = min_snr_data(a, s, gamma=5)
>>> np.allclose(reweighted(of_data, data_factor(a, s), noise_factor(a, s)), min_snr_noise(a, s, gamma=5), rtol=1e-15)
True
>>> np.allclose(reweighted(of_data, data_factor(a, s), v_factor(a, s)), min_snr_v(a, s, gamma=5), rtol=1e-15)
True
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, not_negative, number, positive

__all__ = [
    "edm_data",
    "min_snr_data",
    "min_snr_noise",
    "min_snr_v",
    "p2_noise",
    "snr",
    "soft_min_snr_data",
]


def snr(alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The signal-to-noise ratio α²/σ², (WGT.8).

    Parameters
    ----------
    alpha, sigma : array_like
        α ≥ 0 and σ > 0; of shapes that broadcast.

    Returns
    -------
    ndarray
        α²/σ² = e^(2λ).

    Notes
    -----
    Not to be confused with λ = log(α/σ), half of its logarithm, nor with the ``snr`` of a Langevin corrector.

    Examples
    --------
    >>> float(snr(0.75, 0.5)), 0.75**2 / 0.5**2
    (2.25, 2.25)
    """
    alpha, sigma = _levels(alpha, positive(sigma, "sigma"))
    value: Float = (alpha / sigma) ** 2  # (WGT.8)
    return value


def min_snr_data(alpha: ArrayLike, sigma: ArrayLike, gamma: float = 5.0) -> Float:
    """Min-SNR for a prediction of the data.

        w = min(SNR, γ)                                                                               (WGT.9)

    Parameters
    ----------
    alpha, sigma : array_like
        α ≥ 0 and σ > 0; of shapes that broadcast.
    gamma : float
        γ > 0.

    Returns
    -------
    ndarray
        w.

    References
    ----------
    Hang et al. (2023), Efficient diffusion training via min-SNR weighting strategy.

    Examples
    --------
    >>> min_snr_data([0.6, 1.0], [0.8, 0.125])
    array([0.5625, 5.    ])
    """
    value: Float = np.minimum(snr(alpha, sigma), number(gamma, "gamma", positive))  # (WGT.9)
    return value


def min_snr_noise(alpha: ArrayLike, sigma: ArrayLike, gamma: float = 5.0) -> Float:
    """Min-SNR for a prediction of the noise.

        w = min(SNR, γ)/SNR = min(α², γ σ²)/α²                                                        (WGT.10)

    Parameters
    ----------
    alpha, sigma : array_like
        α > 0 and σ ≥ 0; of shapes that broadcast.
    gamma : float
        γ > 0.

    Returns
    -------
    ndarray
        w ≤ 1.

    Examples
    --------
    >>> min_snr_noise([0.6, 1.0], [0.8, 0.125]), 5 / 64
    (array([1.      , 0.078125]), 0.078125)
    """
    alpha, sigma = _levels(positive(alpha, "alpha"), sigma)
    value: Float = np.minimum(1.0, number(gamma, "gamma", positive) * (sigma / alpha) ** 2)  # (WGT.10)
    return value


def min_snr_v(alpha: ArrayLike, sigma: ArrayLike, gamma: float = 5.0) -> Float:
    """Min-SNR for a prediction of v, at any α and σ.

        w = min(α², γ σ²)/(α² + σ²)²                                                                  (WGT.11)

    Parameters
    ----------
    alpha, sigma : array_like
        α ≥ 0 and σ ≥ 0, not both 0; of shapes that broadcast.
    gamma : float
        γ > 0.

    Returns
    -------
    ndarray
        w.

    Notes
    -----
    Where α² + σ² = 1 it is min(SNR, γ)/(SNR + 1), the form that codes have. Elsewhere that form is another loss.

    Examples
    --------
    >>> float(min_snr_v(0.6, 0.8)), round(0.5625 / 1.5625, 12)
    (0.36, 0.36)
    """
    alpha, sigma = _levels(alpha, sigma)
    total = positive(alpha**2 + sigma**2, "alpha**2 + sigma**2")
    value: Float = np.minimum(alpha**2, number(gamma, "gamma", positive) * sigma**2) / total**2  # (WGT.11)
    return value


def soft_min_snr_data(alpha: ArrayLike, sigma: ArrayLike, gamma: float = 4.0) -> Float:
    """Soft-min-SNR for a prediction of the data: half the harmonic mean of SNR and γ.

        w = SNR γ/(SNR + γ) = γ α²/(α² + γ σ²)                                                        (WGT.12)

    Parameters
    ----------
    alpha, sigma : array_like
        α ≥ 0 and σ ≥ 0, not both 0; of shapes that broadcast.
    gamma : float
        γ > 0; 1/σ_data² in the notation of EDM.

    Returns
    -------
    ndarray
        w, below both.

    Notes
    -----
    With α = 1 it is 1/(σ² + σ_data²). In code that weighs EDM's F it stands as (σ σ_data)²/(σ² + σ_data²)².

    References
    ----------
    Crowson et al. (2024), Scalable high-resolution pixel-space image synthesis with hourglass diffusion transformers.

    Examples
    --------
    >>> float(soft_min_snr_data(1, 0.5)), 1 / (0.5**2 + 0.5**2)
    (2.0, 2.0)
    """
    alpha, sigma = _levels(alpha, sigma)
    gamma = number(gamma, "gamma", positive)
    value: Float = gamma * alpha**2 / positive(alpha**2 + gamma * sigma**2, "alpha**2 + gamma * sigma**2")  # (WGT.12)
    return value


def p2_noise(alpha: ArrayLike, sigma: ArrayLike, gamma: float = 1.0, k: float = 1.0) -> Float:
    """Perception-prioritised weights for a prediction of the noise.

        w = 1/(k + SNR)^γ                                                                             (WGT.13)

    Parameters
    ----------
    alpha, sigma : array_like
        α ≥ 0 and σ > 0; of shapes that broadcast.
    gamma, k : float
        γ ≥ 0 and k > 0.

    Returns
    -------
    ndarray
        w; σ^(2γ) where α² + σ² = 1 and k = 1.

    References
    ----------
    Choi et al. (2022), Perception prioritized training of diffusion models.

    Examples
    --------
    >>> round(float(p2_noise(0.6, 0.8)), 12), round(0.8**2, 12)
    (0.64, 0.64)
    """
    offset, power = number(k, "k", positive), number(gamma, "gamma", not_negative)
    value: Float = (offset + snr(alpha, sigma)) ** -power  # (WGT.13)
    return value


def edm_data(alpha: ArrayLike, sigma: ArrayLike, sigma_data: float) -> Float:
    """EDM's weight for a prediction of the data, on any path: λ at the noise level σ/α.

        λ = (σ² + σ_data²)/(σ σ_data)² = SNR + 1/σ_data²   at α = 1                                   (WGT.14)

    Parameters
    ----------
    alpha, sigma : array_like
        α ≥ 0 and σ > 0; of shapes that broadcast.
    sigma_data : float
        Standard deviation of the data, σ_data > 0.

    Returns
    -------
    ndarray
        SNR + 1/σ_data².

    Notes
    -----
    With it EDM's raw network F has weight 1, see ``edm_factor``. The other libraries' "truncated SNR + 1" is this for
    σ_data = 1, which on a variance-preserving path is weight 1 on v.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, Table 1.

    Examples
    --------
    >>> float(edm_data(1, 2, 0.5)), (2**2 + 0.5**2) / (2 * 0.5) ** 2
    (4.25, 4.25)
    """
    value: Float = snr(alpha, sigma) + number(sigma_data, "sigma_data", positive) ** -2.0  # (WGT.14)
    return value


def _levels(alpha: ArrayLike, sigma: ArrayLike) -> tuple[Float, Float]:
    alpha, sigma = np.broadcast_arrays(not_negative(alpha, "alpha"), not_negative(sigma, "sigma"))
    return alpha, sigma
