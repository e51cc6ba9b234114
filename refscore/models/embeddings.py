"""What a network is told of the noise level: k numbers e(σ) beside its inputs.

All of them see log σ, not σ: levels are spread over decades, and it is the ratio of two levels that tells them apart.
None of them has parameters. Levels embedded by a table of parameters are :class:`~refscore.models.EmbeddedMLP`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer, of_shape, positive, read_only

__all__ = ["C_NOISE", "LOG_SIGMA", "NO_EMBEDDING", "Embedding", "fourier"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Embedding:
    """A function of the noise level with k values, without parameters.

    Ready made are ``NO_EMBEDDING`` (k = 0: the network is not told), ``LOG_SIGMA``, ``C_NOISE`` and :func:`fourier`:

        LOG_SIGMA:  e(σ) = log σ                                                                      (EMB.1)
        C_NOISE:    e(σ) = ¼ log σ                                                                    (EMB.2)

    Parameters
    ----------
    name : str
        What to print.
    size : int
        k ≥ 0, the number of values.
    features : callable
        From levels σ > 0 of any shape, an array of float64, to an array of that shape with an axis of length k behind.

    Raises
    ------
    ValueError
        If `size` is negative.

    Notes
    -----
    Not to be confused with the label of a VP model, which is its time or its step; ``C_NOISE`` is EDM's own, not that
    of its VP and VE columns.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, Table 1: c_noise = ¼ ln σ.

    Examples
    --------
    One's own: the arctangent of σ, which keeps every level in one quarter turn.

    >>> import numpy as np
    >>> from refscore.models import Embedding
    >>> Embedding("angle", 1, lambda sigma: np.arctan(sigma)[..., None])([1.0, 1e9]) / np.pi
    array([[0.25],
           [0.5 ]])
    """

    name: str
    size: int
    features: Callable[[Float], ArrayLike]

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", integer(self.size, "size", 0))

    def __repr__(self) -> str:
        return f"Embedding({self.name}, size {self.size})"

    def __call__(self, sigma: ArrayLike) -> Float:
        """e(σ), (\\*levels, k), at the levels `sigma` > 0 of shape (\\*levels)."""
        sigma = positive(sigma, "sigma")
        return of_shape(self.features(sigma), "e(sigma)", (*sigma.shape, self.size), "sigma with k features")


def fourier(frequencies: ArrayLike) -> Embedding:
    """Fourier features of log σ.

        e(σ) = (cos 2π f_1 log σ, …, cos 2π f_m log σ, sin 2π f_1 log σ, …, sin 2π f_m log σ)         (EMB.3)

    Parameters
    ----------
    frequencies : (m,)
        f, in turns per factor e of σ. Random ones are drawn by the caller, normal with a standard deviation that says
        how fine two levels are told apart (16 in the image models of Song et al.).

    Returns
    -------
    Embedding
        With k = 2m; its square norm is m at every level.

    Raises
    ------
    ValueError
        If `frequencies` is not a list of at least one.

    Notes
    -----
    Not to be confused with features of ¼ log σ, as in EDM, whose frequencies are 4 times these, nor with the sinusoids
    of a transformer, whose frequencies are geometric. Others put the sines first; the order is the network's to learn.
    An error of one rounding in log σ is 2π f times as large in the angle: with f = 16 two digits are lost.

    References
    ----------
    Tancik et al. (2020), Fourier features let networks learn high frequency functions in low dimensional domains, with
    all amplitudes 1. Song et al. (2021), Score-based generative modeling through stochastic differential equations,
    appendix H.

    Examples
    --------
    With f = 1/(2π) the angle is log σ itself, and at σ = e^(π/2) a quarter turn:

    >>> import numpy as np
    >>> fourier([1 / (2 * np.pi)])(np.exp(np.pi / 2)).round(15) + 0.0
    array([0., 1.])
    """
    frequencies = read_only(frequencies, "frequencies")
    if frequencies.ndim != 1 or frequencies.size == 0:
        raise ValueError(f"frequencies has shape {frequencies.shape}; expected (m,) with m >= 1")
    code = zlib.crc32(frequencies.astype("<f8").tobytes())  # so that a printed model tells other frequencies
    return Embedding(f"fourier {code:08x}", 2 * frequencies.size, partial(_fourier, frequencies=frequencies))


def _none(sigma: Float) -> Float:
    return np.zeros((*sigma.shape, 0))


def _log(sigma: Float, *, factor: float) -> Float:
    value: Float = factor * np.log(sigma)[..., None]  # (EMB.1), (EMB.2)
    return value


def _fourier(sigma: Float, *, frequencies: Float) -> Float:
    angle = 2 * np.pi * (np.log(sigma)[..., None] * frequencies)
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=-1)  # (EMB.3)


NO_EMBEDDING = Embedding("none", 0, _none)
LOG_SIGMA = Embedding("log sigma", 1, partial(_log, factor=1.0))
C_NOISE = Embedding("log sigma / 4", 1, partial(_log, factor=0.25))
