"""Kernels for the CPU, compiled by Numba when they are first used: ``pip install 'refscore[kernels]'``."""

from __future__ import annotations

from refscore_kernels.cpu.activations import GELU, SILU, SOFTPLUS, TANH
from refscore_kernels.cpu.adam import adam

__all__ = ["GELU", "SILU", "SOFTPLUS", "TANH", "adam"]
