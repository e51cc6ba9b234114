"""How a sampler of azula is driven: it gets a denoiser with a schedule, and steps from time 1 to time 0.

The network sits inside the library's own denoisers: ``SimpleDenoiser`` asks it for the data, ``KarrasDenoiser`` for
(x̂₀ - c_skip x)/c_out, which is -v of the state scaled to α² + σ² = 1. Both tell it log σ/α. A schedule is a function of
the time; the smooth levels are one that is read off at the times asked for, all of them nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

import azula
import torch
from azula.denoise import KarrasDenoiser, SimpleDenoiser
from azula.noise import Schedule
from azula.sample import Sampler

from refscore.conformance import Adapter

__all__ = ["Peer", "as_adapter"]

VERSION = azula.__version__


@final
@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One sampler in one configuration, and what its library claims for it.

    Parameters
    ----------
    name : str
        For the table.
    sampler : type
        Its class in azula.
    order : float or None
        The claimed order: of the ODE method, or weak order of the SDE method; None where none is asked for.
    claim : str
        Who claims it.
    options : mapping
        Arguments of the constructor.
    stochastic : bool
        Whether it adds noise.
    levels : callable, optional
        From the number of steps to levels σ/α, see :mod:`validation.peers.lift`, with α² + σ² = 1.
    schedule : Schedule, optional
        One of the library's own in place of `levels`.
    steps : tuple of int
        Step counts that show the order.
    mean : {"exact", "in order"}
        Whether its integrand is constant along the mean.
    """

    name: str
    sampler: type[Sampler]
    order: float | None
    claim: str = ""
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    stochastic: bool = False
    levels: Callable[[int], torch.Tensor] | None = None
    schedule: Schedule | None = None
    steps: tuple[int, ...] = (20, 40, 80, 160)
    mean: str = "exact"


class _Nodes(Schedule):
    """The k-th of N + 1 levels at the time 1 - k/N."""

    def __init__(self, ratios: torch.Tensor) -> None:
        self._alpha, self._sigma = _preserving(ratios)

    def __call__(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        number = torch.round((1 - t) * (len(self._alpha) - 1)).long()
        return self._alpha[number], self._sigma[number]


class _Network(torch.nn.Module):
    """The perfect network: of a state with α² + σ² = 1 and log σ/α, it says the data, or -v."""

    def __init__(self, exact: Any, prediction: str) -> None:
        super().__init__()
        self._exact, self._prediction = exact, prediction
        self.register_buffer("precision", torch.zeros((), dtype=torch.float64))  # the denoisers look it up

    def forward(self, x: torch.Tensor, log_ratio: torch.Tensor) -> torch.Tensor:
        alpha, sigma = _preserving(torch.exp(log_ratio))
        if self._prediction == "data":
            return self._exact.data(x, alpha=alpha, sigma=sigma)
        return -self._exact.v(x, alpha=alpha, sigma=sigma)


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
    adapter = Adapter(f"azula {peer.name}", version=VERSION, arrays="torch", dtype="float64")

    def end(time: float) -> Callable[[int], tuple[float, float]]:
        def of(n_steps: int) -> tuple[float, float]:
            alpha, sigma = _schedule(peer, n_steps)[0](torch.tensor(time, dtype=torch.float64))
            return float(alpha), float(sigma)

        return of

    @adapter.implements(
        "sampler.black_box",
        order=peer.order,
        stochastic=peer.stochastic,
        start=end(1.0),
        stop=end(0.0),
        steps=peer.steps,
        predictions=("data", "v"),
        noise="recorded",
        mean=peer.mean,
    )
    def sampler(exact: Any, x: torch.Tensor, *, n_steps: int, prediction: str) -> torch.Tensor:
        schedule, count = _schedule(peer, n_steps)
        wrapper = SimpleDenoiser if prediction == "data" else KarrasDenoiser
        denoiser = wrapper(_Network(exact, prediction), schedule)
        return peer.sampler(denoiser, steps=count, silent=True, dtype=torch.float64, **peer.options)(x)

    return adapter


def _preserving(ratio: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """α and σ with α² + σ² = 1 and this σ/α."""
    alpha = torch.rsqrt(1 + ratio**2)
    return alpha, ratio * alpha


def _schedule(peer: Peer, n_steps: int) -> tuple[Schedule, int]:
    """The schedule, and how many steps the sampler is to make of it."""
    if peer.schedule is not None:
        return peer.schedule, n_steps
    ratios = peer.levels(n_steps) if peer.levels is not None else torch.ones(2)
    return _Nodes(ratios), len(ratios) - 1
