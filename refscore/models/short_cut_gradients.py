"""The gradient of the trace in the parameters, at the cost of the trace.

The letters are those of ``short_cuts``; a bar is the slope of

    S = Σ_n ω_n tr J(u_n)                                                                             (CUT.6)

in a quantity. The trace is a form in A, W_2, …, W_L and the factors e, which depend on the values of the layers. So the
slopes ē go back through the values by (TAN.9), and what remains are the slopes in the form's own matrices:

    one hidden layer     ē_1 = ω k,   k̄ = Σ_n ω e_1,   Ā = diag(k̄) W_2ᵀ,   W̄_2 = Aᵀ diag(k̄)          (CUT.7)
    two hidden layers    ē_1 = ω Kᵀ e_2,   ē_2 = ω K e_1,   K̄ = Σ_n ω e_2 e_1ᵀ,   W̄_2 = K̄ ∘ Mᵀ,
                         M̄ = (K̄ ∘ W_2)ᵀ,   Ā = M̄ W_3ᵀ,   W̄_3 = Aᵀ M̄                                  (CUT.8)

With more, the directions of (CUT.4) or (CUT.5) go back as in (TAN.7), from their weighted ends:

    t_{L-1} = ω C  or  ω e_1i C_i,   C̄ = Σ_n ω (e_1i) ḣ_{L-1},   s_l = e_l t_l,   t_{l-1} = W_lᵀ s_l
    ē_l = Σ_m t_l ż_l,   W̄_l = Σ_m s_l ḣ_{l-1}ᵀ,   and for (CUT.5) ē_1i = ω C_i·ḣ_{L-1},   M̄ = C̄       (CUT.9)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from refscore.arrays import Float
from refscore.models.network import Network
from refscore.models.short_cuts import Cut, cut, ends, kernel
from refscore.models.tangent_gradients import Gradient, outer, reverse
from refscore.models.tangents import ROWS, Gains, at_once, blocks, forward, of_rows, times
from refscore.models.workspace import layers

__all__ = ["trace_gradient"]


def trace_gradient(network: Network, u: Float, weight: Float, gains: Gains = None) -> Gradient:
    """Gradient of S of (CUT.6), by (CUT.7), (CUT.8) or (CUT.9).

    Parameters
    ----------
    network, u : Network, (n, n_0)
        As for :func:`~refscore.models.short_cuts.trace`.
    weight : (n,)
        ω.
    gains : sequence of (n, n_l), optional
        As for :func:`~refscore.models.short_cuts.trace`.

    Returns
    -------
    Gradient
        In θ, u and the gains.

    Examples
    --------
    A network without a hidden layer has the trace W_11 + W_22 everywhere:

    >>> net = Network([[[1, 2, 7], [3, 4, 8]]], [[0, 0]])
    >>> trace_gradient(net, np.zeros((2, 3)), np.array([1.0, 0.5])).theta
    array([1.5, 0. , 0. , 0. , 1.5, 0. , 0. , 0. ])
    """
    theta, inputs = np.zeros(network.p), np.zeros_like(u)
    slopes = [] if gains is None else [np.empty_like(g) for g in gains]
    weights, _ = layers(theta, network.widths)
    if len(network.weights) <= 3:
        fixed = kernel(network)
        fixed_bar = np.zeros_like(fixed)
        of_block, finish = partial(_of_kernel, fixed, fixed_bar), partial(_into_kernel, network, fixed_bar, weights)
    else:
        opened = cut(network, len(u))
        bars = Cut(opened.layer, np.zeros_like(opened.start), np.zeros_like(opened.close))
        of_block, finish = partial(_of_cut, network, opened, bars, weights), partial(_into_cut, network, bars, weights)
    for rows in blocks(len(u), ROWS):
        values = forward(network, u[rows], of_rows(gains, rows), 2)
        part = reverse(network, values, of_block([factors[0] for factors in values.factors], weight[rows]))
        theta += part.theta
        inputs[rows] = part.inputs
        for slope, in_block in zip(slopes, part.gains):
            slope[rows] = in_block
    finish()
    return Gradient(theta, inputs, tuple(slopes))


def _of_kernel(fixed: Float, fixed_bar: Float, e: Sequence[Float], weight: Float) -> list[Float]:
    """The slopes ē of some samples; what they contribute to the slope of the kernel is added to `fixed_bar`."""
    scale = weight[:, None]
    if len(e) == 0:
        fixed_bar += weight.sum()
        return []
    if len(e) == 1:
        fixed_bar += weight @ e[0]  # (CUT.7)
        return [scale * fixed]  # (CUT.7)
    weighted = scale * e[1]
    fixed_bar += weighted.T @ e[0]  # (CUT.8)
    return [weighted @ fixed, scale * (e[0] @ fixed.T)]  # (CUT.8)


def _into_kernel(network: Network, fixed_bar: Float, weights: Sequence[Float]) -> None:
    """The slope of the kernel taken back into the matrices it is made of."""
    a, last = ends(network)
    in_a, in_last = weights[0][:, : a.shape[1]], weights[-1]
    if len(weights) == 1:
        in_a += fixed_bar * np.eye(a.shape[1])
    elif len(weights) == 2:
        in_a += fixed_bar[:, None] * last.T  # (CUT.7)
        in_last += a.T * fixed_bar  # (CUT.7)
    else:
        weights[1][...] += fixed_bar * (last.T @ a.T)  # (CUT.8)
        product_bar = fixed_bar * network.weights[1]  # (CUT.8), M̄ᵀ
        in_a += product_bar.T @ last.T  # (CUT.8)
        in_last += a.T @ product_bar.T  # (CUT.8)


def _of_cut(
    network: Network, opened: Cut, bars: Cut, weights: Sequence[Float], e: Sequence[Float], weight: Float
) -> list[Float]:
    """The slopes ē of some samples; what they contribute to slopes of matrices is added to `bars` and `weights`."""
    e_bars = [np.zeros_like(factor) for factor in e]
    for some in blocks(len(opened.start), at_once(network, len(weight))):
        inputs, sums = [], [opened.start[some][:, None, :]]
        for i in range(opened.layer, len(e)):
            inputs.append(e[i] * sums[-1])
            if i + 1 < len(e):
                sums.append(times(inputs[-1], network.weights[i + 1].T))
        close = opened.close[some][:, None, :]
        scale = np.broadcast_to(weight, (len(close), len(weight)))
        if opened.layer:
            e_bars[0][:, some] += weight[:, None] * np.matmul(inputs[-1], close.swapaxes(1, 2))[:, :, 0].T  # (CUT.9)
            scale = weight * e[0][:, some].T
        bars.close[some] += np.matmul(scale[:, None, :], inputs[-1])[:, 0]  # (CUT.9)
        t = scale[:, :, None] * close  # (CUT.9)
        for i in reversed(range(opened.layer, len(e))):
            dz = sums.pop()
            inputs.pop()
            e_bars[i] += np.einsum("mnh,mnh->nh", t, np.broadcast_to(dz, t.shape))  # (CUT.9)
            t *= e[i]  # (CUT.9), s
            if i > opened.layer:
                weights[i][...] += outer(t, inputs[-1])  # (CUT.9)
                t = times(t, network.weights[i])  # (CUT.9)
        bars.start[some] += t.sum(1)  # (CUT.9)
    return e_bars


def _into_cut(network: Network, bars: Cut, weights: Sequence[Float]) -> None:
    """The slopes of the two ends taken back into the matrices they are made of."""
    a, last = ends(network)
    in_a = weights[0][:, : a.shape[1]]
    if bars.layer == 0:
        in_a += bars.start.T  # (CUT.9)
        weights[-1][...] += bars.close  # (CUT.9)
    else:
        weights[1][...] += bars.start.T  # (CUT.9)
        in_a += bars.close @ last.T  # (CUT.9), M̄ = C̄
        weights[-1][...] += a.T @ bars.close  # (CUT.9)
