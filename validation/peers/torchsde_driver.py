"""How a solver of torchsde is driven: ``sdeint`` on the reverse SDE of :mod:`validation.peers.reverse`.

The Brownian motion is the library's own, ``BrownianInterval``. It draws the same noise again wherever it needs it
again, from a seed that stands for it: here the first draw of a seed comes from the tape, and is kept. Only ``log_ode``
is given another one: it asks for Lévy areas, which additive noise does not use, and which are not Gaussian.
"""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final
from unittest import mock

import torch
import torchsde
from torchsde._brownian import brownian_interval

from refscore.conformance import Adapter
from validation.peers.reverse import LENGTH, START, STOP, T_START, T_STOP, diffusion_squared, reverse

__all__ = ["Brownian", "Peer", "as_adapter"]

VERSION = importlib.metadata.version("torchsde")


@final
@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One method of ``sdeint``, and what is claimed for it.

    Parameters
    ----------
    name : str
        For the table.
    method : str
        Its name in torchsde.
    order : float
        The claimed order.
    claim : str
        Who claims it.
    kind : {"ito", "stratonovich"}
        What the method solves.
    noise : {"additive", "diagonal"}
        How the diffusion is handed over.
    options : mapping
        Options of the method.
    """

    name: str
    method: str
    order: float
    claim: str
    kind: str = "ito"
    noise: str = "additive"
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


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
    adapter = Adapter(f"torchsde {peer.name}", version=VERSION, arrays="torch", dtype="float64")

    @adapter.implements(
        "sampler.black_box", order=peer.order, stochastic=True, start=START, stop=STOP, noise="recorded"
    )
    def sampler(exact: Any, x: torch.Tensor, *, n_steps: int) -> torch.Tensor:
        times = torch.tensor([-T_START, -T_STOP], dtype=x.dtype)
        with mock.patch.object(brownian_interval, "_randn", _Kept()):
            states = torchsde.sdeint(
                _Reverse(exact, peer), x, times, bm=_brownian(peer, x), method=peer.method, dt=LENGTH / n_steps,
                options=dict(peer.options),
            )  # fmt: skip
        return states[-1]

    return adapter


class _Kept:
    """The draws of a run by their seeds, in place of a generator for each of them."""

    def __init__(self) -> None:
        self._known: dict[Any, torch.Tensor] = {}

    def __call__(self, size: Any, dtype: torch.dtype, device: Any, seed: Any) -> torch.Tensor:
        """The draw of this seed."""
        if seed not in self._known:
            self._known[seed] = torch.randn(size, dtype=dtype, device=device)
        return self._known[seed]


class _Reverse:
    """The equation as torchsde takes it."""

    def __init__(self, exact: Any, peer: Peer) -> None:
        self.sde_type, self.noise_type, self._exact = peer.kind, peer.noise, exact

    def f(self, u: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Drift."""
        t = -u
        return reverse(self._exact.score(x, alpha=1 - t, sigma=t), x, t)

    def g(self, u: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Diffusion: a diagonal, or a matrix."""
        g = torch.sqrt(diffusion_squared(-u)) * torch.ones_like(x)
        return g if self.noise_type == "diagonal" else torch.diag_embed(g)


def _brownian(peer: Peer, x: torch.Tensor) -> Any:
    if peer.method == "log_ode":
        return Brownian(x)
    return torchsde.BrownianInterval(
        -T_START, -T_STOP, size=tuple(x.shape), dtype=x.dtype,
        levy_area_approximation="space-time" if peer.method == "srk" else "none",
    )  # fmt: skip


class Brownian(torchsde.BaseBrownian):
    """Increments of neighbouring intervals and their space-time Lévy areas, made of plain normal draws.

    Parameters
    ----------
    x : (n, d) tensor
        The state; increments have its shape.
    """

    def __init__(self, x: torch.Tensor) -> None:
        self._x = x

    def __call__(self, ta: Any, tb: Any = None, return_U: bool = False, return_A: bool = False) -> Any:
        """W over [ta, tb], ∫ (W(s) − W(ta)) ds where asked for, and a Lévy area that is not meant to be used."""
        h = float(tb) - float(ta)
        w = math.sqrt(h) * torch.randn_like(self._x)
        out: tuple[torch.Tensor, ...] = (w,)
        if return_U:
            out += (h * (w / 2 + math.sqrt(h / 12) * torch.randn_like(self._x)),)
        if return_A:
            out += (torch.full((*w.shape, w.shape[-1]), 1e3, dtype=w.dtype),)
        return out if len(out) > 1 else w

    def __repr__(self) -> str:
        """Its name."""
        return "Brownian()"

    @property
    def dtype(self) -> torch.dtype:
        """As the state's."""
        return self._x.dtype

    @property
    def device(self) -> torch.device:
        """As the state's."""
        return self._x.device

    @property
    def shape(self) -> torch.Size:
        """As the state's."""
        return self._x.shape

    @property
    def levy_area_approximation(self) -> str:
        """Everything a solver may ask for."""
        return "foster"
