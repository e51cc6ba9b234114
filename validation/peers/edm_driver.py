"""How EDM's samplers are driven: a network D(x, σ) of x = x₀ + σ ε, and unit latents that they scale themselves.

``generate.py`` imports what loads networks over a net: these modules are empty here. The samplers end with a step of
order one to σ = 0, whose size is that of the last level, however many steps there are. Where an order is asked for, it
is undone by a network that at its last call says what makes dx/dt = 0: the run ends at σ_min.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, SimpleNamespace
from typing import Any, final

import torch

from refscore.conformance import Adapter
from validation.peers.lift import SIGMA_MAX, SIGMA_MIN, absent
from validation.peers.sources import SOURCES, module_of

__all__ = ["VERSION", "Peer", "as_adapter", "generate"]

with absent("dnnlib", "torch_utils", "torch_utils.distributed"):
    generate = module_of("edm", "generate.py")
VERSION = SOURCES["edm"].version


@final
@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One sampler in one configuration, and what is claimed for it.

    Parameters
    ----------
    name : str
        For the table.
    function : callable
        ``edm_sampler`` or ``ablation_sampler``.
    order : float or None
        The claimed order: of the ODE method, or weak order of the SDE method; None where none is asked for.
    claim : str
        Who claims it.
    options : mapping
        Its keyword arguments.
    stochastic : bool
        Whether it adds noise.
    released : bool
        With its last step to σ = 0 and its own levels; else from σ = 5 to 0.05.
    steps : tuple of int
        Step counts that show the order.
    """

    name: str
    function: Callable[..., torch.Tensor]
    order: float | None
    claim: str = ""
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    stochastic: bool = False
    released: bool = False
    steps: tuple[int, ...] = (20, 40, 80, 160)

    @property
    def scaled(self) -> bool:
        """Whether the state is x/√(1 + σ²)."""
        return self.options.get("scaling") == "vp"


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
    adapter = Adapter(f"edm {peer.name}", version=VERSION, arrays="torch", dtype="float64")

    def start(n_steps: int) -> tuple[float, float]:
        return _level(peer, float(_first(peer, n_steps)))

    @adapter.implements(
        "sampler.black_box",
        order=peer.order,
        stochastic=peer.stochastic,
        start=start,
        stop=(1.0, 0.0) if peer.released else _level(peer, SIGMA_MIN),
        steps=peer.steps,
        noise="recorded",
        mean="in order" if peer.scaled else "exact",
    )
    def sampler(exact: Any, x: torch.Tensor, *, n_steps: int) -> torch.Tensor:
        calls = _calls(peer, n_steps)
        told = 0

        def network(x: torch.Tensor, sigma: torch.Tensor, _: Any) -> torch.Tensor:
            nonlocal told
            told += 1
            if told == calls and not peer.released:
                return x / (1 + sigma**2) if peer.scaled else x
            return exact.data(x, alpha=1.0, sigma=torch.as_tensor(sigma, dtype=torch.float64))

        return _run(peer, network, x / start(n_steps)[1], n_steps)

    return adapter


def _run(peer: Peer, network: Callable[..., torch.Tensor], latents: torch.Tensor, n_steps: int) -> torch.Tensor:
    net = _net(network)
    drawing = {} if peer.stochastic else {"randn_like": lambda x: torch.full_like(x, 1e3)}  # it is multiplied by 0
    if peer.released:
        return peer.function(net, latents, num_steps=n_steps, **drawing, **peer.options)
    ends = {"sigma_min": SIGMA_MIN, "sigma_max": SIGMA_MAX, "S_min": 1.001 * SIGMA_MIN}
    return peer.function(net, latents, num_steps=n_steps + 1, **ends, **drawing, **peer.options)


def _net(network: Callable[..., torch.Tensor]) -> Any:
    """What the samplers ask of a network: its range of levels, its rounding of them, and a call."""

    class Net(SimpleNamespace):
        def __call__(self, *arguments: Any) -> torch.Tensor:
            return network(*arguments)

    return Net(sigma_min=0.0, sigma_max=float("inf"), round_sigma=torch.as_tensor)


def _calls(peer: Peer, n_steps: int) -> int:
    """How often the network is called: twice a step, once in the last, or once a step."""
    return n_steps + 1 if peer.options.get("solver") == "euler" else 2 * n_steps + 1


def _first(peer: Peer, n_steps: int) -> float:
    """The level of the first call: what the sampler makes of its options."""
    if not peer.released:
        return SIGMA_MAX
    seen: list[float] = []

    def network(x: torch.Tensor, sigma: torch.Tensor, _: Any) -> torch.Tensor:
        seen.append(float(sigma))
        return x

    quiet = {**peer.options, "S_churn": 0, "randn_like": torch.zeros_like}
    peer.function(_net(network), torch.zeros((1, 1)), num_steps=n_steps, **quiet)
    return seen[0]


def _level(peer: Peer, sigma: float) -> tuple[float, float]:
    scale = (1 + sigma**2) ** -0.5 if peer.scaled else 1.0
    return scale, scale * sigma
