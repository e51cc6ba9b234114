"""Samplers that propose and decide: values for :func:`refscore_kernels.run`, and how their steps are taken.

A proposal is L steps of leapfrog from a fresh velocity, s = ∇log p,

    v₀ = z,   x₀ = x;   v ← v + (h/2) s(x),   x ← x + h v,   v ← v + (h/2) s(x),   L times               (KMA.1)
    log a = log p(x*) - log p(x) + Σ_i ½ (z_i - v_i) (z_i + v_i)                                        (KMA.2)
    x' = x* where log u < log a, else x                                                                (KMA.3)

and MALA with step size ε is L = 1 and h = √ε. z are the normals and u the first uniform of (seed, chain, step, stream).
Portable and compiled take every decision alike, bit for bit. One step of MALA with s = p (m - x) is the reference's but
for

    |x*_kernel - x*_reference| ≤ 12 · 2^-53 (|x| + (ε/2) p (|x| + |m|) + √ε |z|)                          (KMA.5)

The reference, which compares u with a, may take another decision only where log u is within the roundings δ of log a:

    P(the reference decides otherwise) ≤ 1 - e^-δ ≤ δ                                                  (KMA.6)

for a chain and step; then that chain, and no other, is another one from there on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from refscore.arrays import integer, number, positive
from refscore.noise import tape, uniforms
from refscore.samplers import hmc_step, mala_step
from refscore.targets import Gaussian, Mixture
from refscore_kernels import portable
from refscore_kernels.backends import LANES, compiled, spread, width_of
from refscore_kernels.portable.noise import round_keys
from refscore_kernels.prepare import Prepared, prepare
from refscore_kernels.state import Address

__all__ = ["Counted", "Hmc", "Mala", "metropolis"]

Array = NDArray[np.floating[Any]]
Counts = NDArray[np.int64]
Counted = Callable[[Array, Counts, int, int], None]
"""advance(y, taken, k, end): as the others, and counts what each chain accepted."""


@final
@dataclass(frozen=True, slots=True)
class Mala:
    """The Metropolis-adjusted Langevin algorithm, ``refscore.samplers.mala_step``, for :func:`refscore_kernels.run`.

        x* = x + (ε/2) s(x) + √ε z                                                                    (KMA.4)

    Parameters
    ----------
    step_size : float
        ε > 0, in squared units of x.

    Examples
    --------
    The rate of acceptance on a Gaussian is known: ``refscore.exact.acceptance``.

    >>> import numpy as np
    >>> import refscore as rs
    >>> import refscore_kernels as rk
    >>> start = rs.noise.normals(0, np.arange(2000), 1)  # from the law itself
    >>> state = rk.run(rk.Mala(1.0), rs.targets.gaussian([0.0], 1.0), start, seed=1, steps=20, backend="portable")
    >>> bool(abs(state.accepted.mean() / 20 - rs.exact.acceptance.mala(1.0, step_size=1.0)) < 0.01)
    True
    """

    step_size: float

    def __post_init__(self) -> None:
        number(self.step_size, "step_size", positive)

    @property
    def name(self) -> str:
        """What states and reports call it."""
        return "mala"

    @property
    def n_steps(self) -> None:
        """Any number of equal steps."""
        return

    @property
    def leapfrog(self) -> tuple[float, int]:
        """(h, L)."""
        return float(np.sqrt(self.step_size)), 1  # (KMA.4)

    def step(
        self, target: Gaussian | Mixture, x: Array, noise: Array, uniform: Array
    ) -> tuple[Array, NDArray[np.bool_]]:
        """The reference's step: x' (N, d), and which were accepted (N,)."""
        return mala_step(target.score, target.log_prob, x, noise, uniform, step_size=self.step_size)


@final
@dataclass(frozen=True, slots=True)
class Hmc:
    """Hamiltonian Monte Carlo, ``refscore.samplers.hmc_step``, for :func:`refscore_kernels.run`.

        v₀ = z,   x₀ = x;   v ← v + (h/2) s(x),   x ← x + h v,   v ← v + (h/2) s(x),   L times          (KMA.1)

    Parameters
    ----------
    step_size : float
        h > 0, a time.
    leapfrog_steps : int
        L ≥ 1.

    Examples
    --------
    >>> import refscore as rs
    >>> import refscore_kernels as rk
    >>> law = rs.targets.gaussian([0.0], 1.0)
    >>> how = {"seed": 1, "steps": 5, "backend": "portable"}
    >>> by_hmc, by_mala = (rk.run(s, law, [[3.0]], **how) for s in (rk.Hmc(0.5, 1), rk.Mala(0.25)))
    >>> bool((by_hmc.x == by_mala.x).all()), by_hmc.accepted
    (True, array([5]))
    """

    step_size: float
    leapfrog_steps: int

    def __post_init__(self) -> None:
        number(self.step_size, "step_size", positive)
        if integer(self.leapfrog_steps, "leapfrog_steps") < 1:
            raise ValueError(f"leapfrog_steps is {self.leapfrog_steps}; expected at least 1")

    @property
    def name(self) -> str:
        """What states and reports call it."""
        return "hmc"

    @property
    def n_steps(self) -> None:
        """Any number of equal steps."""
        return

    @property
    def leapfrog(self) -> tuple[float, int]:
        """(h, L)."""
        return float(self.step_size), int(self.leapfrog_steps)

    def step(
        self, target: Gaussian | Mixture, x: Array, noise: Array, uniform: Array
    ) -> tuple[Array, NDArray[np.bool_]]:
        """The reference's step: x' (N, d), and which were accepted (N,)."""
        size, count = self.leapfrog
        return hmc_step(target.score, target.log_prob, x, noise, uniform, step_size=size, n_steps=count)


def metropolis(
    sampler: Mala | Hmc,
    target: Any,
    address: Address,
    dtype: type[np.floating[Any]],
    threads: int,
    contract: bool,
    backend: str,
) -> Counted:
    """How steps of (KMA.1) to (KMA.3) are taken.

    Parameters
    ----------
    sampler : Mala or Hmc
        Which.
    target : Gaussian or Mixture
        p, with its log density.
    address : Address
        Of the noise.
    dtype : np.float64 or np.float32
        Of the numbers.
    threads : int
        How many, for "cpu".
    contract : bool
        Whether products and sums may be rounded together.
    backend : "cpu", "portable" or "reference"
        As for :func:`refscore_kernels.run`.

    Returns
    -------
    callable
        advance(y, taken, k, end), y (1, d, N) and taken (N,).

    Raises
    ------
    TypeError
        If the target is no Gaussian and no mixture.
    """
    if not isinstance(target, (Gaussian, Mixture)):
        raise TypeError(
            f"score is {type(target).__name__}; expected a Gaussian or a Mixture, "
            f"whose log density {sampler.name} needs"
        )
    if backend == "reference":
        return _reference(sampler, target, address)
    ready, (h, moves) = prepare(target, np.array([[1.0, 0.0]]), dtype), sampler.leapfrog
    sizes = np.array([h, 0.5 * h, 0.5], dtype)
    functions = compiled(dtype is np.float32, contract) if backend == "cpu" else None
    if functions is None:
        return _portable(ready, sizes, moves, address)
    kernel, keys = functions[f"run_metropolis_{ready.name}"], round_keys(address.seed)
    place = (address.first_chain, 0, address.stream)

    def go(y: Array, taken: Counts, k: int, end: int) -> None:
        width = width_of(6 * y.shape[1] + ready.rows, y.dtype.itemsize)

        def part(span: tuple[int, int]) -> None:
            kernel(ready.params, ready.rows, y, taken, sizes, moves, place, (*span, width, k, end), keys)

        spread(part, y.shape[2], width, threads)

    return go


def _reference(sampler: Mala | Hmc, target: Gaussian | Mixture, address: Address) -> Counted:
    seed, stream, chain = address

    def go(y: Array, taken: Counts, k: int, end: int) -> None:
        x = y[0].T
        chains = np.arange(chain, chain + len(x))
        for j in range(k, end):
            z = tape(seed, 1, len(x), x.shape[1], stream=stream, first_step=j, first_chain=chain)[0]
            x, accepted = sampler.step(target, x, z, uniforms(seed, chains, 1, j, stream=stream)[:, 0])
            taken += accepted
        y[0] = x.T

    return go


def _portable(ready: Prepared, sizes: Array, moves: int, address: Address) -> Counted:
    keys, function = round_keys(address.seed), portable.SCORES[ready.name]

    def go(y: Array, taken: Counts, k: int, end: int) -> None:
        for lo in range(0, y.shape[2], LANES):
            place, here = (address.first_chain + lo, 0, address.stream), slice(lo, lo + LANES)
            portable.metropolis.metropolis(
                lambda x: function(x, 0, ready.params), y[:, :, here], taken[here], sizes, moves, place, (k, end), keys
            )

    return go
