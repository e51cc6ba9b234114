"""torch on the CPU: eager, with in-place steps, and the whole step compiled to C++."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from validation.benchmarks.kernels.problems import Array, Chains, Normals
from validation.benchmarks.process import Work

__all__ = ["compiled", "eager", "mixture_score", "normals", "score_of"]


def eager(problem: Chains) -> Work:
    """A step is five or ten calls."""
    import torch

    table, start, score = problem.tables, torch.tensor(problem.start), score_of(problem)
    b, c = table.b.tolist(), table.c.tolist()
    now, z = [start.clone()], torch.empty_like(start)

    def step(x: Any, k: int, z: Any) -> Any:
        q = k % len(b)
        return x.add_(score(x, q), alpha=b[q]).add_(z, alpha=c[q])

    def answer() -> list[Array]:
        x = torch.tensor(problem.fewer.start)
        for k, noise in enumerate(problem.noise):
            step(x, k, torch.tensor(noise))
        return [x.numpy()]

    def run(repeats: int) -> None:
        with torch.inference_mode():
            for _ in range(repeats):
                x = start.clone() if problem.method == "reverse" else now[0].clone()
                for k in range(problem.steps):
                    step(x, k, z.normal_())
                now[0] = x

    return Work(run, answer)


def compiled(problem: Chains) -> Work:
    """`torch.compile` of a step with its noise."""
    import torch

    start, score = torch.tensor(problem.start), mixture_score(problem) if problem.components else None
    rows = list(zip(*(torch.tensor(a) for a in problem.tables)))  # 1/σ², log w - …, b and c of each step
    plain = score_of(problem)

    def moved(x: Any, row: Any, z: Any) -> Any:
        precision, log_weight, b, c = row
        s = plain(x, 0) if score is None else score(x, precision, log_weight)
        return x + b * s + c * z

    whole = torch.compile(lambda x, row: moved(x, row, torch.randn_like(x)), fullgraph=True)
    now = [start]

    def answer() -> list[Array]:
        x = torch.tensor(problem.fewer.start)
        for k, noise in enumerate(problem.noise):
            x = moved(x, rows[k % len(rows)], torch.tensor(noise))
        with torch.no_grad():
            whole(start, rows[0])
        return [x.numpy()]

    def run(repeats: int) -> None:
        with torch.no_grad():
            for _ in range(repeats):
                x = start if problem.method == "reverse" else now[0]
                for k in range(problem.steps):
                    x = whole(x, rows[k % len(rows)])
                now[0] = x

    return Work(run, answer)


def score_of(problem: Chains) -> Callable[[Any, int], Any]:
    """The score at a level of the tables, for eager torch.

    Parameters
    ----------
    problem : Chains
        Which law.

    Returns
    -------
    callable
        s(x, row).
    """
    import torch

    if not problem.components:
        minus = -torch.tensor(problem.matrix.astype(problem.dtype))
        return lambda x, q: x @ minus  # noqa: ARG005  one level
    at, table = mixture_score(problem), problem.tables
    precision, log_weight = torch.tensor(table.precision), torch.tensor(table.log_weight)
    return lambda x, q: at(x, precision[q], log_weight[q])


def mixture_score(problem: Chains) -> Callable[[Any, Any, Any], Any]:
    """The score of the mixture from the precisions and weights of a level.

    Parameters
    ----------
    problem : Chains
        Which law.

    Returns
    -------
    callable
        s(x, 1/σ², log w - ½ d log σ²).
    """
    import torch

    means = torch.tensor(problem.means.astype(problem.dtype))
    half = 0.5 * (means * means).sum(1)

    def score(x: Any, precision: Any, log_weight: Any) -> Any:
        e = (x @ means.T - half - 0.5 * (x * x).sum(1, keepdim=True)) * precision + log_weight
        p = torch.softmax(e, 1) * precision
        return p @ means - p.sum(1, keepdim=True) * x

    return score


def normals(problem: Normals) -> Work:
    """`normal_` into a tensor that is there already."""
    import torch

    out = torch.empty((problem.n, problem.d), dtype=getattr(torch, problem.dtype))

    def run(repeats: int) -> None:
        for _ in range(repeats):
            out.normal_()

    return Work(run, lambda: [torch.randn(out.shape, dtype=out.dtype).numpy()])
