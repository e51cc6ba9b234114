"""Normals into an array that is there already and stays in the cache."""

from __future__ import annotations

from collections.abc import Iterator

from validation.benchmarks.contest import Contest, Contestant
from validation.benchmarks.kernels.agreement import same_normals
from validation.benchmarks.kernels.goals import faster
from validation.benchmarks.kernels.libraries import ours, with_jax, with_numpy, with_torch
from validation.benchmarks.kernels.problems import Normals

__all__ = ["contests"]

GOALS = {"float64": (3.5, 7.0), "float32": (8.0, 3.5)}  # against NumPy's fastest generator, and torch


def contests() -> Iterator[Contest]:
    """Both types of number.

    Yields
    ------
    Contest
        Against two generators of NumPy, torch and JAX.
    """
    for dtype, (numpy, torch) in GOALS.items():
        peers = (
            Contestant("NumPy SFC64", "numpy", with_numpy.normals_sfc64, faster(numpy)),
            Contestant("NumPy PCG64", "numpy", with_numpy.normals_pcg64, faster(numpy)),
            Contestant("torch", "torch", with_torch.normals, faster(torch)),
            Contestant("JAX jit", "jax", with_jax.normals),
        )
        own = (Contestant("", "numba", ours.normals),)
        yield Contest(f"65 536 normals, {dtype}", Normals(64, 1024, dtype), 1, own, peers, same_normals)
