"""Implicit score matching with the curvature of an energy passed back layer by layer, its diagonal alone.

The diagonal of the Hessian of log p = -net goes back through a network along with the slope r_l of its layers:

    D_{L-1} = 0,   q_l = e_l² D_l + f_l r_l,   D_{l-1} = (W_l ∘ W_l)ᵀ q_l                              (ABP.1)

in the letters of ``models.tangents``: e, f are first and second derivatives of a layer, products are entry by entry.
That costs as much as one more slope, where the exact trace costs d of them. It is exact for one hidden layer: there the
Hessian in the hidden units is diagonal. With more, what two units of a layer share is left out. The trace is a sum over
all units of what f_l r_l makes of the squared slopes of z_l in x, and a slope is a sum over paths:

    tr J = Σ_{l, k} f_lk r_lk Σ_i (Σ_paths Π)²,   Σ_i D_0i = Σ_{l, k} f_lk r_lk Σ_i Σ_paths Π²          (ABP.2)

over the paths from input i to unit k of layer l, Π being the product of weights and slopes e along one. The bias does
not average out over samples: this is another objective, with another minimiser.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, samples
from refscore.models.mlp_energy import MLPEnergy
from refscore.models.tangent_gradients import reverse
from refscore.models.tangents import ROWS, Values, blocks, forward, pull
from refscore.models.workspace import layers

__all__ = [
    "approximate_backpropagation",
    "approximate_backpropagation_diagonal",
    "approximate_backpropagation_gradient",
]


def approximate_backpropagation(model: MLPEnergy, x: ArrayLike) -> Float:
    """Implicit score matching with an approximate trace, per sample.

        ℓ = Σ_i D_0i + ½ |s(x)|²                                                                      (ABP.3)

    Parameters
    ----------
    model : MLPEnergy
        The energy; any number of hidden layers.
    x : (\\*batch, d)
        Data, in the data's unit.

    Returns
    -------
    (\\*batch,)
        ℓ, in 1/unit²; that of ``objectives.implicit`` with one hidden layer, else off by the cross terms of (ABP.2).

    Notes
    -----
    Not to be confused with ``objectives.curvature_propagation``, which costs the same, scatters, and has no bias.

    References
    ----------
    Kingma & LeCun (2010), Regularized estimation of image statistics by score matching; the recursion is that of
    Becker & LeCun (1989) for parameters.

    Examples
    --------
    >>> import refscore as rs
    >>> shallow = rs.models.MLPEnergy(rs.models.network([2, 4, 1], rs.noise.uniforms(0, 0, 17)))
    >>> x = [0.5, -1.0]
    >>> gap = approximate_backpropagation(shallow, x) - rs.objectives.implicit(shallow, x)
    >>> bool(abs(gap) < 1e-15)
    True
    """
    x = samples(x, "x", model.d)
    u = x.reshape(-1, model.d)
    value = np.empty(len(u))
    for rows in blocks(len(u), ROWS):
        _, back, diagonals, _ = _passed(model, u[rows], 2)
        value[rows] = diagonals[0].sum(1) + 0.5 * (back[0] ** 2).sum(1)  # (ABP.3)
    return value.reshape(x.shape[:-1])


def approximate_backpropagation_diagonal(model: MLPEnergy, x: ArrayLike) -> Float:
    """D_0, what (ABP.1) takes for the diagonal of J.

    Parameters
    ----------
    model : MLPEnergy
        The energy.
    x : (\\*batch, d)
        Where.

    Returns
    -------
    (\\*batch, d)
        D_0, in 1/unit².
    """
    x = samples(x, "x", model.d)
    u = x.reshape(-1, model.d)
    value = np.empty_like(u)
    for rows in blocks(len(u), ROWS):
        value[rows] = _passed(model, u[rows], 2)[2][0]
    return value.reshape(x.shape)


def approximate_backpropagation_gradient(model: MLPEnergy, x: ArrayLike) -> Float:
    """Gradient of the batch sum of :func:`approximate_backpropagation` in the parameters of `model`.

        q̄_l = (W_l ∘ W_l) D̄_{l-1},   D̄_l = e_l² q̄_l,   D̄_0 = 1
        ḡ_l = W_l r̄_{l-1},   r̄_l = e_l ḡ_l + f_l q̄_l,   r̄_0 = s
        ē_l = 2 e_l D_l q̄_l + r_l ḡ_l,   f̄_l = r_l q̄_l
        W̄_l = 2 W_l ∘ (q_l D̄_{l-1}ᵀ) + e_l r_l r̄_{l-1}ᵀ,   W̄_L = -r̄_{L-1}ᵀ                           (ABP.4)

    to which (TAN.9) and (TAN.10) add what comes through e and f.

    Parameters
    ----------
    model : MLPEnergy
        The energy.
    x : (\\*batch, d)
        As for :func:`approximate_backpropagation`.

    Returns
    -------
    (p,)
        In the order of ``model.pack()``.
    """
    network = model.network
    u = samples(x, "x", model.d).reshape(-1, model.d)
    theta = np.zeros(network.p)
    weights, _ = layers(theta, network.widths)
    for rows in blocks(len(u), ROWS):
        values, back, diagonals, q = _passed(model, u[rows], 3)
        of_diagonal, of_slope = np.ones_like(back[0]), back[0]
        e_bars, f_bars = [], []
        for i, ((e, f, *_), w) in enumerate(zip(values.factors, network.weights)):
            of_q, of_g = of_diagonal @ (w * w).T, of_slope @ w.T  # (ABP.4)
            r = back[i + 1]
            weights[i] += 2 * w * (q[i].T @ of_diagonal) + (e * r).T @ of_slope  # (ABP.4)
            e_bars.append(2 * e * diagonals[i + 1] * of_q + r * of_g)  # (ABP.4)
            f_bars.append(r * of_q)  # (ABP.4)
            of_diagonal, of_slope = e * e * of_q, e * of_g + f * of_q  # (ABP.4)
        weights[-1] -= of_slope.sum(0)  # (ABP.4)
        theta += reverse(network, values, e_bars, f_bars).theta
    return theta


def _passed(model: MLPEnergy, u: Float, order: int) -> tuple[Values, list[Float], list[Float], list[Float]]:
    """Values and their factors, r_0, …, r_{L-1}, D_0, …, D_{L-1} and q_1, …, q_{L-1}."""
    network = model.network
    values = forward(network, u, order=order)
    back = pull(network, values, np.full((len(u), 1), -1.0))
    diagonals, q = [np.zeros_like(back[-1])], []
    for (e, f, *_), w, r in zip(values.factors[::-1], network.weights[-2::-1], back[::-1]):
        q.append(e * e * diagonals[-1] + f * r)  # (ABP.1)
        diagonals.append(q[-1] @ (w * w))  # (ABP.1)
    return values, back, diagonals[::-1], q[::-1]
