"""How a network's output becomes a score at each noise level: s(x, σ) = a(σ) x + b(σ) F(c(σ) x).

A score at level σ is about as large as 1/σ, and noised data as large as √(σ² + σ_data²). Over four decades of σ a plain
network has to learn those factors. A scaling states them instead, so that F has inputs and outputs of one size. With F*
the value of F at which s = -ε/σ,

    ½ |s + ε/σ|² = ½ b² |F - F*|²                                                                     (SCA.4)

so that the weight λ = 1/b² counts every level alike: σ² where the output is divided by σ, and EDM's own weight for EDM.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, number, of_shape, positive

__all__ = ["OVER_SIGMA", "PLAIN", "Scaling", "edm"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scaling:
    """The three factors a, b, c of a score a(σ) x + b(σ) F(c(σ) x).

    Ready made are ``PLAIN``, ``OVER_SIGMA`` and :func:`edm`:

        PLAIN:       a = 0,   b = 1,     c = 1                                                        (SCA.1)
        OVER_SIGMA:  a = 0,   b = 1/σ,   c = 1                                                        (SCA.2)

    Parameters
    ----------
    name : str
        What to print.
    coefficients : callable
        From levels σ > 0 of any shape, an array of float64, to (a, b, c), each of that shape.

    Notes
    -----
    ``OVER_SIGMA`` is NCSNv2's: one network that is not told σ, its output divided by σ.

    References
    ----------
    Song & Ermon (2020), Improved techniques for training score-based generative models, technique 3.

    Examples
    --------
    One's own: a network that predicts the noise, s = -ε̂/σ.

    >>> import numpy as np
    >>> from refscore.models import Scaling
    >>> noise = Scaling("noise", lambda sigma: (np.zeros_like(sigma), -1 / sigma, np.ones_like(sigma)))
    >>> a, b, c = noise([0.5, 2.0])
    >>> b
    array([-2. , -0.5])
    """

    name: str
    coefficients: Callable[[Float], tuple[ArrayLike, ArrayLike, ArrayLike]]

    def __repr__(self) -> str:
        return f"Scaling({self.name})"

    def __call__(self, sigma: ArrayLike) -> tuple[Float, Float, Float]:
        """(a, b, c) at the levels `sigma` > 0, each of the shape of `sigma`."""
        sigma = positive(sigma, "sigma")
        a, b, c = self.coefficients(sigma)
        return (
            of_shape(a, "a(sigma)", sigma.shape, "sigma"),
            of_shape(b, "b(sigma)", sigma.shape, "sigma"),
            of_shape(c, "c(sigma)", sigma.shape, "sigma"),
        )


def edm(sigma_data: float) -> Scaling:
    """EDM's preconditioning, in the form of a score.

        a = -1/(σ² + σ_data²),   b = σ_data/(σ √(σ² + σ_data²)),   c = 1/√(σ² + σ_data²)              (SCA.3)

    Parameters
    ----------
    sigma_data : float
        Standard deviation of the data, in the data's unit; σ_data > 0.

    Returns
    -------
    Scaling
        With F = 0 it is the score of N(0, (σ² + σ_data²) I): the network learns what data are beyond that.

    Raises
    ------
    ValueError
        If `sigma_data` is not positive.

    Notes
    -----
    Not to be confused with the paper's c_skip, c_out, c_in, which are of the denoiser D = c_skip x + c_out F(c_in x):
    a = (c_skip - 1)/σ² and b = c_out/σ². Computed so, a loses all its digits where σ ≪ σ_data. The network's c_noise is
    the embedding :data:`~refscore.models.embeddings.C_NOISE`.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, Table 1 and eq. 7.

    Examples
    --------
    The denoiser is the mean of the clean data, x + σ² s; without a network it shrinks x as it does for N(0, 0.25):

    >>> a, b, c = edm(0.5)(2.0)
    >>> round(float(1 + 2.0**2 * a), 12), round(0.5**2 / (2.0**2 + 0.5**2), 12)
    (0.058823529412, 0.058823529412)
    """
    sigma_data = number(sigma_data, "sigma_data", positive)
    return Scaling(f"edm({sigma_data!r})", partial(_edm, sigma_data=sigma_data))


def _plain(sigma: Float) -> tuple[Float, Float, Float]:
    return np.zeros_like(sigma), np.ones_like(sigma), np.ones_like(sigma)  # (SCA.1)


def _over_sigma(sigma: Float) -> tuple[Float, Float, Float]:
    return np.zeros_like(sigma), 1 / sigma, np.ones_like(sigma)  # (SCA.2)


def _edm(sigma: Float, *, sigma_data: float) -> tuple[Float, Float, Float]:
    c = 1 / np.hypot(sigma, sigma_data)
    return -c * c, sigma_data / sigma * c, c  # (SCA.3)


PLAIN = Scaling("plain", _plain)
OVER_SIGMA = Scaling("over sigma", _over_sigma)
