"""The kernels once more in NumPy: what runs without Numba, and the definition that compiled kernels reach bit for bit.

Every sum has one order, every operation rounds by itself, and no library function is asked but √.
"""

from __future__ import annotations

from refscore_kernels.portable import noise, products, scores, steps

__all__ = ["noise", "products", "scores", "steps"]
