"""Adapters for the kernels of blackjax: `refscore check validation/peers/blackjax_kernels.py`.

SGLD on all data, MALA and one step of SGHMC have a value, which is compared. The integrators of HMC are run without the
decision that corrects them, at the last noise level and from equilibrium, which they should not leave: n steps over a
time that stays the same show their order by the exact law of the output. So is SGLD.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import blackjax
import jax
import jax.numpy as jnp
import numpy as np
from blackjax.mcmc import integrators, metrics
from blackjax.sgmcmc import diffusions
from numpy.typing import NDArray

from refscore.conformance import Adapter
from refscore.conformance.recorders.numpy import standard_normal
from validation.peers.blackjax_driver import VERSION, drawing, log_density, mapped, score_of, target
from validation.peers.reverse import STOP

Array = NDArray[np.floating[Any]]

__all__ = ["PEERS", "adapter"]

KEY = jax.random.key(0)
DURATION = 1.0


@final
@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One kernel, and what is claimed for it.

    Parameters
    ----------
    name : str
        For the table.
    order : float
        The claimed order.
    claim : str
        Who claims it.
    run : callable
        From a state and the number of steps to the last state.
    steps : tuple of int
        Step counts that show the order.
    """

    name: str
    order: float
    claim: str
    run: Callable[[Array, int], Array]
    steps: tuple[int, ...] = (20, 40, 80, 160)


def as_adapter(peer: Peer) -> Adapter:
    """The adapter of a peer.

    Parameters
    ----------
    peer : Peer
        A kernel.

    Returns
    -------
    Adapter
        It offers ``sampler.black_box``.
    """
    adapter = Adapter(f"blackjax {peer.name}", version=VERSION, arrays="numpy", dtype="float64")

    @adapter.implements(
        "sampler.black_box", order=peer.order, stochastic=True, start=STOP, stop=STOP, steps=peer.steps,
        noise="recorded",
    )  # fmt: skip
    def sampler(exact: Any, x: Array, *, n_steps: int) -> Array:
        with target(lambda x: exact.score(x, alpha=STOP[0], sigma=STOP[1])):
            return peer.run(x, n_steps)

    return adapter


@mapped
def _sgld(x: Any, z: Any, step_size: Any) -> Any:
    with drawing(z):
        return blackjax.sgld.build_kernel()(KEY, x, score_of, None, step_size)


@mapped
def _mala(x: Any, z: Any, u: Any, step_size: Any) -> Any:
    with drawing(z, u):
        state, info = blackjax.mala.build_kernel()(KEY, blackjax.mala.init(x, log_density), log_density, step_size)
    return state.position, info.is_accepted


@mapped
def _sghmc(x: Any, v: Any, z: Any, step_size: Any, friction: Any) -> Any:
    with drawing(z):
        return diffusions.sghmc(friction, 0.0)(KEY, x, v, score_of(x), step_size)


def _langevin(x: Array, n_steps: int) -> Array:
    for _ in range(n_steps):
        x = _sgld(x, standard_normal(x.shape), step_size=DURATION / n_steps)
    return x


def _trajectory(integrator: Any) -> Callable[[Array, int], Array]:
    """Of HMC, its proposal without the decision."""

    @mapped
    def begin(x: Any, z: Any) -> Any:
        with drawing(z):
            momentum = metrics.default_metric(jnp.ones(2)).sample_momentum(KEY, x)
        return integrators.new_integrator_state(log_density, x, momentum)

    @mapped
    def step(position: Any, momentum: Any, value: Any, gradient: Any, step_size: Any) -> Any:
        kinetic = metrics.default_metric(jnp.ones(2)).kinetic_energy
        state = integrators.IntegratorState(position, momentum, value, gradient)
        return integrator(log_density, kinetic)(state, step_size)

    def run(x: Array, n_steps: int) -> Array:
        state = begin(x, standard_normal(x.shape))
        for _ in range(n_steps):
            state = step(*state, step_size=DURATION / n_steps)
        return np.asarray(state.position)

    return run


PALINDROME = "palindromic: even"
PEERS = [
    Peer("SGLD", 1, "Euler solver", _langevin),
    Peer("HMC, velocity_verlet", 2, "velocity Verlet", _trajectory(integrators.velocity_verlet)),
    Peer("HMC, mclachlan", 2, PALINDROME, _trajectory(integrators.mclachlan)),
    Peer("HMC, yoshida", 2, PALINDROME, _trajectory(integrators.yoshida)),
    Peer("HMC, omelyan", 4, "Omelyan et al. 2003", _trajectory(integrators.omelyan), steps=(4, 6, 8, 12)),
]

STEPS = Adapter("blackjax kernels", version=VERSION, arrays="numpy", dtype="float64")


@STEPS.implements("step.langevin", scale="full")
def sgld(score: Any, x: Array, noise: Array, *, step_size: float) -> Any:
    """``sgld.build_kernel``, the gradient that of all data."""
    with target(score):
        return _sgld(x, noise, step_size=step_size)


@STEPS.implements("step.mala", scale="full")
def mala(score: Any, log_prob: Any, x: Array, noise: Array, uniform: Array, *, step_size: float) -> Any:
    """``mala.build_kernel``."""
    with target(score, log_prob):
        return _mala(x, noise, uniform, step_size=step_size)


@STEPS.implements("step.underdamped", splitting="euler")
def sghmc(score: Any, x: Array, velocity: Array, noise: Array, *, step_size: float, friction: float) -> Any:
    """One step of the integrator of ``sghmc``, its alpha the friction and its beta 0."""
    with target(score):
        return _sghmc(x, velocity, noise, step_size=step_size, friction=friction)


adapter = [*(as_adapter(peer) for peer in PEERS), STEPS]
