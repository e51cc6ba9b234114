"""Kernels for the CPU, compiled by Numba when they are first used: ``pip install 'refscore[kernels]'``."""

from __future__ import annotations

from refscore_kernels.cpu.activations import GELU, SILU, SOFTPLUS, TANH

__all__ = ["GELU", "SILU", "SOFTPLUS", "TANH"]
