"""The loss of EDM (Karras et al. 2022): a denoiser, weighted so that its network sees errors of one size.

    λ(σ) |D(x0 + σ ε, σ) - x0|² = |F - F*|²,   λ = (σ² + σ_data²)/(σ σ_data)²                         (EDML.1)

with F the raw network and F* its target, since λ = 1/c_out². There is no ½ in it, unlike in the other objectives.
As a loss of the score s = (D - x)/σ² it is 2 λ σ⁴ times the denoising one.

Its expectation on Gaussian data, its variance and its minimiser stand in ``refscore.exact.path_losses``.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, number, of_shape, positive, samples
from refscore.models.protocol import ParametricLevelScore
from refscore.objectives.level_weights import edm_data

__all__ = ["edm", "edm_gradient"]


def edm(
    denoiser: Callable[[Float, Float], Float],
    x0: ArrayLike,
    noise: ArrayLike,
    sigma: ArrayLike,
    *,
    sigma_data: float,
) -> Float:
    """EDM's loss of a denoiser, per sample, without ½.

        ℓ = λ(σ) |D(x0 + σ ε, σ) - x0|²                                                               (EDML.2)

    Parameters
    ----------
    denoiser : callable
        D, from (\\*batch, d) and the levels, of the shape of `sigma`, to (\\*batch, d).
    x0, noise : (\\*batch, d)
        Clean data, in the data's unit, and standard normal noise ε.
    sigma : () or (\\*batch,)
        Noise level of each sample, in the data's unit; σ > 0.
    sigma_data : float
        Standard deviation of the data; σ_data > 0.

    Returns
    -------
    (\\*batch,)
        ℓ, without unit. Never averaged.

    Raises
    ------
    ValueError
        If a level or `sigma_data` is not positive, or a shape does not go with `x0`.

    Notes
    -----
    Not to be confused with ``multilevel`` with the same weight, which carries ½ and weighs the score.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, eq. 8 and Table 1.

    Examples
    --------
    The perfect denoiser of N(0, σ_data²) shrinks and has F = 0; its loss is E F*² = 1 at every level. By nodes:

    >>> import numpy as np
    >>> x0, noise = np.array([[0.5], [0.5], [-0.5], [-0.5]]), np.array([[1.0], [-1.0], [1.0], [-1.0]])
    >>> shrink = lambda x, sigma: 0.25 / (sigma**2 + 0.25) * x
    >>> [round(float(edm(shrink, x0, noise, sigma, sigma_data=0.5).mean()), 12) for sigma in (0.002, 1, 80)]
    [1.0, 1.0, 1.0]
    """
    _, _, weight, residual = _residual(denoiser, x0, noise, sigma, sigma_data)
    value: Float = weight * (residual**2).sum(-1)  # (EDML.2)
    return value


def edm_gradient(
    denoiser: ParametricLevelScore,
    x0: ArrayLike,
    noise: ArrayLike,
    sigma: ArrayLike,
    *,
    sigma_data: float,
) -> Float:
    """Gradient of the batch sum of :func:`edm` in the parameters of `denoiser`.

        ∂ℓ/∂θ = 2 λ(σ) (D(x, σ) - x0)ᵀ ∂D(x, σ)/∂θ,   x = x0 + σ ε                                    (EDML.3)

    Parameters
    ----------
    denoiser : ParametricLevelScore
        A model whose output is D, with `vjp_parameters`. For a model of the score take 2 ``multilevel_gradient`` with
        the weight λ σ⁴: ∂D/∂θ = σ² ∂s/∂θ.
    x0, noise : (\\*batch, d)
        As for :func:`edm`.
    sigma : () or (\\*batch,)
        Noise level of each sample; σ > 0.
    sigma_data : float
        σ_data > 0.

    Returns
    -------
    (p,)
        In the order of ``denoiser.pack()``.
    """
    x, level, weight, residual = _residual(denoiser, x0, noise, sigma, sigma_data)
    return denoiser.vjp_parameters(x, level, 2 * weight[..., None] * residual)  # (EDML.3)


def _residual(
    denoiser: Callable[[Float, Float], Float], x0: ArrayLike, noise: ArrayLike, sigma: ArrayLike, sigma_data: float
) -> tuple[Float, Float, Float, Float]:
    """The noised points, their levels, λ, and D - x0."""
    x0 = samples(x0, "x0")
    noise = of_shape(noise, "noise", x0.shape, "x0")
    level = positive(sigma, "sigma")
    x = x0 + lift(level, x0, "sigma") * noise
    weight = edm_data(1.0, level, number(sigma_data, "sigma_data", positive))  # (EDML.1)
    return x, level, weight, of_shape(denoiser(x, level), "denoiser(x, sigma)", x.shape, "x") - x0
