"""The kernels: each way of stepping with each kind of score."""

from __future__ import annotations

from typing import Any

from refscore_kernels.cpu.lanes.mixtures import basis_mixture, diagonal_mixture, isotropic_mixture
from refscore_kernels.cpu.lanes.networks import network
from refscore_kernels.cpu.lanes.scores import basis_gaussian, diagonal_gaussian, gaussian
from refscore_kernels.cpu.lanes.steps import linear, simple


def run_simple_gaussian(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the simple form on a Gaussian."""
    simple(gaussian, params, rows, y, plan, place, span, keys)


def run_linear_gaussian(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the general form on a Gaussian."""
    linear(gaussian, params, rows, y, plan, place, span, keys)


def run_simple_diagonal_gaussian(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the simple form on a Gaussian with independent coordinates."""
    simple(diagonal_gaussian, params, rows, y, plan, place, span, keys)


def run_linear_diagonal_gaussian(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the general form on a Gaussian with independent coordinates."""
    linear(diagonal_gaussian, params, rows, y, plan, place, span, keys)


def run_simple_basis_gaussian(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the simple form on a Gaussian in its eigenbasis."""
    simple(basis_gaussian, params, rows, y, plan, place, span, keys)


def run_linear_basis_gaussian(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the general form on a Gaussian in its eigenbasis."""
    linear(basis_gaussian, params, rows, y, plan, place, span, keys)


def run_simple_isotropic_mixture(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the simple form on a mixture of isotropic Gaussians."""
    simple(isotropic_mixture, params, rows, y, plan, place, span, keys)


def run_linear_isotropic_mixture(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the general form on a mixture of isotropic Gaussians."""
    linear(isotropic_mixture, params, rows, y, plan, place, span, keys)


def run_simple_diagonal_mixture(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the simple form on a mixture of Gaussians with independent coordinates."""
    simple(diagonal_mixture, params, rows, y, plan, place, span, keys)


def run_linear_diagonal_mixture(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the general form on a mixture of Gaussians with independent coordinates."""
    linear(diagonal_mixture, params, rows, y, plan, place, span, keys)


def run_simple_basis_mixture(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the simple form on a mixture of Gaussians in their eigenbases."""
    simple(basis_mixture, params, rows, y, plan, place, span, keys)


def run_linear_basis_mixture(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the general form on a mixture of Gaussians in their eigenbases."""
    linear(basis_mixture, params, rows, y, plan, place, span, keys)


def run_simple_network(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the simple form on a network."""
    simple(network, params, rows, y, plan, place, span, keys)


def run_linear_network(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the general form on a network."""
    linear(network, params, rows, y, plan, place, span, keys)
