"""Log densities and scores of many points at once: the rows of x (N, d) are read and written where they stand."""

from __future__ import annotations

from typing import Any

import numpy as np

from refscore_kernels.cpu.lanes.mixtures import (
    basis_mixture,
    basis_mixture_log,
    diagonal_mixture,
    diagonal_mixture_log,
    isotropic_mixture,
    isotropic_mixture_log,
)
from refscore_kernels.cpu.lanes.products import block, lanes_of
from refscore_kernels.cpu.lanes.scores import (
    basis_gaussian,
    basis_gaussian_log,
    diagonal_gaussian,
    diagonal_gaussian_log,
    gaussian,
    gaussian_log,
)


def density(score: Any, log: Any, params: Any, rows: Any, x: Any, e: Any, s: Any, span: Any) -> None:
    """e[l] = log p(x[l]) and s[l] = the score there, at level 0, for the lanes of `span`, (begin, end, width)."""
    begin, end, width = span
    d = x.shape[1]
    wide = lanes_of(width, rows)
    u, g = block(d, wide, x), block(d, wide, x)  # lanes from n on hold numbers, too
    work, f = block(rows, wide, x), np.empty(width, x.dtype)
    for lo in range(begin, end, width):
        n = min(width, end - lo)
        for i in range(d):
            for l in range(n):
                u[i, l] = x[lo + l, i]
        score(u, g, n, 0, params, work)
        log(f, g, n, 0, params, work)
        for l in range(n):
            e[lo + l] = f[l]
        for i in range(d):
            for l in range(n):
                s[lo + l, i] = g[i, l]


def run_density_gaussian(params: Any, rows: Any, x: Any, e: Any, s: Any, span: Any) -> None:
    """Of a Gaussian."""
    density(gaussian, gaussian_log, params, rows, x, e, s, span)


def run_density_diagonal_gaussian(params: Any, rows: Any, x: Any, e: Any, s: Any, span: Any) -> None:
    """Of a Gaussian with independent coordinates."""
    density(diagonal_gaussian, diagonal_gaussian_log, params, rows, x, e, s, span)


def run_density_basis_gaussian(params: Any, rows: Any, x: Any, e: Any, s: Any, span: Any) -> None:
    """Of a Gaussian in its eigenbasis."""
    density(basis_gaussian, basis_gaussian_log, params, rows, x, e, s, span)


def run_density_isotropic_mixture(params: Any, rows: Any, x: Any, e: Any, s: Any, span: Any) -> None:
    """Of a mixture of isotropic Gaussians."""
    density(isotropic_mixture, isotropic_mixture_log, params, rows, x, e, s, span)


def run_density_diagonal_mixture(params: Any, rows: Any, x: Any, e: Any, s: Any, span: Any) -> None:
    """Of a mixture of Gaussians with independent coordinates."""
    density(diagonal_mixture, diagonal_mixture_log, params, rows, x, e, s, span)


def run_density_basis_mixture(params: Any, rows: Any, x: Any, e: Any, s: Any, span: Any) -> None:
    """Of a mixture of Gaussians in their eigenbases."""
    density(basis_mixture, basis_mixture_log, params, rows, x, e, s, span)
