"""Networks to start a fit from, by a seed: the factories of ``refscore.models`` with the draws made here.

Models take uniform draws, so that a start from elsewhere can be given; whoever only wants one gives a seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from refscore import models
from refscore.arrays import Float, integer
from refscore.models import SILU, Activation, Embedding, Scaling
from refscore.noise import uniforms

__all__ = ["conditional_mlp", "embedded_mlp", "mlp", "mlp_energy"]

START = 7  # the stream of initial values, apart from those of training


def mlp(d: int, hidden: Sequence[int], *, seed: int, activation: Activation = SILU) -> models.MLPScore:
    """A fully connected network as a score, with the initial values of torch's ``Linear``.

    Parameters
    ----------
    d : int
        Dimension of x.
    hidden : sequence of int
        Widths of the hidden layers.
    seed : int
        Of the initial values (NET.2).
    activation : Activation
        φ, the same in every hidden layer.

    Returns
    -------
    MLPScore
        Of widths (d, \\*hidden, d).

    Raises
    ------
    ValueError
        If a width is less than 1.

    Examples
    --------
    >>> mlp(2, [64, 64], seed=0)
    MLPScore(Network(2-64-64-2, silu))
    """
    widths = _widths(d, hidden, d)
    return models.MLPScore(models.network(widths, _draws(seed, _parameters(widths)), activation))


def mlp_energy(d: int, hidden: Sequence[int], *, seed: int, activation: Activation = SILU) -> models.MLPEnergy:
    """A fully connected network as an energy, with the initial values of torch's ``Linear``.

    Parameters
    ----------
    d : int
        Dimension of x.
    hidden : sequence of int
        Widths of the hidden layers.
    seed : int
        Of the initial values (NET.2).
    activation : Activation
        φ, the same in every hidden layer.

    Returns
    -------
    MLPEnergy
        Of widths (d, \\*hidden, 1).

    Raises
    ------
    ValueError
        If a width is less than 1.

    Examples
    --------
    >>> mlp_energy(2, [64, 64], seed=0)
    MLPEnergy(Network(2-64-64-1, silu))
    """
    widths = _widths(d, hidden, 1)
    return models.MLPEnergy(models.network(widths, _draws(seed, _parameters(widths)), activation))


def conditional_mlp(
    d: int,
    hidden: Sequence[int],
    *,
    scaling: Scaling,
    embedding: Embedding,
    seed: int,
    activation: Activation = SILU,
) -> models.ConditionalMLP:
    """A network that is told the noise level, with the initial values of torch's ``Linear``.

    Parameters
    ----------
    d : int
        Dimension of x.
    hidden : sequence of int
        Widths of the hidden layers.
    scaling, embedding : Scaling, Embedding
        As for :class:`~refscore.models.ConditionalMLP`.
    seed : int
        Of the initial values (NET.2).
    activation : Activation
        φ, the same in every hidden layer.

    Returns
    -------
    ConditionalMLP
        Of widths (d + k, \\*hidden, d).

    Raises
    ------
    ValueError
        If a width is less than 1.

    Examples
    --------
    >>> from refscore.models import C_NOISE, edm
    >>> conditional_mlp(2, [64, 64], scaling=edm(0.5), embedding=C_NOISE, seed=0)
    ConditionalMLP(Network(3-64-64-2, silu), Scaling(edm(0.5)), Embedding(log sigma / 4, size 1))
    """
    p = _parameters(_widths(d + embedding.size, hidden, d))
    uniform = _draws(seed, p)
    return models.conditional_mlp(d, hidden, uniform, scaling=scaling, embedding=embedding, activation=activation)


def embedded_mlp(
    d: int,
    hidden: Sequence[int],
    sigmas: ArrayLike,
    *,
    scaling: Scaling,
    seed: int,
    activation: Activation = SILU,
) -> models.EmbeddedMLP:
    """A network with gains for each noise level, with the tutorials' initial values.

    Parameters
    ----------
    d : int
        Dimension of x.
    hidden : sequence of int
        Widths of the hidden layers.
    sigmas : (n_levels,)
        σ_1 > … > σ_{n_levels}, in the data's unit.
    scaling : Scaling
        As for :class:`~refscore.models.EmbeddedMLP`.
    seed : int
        Of the initial values (NET.2).
    activation : Activation
        φ, the same in every hidden layer.

    Returns
    -------
    EmbeddedMLP
        Of widths (d, \\*hidden, d).

    Raises
    ------
    ValueError
        If a width is less than 1, or the levels do not descend.

    Examples
    --------
    >>> from refscore.models import OVER_SIGMA
    >>> embedded_mlp(2, [8], [4, 2, 1], scaling=OVER_SIGMA, seed=0)
    EmbeddedMLP(Network(2-8-2, silu), 3 levels, Scaling(over sigma))
    """
    widths = _widths(d, hidden, d)
    p = _parameters(widths) + np.size(sigmas) * sum(widths[1:-1])
    return models.embedded_mlp(d, hidden, sigmas, _draws(seed, p), scaling=scaling, activation=activation)


def _widths(inputs: int, hidden: Sequence[int], outputs: int) -> tuple[int, ...]:
    inside = (integer(n, f"hidden[{i}]", 1) for i, n in enumerate(hidden))
    return (integer(inputs, "d", 1), *inside, integer(outputs, "d", 1))


def _parameters(widths: Sequence[int]) -> int:
    return sum(after * (before + 1) for before, after in pairwise(widths))


def _draws(seed: int, p: int) -> Float:
    return uniforms(seed, 0, p, stream=START)
