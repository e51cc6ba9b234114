"""The exact trace of a network's Jacobian, against automatic differentiation, one thread, float64."""

from __future__ import annotations

from collections.abc import Iterator

from validation.benchmarks.agreement import same_values
from validation.benchmarks.contest import Contest, Contestant
from validation.benchmarks.libraries import with_autograd, with_jax, with_refscore, with_torch
from validation.benchmarks.problems import Trace
from validation.benchmarks.rows import Goal

__all__ = ["contests"]

SLOW = 64  # dimension above which d backward passes by operator overloading are not waited for
CASES = (
    Trace(2, 128, 1, 1000),
    Trace(2, 128, 3, 1000),
    Trace(10, 128, 3, 1000),
    Trace(64, 256, 1, 500),
    Trace(64, 256, 2, 500),
    Trace(64, 128, 3, 200),
    Trace(784, 512, 1, 100),
    Trace(784, 512, 2, 20),
    Trace(784, 256, 3, 10),
)


def contests() -> Iterator[Contest]:
    """From two dimensions to those of a small image, with one to three hidden layers.

    Yields
    ------
    Contest
        One for each case.
    """
    return map(contest, CASES)


def contest(problem: Trace) -> Contest:
    """The contest of one case.

    Parameters
    ----------
    problem : Trace
        Which network and batch.

    Returns
    -------
    Contest
        Against JAX, torch and HIPS autograd.
    """
    short = problem.d >= 64 and problem.layers <= 2
    peers = [
        Contestant("JAX jacfwd, jit", "jax", with_jax.trace_jacfwd, Goal.at_least(30) if short else Goal()),
        Contestant("torch.func.jacfwd", "torch", with_torch.trace_jacfwd),
        Contestant("torch.func.jacrev", "torch", with_torch.trace_jacrev),
        Contestant("torch, d backward passes", "torch", with_torch.trace_loop),
    ]
    if problem.d <= SLOW:
        peers.append(Contestant("HIPS autograd, d backward passes", "autograd", with_autograd.trace_loop))
    layers = f"{problem.layers} hidden layer{'s'[: problem.layers > 1]} of {problem.hidden}"
    work = f"trace, d = {problem.d}, {layers}, {problem.batch} points"
    return Contest(work, problem, 1, [Contestant("", "numpy", with_refscore.trace)], peers, same_values)
