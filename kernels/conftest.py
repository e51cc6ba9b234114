"""Doctests of the kernels: files of loops that are compiled where they stand need Numba to be imported."""

from __future__ import annotations

import importlib.util

NAMES = ("adam_loop", "loops", "mixture_tiles", "noise_tiles", "tiles", "traced", "vectors")
COMPILED = [f"refscore_kernels/cpu/{name}.py" for name in NAMES]
collect_ignore = [] if importlib.util.find_spec("numba") else COMPILED
