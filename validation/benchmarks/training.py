"""One whole training step, as a user writes it in each library: draws, loss, gradient and Adam."""

from __future__ import annotations

from collections.abc import Iterator

from validation.benchmarks.agreement import same_training
from validation.benchmarks.contest import Contest, Contestant
from validation.benchmarks.libraries import with_autograd, with_jax, with_refscore, with_torch
from validation.benchmarks.problems import Training
from validation.benchmarks.rows import Goal

__all__ = ["contests"]

OWN = (
    Contestant("", "numpy", with_refscore.training),
    Contestant("compiled parts", "numba", with_refscore.training_compiled),
)
GOALS = {1000: Goal.at_least(1.4), 128: Goal.at_least(2.5)}  # against torch eager, by the batch


def contests() -> Iterator[Contest]:
    """SiLU at every batch, dtype and number of threads; the other activations on one thread.

    Yields
    ------
    Contest
        One for each case.
    """
    for threads in (1, 2):
        for dtype in ("float32", "float64"):
            for batch in (1000, 128, 32):
                yield contest(Training("silu", batch, dtype), threads)
    for activation in ("tanh", "softplus"):
        for dtype in ("float32", "float64"):
            for batch in (1000, 128):
                yield contest(Training(activation, batch, dtype), 1)


def contest(problem: Training, threads: int) -> Contest:
    """The contest of one case.

    Parameters
    ----------
    problem : Training
        Which network and batch.
    threads : int
        Of each contestant.

    Returns
    -------
    Contest
        Against torch eager, with the fused optimiser and compiled, JAX and HIPS autograd.
    """
    peers = [
        Contestant("torch eager", "torch", with_torch.training, GOALS.get(problem.batch, Goal())),
        Contestant("torch eager, fused Adam", "torch", with_torch.training_fused),
        Contestant("JAX jit", "jax", with_jax.training),
        Contestant("HIPS autograd", "autograd", with_autograd.training),
    ]
    if problem.activation == "silu":  # half a minute each
        peers.insert(2, Contestant("torch.compile, fused Adam", "torch", with_torch.training_compiled))
    said = f"{threads} thread{'s'[: threads > 1]}"
    work = f"training step, {problem.activation}, batch {problem.batch}, {problem.dtype}, {said}"
    return Contest(work, problem, threads, OWN, peers, same_training)
