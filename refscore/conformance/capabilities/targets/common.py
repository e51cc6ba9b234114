"""Mistakes that everything about a mixture may have: with its parameters, and with the responsibilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.targets.parts import Parts, inverse, softmax
from refscore.conformance.capability import Fault, Function

__all__ = ["Change", "Shares", "law_faults", "right", "share_faults", "unchanged"]

Change = Callable[[Float], Float]
Shares = Callable[[Parts, Float], Float]  # from the parts and the weights to the shares of the components
Make = Callable[..., Function]  # from changed weights, covs or shares to the function with the mistake in it


def unchanged(values: Float) -> Float:
    """The values."""
    return values


def right(p: Parts, _weights: Float) -> Float:
    """The responsibilities as they should be."""
    return p.share


def law_faults(prefix: str, make: Make) -> tuple[Fault, ...]:
    """Mistakes with the parameters: `make` takes changed `weights` or `covs`."""
    return (
        Fault(
            f"{prefix}-equal-weights",
            "the weights are ignored",
            "small modes are as heavy as large ones",
            make(weights=lambda weights: np.full_like(weights, 1 / len(weights))),
        ),
        Fault(
            f"{prefix}-precision",
            "the covariances are taken for precisions",
            "right where all variances are one",
            make(covs=inverse),
        ),
        Fault(
            f"{prefix}-deviation",
            "the covariances are passed where scales belong: Σ_k Σ_kᵀ are the covariances",
            "right where all variances are one",
            make(covs=lambda covs: covs @ covs),
        ),
    )


def share_faults(prefix: str, make: Make) -> tuple[Fault, ...]:
    """Mistakes with the responsibilities: `make` takes changed `shares`."""
    return (
        Fault(
            f"{prefix}-prior",
            "the weights stand where the responsibilities belong",
            "every mode is felt everywhere, however far it is",
            make(shares=lambda p, weights: np.broadcast_to(weights[:, None], p.joint.shape)),
        ),
        Fault(
            f"{prefix}-likeliest",
            "the likeliest component alone is used",
            "right far from the borders between modes; jumps there",
            make(shares=lambda p, weights: (p.joint == p.joint.max(0)).astype(p.joint.dtype)),
        ),
        Fault(
            f"{prefix}-no-determinants",
            "responsibilities without the determinants of the covariances",
            "right for equal covariances only; wide modes are too strong",
            make(shares=lambda p, weights: softmax(p.joint + 0.5 * p.log_det)),
        ),
        Fault(
            f"{prefix}-underflow",
            "densities are divided, not subtracted as logarithms",
            "0/0 in the tails: in float32 13 standard deviations from the modes, in float64 38",
            make(shares=lambda p, weights: np.exp(p.joint) / np.exp(p.joint).sum(0)),
            "https://github.com/NVlabs/edm2/blob/main/toy_example.py",
        ),
    )
