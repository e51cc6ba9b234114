"""How a solver of diffrax is driven: ``init`` and ``step`` from time to time, as the library shows for a loop by hand.

The equations are those of :mod:`validation.peers.reverse`, and for the solvers of Langevin diffusions

    dx = v dt,   dv = (−γ v + u s(x)) dt + √(2 γ u) dW

at the last noise level, started in equilibrium, which it should not leave. A step of one sample is mapped over the
batch and compiled; the model is called back from it. Increments and Lévy areas are those of ``UnsafeBrownianPath``,
whose normal draws are arguments of the compiled step.
"""

from __future__ import annotations

import importlib.metadata
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final
from unittest import mock

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax
import numpy as np
from numpy.typing import NDArray

from refscore.conformance import Adapter
from refscore.conformance.recorders.numpy import standard_normal
from validation.peers.reverse import LENGTH, START, STOP, T_START, T_STOP, diffusion_squared, flow, reverse

Array = NDArray[np.floating[Any]]

__all__ = ["DURATION", "FRICTION", "Peer", "as_adapter"]

VERSION = importlib.metadata.version("diffrax")
jax.config.update("jax_enable_x64", True)

DRAWS = {diffrax.BrownianIncrement: 1, diffrax.SpaceTimeLevyArea: 2, diffrax.SpaceTimeTimeLevyArea: 3}
SIZES = (8, 128, 384, 1024)
FRICTION, MASS, DURATION = 2.0, 0.5, 2.0  # γ, 1/u and the time a Langevin diffusion runs


@final
@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One solver, and what is claimed for it.

    Parameters
    ----------
    name : str
        For the table.
    solver : AbstractSolver
        Of diffrax.
    order : float
        The claimed order.
    claim : str
        Who claims it.
    equation : {"reverse", "flow", "langevin"}
        What it solves.
    levy : type
        What the Brownian path gives.
    steps : tuple of int
        Step counts that show the order.
    """

    name: str
    solver: Any
    order: float
    claim: str
    equation: str = "reverse"
    levy: Any = diffrax.BrownianIncrement
    steps: tuple[int, ...] = (20, 40, 80, 160)


def as_adapter(peer: Peer) -> Adapter:
    """The adapter of a peer.

    Parameters
    ----------
    peer : Peer
        A configuration.

    Returns
    -------
    Adapter
        It offers ``sampler.black_box``.
    """
    adapter = Adapter(f"diffrax {peer.name}", version=VERSION, arrays="numpy", dtype="float64")
    langevin, stochastic = peer.equation == "langevin", peer.equation != "flow"
    init, step = _compiled(peer)

    @adapter.implements(
        "sampler.black_box",
        order=peer.order,
        stochastic=stochastic,
        start=STOP if langevin else START,
        stop=STOP,
        steps=peer.steps,
        noise="recorded",
    )
    def sampler(exact: Any, x: Array, *, n_steps: int) -> Array:
        first, length = (0.0, DURATION) if langevin else (-T_START, LENGTH)
        times = first + length * np.arange(n_steps + 1) / n_steps
        y: Any = _padded(x)
        if langevin:
            y = (y, _padded(standard_normal(x.shape)) / np.sqrt(MASS))
        state = None
        with _model(exact):
            for t0, t1 in itertools.pairwise(times):
                draws = [_padded(standard_normal(x.shape)) for _ in range(DRAWS[peer.levy] if stochastic else 0)]
                if state is None:
                    state = init(draws, t0, t1, y)
                y, state = step(draws, t0, t1, y, state)
        return np.asarray(y[0] if langevin else y)[: len(x)]

    return adapter


_exact: list[Any] = []  # the model of the run that is under way: compiled code cannot hold one that changes


@contextmanager
def _model(exact: Any) -> Iterator[None]:
    _exact.append(exact)
    try:
        yield
    finally:
        _exact.pop()


def _padded(x: Array) -> Array:
    """With rows of zeros, up to one of a few sizes: every size is compiled anew, and rows do not see each other."""
    rows = next(size for size in SIZES if size >= len(x))
    return np.concatenate([x, np.zeros((rows - len(x), *x.shape[1:]))])


def _increment(peer: Peer, draws: list[Any], t0: Any, t1: Any) -> Any:
    """The library's increment of a Brownian path, its normal draws being these."""
    if peer.equation == "flow":
        return None
    shape = jax.ShapeDtypeStruct(draws[0].shape, draws[0].dtype)
    path = diffrax.UnsafeBrownianPath(shape, key=jax.random.key(0), levy_area=peer.levy)
    with jax.disable_jit(), mock.patch.object(jax.random, "normal", side_effect=draws) as normal:
        found = path.evaluate(t0, t1, use_levy=True)
    if normal.call_count != len(draws):
        raise ValueError(f"{normal.call_count} of {len(draws)} draws are used")
    return found


