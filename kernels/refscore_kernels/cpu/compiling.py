"""Plain functions, compiled by Numba when they are first called, for one type of number and one rule of rounding.

The lanes are written once, as plain functions over float64. A :class:`Build` compiles them for float64 or float32, with
every operation rounded by itself, or contracted (``a * b + c`` rounded once, where the machine can). Every function of
every file of lanes stands in one namespace, so that they call each other by name, whichever build it is.

Numba keeps compiled code in a cache beside the source (or in NUMBA_CACHE_DIR). It looks at the file of the kernel only,
so the names of cached kernels end in a digest of all the sources here: after a change nothing old is found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

__all__ = ["NAMES", "kernels"]

Namespace = dict[str, Any]

# What a name of the lanes, which are written for float64, stands for in float64 and float32.
NAMES = {
    "real": ("f8", "f4"),
    "exponential": ("exponential_64", "exponential_32"),
    "minus_log": ("minus_log_64", "minus_log_32"),
    "fill": ("fill_64", "fill_32"),
    "LOWEST": ("LOWEST_64", "LOWEST_32"),
}
EXACT = (
    "refscore_kernels.elementary",
    "refscore_kernels.cpu.lanes.noise",
)  # never contracted: noise has the same bits always


def _numba() -> ModuleType:
    try:
        import numba
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error}; compiled kernels need pip install 'refscore[kernels]'") from None
    found: ModuleType = numba
    return found


@cache
def _digest() -> str:
    here = Path(__file__).parent
    files = [here.parent / "elementary.py", *sorted((here / "lanes").glob("*.py")), Path(__file__)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


@cache
def kernels(single: bool = False, contract: bool = False) -> Namespace:
    """Every function of the lanes, compiled on its first call.

    Parameters
    ----------
    single : bool
        For float32; else for float64.
    contract : bool
        Whether products and sums may be rounded together.

    Returns
    -------
    dict
        Functions by their names.
    """
    from refscore_kernels import elementary
    from refscore_kernels.cpu import lanes

    label = f"{'32' if single else '64'}{'c' if contract else ''}_{_digest()}"
    found: Namespace = dict(vars(elementary))
    plain: list[FunctionType] = [f for f in vars(elementary).values() if isinstance(f, FunctionType)]
    for module in lanes.MODULES:
        found |= vars(module)
        plain += [f for f in vars(module).values() if isinstance(f, FunctionType) and f.__module__ == module.__name__]
    for function in plain:
        kernel = function.__name__.startswith("run_")
        found[function.__name__] = _compiled(function, found, contract, label if kernel else "")
    found |= {name: found[pair[single]] for name, pair in NAMES.items()}
    return found


def _compiled(function: FunctionType, names: Namespace, contract: bool, label: str) -> Callable[..., Any]:
    """`function` with the names of its build; a kernel, which has a label, is kept in the cache, and frees Python."""
    copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
    copy.__module__ = function.__module__
    options: dict[str, Any] = {"error_model": "numpy"}
    if contract and function.__module__ not in EXACT:
        options["fastmath"] = {"contract"}
    if label:
        copy.__qualname__ = f"{function.__name__}_{label}"
        options |= {"cache": True, "nogil": True}
    else:
        options["forceinline"] = True
    compiled: Callable[..., Any] = _numba().njit(**options)(copy)
    return compiled
