"""The kernels once more in NumPy: what runs without Numba, and the definition that compiled kernels reach bit for bit.

Every sum has one order, every operation rounds by itself, and no library function is asked but √.
"""

from __future__ import annotations

from collections.abc import Callable

from refscore_kernels.portable import metropolis, mixtures, networks, noise, products, scores, steps
from refscore_kernels.portable.scores import Scored

__all__ = ["SCORES", "metropolis", "mixtures", "networks", "noise", "products", "scores", "steps"]

SCORES: dict[str, Callable[..., Scored]] = {
    "gaussian": scores.gaussian,
    "diagonal_gaussian": scores.diagonal_gaussian,
    "basis_gaussian": scores.basis_gaussian,
    "isotropic_mixture": mixtures.isotropic_mixture,
    "diagonal_mixture": mixtures.diagonal_mixture,
    "basis_mixture": mixtures.basis_mixture,
    "network": networks.network,
}
"""score(x, level, params) of a block, by the name that Prepared has for it."""
