"""refscore's score models for the kernels: which score each is at (α, σ), and a network's arrays at every level.

A model s(x, σ) is the score of x0 + σ ε. Since α x0 + σ ε = α (x0 + (σ/α) ε),

    s(x, α, σ) = s(x/α, σ/α) / α                                                                      (FWD.6)

A model s(x) without a level is asked at one: that of the data, (1, 0). For a network with the factors a, b, c of its
scaling, the embedding e and gains g_l, everything but x is fixed by the level:

    s(x, α, σ) = skip x + out F(into x),   skip = a/α²,   out = b/α,   into = c/α   at σ/α                (FWD.7)
    b_1 + W_1e e(σ/α) for b_1                                                                         (FWD.8)
"""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refscore import models
from refscore.arrays import Float
from refscore.models.activations import Activation
from refscore.models.noise_levels import NoiseLevels
from refscore.samplers.replay import Score
from refscore_kernels.portable.products import times

__all__ = ["is_model", "network_arrays", "score_of_model"]

KINDS = tuple(a.derivatives for a in (models.SILU, models.TANH, models.SOFTPLUS, models.GELU))
"""Activations by their numbers; a compiled twin has the derivatives of its original."""

Arrays = tuple[Float, Float, Float, Float, NDArray[np.int64]]


def is_model(score: Any) -> bool:
    """Whether a score is a model of refscore's form, s(x) or s(x, σ) with its derivatives.

    Parameters
    ----------
    score : object
        Anything.

    Returns
    -------
    bool
        Whether it is one.
    """
    return (
        callable(score)
        and hasattr(score, "jacobian")
        and hasattr(score, "vjp")
        and len(signature(score).parameters) in (1, 2)
    )


def score_of_model(model: Any) -> Score:
    """s(x, α, σ) of a model.

        s(x, α, σ) = s(x/α, σ/α) / α                                                                  (FWD.6)

    Parameters
    ----------
    model : model
        s(x) or s(x, σ).

    Returns
    -------
    callable
        s(x, α, σ).
    """
    if _knows_levels(model):

        def at_level(x: Any, alpha: float, sigma: float) -> Float:
            _held(model, alpha, sigma)
            value: Float = model(x / alpha, sigma / alpha) / alpha  # (FWD.6)
            return value

        return at_level

    def of_data(x: Any, alpha: float, sigma: float) -> Float:
        _held(model, alpha, sigma)
        value: Float = model(x)
        return value

    return of_data


def network_arrays(model: Any, levels: list[tuple[float, float]]) -> Arrays | None:
    """What the kernels need of a network at the levels of a plan.

    Parameters
    ----------
    model : model
        s(x) or s(x, σ).
    levels : list of (α, σ)
        Where it will be asked.

    Returns
    -------
    tuple of arrays, or None
        Matrices, biases (L, Σ n_l), gains (L, Σ n_l), factors (L, 3), and the activation's number with the widths; None
        for a model that is no network with an activation that has a kernel.

    Raises
    ------
    ValueError
        If the model cannot be asked at one of the levels.
    """
    sigmas: Float | None = None
    if isinstance(model, models.FixedLevel) and model.sigma.ndim == 0:
        inner, sigmas = model.model, np.full(len(levels), float(model.sigma))
    else:
        inner = model
    if not isinstance(inner, (models.MLPScore, models.ConditionalMLP, models.EmbeddedMLP)):
        return None
    if _number(inner.network.activation) is None:
        return None
    for pair in levels:
        _held(model, *pair)
    alphas = np.array([alpha for alpha, _ in levels])
    if sigmas is None:
        sigmas = np.array([sigma for _, sigma in levels]) / alphas
    return _arrays(inner, alphas, sigmas)


def _arrays(model: Any, alphas: Float, sigmas: Float) -> Arrays:
    net, d, count = model.network, model.d, len(alphas)
    weights = [net.weights[0][:, :d], *net.weights[1:]]
    biases = np.repeat(np.concatenate(net.biases)[None], count, 0)
    gains, factors = np.ones_like(biases), np.repeat([[0.0, 1.0, 1.0]], count, 0)
    if isinstance(model, (models.ConditionalMLP, models.EmbeddedMLP)):
        a, b, c = model.scaling(sigmas)
        factors = np.stack([a / alphas**2, b / alphas, c / alphas], 1)  # (FWD.7)
    if isinstance(model, models.ConditionalMLP) and model.embedding.size:
        biases[:, : net.widths[1]] += times(net.weights[0][:, d:], model.embedding(sigmas).T).T  # (FWD.8)
    if isinstance(model, models.EmbeddedMLP) and model.tables:
        rows = NoiseLevels(model.sigmas).index(sigmas)
        table = np.concatenate([t[rows] for t in model.tables], 1)
        gains[:, : table.shape[1]] = table
    form = np.array([_number(net.activation), d, *net.widths[1:]], np.int64)
    return np.concatenate([w.ravel() for w in weights]), biases, gains, factors, form


def _number(activation: Activation) -> int | None:
    return KINDS.index(activation.derivatives) if activation.derivatives in KINDS else None


def _knows_levels(model: Any) -> bool:
    return len(signature(model).parameters) > 1


def _held(model: Any, alpha: float, sigma: float) -> None:
    """Refuse a level that the model cannot be asked at."""
    if not _knows_levels(model):
        if (alpha, sigma) != (1.0, 0.0):
            raise ValueError(
                f"score is {model!r}, which knows no level, and is asked at alpha = {alpha}, sigma = {sigma};"
                " expected a model of (x, sigma), or a function of (x, alpha, sigma)"
            )
    elif not (alpha > 0 and sigma > 0):
        raise ValueError(
            f"score is {model!r}, and is asked at alpha = {alpha}, sigma = {sigma}; expected both positive, or"
            " FixedLevel(model, sigma) for a sampler of one law"
        )
