"""The values of a network, against its matrix products alone and against other libraries."""

from __future__ import annotations

from collections.abc import Iterator

from validation.benchmarks.agreement import same_values
from validation.benchmarks.contest import Contest, Contestant
from validation.benchmarks.libraries import products, with_jax, with_refscore, with_torch
from validation.benchmarks.problems import Forward
from validation.benchmarks.rows import Goal

__all__ = ["contests"]

OWN = (
    Contestant("", "numpy", with_refscore.forward),
    Contestant("compiled activations", "numba", with_refscore.forward_compiled),
)


def contests() -> Iterator[Contest]:
    """Each dtype, SiLU at three batches, tanh and softplus at one; one thread.

    Yields
    ------
    Contest
        One for each case.
    """
    for dtype in ("float32", "float64"):
        for activation, batch in (("silu", 128), ("silu", 1000), ("silu", 10000), ("tanh", 1000), ("softplus", 1000)):
            yield contest(Forward(activation, batch, dtype))


def contest(problem: Forward) -> Contest:
    """The contest of one case.

    Parameters
    ----------
    problem : Forward
        Which network and batch.

    Returns
    -------
    Contest
        Against the matrix products, torch and JAX.
    """
    peers = (
        Contestant("its matrix products", "numpy", products.forward, Goal.at_most(1.35)),
        Contestant("torch eager", "torch", with_torch.forward),
        Contestant("JAX jit", "jax", with_jax.forward),
    )
    work = f"values, {problem.activation}, batch {problem.batch}, {problem.dtype}"
    return Contest(work, problem, 1, OWN, peers, same_values)
