"""Doctests of the kernels: files of loops that are compiled where they stand need Numba to be imported."""

from __future__ import annotations

import importlib.util

COMPILED = ["refscore_kernels/cpu/loops.py", "refscore_kernels/cpu/adam_loop.py", "refscore_kernels/cpu/tiles.py"]
collect_ignore = [] if importlib.util.find_spec("numba") else COMPILED
