"""Two threads: ours against one of ours, and against peers with two of theirs."""

from __future__ import annotations

from collections.abc import Iterator

from validation.benchmarks.contest import Contest, Contestant
from validation.benchmarks.kernels.agreement import same_states
from validation.benchmarks.kernels.libraries import ours, with_jax, with_numpy, with_torch
from validation.benchmarks.kernels.problems import Chains
from validation.benchmarks.kernels.sampling import JAX, NUMPY, OWN, TORCH, said
from validation.benchmarks.rows import Goal

__all__ = ["contests"]


def contests() -> Iterator[Contest]:
    """Long enough that a thread has something to do.

    Yields
    ------
    Contest
        One for each law.
    """
    for components, d, steps in ((0, 2, 200), (4, 2, 100), (10, 10, 20)):
        problem = Chains("langevin", components, d, 100000, steps, threads=2)
        peers = (
            Contestant("one thread", "numba", ours.one_thread, Goal.at_least(1.85)),
            Contestant(NUMPY, "numpy", with_numpy.rows),
            Contestant(TORCH, "torch", with_torch.eager),
            Contestant(JAX, "jax", with_jax.scan),
        )
        yield Contest(f"{said(problem)}, 2 threads", problem, 2, OWN, peers, same_states)
