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

__all__ = ["NAMES", "block_of", "kernels"]

Namespace = dict[str, Any]

# What a name of the lanes, which are written for float64, stands for in float64 and float32.
NAMES = {
    "real": ("f8", "f4"),
    "exponential": ("exponential_64", "exponential_32"),
    "minus_log": ("minus_log_64", "minus_log_32"),
    "fill": ("fill_64", "fill_32"),
    "across": ("across_64", "across_32"),
    "LOWEST": ("LOWEST_64", "LOWEST_32"),
    "silu": ("silu_64", "silu_32"),
    "tanh": ("tanh_64", "tanh_32"),
    "softplus": ("softplus_64", "softplus_32"),
    "gelu": ("gelu_64", "gelu_32"),
    "TILE": ("TILE_64", "TILE_32"),
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
    tiles = (here / f"{name}.py" for name in ("tiles", "mixture_tiles", "noise_tiles", "traced", "vectors"))
    files = [here.parent / "elementary.py", here.parent / "units.py", *tiles, Path(__file__)]
    files += sorted((here / "lanes").glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


@cache
def kernels(single: bool = False, contract: bool = False, taped: bool = False) -> Namespace:
    """Every function of the lanes, compiled on its first call.

    Parameters
    ----------
    single : bool
        For float32; else for float64.
    contract : bool
        Whether products and sums may be rounded together.
    taped : bool
        Whether noise is read from a tape, which stands where the keys of a seed do.

    Returns
    -------
    dict
        Functions by their names.
    """
    from refscore_kernels import elementary, units
    from refscore_kernels.cpu import lanes

    _numba()
    from refscore_kernels.cpu import mixture_tiles, noise_tiles, tiles

    label = f"{'32' if single else '64'}{'c' if contract else ''}{'t' if taped else ''}_{_digest()}"
    found: Namespace = {}
    plain: list[FunctionType] = []
    for module in (elementary, units, *lanes.MODULES):
        found |= vars(module)
        plain += [f for f in vars(module).values() if isinstance(f, FunctionType) and f.__module__ == module.__name__]
    for function in plain:
        found[function.__name__] = _compiled(function, found, contract, label)
    found |= {name: found[pair[single]] for name, pair in NAMES.items()}
    if taped:
        found["fill"] = found["copied"]
    found |= {"four_rows": tiles.rows_of_tile(4, contract), "one_row": tiles.rows_of_tile(1, contract)}
    found |= {"products": tiles.rows_of_block(contract, True), "more_products": tiles.rows_of_block(contract, False)}
    found |= {"exponents": mixture_tiles.squares(contract), "pulls": mixture_tiles.pulls(contract)}
    found |= {"weigh": mixture_tiles.shares(contract), "alive": mixture_tiles.alive}
    found |= {"of_chains": noise_tiles.normals(False), "of_groups": noise_tiles.normals(True)}
    found |= {"of_uniforms": noise_tiles.uniforms}
    return found


@cache
def block_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """A score of the lanes from a user's compiled score(x, g, alpha, sigma), which fills g for all lanes of a block.

    Parameters
    ----------
    function : compiled function
        The user's.

    Returns
    -------
    compiled function
        score(x, g, n, level, params, work), whose params are α and σ of each level.
    """

    def user(x: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:  # noqa: ARG001  the form of a score
        function(x, g, params[0][level], params[1][level])

    compiled: Callable[..., Any] = _numba().njit(error_model="numpy")(user)
    return compiled


def _compiled(function: FunctionType, names: Namespace, contract: bool, label: str) -> Callable[..., Any]:
    """`function` with the names of its build: run_* go to the cache and, like call_*, free Python; others go inline."""
    copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
    copy.__module__ = function.__module__
    options: dict[str, Any] = {"error_model": "numpy"}
    if contract and function.__module__ not in EXACT:
        options["fastmath"] = {"contract"}
    kind = function.__name__.partition("_")[0]
    if kind == "run":
        copy.__qualname__ = f"{function.__name__}_{label}"
        options["cache"] = True
    options["nogil" if kind in ("run", "call") else "forceinline"] = True
    compiled: Callable[..., Any] = _numba().njit(**options)(copy)
    return compiled
