"""Compiled twins of refscore's steps and scores, bit-equal to each other.

The kernels are added family by family; ``refscore`` itself never imports this package.
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__: list[str] = []
