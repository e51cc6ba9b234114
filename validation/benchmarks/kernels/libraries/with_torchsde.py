"""torchsde: its Euler–Maruyama solver on the equation, all chains in one state."""

from __future__ import annotations

from typing import Any

import numpy as np

from validation.benchmarks.kernels.libraries.with_torch import mixture_score, score_of
from validation.benchmarks.kernels.problems import STEP, T_END, T_START, Array, Chains
from validation.benchmarks.process import Work

__all__ = ["euler"]


def euler(problem: Chains) -> Work:
    """`sdeint(…, method="euler")` with diagonal noise and the default Brownian motion."""
    import torch
    import torchsde

    reverse, dtype = problem.method == "reverse", getattr(torch, problem.dtype)
    h = (T_START - T_END) / problem.steps if reverse else STEP
    plain, at = score_of(problem), mixture_score(problem) if reverse else None
    variances = torch.tensor(problem.variances.astype(problem.dtype))
    log_w = torch.tensor(np.log(problem.weights).astype(problem.dtype)) if problem.components else None

    class Equation:
        noise_type, sde_type = "diagonal", "ito"

        def f(self, t: Any, y: Any) -> Any:
            if at is None:
                return 0.5 * plain(y, 0)
            level = T_START - t
            spread = variances + level**2
            return 2 * level * at(y, 1 / spread, log_w - 0.5 * problem.d * torch.log(spread))

        def g(self, t: Any, y: Any) -> Any:
            return torch.full_like(y, 1.0) if at is None else torch.sqrt(2 * (T_START - t)).expand_as(y)

    class Given(torchsde.BaseBrownian):  # type: ignore[misc]
        """Steps of a tape."""

        def __init__(self, noise: Array) -> None:
            self.noise = torch.tensor(noise) * h**0.5

        def __call__(self, ta: Any, tb: Any = None, return_U: bool = False, return_A: bool = False) -> Any:  # noqa: ARG002
            return self.noise[round(float(ta) / h)]

        def __repr__(self) -> str:
            return "Given"

        dtype = property(lambda self: self.noise.dtype)
        device = property(lambda self: self.noise.device)
        shape = property(lambda self: self.noise.shape[1:])
        levy_area_approximation = property(lambda self: "none")  # noqa: ARG005

    def solved(x: Any, steps: int, motion: Any = None) -> Any:
        ends = torch.tensor([0.0, steps * h], dtype=dtype)
        return torchsde.sdeint(Equation(), x, ends, bm=motion, dt=h, method="euler")[-1]

    start = torch.tensor(problem.start)
    now = [start]

    def answer() -> list[Array]:
        return [solved(torch.tensor(problem.fewer.start), len(problem.noise), Given(problem.noise)).numpy()]

    def run(repeats: int) -> None:
        with torch.inference_mode():
            for _ in range(repeats):
                now[0] = solved(start if reverse else now[0], problem.steps)

    return Work(run, answer)
