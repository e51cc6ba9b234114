"""What a network may predict at (x, α, σ), and how one prediction is turned into another.

A prediction is a pair (x̂0, ε̂) that explains the noised sample,

    x = α x̂0 + σ ε̂                                                                                    (PRED.1)

and comes in the form of its noise ε̂, its data x̂0, the score or v:

    s = -ε̂ / σ                                                                                        (PRED.2)
    v = α ε̂ - σ x̂0                                                                                    (PRED.3)

If s is the score of the noised data, x̂0 = E[x0 given x] (Tweedie's formula) and ε̂ = E[ε given x]. The formulas hold for
any α ≥ 0, σ ≥ 0; α² + σ² = 1 is nowhere assumed. A ValueError says so where the value has not the shape of x, or α or σ
neither () nor that of the batch; where one of them is negative; and where a conversion would divide by zero, since the
pair is not determined there.

Not to be confused with: EDM's raw network F, a mixture of x̂0 and ε̂; v of k-diffusion's ``VDenoiser``, which is -v; the
score of the kernel, -ε/σ with the true ε, which is the target of denoising score matching and not the score of x.

References
----------
Song et al. (2021), Score-based generative modeling through SDEs, for s; Ho et al. (2020), eq. 11 and 15, for ε̂ and x̂0;
Salimans & Ho (2022), Progressive distillation for fast sampling of diffusion models, appendix D, for v.

Examples
--------
x0 = 2 and ε = -1 at α = ¾, σ = ½ make x = 1, so s = 2 and v = -1.75, and each form gives each other:

>>> pair = {"score": [2.0], "noise": [-1.0], "data": [2.0], "v": [-1.75]}
>>> all(
...     globals()[f"{a}_to_{b}"](pair[a], [1.0], 0.75, 0.5).item() == pair[b][0] for a in pair for b in pair if a != b
... )
True
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from refscore.arrays import Float
from refscore.predictions.operands import nonzero, operands

__all__ = [
    "data_to_noise",
    "data_to_score",
    "data_to_v",
    "noise_to_data",
    "noise_to_score",
    "noise_to_v",
    "score_to_data",
    "score_to_noise",
    "score_to_v",
    "v_to_data",
    "v_to_noise",
    "v_to_score",
]


def score_to_noise(value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The noise that the score stands for.

        ε̂ = -σ s                                                                                     (PRED.4)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The score s, and the noised sample it belongs to.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ ≥ 0.

    Returns
    -------
    (\\*batch, d)
        The noise ε̂.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    result: Float = -sigma * value  # (PRED.4)
    return result


def score_to_data(value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The data that the score stands for.

        x̂0 = (x + σ² s) / α                                                                          (PRED.5)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The score s, and the noised sample it belongs to.
    alpha, sigma : () or (\\*batch,)
        α > 0 and σ ≥ 0.

    Returns
    -------
    (\\*batch, d)
        The data x̂0.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    result: Float = (x + sigma**2 * value) / nonzero(alpha, "alpha")  # (PRED.5)
    return result


def score_to_v(value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The v that the score stands for.

        v = α ε̂ - σ x̂0 = -α σ s - σ (x + σ² s) / α                                                  (PRED.6)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The score s, and the noised sample it belongs to.
    alpha, sigma : () or (\\*batch,)
        α > 0 and σ ≥ 0.

    Returns
    -------
    (\\*batch, d)
        The v.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    result: Float = -alpha * sigma * value - sigma * (x + sigma**2 * value) / nonzero(alpha, "alpha")  # (PRED.6)
    return result


def noise_to_score(value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The score that the noise stands for.

        s = -ε̂ / σ                                                                                   (PRED.7)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The noise ε̂, and the noised sample it belongs to.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ > 0.

    Returns
    -------
    (\\*batch, d)
        The score s.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    result: Float = -value / nonzero(sigma, "sigma")  # (PRED.7)
    return result


def noise_to_data(value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The data that the noise stands for.

        x̂0 = (x - σ ε̂) / α                                                                          (PRED.8)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The noise ε̂, and the noised sample it belongs to.
    alpha, sigma : () or (\\*batch,)
        α > 0 and σ ≥ 0.

    Returns
    -------
    (\\*batch, d)
        The data x̂0.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    result: Float = (x - sigma * value) / nonzero(alpha, "alpha")  # (PRED.8)
    return result


def noise_to_v(value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The v that the noise stands for.

        v = α ε̂ - σ (x - σ ε̂) / α                                                                   (PRED.9)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The noise ε̂, and the noised sample it belongs to.
    alpha, sigma : () or (\\*batch,)
        α > 0 and σ ≥ 0.

    Returns
    -------
    (\\*batch, d)
        The v.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    result: Float = alpha * value - sigma * (x - sigma * value) / nonzero(alpha, "alpha")  # (PRED.9)
    return result


def data_to_score(value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The score that the data stands for.

        s = (α x̂0 - x) / σ²                                                                          (PRED.10)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The data x̂0, and the noised sample it belongs to.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ > 0.

    Returns
    -------
    (\\*batch, d)
        The score s.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    result: Float = (alpha * value - x) / nonzero(sigma, "sigma") ** 2  # (PRED.10)
    return result


def data_to_noise(value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The noise that the data stands for.

        ε̂ = (x - α x̂0) / σ                                                                          (PRED.11)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The data x̂0, and the noised sample it belongs to.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ > 0.

    Returns
    -------
    (\\*batch, d)
        The noise ε̂.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    result: Float = (x - alpha * value) / nonzero(sigma, "sigma")  # (PRED.11)
    return result


def data_to_v(value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The v that the data stands for.

        v = α (x - α x̂0) / σ - σ x̂0                                                                 (PRED.12)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The data x̂0, and the noised sample it belongs to.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ > 0.

    Returns
    -------
    (\\*batch, d)
        The v.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    result: Float = alpha * (x - alpha * value) / nonzero(sigma, "sigma") - sigma * value  # (PRED.12)
    return result


def v_to_score(value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The score that the v stands for.

        s = -(σ x + α v) / (σ (α² + σ²))                                                              (PRED.13)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The v, and the noised sample it belongs to.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ > 0.

    Returns
    -------
    (\\*batch, d)
        The score s.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    result: Float = -(sigma * x + alpha * value) / (nonzero(sigma, "sigma") * (alpha**2 + sigma**2))  # (PRED.13)
    return result


def v_to_noise(value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The noise that the v stands for.

        ε̂ = (σ x + α v) / (α² + σ²)                                                                  (PRED.14)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The v, and the noised sample it belongs to.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ ≥ 0, not both 0.

    Returns
    -------
    (\\*batch, d)
        The noise ε̂.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    result: Float = (sigma * x + alpha * value) / nonzero(alpha**2 + sigma**2, "alpha**2 + sigma**2")  # (PRED.14)
    return result


def v_to_data(value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """The data that the v stands for.

        x̂0 = (α x - σ v) / (α² + σ²)                                                                 (PRED.15)

    Parameters
    ----------
    value, x : (\\*batch, d)
        The v, and the noised sample it belongs to.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ ≥ 0, not both 0.

    Returns
    -------
    (\\*batch, d)
        The data x̂0.
    """
    value, x, alpha, sigma = operands(value, x, alpha, sigma)
    result: Float = (alpha * x - sigma * value) / nonzero(alpha**2 + sigma**2, "alpha**2 + sigma**2")  # (PRED.15)
    return result
