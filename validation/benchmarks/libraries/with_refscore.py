"""refscore: NumPy, every derivative by hand; and with activations and Adam compiled by Numba (refscore_kernels)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from refscore import fit, models
from refscore.models.mlp import MLPScore
from refscore.models.workspace import Workspace
from validation.benchmarks.problems import (
    DECAY1,
    DECAY2,
    EPSILON,
    RATE,
    UPDATES,
    Array,
    Forward,
    Trace,
    Training,
)
from validation.benchmarks.process import Work

__all__ = ["forward", "forward_compiled", "trace", "training", "training_compiled"]


def training(problem: Training) -> Work:
    """`refscore.fit.train`, going on from where the last turn stopped."""
    return _training(problem, problem.loss, fit.adam)


def training_compiled(problem: Training) -> Work:
    """The same, in NumPy but for the activations and Adam."""
    from refscore_kernels import cpu

    return _training(problem, problem.loss_of(_compiled(problem)), cpu.adam)


def _training(problem: Training, loss: fit.Loss, rule: Callable[..., fit.Optimiser]) -> Work:
    adam = rule(RATE, beta1=DECAY1, beta2=DECAY2, epsilon=EPSILON)
    now = [fit.train(loss, n_steps=0, optimiser=adam, progress=False).state]

    def run(repeats: int) -> None:
        total = now[0].step + repeats
        now[0] = fit.train(loss, n_steps=total, optimiser=adam, start=now[0], progress=False).state

    def answer() -> Sequence[Array]:
        values, gradient = loss(problem.theta, 0)
        found = [values.mean(), gradient.copy()]
        return [*found, fit.train(loss, n_steps=UPDATES, optimiser=adam, progress=False).state.theta]

    return Work(run, answer)


def forward(problem: Forward) -> Work:
    """Into the buffers of a workspace."""
    return _forward(problem, problem.network)


def forward_compiled(problem: Forward) -> Work:
    """The same, in NumPy but for the activations."""
    return _forward(problem, _compiled(problem))


def _forward(problem: Forward, network: models.Network) -> Work:
    space, x = Workspace(network, problem.batch, np.dtype(problem.dtype).type), problem.x

    def run(repeats: int) -> None:
        for _ in range(repeats):
            space.evaluate(x)

    return Work(run, lambda: [space.evaluate(x).copy()])


def trace(problem: Trace) -> Work:
    """By the algebraic short cut up to two hidden layers, else by a product for each sample."""
    model, x = MLPScore(problem.network), problem.x
    return Work(lambda repeats: [model.trace(x) for _ in range(repeats)], lambda: [model.trace(x)])


def _compiled(problem: Training | Forward) -> models.Network:
    from refscore_kernels import cpu

    phi = {"silu": cpu.SILU, "tanh": cpu.TANH, "softplus": cpu.SOFTPLUS}[problem.activation]
    plain = problem.network
    return models.Network(plain.weights, plain.biases, phi)
