"""Curvature propagation (Martens, Sutskever & Swersky 2012): unbiased estimates of the diagonal of a Hessian, by noise
that is injected where a network bends.

The Hessian of log p = -net is a sum over its hidden units, of the curvature c = f r at a unit times the slope of its
input squared:

    J = Σ_{l, k} c_lk ∇z_lk ∇z_lkᵀ,   c_l = f_l r_l                                                   (CPR.1)

in the letters of ``models.tangents``. So if each unit is given a random number v_lk with E[v vᵀ] = I, and these are
passed back as slopes are, times a and b with a b = c,

    T_{L-1} = U_{L-1} = 0,   Ṫ_l = e_l T_l + a_l v_l,   U̇_l = e_l U_l + b_l v_l,
    T_{l-1} = W_lᵀ Ṫ_l,   U_{l-1} = W_lᵀ U̇_l                                                          (CPR.2)
    E [T_0 U_0ᵀ] = J                                                                                  (CPR.3)

where the products of two different units have mean 0. One such pass costs as much as two slopes, for an estimate of the
whole diagonal. There are two choices of a and b here:

* roots, a = √|c| and b = sign(c) √|c|: the real part of S Sᵀ for the complex S with a = b = √c, since what T and U have
  from units with c > 0 is equal, and with c < 0 opposite. It scatters least, but its slope in θ has infinite variance:
  √|c| has none at 0;
* one and c, a = 1 and b = c: differentiable, and so with a gradient.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, samples
from refscore.models.mlp_energy import MLPEnergy
from refscore.models.tangent_gradients import outer, reverse
from refscore.models.tangents import ROWS, Values, blocks, forward, pull
from refscore.models.workspace import layers

__all__ = [
    "curvature_propagation",
    "curvature_propagation_diagonal",
    "curvature_propagation_plain",
    "curvature_propagation_plain_gradient",
    "one_and_all",
    "propagated",
    "roots",
]

Factor = Callable[[Float], tuple[Float, Float]]


def curvature_propagation(model: MLPEnergy, x: ArrayLike, projection: ArrayLike) -> Float:
    """Implicit score matching with a propagated trace, a = √|c| and b = sign(c) √|c|, per sample.

        ℓ = (1/m) Σ_j T_0jᵀ U_0j + ½ |s(x)|²                                                          (CPR.4)

    Parameters
    ----------
    model : MLPEnergy
        The energy, with N hidden units in all.
    x : (\\*batch, d)
        Data, in the data's unit.
    projection : (m, \\*batch, N)
        v_1 … v_m for each sample, one number for each hidden unit, layer by layer: random signs or standard normals.

    Returns
    -------
    (\\*batch,)
        ℓ, in 1/unit². The mean over projections, never over the batch; its expectation is ``objectives.implicit``.

    Raises
    ------
    ValueError
        If `projection` has not m ≥ 1 vectors of N numbers for each sample.

    Notes
    -----
    Not to be confused with projections v of x (``objectives.sliced``), which have d entries and need a product with
    the Hessian each. There is no gradient of this beside it: the slope of √|c| is infinite where c changes its sign,
    which it does somewhere between samples, and its variance is infinite. See :func:`curvature_propagation_plain`.

    References
    ----------
    Martens, Sutskever & Swersky (2012), Estimating the Hessian by back-propagating curvature.

    Examples
    --------
    Over all signs of three units it is the implicit objective:

    >>> from itertools import product
    >>> import refscore as rs
    >>> model, x = rs.models.MLPEnergy(rs.models.network([2, 3, 1], rs.noise.uniforms(0, 0, 13))), [0.5, -1.0]
    >>> found = curvature_propagation(model, x, list(product([1, -1], repeat=3)))
    >>> bool(abs(found - rs.objectives.implicit(model, x)) < 1e-15)
    True
    """
    return _objective(model, x, projection, roots)


def curvature_propagation_plain(model: MLPEnergy, x: ArrayLike, projection: ArrayLike) -> Float:
    """Implicit score matching with a propagated trace, a = 1 and b = c, per sample: (CPR.4).

    Parameters
    ----------
    model : MLPEnergy
        The energy, with N hidden units in all.
    x : (\\*batch, d)
        Data, in the data's unit.
    projection : (m, \\*batch, N)
        As for :func:`curvature_propagation`.

    Returns
    -------
    (\\*batch,)
        ℓ, in 1/unit²; its expectation is ``objectives.implicit``.

    Raises
    ------
    ValueError
        As for :func:`curvature_propagation`.
    """
    return _objective(model, x, projection, one_and_all)


def curvature_propagation_diagonal(model: MLPEnergy, x: ArrayLike, projection: ArrayLike) -> Float:
    """T_0 ∘ U_0 with roots: estimates of the diagonal of J, one for each projection.

    Parameters
    ----------
    model : MLPEnergy
        The energy, with N hidden units in all.
    x : (\\*batch, d)
        Where.
    projection : (m, \\*batch, N)
        As for :func:`curvature_propagation`.

    Returns
    -------
    (m, \\*batch, d)
        In 1/unit²; each has the diagonal of J for its expectation.
    """
    first, second = propagated(model, x, projection, roots)
    return first * second


def curvature_propagation_plain_gradient(model: MLPEnergy, x: ArrayLike, projection: ArrayLike) -> Float:
    """Gradient of the batch sum of :func:`curvature_propagation_plain` in the parameters of `model`.

        T̄_0 = U_0/m,   Ū_0 = T_0/m,   τ_l = W_l T̄_{l-1},   υ_l = W_l Ū_{l-1},   T̄_l = e_l τ_l,   Ū_l = e_l υ_l
        ḡ_l = W_l r̄_{l-1},   r̄_l = e_l ḡ_l + f_l Σ_j v_l υ_l,   r̄_0 = s
        ē_l = Σ_j (T_l τ_l + U_l υ_l) + r_l ḡ_l,   f̄_l = r_l Σ_j v_l υ_l
        W̄_l = Σ_j (Ṫ_l T̄_{l-1}ᵀ + U̇_l Ū_{l-1}ᵀ) + e_l r_l r̄_{l-1}ᵀ,   W̄_L = -r̄_{L-1}ᵀ                (CPR.5)

    to which (TAN.9) and (TAN.10) add what comes through e and f.

    Parameters
    ----------
    model : MLPEnergy
        The energy, with N hidden units in all.
    x : (\\*batch, d)
        As for :func:`curvature_propagation_plain`.
    projection : (m, \\*batch, N)
        As for :func:`curvature_propagation`.

    Returns
    -------
    (p,)
        In the order of ``model.pack()``.
    """
    network = model.network
    _, points, noise = _checked(model, x, projection)
    theta = np.zeros(network.p)
    weights, _ = layers(theta, network.widths)
    for rows in blocks(len(points), ROWS):
        u, v = points[rows], _by_layer(model, noise[:, rows])
        values, back = _slopes(model, u, 3)
        (t, u_), (dt, du) = _passed(model, values, back, v, one_and_all)
        of_t, of_u, of_slope = u_[0] / len(noise), t[0] / len(noise), back[0]
        e_bars, f_bars = [], []
        for i, ((e, f, *_), w) in enumerate(zip(values.factors, network.weights)):
            tau, upsilon, of_g = of_t @ w.T, of_u @ w.T, of_slope @ w.T  # (CPR.5)
            r, bend = back[i + 1], (v[i] * upsilon).sum(0)
            weights[i] += outer(dt[i], of_t) + outer(du[i], of_u) + (e * r).T @ of_slope  # (CPR.5)
            e_bars.append((t[i + 1] * tau + u_[i + 1] * upsilon).sum(0) + r * of_g)  # (CPR.5)
            f_bars.append(r * bend)  # (CPR.5)
            of_t, of_u, of_slope = e * tau, e * upsilon, e * of_g + f * bend  # (CPR.5)
        weights[-1] -= of_slope.sum(0)  # (CPR.5)
        theta += reverse(network, values, e_bars, f_bars).theta
    return theta


def roots(c: Float) -> tuple[Float, Float]:
    """The factors a = √|c| and b = sign(c) √|c|.

    Parameters
    ----------
    c : ndarray
        Curvatures.

    Returns
    -------
    ndarray, ndarray
        a and b, with a b = c.
    """
    a = np.sqrt(np.abs(c))
    return a, np.copysign(a, c)


def one_and_all(c: Float) -> tuple[Float, Float]:
    """The factors a = 1 and b = c.

    Parameters
    ----------
    c : ndarray
        Curvatures.

    Returns
    -------
    ndarray, ndarray
        a and b.
    """
    return np.ones_like(c), c


def propagated(model: MLPEnergy, x: ArrayLike, projection: ArrayLike, factor: Factor) -> tuple[Float, Float]:
    """T_0 and U_0 of (CPR.2), whose products have J for their expectation (CPR.3).

    Parameters
    ----------
    model : MLPEnergy
        The energy, with N hidden units in all.
    x : (\\*batch, d)
        Where.
    projection : (m, \\*batch, N)
        As for :func:`curvature_propagation`.
    factor : callable
        From c to a and b with a b = c: :func:`roots` or :func:`one_and_all`.

    Returns
    -------
    (m, \\*batch, d), (m, \\*batch, d)
        T_0 and U_0.
    """
    x, u, v = _checked(model, x, projection)
    first, second = np.empty((len(v), *u.shape)), np.empty((len(v), *u.shape))
    for rows in blocks(len(u), ROWS):
        values, back = _slopes(model, u[rows], 2)
        (t, u_), _ = _passed(model, values, back, _by_layer(model, v[:, rows]), factor)
        first[:, rows], second[:, rows] = t[0], u_[0]
    shape = (len(v), *x.shape)
    return first.reshape(shape), second.reshape(shape)


def _objective(model: MLPEnergy, x: ArrayLike, projection: ArrayLike, factor: Factor) -> Float:
    first, second = propagated(model, x, projection, factor)
    value: Float = (first * second).sum(-1).mean(0) + 0.5 * (model(x) ** 2).sum(-1)  # (CPR.4)
    return value


def _checked(model: MLPEnergy, x: ArrayLike, projection: ArrayLike) -> tuple[Float, Float, Float]:
    """The samples, the same as rows, and the projections (m, n, N)."""
    x = samples(x, "x", model.d)
    v = as_float64(projection, "projection")
    units = sum(model.network.widths[1:-1])
    if v.ndim == 0 or v.shape[1:] != (*x.shape[:-1], units) or len(v) == 0:
        shape = ", ".join(map(str, (*x.shape[:-1], units)))
        raise ValueError(f"projection has shape {v.shape}; expected (m, {shape}), a number for each hidden unit")
    u = x.reshape(-1, model.d)
    return x, u, v.reshape(len(v), len(u), units)


def _by_layer(model: MLPEnergy, v: Float) -> list[Float]:
    ends = np.cumsum(model.network.widths[1:-1])[:-1]
    return [np.ascontiguousarray(part) for part in np.split(v, ends, axis=-1)]


def _slopes(model: MLPEnergy, u: Float, order: int) -> tuple[Values, list[Float]]:
    """Values with their factors, and r_0, …, r_{L-1}."""
    values = forward(model.network, u, order=order)
    return values, pull(model.network, values, np.full((len(u), 1), -1.0))


def _passed(
    model: MLPEnergy, values: Values, back: list[Float], v: list[Float], factor: Factor
) -> tuple[tuple[list[Float], list[Float]], tuple[list[Float], list[Float]]]:
    """(T_0, …, T_{L-1}; U_0, …) and (Ṫ_1, …, Ṫ_{L-1}; U̇_1, …), each (m, n, n_l)."""
    network = model.network
    shape = (*v[0].shape[:2], network.widths[-2]) if v else (1, *back[-1].shape)
    first, second = [np.zeros(shape)], [np.zeros(shape)]
    firsts, seconds = [], []
    for (e, f, *_), w, r, noise in zip(values.factors[::-1], network.weights[-2::-1], back[::-1], v[::-1]):
        c = f * r  # (CPR.1)
        a, b = factor(c)
        firsts.append(e * first[-1] + a * noise)  # (CPR.2)
        seconds.append(e * second[-1] + b * noise)  # (CPR.2)
        first.append(firsts[-1] @ w)  # (CPR.2)
        second.append(seconds[-1] @ w)  # (CPR.2)
    return (first[::-1], second[::-1]), (firsts[::-1], seconds[::-1])
