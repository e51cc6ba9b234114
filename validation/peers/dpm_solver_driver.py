"""How the authors' DPM-Solver is driven: a wrapped model of (x, t), a VP schedule, method and grid of ``sample``.

The wrapper is the library's own, in all four of its model types. Of the continuous schedule the network is told t; of a
discrete one it is told (t - 1/N) 1000, the index into the table it was trained on, between whose entries it is read off
as the library does: linearly in log α.

The orders are asked for between σ/α = 5 and 0.05 on the library's own grid, uniform in log-SNR; a multistep method is
started with short steps, see :mod:`validation.peers.lift`.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

import numpy as np
import torch

from refscore.conformance import Adapter
from validation.peers.lift import SIGMA_MAX, SIGMA_MIN, levels, lifted
from validation.peers.sources import SOURCES, module_of

__all__ = ["VERSION", "Peer", "as_adapter", "library"]

library = module_of("dpm-solver", "dpm_solver_pytorch.py")
VERSION = SOURCES["dpm-solver"].version

MODELS = {"noise": "noise", "data": "x_start", "v": "v", "score": "score"}


@final
@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One method in one configuration, and what is claimed for it.

    Parameters
    ----------
    name : str
        For the table.
    order : float or None
        The claimed order; None where none is asked for.
    claim : str
        Who claims it.
    kind : {"dpmsolver", "dpmsolver++"}
        Its ``algorithm_type``.
    sample : mapping
        Arguments of ``sample``.
    warm : int
        Order for which the method is started with short steps; 0 for the library's own grid.
    betas : callable, optional
        Table of a discrete schedule; the continuous one by default.
    smooth : bool
        Between the levels of the orders, and not from t = 1 to the library's own end.
    inverse : bool
        By ``inverse``, from the data to the noise.
    steps : tuple of int
        Step counts that show the order.
    """

    name: str
    order: float | None
    claim: str = ""
    kind: str = "dpmsolver++"
    sample: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    warm: int = 0
    betas: Callable[[], torch.Tensor] | None = None
    smooth: bool = True
    inverse: bool = False
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
    adapter = Adapter(f"dpm-solver {peer.name}", version=VERSION, arrays="torch", dtype="float64")

    start, stop = (_level(_schedule(peer), t) for t in _ends(peer))

    @adapter.implements(
        "sampler.black_box",
        order=peer.order,
        start=start,
        stop=(1.0, 0.0) if peer.sample.get("denoise_to_zero") else stop,
        steps=peer.steps,
        predictions=tuple(MODELS),
    )
    def sampler(exact: Any, x: torch.Tensor, *, n_steps: int, prediction: str) -> torch.Tensor:
        with lifted(library), contextlib.redirect_stdout(io.StringIO()):  # the adaptive method prints
            schedule = _schedule(peer)
            model = library.model_wrapper(_network(peer, schedule, exact, prediction), schedule, MODELS[prediction])
            solver = library.DPM_Solver(model, schedule, algorithm_type=peer.kind)
            first, last = _ends(peer)
            options = {"skip_type": "logSNR", "steps": n_steps, **peer.sample}
            if peer.warm:
                grid = levels(peer.warm)(n_steps)
                times = schedule.inverse_lambda(-torch.log(grid.flip(0) if peer.inverse else grid))
                solver.get_time_steps = lambda *_, **__: times
                options["steps"] = len(times) - 1
            if options.get("method") == "adaptive":  # it has a tolerance: the default one, the n-th part of it
                options |= {"rtol": 0.05 / n_steps, "atol": 0.0078 / n_steps}
            run = solver.inverse if peer.inverse else solver.sample
            return run(x, t_start=first, t_end=last, **options)

    return adapter


def _schedule(peer: Peer) -> Any:
    if peer.betas is None:
        return library.NoiseScheduleVP("linear")
    with lifted(library):
        return library.NoiseScheduleVP("discrete", betas=peer.betas(), dtype=torch.float64)


def _ends(peer: Peer) -> tuple[float, float]:
    """Times at the start and the end."""
    if peer.smooth:
        ratios = torch.tensor([SIGMA_MAX, SIGMA_MIN], dtype=torch.float64)
        start, stop = map(float, _schedule(peer).inverse_lambda(-torch.log(ratios)))
        return (stop, start) if peer.inverse else (start, stop)
    schedule = _schedule(peer)
    return schedule.T, 1.0 / schedule.total_N


def _level(schedule: Any, t: float) -> tuple[float, float]:
    time = torch.tensor([t], dtype=torch.float64)
    return float(schedule.marginal_alpha(time)), float(schedule.marginal_std(time))


def _network(peer: Peer, schedule: Any, exact: Any, prediction: str) -> Any:
    """The perfect network of what it is told."""
    table = None
    if peer.betas is not None:
        table = 0.5 * np.cumsum(np.log1p(-peer.betas().numpy()))  # of all training steps

    def network(x: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        if table is None:
            alpha, sigma = schedule.marginal_alpha(told), schedule.marginal_std(told)
        else:
            log_alpha = torch.from_numpy(np.interp(told.numpy(), np.arange(len(table)), table))
            alpha, sigma = torch.exp(log_alpha), torch.sqrt(-torch.expm1(2 * log_alpha))
        return getattr(exact, prediction)(x, alpha=alpha, sigma=sigma)

    return network
