"""The kernels: each way of stepping with each kind of score."""

from __future__ import annotations

from typing import Any

from refscore_kernels.cpu.lanes.scores import gaussian, isotropic_mixture
from refscore_kernels.cpu.lanes.steps import linear, simple


def run_simple_gaussian(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the simple form on a Gaussian."""
    simple(gaussian, params, rows, y, plan, place, span, keys)


def run_linear_gaussian(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the general form on a Gaussian."""
    linear(gaussian, params, rows, y, plan, place, span, keys)


def run_simple_isotropic_mixture(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the simple form on a mixture of isotropic Gaussians."""
    simple(isotropic_mixture, params, rows, y, plan, place, span, keys)


def run_linear_isotropic_mixture(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the general form on a mixture of isotropic Gaussians."""
    linear(isotropic_mixture, params, rows, y, plan, place, span, keys)
