"""torch: eager with its Adam, as most people write it, and compiled; `torch.func` and a loop for the trace."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from validation.benchmarks.problems import DECAY1, DECAY2, EPSILON, RATE, UPDATES, Array, Forward, Trace, Training
from validation.benchmarks.process import Work

__all__ = ["forward", "trace_jacfwd", "trace_jacrev", "trace_loop", "training", "training_compiled", "training_fused"]


def training(problem: Training) -> Work:
    """Eager, with the optimiser's defaults."""
    return _training(problem)


def training_fused(problem: Training) -> Work:
    """Eager, with the optimiser's fused kernel."""
    return _training(problem, fused=True)


def training_compiled(problem: Training) -> Work:
    """Network and loss compiled to C++, with the optimiser's fused kernel."""
    import torch

    return _training(problem, transform=torch.compile, fused=True)


def _training(problem: Training, *, transform: Any = None, fused: bool = False) -> Work:
    import torch

    net = _network(problem)
    data, sigmas, n = torch.tensor(problem.data), torch.tensor(problem.sigmas), problem.batch
    generator = torch.Generator().manual_seed(0)

    def loss_of(x0: Any, noise: Any, sigma: Any) -> Any:
        score = net(x0 + sigma * noise) / sigma
        return (0.5 * sigma[:, 0] ** 2 * ((score + noise / sigma) ** 2).sum(-1)).mean()

    loss = transform(loss_of) if transform else loss_of

    def optimiser() -> Any:
        return torch.optim.Adam(net.parameters(), RATE, (DECAY1, DECAY2), EPSILON, fused=fused)

    def update(adam: Any, x0: Any, noise: Any, sigma: Any) -> Any:
        adam.zero_grad()
        value = loss(x0, noise, sigma)
        value.backward()
        adam.step()
        return value

    def answer() -> Sequence[Array]:
        start, adam, found = _flat(net.parameters()), optimiser(), []
        for k in range(UPDATES):
            x0, noise, sigma = problem.draws(k)
            value = update(adam, torch.tensor(x0), torch.tensor(noise), torch.tensor(sigma)[:, None])
            if k == 0:
                found = [value.detach().numpy(), _flat(p.grad for p in net.parameters())]
        found.append(_flat(net.parameters()))
        torch.nn.utils.vector_to_parameters(torch.tensor(start), net.parameters())
        return found

    adam = optimiser()

    def run(repeats: int) -> None:
        for _ in range(repeats):
            x0 = data[torch.randint(len(data), (n,), generator=generator)]
            sigma = sigmas[torch.randint(len(sigmas), (n,), generator=generator)][:, None]
            update(adam, x0, torch.randn(x0.shape, dtype=x0.dtype, generator=generator), sigma)

    return Work(run, answer)


def forward(problem: Forward) -> Work:
    """Eager, without gradients."""
    import torch

    net, x = _network(problem), torch.tensor(problem.x)

    def run(repeats: int) -> None:
        with torch.inference_mode():
            for _ in range(repeats):
                net(x)

    return Work(run, lambda: [net(x).detach().numpy()])


def trace_jacfwd(problem: Trace) -> Work:
    """Forward mode for the whole Jacobian, vectorised over the points."""
    import torch

    return _trace(problem, torch.func.jacfwd)


def trace_jacrev(problem: Trace) -> Work:
    """Reverse mode for the whole Jacobian, vectorised over the points."""
    import torch

    return _trace(problem, torch.func.jacrev)


def _trace(problem: Trace, jacobian: Any) -> Work:
    import torch

    net, x = _network(problem).requires_grad_(False), torch.tensor(problem.x)
    trace = torch.func.vmap(lambda point: jacobian(net)(point).diagonal().sum())
    return Work(lambda repeats: [trace(x) for _ in range(repeats)], lambda: [trace(x).numpy()])


def trace_loop(problem: Trace) -> Work:
    """One `torch.autograd.grad` for each dimension, as implicit score matching is mostly written."""
    import torch

    net = _network(problem).requires_grad_(False)
    x = torch.tensor(problem.x, requires_grad=True)

    def trace() -> Any:
        score = net(x)
        rows = (torch.autograd.grad(score[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(problem.d))
        return sum(rows)

    return Work(lambda repeats: [trace() for _ in range(repeats)], lambda: [trace().numpy()])


def _network(problem: Training | Forward | Trace) -> Any:
    import torch

    phi = {"silu": torch.nn.SiLU, "tanh": torch.nn.Tanh, "softplus": torch.nn.Softplus}[problem.activation]
    parts: list[Any] = []
    for fan_in, fan_out in pairwise(problem.widths):
        parts += [torch.nn.Linear(fan_in, fan_out), phi()]
    net = torch.nn.Sequential(*parts[:-1]).to(getattr(torch, problem.dtype))
    torch.nn.utils.vector_to_parameters(torch.tensor(problem.theta), net.parameters())
    return net


def _flat(parts: Any) -> Array:
    return np.concatenate([part.detach().numpy().ravel() for part in parts])
