"""How a kernel of blackjax is driven: chain by chain, its random numbers given to it.

Its kernels draw with ``jax.random`` inside. While one is traced, ``normal`` and ``bernoulli`` take their numbers from
the arguments of the compiled kernel. The target's log density and its gradient are called back from there.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import blackjax
import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["VERSION", "drawing", "log_density", "mapped", "score_of", "target"]

VERSION = importlib.metadata.version("blackjax")
jax.config.update("jax_enable_x64", True)

_targets: list[tuple[Any, Any]] = []  # of the run under way: compiled code cannot hold one that changes


@contextmanager
def target(score: Any, log_prob: Any = None) -> Iterator[None]:
    """While open, this is what :func:`log_density` stands for.

    Parameters
    ----------
    score : callable
        (n, d) to (n, d), NumPy.
    log_prob : callable, optional
        (n, d) to (n,), NumPy; 0 by default, for kernels that use the gradient alone.

    Yields
    ------
    None
        The context.
    """
    _targets.append((score, log_prob or (lambda x: np.zeros(len(x)))))
    try:
        yield
    finally:
        _targets.pop()


@jax.custom_jvp
def log_density(x: Any) -> Any:
    """Log density of one point, which JAX can differentiate.

    Parameters
    ----------
    x : (d,) array
        The point.

    Returns
    -------
    () array
        Its log density.
    """
    return _called(1, x, ())


def score_of(x: Any, minibatch: Any = None) -> Any:  # noqa: ARG001
    """The gradient of the log density, and what blackjax calls a gradient estimator: the data are all there.

    Parameters
    ----------
    x : (d,) array
        The point.
    minibatch : object
        Not used.

    Returns
    -------
    (d,) array
        The score.
    """
    return _called(0, x, x.shape)


@log_density.defjvp
def _directional(primals: Any, tangents: Any) -> Any:
    (x,), (v,) = primals, tangents
    return log_density(x), jnp.sum(score_of(x) * v)


def _called(which: int, x: Any, shape: tuple[int, ...]) -> Any:
    def host(x: Any) -> Any:
        points = np.asarray(x)
        value = np.asarray(_targets[-1][which](points.reshape(-1, points.shape[-1])), dtype=np.float64)
        return value.reshape(*points.shape[:-1], *shape)

    return jax.pure_callback(host, jax.ShapeDtypeStruct(shape, x.dtype), x, vmap_method="expand_dims")


@contextmanager
def drawing(*numbers: Any) -> Iterator[None]:
    """While open, the draws of ``jax.random`` are these, one after the other.

    Parameters
    ----------
    *numbers : arrays
        Normals, and the uniforms that decisions are made with.

    Yields
    ------
    None
        The context.
    """
    left = list(numbers)

    def normal(*_: Any, **__: Any) -> Any:
        return left.pop(0)

    def bernoulli(key: Any, p: Any) -> Any:  # noqa: ARG001
        return left.pop(0) < p

    with mock.patch.object(blackjax.util, "normal", normal), mock.patch.object(jax.random, "bernoulli", bernoulli):
        yield
    if left:
        raise ValueError(f"{len(left)} of {len(numbers)} draws are not used")


def mapped(one: Callable[..., Any]) -> Callable[..., Any]:
    """A function of one chain, on a batch of them and compiled.

    Parameters
    ----------
    one : callable
        Its positional arguments are of one chain, its keywords are shared.

    Returns
    -------
    callable
        NumPy in and out.
    """

    @jax.jit
    def run(arguments: Any, shared: Any) -> Any:
        return jax.vmap(lambda *chain: one(*chain, **shared))(*arguments)

    def call(*arguments: Any, **shared: Any) -> Any:
        return jax.tree.map(np.asarray, run(tuple(np.asarray(value) for value in arguments), shared))

    return call
