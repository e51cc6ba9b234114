"""Activation functions whose `forward` is one pass over memory: bias, φ and φ' at once, in float32 and float64.

Each is a value of refscore's own type with refscore's own derivatives, so that ``Network(weights, biases,
refscore_kernels.cpu.SILU)`` is the same model, and trains faster. Numba is imported, and a loop compiled, when it is
first used; on later runs the loop comes from Numba's cache. sin has no twin here: NumPy's is as fast.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

import numpy as np

from refscore.models import activations
from refscore.models.activations import Activation, Array

__all__ = ["GELU", "SILU", "SOFTPLUS", "TANH"]


@cache
def _loops() -> ModuleType:
    try:
        from refscore_kernels.cpu import loops
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error}; the compiled activations need pip install 'refscore[kernels]'") from None
    return loops


@cache
def _no_bias(width: int, dtype: np.dtype[np.floating]) -> Array:
    return np.zeros(width, dtype)


def _compiled(plain: Activation) -> Activation:
    def forward(a: Array, bias: Array | None, slope: Array | None, _: Array) -> None:
        loops = _loops()
        added = _no_bias(a.shape[1], a.dtype) if bias is None else bias
        if slope is None:
            getattr(loops, plain.name)(a, added)
        else:
            getattr(loops, f"{plain.name}_slope")(a, added, slope)

    return Activation(plain.name, plain.derivatives, forward)


GELU = _compiled(activations.GELU)
SILU = _compiled(activations.SILU)
SOFTPLUS = _compiled(activations.SOFTPLUS)
TANH = _compiled(activations.TANH)
