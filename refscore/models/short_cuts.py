"""The trace of a network's Jacobian without the Jacobian.

With the letters of ``tangents``, E_l = diag(e_l), and A the first d columns of W_1, those that x goes through,

    J = W_L E_{L-1} W_{L-1} … E_1 A                                                                   (CUT.1)

The trace of a product may be taken around a circle, and x is not always the cheap place to cut it open:

    one hidden layer     tr J = e_1·k,   k_i = Σ_j A_ij (W_2)_ji                                      (CUT.2)
    two hidden layers    tr J = e_2ᵀ K e_1,   K = W_2 ∘ Mᵀ,   M = A W_3                               (CUT.3)

k and K are the same for all samples: after the values of the layers a trace costs O(H) and O(H²), whatever d is. With
more layers products of matrices stay, for each sample. Cut at x, d directions are pushed through the layers; cut behind
the first hidden layer, n_1 are, through one layer less:

    tr J = Σ_{j≤d} C_j·(E_{L-1} W_{L-1} … W_2 E_1 A_{:j}),   C_j = row j of W_L                       (CUT.4)
    tr J = Σ_{i≤n_1} e_1i C_i·(E_{L-1} W_{L-1} … E_2 (W_2)_{:i}),   C_i = row i of M = A W_L          (CUT.5)

The one with fewer multiplications is taken. Gradients in the parameters are in ``short_cut_gradients``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import final

import numpy as np

from refscore.arrays import Float
from refscore.models.network import Network
from refscore.models.tangents import BLOCK, Gains, blocks, of_rows

__all__ = ["Cut", "cut", "kernel", "trace"]

ROWS = 256  # samples at once
IN_CACHE = 3 * 2**12  # numbers that a function is taken of at once: 96 KiB


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cut:
    """Where a chain of more than two hidden layers is cut open.

    Parameters
    ----------
    layer : int
        0 at x, (CUT.4), or 1 behind the first hidden layer, (CUT.5).
    start : (m, n_l)
        The directions as they enter z_1 or z_2, the same for all samples.
    close : (m, n_{L-1})
        C, what their images in the last hidden layer are multiplied by.
    """

    layer: int
    start: Float
    close: Float


def trace(network: Network, u: Float, gains: Gains = None) -> Float:
    """Trace of the Jacobian of a network in the first d of its inputs, d being the number of its outputs.

    Parameters
    ----------
    network : Network
        With n_L = d ≤ n_0.
    u : (n, n_0)
        Its input: x, and what it is told beside.
    gains : sequence of (n, n_l), optional
        g_1, …, g_{L-1}.

    Returns
    -------
    (n,)
        tr J, by (CUT.2), (CUT.3), or the cheaper of (CUT.4) and (CUT.5).

    Examples
    --------
    Without a hidden layer J = W_1; with inputs beside x, its square part.

    >>> trace(Network([[[1, 2, 7], [3, 4, 8]]], [[0, 0]]), np.zeros((1, 3)))
    array([5.])
    """
    if len(network.weights) <= 3:
        of_block = partial(_form, kernel(network))
    else:
        of_block = partial(_around, network, cut(network, len(u)))
    out, step = np.empty(len(u)), min(len(u), ROWS)
    room = np.empty((2, step * sum(network.widths[1:-1])))
    for rows in blocks(len(u), ROWS):
        out[rows] = of_block(_factors(network, u[rows], of_rows(gains, rows), room))
    return out


def _factors(network: Network, u: Float, gains: Gains, room: Float) -> list[Float]:
    """e_1, …, e_{L-1} in `room`: products of matrices for many rows, functions for few, so that these stay in cache."""
    factors, h, start = [], u, 0
    for i, (w, b) in enumerate(zip(network.weights[:-1], network.biases)):
        value, e = room[:, start : start + len(u) * len(w)].reshape(2, len(u), len(w))
        start += value.size
        np.matmul(h, w.T, out=value)
        for some in blocks(len(u), max(1, IN_CACHE // len(w))):
            a = value[some]
            a += b
            if gains is not None:
                a *= gains[i][some]
            a[...], e[some] = network.activation.derivatives(a, 1)
            if gains is not None:
                e[some] *= gains[i][some]  # (TAN.1)
        factors.append(e)
        h = value
    return factors


def ends(network: Network) -> tuple[Float, Float]:
    """A (n_1, d), the columns of W_1 that x goes through, and W_L (d, n_{L-1})."""
    return network.weights[0][:, : network.widths[-1]], network.weights[-1]


def kernel(network: Network) -> Float:
    """What the trace of a network of at most two hidden layers is a form of.

    Parameters
    ----------
    network : Network
        With two hidden layers or fewer.

    Returns
    -------
    (n_2, n_1), (n_1,) or ()
        K of (CUT.3), k of (CUT.2), or tr A.
    """
    a, last = ends(network)
    if len(network.weights) == 1:
        return np.asarray(np.trace(a))
    if len(network.weights) == 2:
        return np.asarray(np.einsum("ij,ji->i", a, last))  # (CUT.2)
    product: Float = last.T @ a.T
    product *= network.weights[1]  # (CUT.3)
    return product


def cut(network: Network, n: int) -> Cut:
    """The cheaper of (CUT.4) and (CUT.5), by the multiplications in its matrix products.

    Parameters
    ----------
    network : Network
        With three hidden layers or more.
    n : int
        Number of samples.

    Returns
    -------
    Cut
        With its two ends.
    """
    a, last = ends(network)
    d, first, *middle = network.widths[-1], *network.widths[1:-1]
    tail = sum(before * after for before, after in pairwise(middle))
    if n * d * (first * middle[0] + tail) <= d * first * middle[-1] + n * first * tail:
        return Cut(0, a.T, last)  # (CUT.4)
    return Cut(1, network.weights[1].T, a @ last)  # (CUT.5)


def _form(fixed: Float, e: Sequence[Float]) -> Float:
    """The form of (CUT.2) or (CUT.3); the same number for all without a hidden layer."""
    if len(e) == 2:
        return np.asarray(np.einsum("nk,nk->n", e[1] @ fixed, e[0]))  # (CUT.3)
    value: Float = e[0] @ fixed if len(e) == 1 else fixed  # (CUT.2)
    return value


def _around(network: Network, opened: Cut, e: Sequence[Float]) -> Float:
    """The sum of (CUT.4) or (CUT.5) for samples few enough for one pass, in two buffers."""
    n, widest = len(e[0]), max(network.widths[1:-1])
    step = max(1, min(len(opened.start), BLOCK // (n * widest)))
    scaled, product = np.empty(step * n * widest), np.empty(step * n * widest)
    total = np.zeros(n)
    for some in blocks(len(opened.start), step):
        t = opened.start[some][:, None, :]
        m = len(t)
        for i in range(opened.layer, len(e)):
            inputs = scaled[: m * n * t.shape[2]].reshape(m, n, -1)
            np.multiply(e[i], t, out=inputs)
            if i + 1 < len(e):
                w = network.weights[i + 1]
                t = product[: m * n * len(w)].reshape(m, n, -1)
                np.matmul(inputs.reshape(m * n, -1), w.T, out=t.reshape(m * n, -1))
        terms = np.matmul(inputs, opened.close[some][:, :, None])[:, :, 0]
        total += terms.sum(0) if opened.layer == 0 else np.einsum("mn,nm->n", terms, e[0][:, some])  # (CUT.4), (CUT.5)
    return total
