"""Doctests of the kernels: files of loops that are compiled where they stand need Numba to be imported."""

from __future__ import annotations

import importlib.util

collect_ignore = (
    [] if importlib.util.find_spec("numba") else ["refscore_kernels/cpu/loops.py", "refscore_kernels/cpu/adam_loop.py"]
)
