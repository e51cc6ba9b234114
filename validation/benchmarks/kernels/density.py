"""Log density and score of a mixture at a million points, and what memory that takes."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from validation.benchmarks.contest import Contest, Contestant
from validation.benchmarks.kernels.agreement import same_density
from validation.benchmarks.kernels.goals import faster
from validation.benchmarks.kernels.libraries import ours, with_jax, with_numpy, with_sklearn
from validation.benchmarks.kernels.problems import Points
from validation.benchmarks.process import Child, Work
from validation.benchmarks.rows import Goal, Row, Skipped

__all__ = ["MANY", "contests", "memory"]

MANY = 10**6
OURS = Contestant("refscore", "numba", ours.density)
PEERS = (
    Contestant("NumPy, products in chunks", "numpy", with_numpy.density),
    Contestant("scikit-learn, log density alone", "sklearn", with_sklearn.density, faster(10)),
    Contestant("JAX value_and_grad", "jax", with_jax.density, faster(20)),
    Contestant("JAX, products by hand", "jax", with_jax.density_products),
)
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def contests(n: int = MANY) -> Iterator[Contest]:
    """One mixture.

    Parameters
    ----------
    n : int
        Points.

    Yields
    ------
    Contest
        Against NumPy, scikit-learn and JAX.
    """
    own = (Contestant("", "numba", ours.density),)
    yield Contest(_said(Points(n, 50, 16)), Points(n, 50, 16), 1, own, PEERS, same_density)


def memory(n: int = MANY) -> Iterator[Row | Skipped]:
    """What each needs at its peak beyond the points, as a part of them; results, log p and score, are 17/16.

    Parameters
    ----------
    n : int
        Points.

    Yields
    ------
    Row or Skipped
        Ratio of memory to that of the points, seconds are MiB.
    """
    problem = Points(n, 50, 16)
    points = problem.n * problem.d * np.dtype(problem.dtype).itemsize
    results = points + points // problem.d
    for one in (OURS, *PEERS):
        work = f"peak memory, {_said(problem)}"
        if importlib.util.find_spec(one.needs) is None:
            yield Skipped(work, one.name, f"{one.needs} is not installed (pip install '.[bench]')")
            continue
        if not RESET.exists():
            yield Skipped(work, one.name, "the system does not tell the peak")
            continue
        with closing(Child(_Peak(one.build), problem, 1)) as child:
            (bytes_,) = (child.answer[0].tolist(),)
        goal = Goal("results and no more", most=1.05 * results / points) if one is OURS else Goal()
        yield Row(work, one.name, bytes_ / points, goal, bytes_ / 2**20, unit="MiB")


class _Peak:
    """A contestant whose answer is by how much the peak of its process is above what it holds before it works."""

    def __init__(self, build: Callable[[Any], Work]) -> None:
        self.build = build

    def __call__(self, problem: Points) -> Work:
        small = self.build(Points(4096, problem.components, problem.d, problem.dtype))
        small.run(2)  # whatever is imported and compiled
        work = self.build(problem)
        RESET.write_text("5", encoding="utf-8")
        before = _held("VmRSS")
        work.run(1)
        return Work(work.run, lambda: [np.array(_held("VmHWM") - before)])


def _held(name: str) -> int:
    lines = STATUS.read_text(encoding="utf-8").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def _said(problem: Points) -> str:
    return f"log density and score, mixture K = {problem.components}, d = {problem.d}, {problem.n} points"