class _Known(diffrax.AbstractPath):
    """A path of which one increment is known."""

    increment: Any
    t0 = -jnp.inf
    t1 = jnp.inf

    def evaluate(self, t0: Any, t1: Any = None, left: bool = True, use_levy: bool = False) -> Any:  # noqa: ARG002
        return self.increment if use_levy else self.increment.W


def _score(t: Any, x: Any) -> Any:
    """The score of the model at time t, called back from compiled code."""

    def score(t: Any, x: Any) -> Any:
        t = float(np.ravel(t)[0])  # the same for all samples
        return np.asarray(_exact[-1].score(np.asarray(x), alpha=1 - t, sigma=t))

    return jax.pure_callback(score, jax.ShapeDtypeStruct(x.shape, x.dtype), t, x, vmap_method="broadcast_all")


def _flow(u: Any, x: Any, args: Any) -> Any:  # noqa: ARG001
    return flow(_score(-u, x), x, -u)


def _reverse(u: Any, x: Any, args: Any) -> Any:  # noqa: ARG001
    return reverse(_score(-u, x), x, -u)


def _diffusion(u: Any, x: Any, args: Any) -> Any:  # noqa: ARG001
    return lineax.DiagonalLinearOperator(jnp.sqrt(diffusion_squared(-u)) * jnp.ones_like(x))


def _gradient(x: Any, *args: Any) -> Any:  # noqa: ARG001
    return -_score(jnp.asarray(T_STOP), x)


def _terms(equation: str, increment: Any) -> Any:
    if equation == "flow":
        return diffrax.ODETerm(_flow)
    path = _Known(increment)
    if equation == "reverse":
        return diffrax.MultiTerm(diffrax.ODETerm(_reverse), diffrax.ControlTerm(_diffusion, path))
    gamma, u = jnp.asarray(FRICTION), jnp.asarray(1 / MASS)
    return diffrax.MultiTerm(
        diffrax.UnderdampedLangevinDriftTerm(gamma, u, _gradient),
        diffrax.UnderdampedLangevinDiffusionTerm(gamma, u, path),
    )


def _compiled(peer: Peer) -> tuple[Any, Any]:
    """The solver's ``init`` and ``step`` on a batch."""

    def init(draws: list[Any], t0: Any, t1: Any, y: Any) -> Any:
        def one(draws: list[Any], y: Any) -> Any:
            return peer.solver.init(_terms(peer.equation, _increment(peer, draws, t0, t1)), t0, t1, y, None)

        return jax.vmap(one)(draws, y)

    def step(draws: list[Any], t0: Any, t1: Any, y: Any, state: Any) -> Any:
        def one(draws: list[Any], y: Any, state: Any) -> Any:
            terms = _terms(peer.equation, _increment(peer, draws, t0, t1))
            moved, _, _, state, _ = peer.solver.step(terms, t0, t1, y, None, state, made_jump=False)
            return moved, state

        return jax.vmap(one)(draws, y, state)

    return eqx.filter_jit(init), eqx.filter_jit(step)
