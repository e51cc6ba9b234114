"""The reverse pass through a network and the directions pushed through it: gradients of every derivative in θ.

What an objective asks of a network beyond its values are first and second derivatives along directions v:

    S = Σ_n [ Σ_m w_m·(J v_m) + Σ_m a·D²net[v_m, v_m] ]                                                (TAN.6)

with given w, a and v. Its gradient in θ, in the inputs u and in the gains comes from one pass back. The letters are
those of ``tangents``; a bar is the slope of S in a quantity. (The slope of c·net(u) is ``network.pullback``.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from refscore.arrays import Float
from refscore.models.network import Network
from refscore.models.tangents import ROWS, Gains, Values, at_once, blocks, forward, of_rows, pull, push, sweep, times
from refscore.models.workspace import layers

__all__ = ["Gradient", "gradient", "reverse"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Gradient:
    """The slope of a number S.

    Parameters
    ----------
    theta : (p,)
        In the parameters, in the order of ``network.pack()``.
    inputs : (n, n_0)
        In u.
    gains : tuple of (n, n_l)
        In the gains; empty where there are none.
    """

    theta: Float
    inputs: Float
    gains: tuple[Float, ...]


def gradient(
    network: Network,
    u: Float,
    *,
    directions: Float,
    first: Float | None = None,
    second: Float | None = None,
    gains: Gains = None,
) -> Gradient:
    """Gradient of S of (TAN.6); a term whose weight is not given is not there.

        s_l = e_l t_l + 2 f_l r_l ż_l,   t_{L-1} = W_Lᵀ w,   t_{l-1} = W_lᵀ s_l,   r of (TAN.3) with c = a  (TAN.7)
        ē_l = Σ_m t_l ż_l + r_l z̈_l,   f̄_l = r_l q_l                                                  (TAN.8)
        z̄_l = e_l h̄_l + f_l ē_l + k_l f̄_l,   h̄_{L-1} = 0,   h̄_{l-1} = W_lᵀ z̄_l                      (TAN.9)
        W̄_l = z̄_l h_{l-1}ᵀ + Σ_m s_l ḣ_{l-1}ᵀ + e_l r_l ḧ_{l-1}ᵀ,   b̄_l = z̄_l,   ū = h̄_0             (TAN.10)

    Parameters
    ----------
    network : Network
        With L layers.
    u : (n, n_0)
        Its input.
    directions : (m, n, n_0) or (m, 1, n_0)
        v.
    first : (m, n, n_L), optional
        w.
    second : (n, n_L), optional
        a.
    gains : sequence of (n, n_l), optional
        g_1, …, g_{L-1}.

    Returns
    -------
    Gradient
        In θ, u and the gains.

    Examples
    --------
    The second derivative of w sin u along 1 is -w sin u; at u = π/2 its slope in w is -1, in the frequency -2w:

    >>> from refscore.models import SIN
    >>> net = Network([[[1.0]], [[3.0]]], [[0.0], [0.0]], SIN)
    >>> one = np.ones((1, 1))
    >>> gradient(net, np.pi / 2 * one, directions=one[None], second=one).theta.round(12) + 0.0
    array([-6.,  0., -1.,  0.])
    """
    theta, inputs = np.zeros(network.p), np.zeros_like(u)
    slopes = [] if gains is None else [np.empty_like(g) for g in gains]
    shared = directions.shape[1] == 1
    for rows in blocks(len(u), ROWS):
        part = _of_block(
            network,
            forward(network, u[rows], of_rows(gains, rows), 2 if second is None else 3),
            directions if shared else directions[:, rows],
            None if first is None else first[:, rows],
            None if second is None else second[rows],
        )
        theta += part.theta
        inputs[rows] = part.inputs
        for slope, of_block in zip(slopes, part.gains):
            slope[rows] = of_block
    return Gradient(theta, inputs, tuple(slopes))


def reverse(
    network: Network, values: Values, e_bars: Sequence[Float], f_bars: Sequence[Float] | None = None
) -> Gradient:
    """The last part of the pass, (TAN.9): from the slopes in e and f back through the values.

        ḡ_l = φ' (z_l h̄_l + ē_l) + φ'' g_l (z_l ē_l + 2 f̄_l) + φ''' g_l² z_l f̄_l                       (TAN.11)

    Parameters
    ----------
    network, values : Network, Values
        The network, and its values at the samples, of one order more than the factors that have a slope.
    e_bars, f_bars : sequence of (n, n_l)
        ē_1, …, ē_{L-1}, and f̄ where f appears.

    Returns
    -------
    Gradient
        What the values contribute; the gains' in full.
    """
    theta, h_bar = np.zeros(network.p), np.zeros_like(values.inputs[-1])
    weights, biases = layers(theta, network.widths)
    of_gains = []
    for i in reversed(range(len(network.weights) - 1)):
        (e, f, *k), e_bar, f_bar = values.factors[i], e_bars[i], None if f_bars is None else f_bars[i]
        z_bar = e * h_bar + f * e_bar  # (TAN.9)
        if f_bar is not None:
            z_bar += k[0] * f_bar  # (TAN.9)
        if values.gains is not None:
            g, z, (one, two, *three) = values.gains[i], values.sums[i], values.slopes[i]
            g_bar = one * (z * h_bar + e_bar) + two * g * z * e_bar  # (TAN.11)
            if f_bar is not None:
                g_bar += (2 * two + three[0] * g * z) * g * f_bar  # (TAN.11)
            of_gains.append(g_bar)
        weights[i] += z_bar.T @ values.inputs[i]  # (TAN.10)
        biases[i] += z_bar.sum(0)  # (TAN.10)
        h_bar = z_bar @ network.weights[i]  # (TAN.9)
    return Gradient(theta, h_bar, tuple(of_gains[::-1]))


def outer(left: Float, right: Float) -> Float:
    """Σ left rightᵀ over directions and samples, (m, n, a) and (m, n, b) to (a, b), where one may be shared, n = 1."""
    if right.shape[1] < left.shape[1]:
        left = left.sum(1)
    elif left.shape[1] < right.shape[1]:
        right = right.sum(1)
    product: Float = left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])
    return product


def _of_block(network: Network, values: Values, v: Float, first: Float | None, second: Float | None) -> Gradient:
    """The gradient for samples whose values are at hand."""
    theta = np.zeros(network.p)
    weights, _ = layers(theta, network.widths)
    e_bars = [np.zeros_like(z) for z in values.sums]
    q = [np.zeros_like(z) for z in values.sums]
    back: list[Float] = []
    turns = f_bars = None
    if second is not None:
        back = pull(network, values, second)[1:]
        turns = [2 * f * r for (_, f, *_), r in zip(values.factors, back)]
    for some in blocks(len(v), at_once(network, len(values.inputs[0]))):
        w = None if first is None else first[some]
        _of_directions(network, values, v[some], w, turns, weights, e_bars, q)
    if second is not None:
        inputs, sums = sweep(network, values, q)
        weights[-1] += second.T @ inputs[-1]  # (TAN.10)
        f_bars = [r * square for r, square in zip(back, q)]  # (TAN.8)
        for i, ((e, *_), r) in enumerate(zip(values.factors, back)):
            e_bars[i] += r * sums[i]  # (TAN.8)
            weights[i] += (e * r).T @ inputs[i]  # (TAN.10)
    rest = reverse(network, values, e_bars, f_bars)
    return Gradient(theta + rest.theta, rest.inputs, rest.gains)


def _of_directions(
    network: Network,
    values: Values,
    v: Float,
    w: Float | None,
    turns: list[Float] | None,
    weights: list[Float],
    e_bars: list[Float],
    q: list[Float],
) -> None:
    """Some directions forward and back; what they contribute is added to `weights`, `e_bars` and `q`."""
    hidden = len(network.weights) - 1
    inputs, sums = push(network, values, v, hidden)
    t = None
    if w is not None:
        weights[-1] += outer(w, values.factors[-1][0] * sums[-1] if hidden else v)  # (TAN.10)
        t = times(w, network.weights[-1])  # (TAN.7)
    for i in reversed(range(hidden)):
        s = None
        if t is not None:
            e_bars[i] += np.einsum("mnh,mnh->nh", t, np.broadcast_to(sums[i], t.shape))  # (TAN.8)
            t *= values.factors[i][0]
            s = t
        if turns is not None:
            q[i] += np.einsum("mnh,mnh->nh", sums[i], sums[i])
            bend = turns[i] * sums[i]
            s = bend if s is None else s + bend  # (TAN.7)
        if s is None:
            return
        weights[i] += outer(s, inputs[i])  # (TAN.10)
        if i:
            t = times(s, network.weights[i])  # (TAN.7)
