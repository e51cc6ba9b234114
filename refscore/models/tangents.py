"""Directions pushed through a network, forward: first derivatives J v, and the sum of second ones Σ D²net[v, v].

A hidden layer is h_l = φ(g_l z_l) with z_l = W_l h_{l-1} + b_l; the gains g_l, one for each sample and unit, are those
of networks that see the noise level that way, and 1 without. Every derivative in z_l comes from three factors,

    e_l = g_l φ'(g_l z_l),   f_l = g_l² φ''(g_l z_l),   k_l = g_l³ φ'''(g_l z_l)                        (TAN.1)

so that no formula below names a gain. Products of vectors of one layer are entry by entry.

Arrays are flat in the batch here: u (n, n_0), directions (m, n, n_0), or (m, 1, n_0) where all samples share them.
Large batches are walked in blocks that stay in the cache. Gradients in the parameters are in ``tangent_gradients``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from refscore.arrays import Float
from refscore.models.network import Network

__all__ = ["Gains", "Values", "curvature", "forward", "jvp", "laplacian", "pull", "push", "squares", "sweep"]

Gains = Sequence[Float] | None

ROWS = 128  # samples at once: enough for a matrix product, few enough that a layer stays in the cache
BLOCK = 2**16  # numbers in one array of tangents: 512 KiB, half of a core's second-level cache


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Values:
    """What the forward pass of a network leaves for its derivatives.

    Parameters
    ----------
    inputs : tuple of (n, n_l)
        h_0, …, h_{L-1}.
    sums : tuple of (n, n_l)
        z_1, …, z_{L-1}.
    factors : tuple of tuple of (n, n_l)
        (e_l, f_l, k_l) for l = 1, …, L-1, or the first of them.
    slopes : tuple of tuple of (n, n_l)
        (φ', φ'', φ''') at g_l z_l: the factors without their gains.
    gains : tuple of (n, n_l), or None
        g_1, …, g_{L-1}.
    """

    inputs: tuple[Float, ...]
    sums: tuple[Float, ...]
    factors: tuple[tuple[Float, ...], ...]
    slopes: tuple[tuple[Float, ...], ...]
    gains: tuple[Float, ...] | None


def blocks(count: int, step: int) -> Iterator[slice]:
    """Slices of at most `step` that cover `count`."""
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def at_once(network: Network, n: int) -> int:
    """How many directions are pushed at once for n samples."""
    return max(1, BLOCK // (n * max(network.widths)))


def of_rows(gains: Gains, rows: slice) -> Gains:
    """The gains of some samples."""
    return None if gains is None else [g[rows] for g in gains]


def times(t: Float, matrix: Float) -> Float:
    """`t` (\\*batch, a) times `matrix` (a, b), as one matrix product whatever the batch is."""
    return (t.reshape(-1, t.shape[-1]) @ matrix).reshape(*t.shape[:-1], -1)


def forward(network: Network, u: Float, gains: Gains = None, order: int = 3) -> Values:
    """Values of every hidden layer, and the factors (TAN.1) up to `order`; net(u) itself is in no derivative.

    Parameters
    ----------
    network : Network
        With L layers.
    u : (n, n_0)
        Its input.
    gains : sequence of (n, n_l), optional
        g_1, …, g_{L-1}.
    order : int
        How many of e, f, k.

    Returns
    -------
    Values
        Of all n samples.
    """
    inputs, sums, slopes = [u], [], []
    for i, (w, b) in enumerate(zip(network.weights[:-1], network.biases)):
        sums.append(inputs[-1] @ w.T)
        sums[-1] += b
        h, *rest = network.activation.derivatives(sums[-1] if gains is None else gains[i] * sums[-1], order)
        inputs.append(h)
        slopes.append(tuple(rest))
    factors = slopes
    if gains is not None:
        factors = [
            tuple(g**i * phi for i, phi in enumerate(of_layer, 1)) for g, of_layer in zip(gains, slopes)
        ]  # (TAN.1)
    return Values(tuple(inputs), tuple(sums), tuple(factors), tuple(slopes), None if gains is None else tuple(gains))


def push(network: Network, values: Values, directions: Float, depth: int) -> tuple[list[Float], list[Float]]:
    """Directions through the first `depth` layers.

        ḣ_0 = v,   ż_l = W_l ḣ_{l-1},   ḣ_l = e_l ż_l                                                 (TAN.2)

    Parameters
    ----------
    network, values : Network, Values
        The network, and its values at the samples.
    directions : (m, n, n_0) or (m, 1, n_0)
        v.
    depth : int
        How many ż are wanted; L for J v = ż_L.

    Returns
    -------
    list of (m, n, n_l), list of (m, n, n_l)
        ḣ_0, …, ḣ_{depth-1} and ż_1, …, ż_depth.
    """
    inputs, sums, t = [], [], directions
    for i in range(depth):
        inputs.append(t)
        sums.append(times(t, network.weights[i].T))  # (TAN.2)
        if i + 1 < depth:
            t = values.factors[i][0] * sums[-1]  # (TAN.2)
    return inputs, sums


def pull(network: Network, values: Values, cotangent: Float) -> list[Float]:
    """The slope of c·net(u) in the output of every layer.

        r_{L-1} = W_Lᵀ c,   r_{l-1} = W_lᵀ (e_l r_l)                                                   (TAN.3)

    Parameters
    ----------
    network, values : Network, Values
        The network, and its values at the samples.
    cotangent : (n, n_L)
        c.

    Returns
    -------
    list of (n, n_l)
        r_0, …, r_{L-1}; the first is cᵀ J.
    """
    back = [times(cotangent, network.weights[-1])]  # (TAN.3)
    for w, (e, *_) in zip(network.weights[-2::-1], values.factors[::-1]):
        back.append((e * back[-1]) @ w)  # (TAN.3)
    return back[::-1]


def jvp(network: Network, u: Float, directions: Float, gains: Gains = None) -> Float:
    """J v for each direction, by (TAN.2).

    Parameters
    ----------
    network, u : Network, (n, n_0)
        As for :func:`forward`.
    directions : (m, n, n_0) or (m, 1, n_0)
        v.
    gains : sequence of (n, n_l), optional
        As for :func:`forward`.

    Returns
    -------
    (m, n, n_L)
        J v.

    Examples
    --------
    The slope of tanh 2u at 0, along 3:

    >>> from refscore.models import TANH
    >>> net = Network([[[2.0]], [[1.0]]], [[0.0], [0.0]], TANH)
    >>> jvp(net, np.zeros((1, 1)), np.full((1, 1, 1), 3.0))
    array([[[6.]]])
    """
    m, shared = len(directions), directions.shape[1] == 1
    out = np.empty((m, len(u), network.widths[-1]))
    for rows in blocks(len(u), ROWS):
        values = forward(network, u[rows], of_rows(gains, rows), 1)
        for some in blocks(m, at_once(network, rows.stop - rows.start)):
            v = directions[some] if shared else directions[some, rows]
            out[some, rows] = push(network, values, v, len(network.weights))[1][-1]
    return out


def curvature(network: Network, u: Float, cotangent: Float, directions: Float, gains: Gains = None) -> Float:
    """The Hessian of c·net(u) in u times each direction: (TAN.3) differentiated along v.

        ṙ_{L-1} = 0,   ṙ_{l-1} = W_lᵀ (e_l ṙ_l + f_l ż_l r_l),   ∇² (c·net) v = ṙ_0                     (TAN.4)

    Parameters
    ----------
    network, u : Network, (n, n_0)
        As for :func:`forward`.
    cotangent : (n, n_L)
        c.
    directions : (m, n, n_0) or (m, 1, n_0)
        v.
    gains : sequence of (n, n_l), optional
        As for :func:`forward`.

    Returns
    -------
    (m, n, n_0)
        The Hessian times v.

    Examples
    --------
    sin(u_1 + 2u_2) has the Hessian -sin(u_1 + 2u_2) (1, 2)ᵀ (1, 2):

    >>> from refscore.models import SIN
    >>> net = Network([[[1.0, 2.0]], [[1.0]]], [[0.0], [0.0]], SIN)
    >>> u = np.array([[np.pi / 2, 0.0]])
    >>> curvature(net, u, np.ones((1, 1)), np.array([[[1.0, 1.0]]]))
    array([[[-3., -6.]]])
    """
    m, shared = len(directions), directions.shape[1] == 1
    out = np.zeros((m, *u.shape))
    for rows in blocks(len(u), ROWS):
        values = forward(network, u[rows], of_rows(gains, rows), 2)
        back = pull(network, values, cotangent[rows])
        for some in blocks(m, at_once(network, rows.stop - rows.start)):
            v = directions[some] if shared else directions[some, rows]
            _, sums = push(network, values, v, len(network.weights) - 1)
            turn: Float | None = None
            for i in reversed(range(len(sums))):
                e, f = values.factors[i][:2]
                inner = f * back[i + 1] * sums[i]
                if turn is not None:
                    inner += e * turn
                turn = times(inner, network.weights[i])  # (TAN.4)
            if turn is not None:
                out[some, rows] = turn
    return out


def squares(network: Network, values: Values, directions: Float) -> list[Float]:
    """The sums q_l = Σ_m ż_l² over the directions, for every hidden layer.

    Parameters
    ----------
    network, values : Network, Values
        The network, and its values at the samples.
    directions : (m, n, n_0) or (m, 1, n_0)
        v.

    Returns
    -------
    list of (n, n_l) or (1, n_l)
        q_1, …, q_{L-1}.
    """
    hidden = len(network.weights) - 1
    total: list[Float] = []
    for some in blocks(len(directions), at_once(network, len(values.inputs[0]))):
        _, sums = push(network, values, directions[some], hidden)
        parts = [np.einsum("mnh,mnh->nh", dz, dz) for dz in sums]
        total = [q + part for q, part in zip(total, parts)] if total else parts
    return total


def sweep(network: Network, values: Values, q: Sequence[Float]) -> tuple[list[Float], list[Float]]:
    """Second derivatives forward from their sources q.

        ḧ_0 = 0,   z̈_l = W_l ḧ_{l-1},   ḧ_l = e_l z̈_l + f_l q_l,   q_l = Σ_m ż_l²                    (TAN.5)

    Parameters
    ----------
    network, values : Network, Values
        The network, and its values at the samples.
    q : sequence of (n, n_l)
        From :func:`squares`.

    Returns
    -------
    list of (n, n_l), list of (n, n_l)
        ḧ_0, …, ḧ_{L-1} and z̈_1, …, z̈_L = Σ_m D²net[v_m, v_m].
    """
    u = values.inputs[0]
    inputs: list[Float] = [np.zeros_like(u)]
    sums: list[Float] = [np.zeros((len(u), network.widths[1]))]
    for (e, f, *_), square, w in zip(values.factors, q, network.weights[1:]):
        inputs.append(e * sums[-1] + f * square)  # (TAN.5)
        sums.append(inputs[-1] @ w.T)  # (TAN.5)
    return inputs, sums


def laplacian(network: Network, u: Float, directions: Float, gains: Gains = None) -> Float:
    """The sum of second derivatives along the directions, Σ_m D²net[v_m, v_m], by (TAN.5).

    Parameters
    ----------
    network, u : Network, (n, n_0)
        As for :func:`forward`.
    directions : (m, n, n_0) or (m, 1, n_0)
        v; with an orthonormal basis of all of space the sum is the Laplacian of each output.
    gains : sequence of (n, n_l), optional
        As for :func:`forward`.

    Returns
    -------
    (n, n_L)
        Σ_m D²net[v_m, v_m].

    References
    ----------
    Li et al. (2024), A computational framework for neural network-based variational Monte Carlo with Forward Laplacian.

    Examples
    --------
    sin(u_1 + 2u_2) has the Laplacian -5 sin(u_1 + 2u_2):

    >>> from refscore.models import SIN
    >>> net = Network([[[1.0, 2.0]], [[1.0]]], [[0.0], [0.0]], SIN)
    >>> laplacian(net, np.array([[np.pi / 2, 0.0]]), np.eye(2)[:, None])
    array([[-5.]])
    """
    shared = directions.shape[1] == 1
    out = np.empty((len(u), network.widths[-1]))
    for rows in blocks(len(u), ROWS):
        values = forward(network, u[rows], of_rows(gains, rows), 2)
        q = squares(network, values, directions if shared else directions[:, rows])
        out[rows] = sweep(network, values, q)[1][-1]
    return out
