"""Array libraries: how values go to an implementation under test and come back.

The suite thinks in NumPy and float64; an adapter says in which library and dtype its functions think. Whatever goes out
is a fresh copy, so that a function which writes to its arguments harms nobody and is found out.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float

__all__ = ["LIBRARIES", "ArrayKind", "array_kind"]

LIBRARIES = ("numpy", "torch", "jax", "cupy")


@final
@dataclass(frozen=True, slots=True, eq=False)
class ArrayKind:
    """One array library in one dtype.

    Parameters
    ----------
    library, dtype : str
        e.g. "torch", "float32".
    make : callable
        From a NumPy array to a fresh array of the library in the dtype.
    back : callable
        From an array of the library to NumPy, in the dtype it came with.
    like : callable
        From a NumPy array and an array of the library to the former in the library, dtype and place of the latter.
    tanh : callable
        The library's hyperbolic tangent, which no operator of an array stands for.
    """

    library: str
    dtype: str
    make: Callable[[Any], Any]
    back: Callable[[Any], Any]
    like: Callable[[Any, Any], Any]
    tanh: Callable[[Any], Any]

    def give(self, value: Any) -> Any:
        """An argument as the implementation gets it: arrays and test models in its library, the rest as it is."""
        if hasattr(value, "formula"):
            parameters = [self.make(p) for p in value.parameters]
            return value.cast(self.dtype) if self.library == "numpy" else value.formula(parameters, self.tanh)
        if isinstance(value, np.ndarray):
            return self.make(value)
        return value.given_in(self) if hasattr(value, "given_in") else value

    def take(self, result: Any) -> Any:
        """A result as NumPy in the dtype it came with."""
        return np.asarray(self.back(result))


def array_kind(library: str, dtype: str) -> ArrayKind:
    """The array kind of an adapter; the library is imported here.

    Parameters
    ----------
    library : {"numpy", "torch", "jax", "cupy"}
        Array library.
    dtype : {"float64", "float32"}
        Floating dtype the implementation computes in.

    Returns
    -------
    ArrayKind
        Converters both ways.

    Raises
    ------
    ModuleNotFoundError
        If the library is not installed; the message says how to get it.

    Examples
    --------
    >>> array_kind("numpy", "float32").give(np.array([0.5])).dtype
    dtype('float32')
    """
    if library == "numpy":
        return ArrayKind(
            library,
            dtype,
            make=lambda value: np.array(value, dtype=dtype),
            back=lambda value: value,
            like=lambda value, x: np.asarray(value, dtype=x.dtype),
            tanh=np.tanh,
        )
    try:
        module = importlib.import_module(library)
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f'the adapter declares arrays="{library}", and {library} is not installed: pip install {library}'
        ) from None
    return {"torch": _torch, "jax": _jax, "cupy": _cupy}[library](module, dtype)


def _torch(torch: Any, dtype: str) -> ArrayKind:
    def back(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        value = value.detach().cpu()
        return (value.to(torch.float32) if value.dtype == torch.bfloat16 else value).numpy()

    def make(value: Any) -> Any:
        return torch.tensor(np.array(value), dtype=getattr(torch, dtype))

    return ArrayKind(
        "torch", dtype, make=make, back=back, like=lambda value, x: torch.as_tensor(value).to(x), tanh=torch.tanh
    )


def _jax(jax: Any, dtype: str) -> ArrayKind:
    if dtype == "float64" and not jax.config.read("jax_enable_x64"):
        jax.config.update("jax_enable_x64", True)  # otherwise JAX rounds every array to float32 without a word
    return ArrayKind(
        "jax",
        dtype,
        make=lambda value: jax.numpy.array(value, dtype=dtype),
        back=lambda value: value,
        like=lambda value, x: jax.numpy.asarray(value, dtype=x.dtype),
        tanh=jax.numpy.tanh,
    )


def _cupy(cupy: Any, dtype: str) -> ArrayKind:
    def back(value: Any) -> Any:
        return value.get() if isinstance(value, cupy.ndarray) else value

    return ArrayKind(
        "cupy",
        dtype,
        make=lambda value: cupy.array(value, dtype=dtype),
        back=back,
        like=lambda value, x: cupy.asarray(value, dtype=x.dtype),
        tanh=cupy.tanh,
    )


def as_float(value: Any) -> Float:
    """A taken result in float64."""
    return np.asarray(value, dtype=np.float64)
