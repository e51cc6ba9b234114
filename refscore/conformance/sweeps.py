"""How far rounding moves the values and derivatives of a network: its layers in the arithmetic of running errors.

With weights, slopes φ', φ'' and directions replaced by their magnitudes, forward sums give the terms of a_L and of
T_L = ∂a_L/∂x v, and reverse sums those of the gradient in θ of c·a_L + Σ_k v_kᵀ T_k:

    U_l = W_l T_{l-1},   T_l = φ'(a_l) ∘ U_l                                                          (PERC.2)
    ā_l = φ'(a_l) ∘ h̄_l + φ''(a_l) ∘ Σ_k T̄_l ∘ U_l,   Ū_l = φ'(a_l) ∘ T̄_l                            (PERC.3)
    ∂W_l = Σ ā_l h_{l-1}ᵀ + Σ Ū_l T_{l-1}ᵀ,   ∂b_l = Σ ā_l,   h̄_{l-1} = W_lᵀ ā_l,   T̄_{l-1} = W_lᵀ Ū_l  (PERC.4)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float
from refscore.conformance.terms import Terms, exact, product
from refscore.models import Activation

__all__ = ["Bend", "parameter_terms", "value_terms"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Bend:
    """An activation function φ, and what rounding does to it.

    Parameters
    ----------
    activation : Activation
        φ and its derivatives.
    formula : callable
        φ(a) in any library, from a and that library's tanh.
    errors : callable
        From a to the errors of φ, φ' and φ'' themselves, in units of u.
    """

    activation: Activation
    formula: Callable[[Any, Any], Any]
    errors: Callable[[Float], tuple[Float, Float, Float]]


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Pass:
    """What the forward sums leave, layer by layer: h_{l-1}, φ'(a_l), φ''(a_l), T_{l-1}, U_l."""

    inputs: list[Terms]
    slopes: list[Terms]
    bends: list[Terms]
    tangents: list[Terms]
    pushed: list[Terms]


def value_terms(
    parameters: Sequence[Float], bend: Bend, x: Float, x_terms: Terms, directions: Terms | None
) -> tuple[Terms, Terms]:
    """a_L, (n, n_L), and its derivative along directions, (n, k, n_L).

    Parameters
    ----------
    parameters : sequence of ndarray
        W_1, b_1, W_2, …, b_L.
    bend : Bend
        φ.
    x : (n, d)
        Where.
    x_terms : Terms
        The same as rounding sees it.
    directions : Terms, optional
        v_1 … v_k of each sample, (n, k, d).

    Returns
    -------
    tuple of Terms
        The second is empty without directions.
    """
    value, found = _forward(parameters, bend, x, x_terms, directions)
    return value, found.pushed[-1]


def parameter_terms(
    parameters: Sequence[Float], bend: Bend, x: Float, x_terms: Terms, cotangent: Terms, directions: Terms | None
) -> Terms:
    """The gradient of Σ (cotangent·a_L + Σ_k v_kᵀ T_k) in θ, (p,).

    Parameters
    ----------
    parameters, bend, x, x_terms : sequence of ndarray, Bend, (n, d), Terms
        As for :func:`value_terms`.
    cotangent : Terms
        What multiplies a_L, (n, n_L).
    directions : Terms, optional
        As for :func:`value_terms`.

    Returns
    -------
    Terms
        In the order of the parameters.
    """
    _, found = _forward(parameters, bend, x, x_terms, directions)
    weights = [exact(w) for w in parameters[::2]]
    sums, back = cotangent, exact(np.zeros((len(x), 0, len(parameters[-1])))) if directions is None else directions
    parts: list[Terms] = []
    for layer in reversed(range(len(weights))):
        matrix = product("ni,nj->ij", sums, found.inputs[layer])  # (PERC.4)
        matrix = matrix + product("nki,nkj->ij", back, found.tangents[layer])
        parts = [matrix, sums.total(0), *parts]
        if layer:
            sums, back = (product("...i,ij->...j", q, weights[layer]) for q in (sums, back))
            slope, bent = found.slopes[layer - 1], found.bends[layer - 1]
            curved = product("nki,nki->ni", back, found.pushed[layer - 1])
            sums = product("ni,ni->ni", slope, sums) + product("ni,ni->ni", bent, curved)  # (PERC.3)
            back = product("ni,nki->nki", slope, back)
    return Terms(*(np.concatenate([getattr(part, name).ravel() for part in parts]) for name in ("size", "error")))


def _forward(
    parameters: Sequence[Float], bend: Bend, x: Float, x_terms: Terms, directions: Terms | None
) -> tuple[Terms, _Pass]:
    """The terms of a_L, and what the reverse sums need."""
    h, terms = x, x_terms
    along = exact(np.zeros((len(x), 0, x.shape[-1]))) if directions is None else directions
    found = _Pass([], [], [], [], [])
    for layer, (w, b) in enumerate(zip(parameters[::2], parameters[1::2])):
        found.inputs.append(terms)
        found.tangents.append(along)
        a, terms = h @ w.T + b, product("nj,ij->ni", terms, exact(w)) + exact(b)
        along = product("nkj,ij->nki", along, exact(w))  # (PERC.2)
        found.pushed.append(along)
        if layer < len(parameters) // 2 - 1:
            values = bend.activation.derivatives(a)
            own = bend.errors(a)
            h, moved = values[0], terms.error
            terms, slope, bent = (
                Terms(np.abs(values[k]), np.abs(values[k + 1]) * moved + own[k]) for k in range(3)
            )  # (BOUND.3)
            found.slopes.append(slope)
            found.bends.append(bent)
            along = product("ni,nki->nki", slope, along)  # (PERC.2)
    return terms, found
