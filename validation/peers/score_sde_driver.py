"""How score_sde_pytorch is driven: an SDE, a network of (x, label), and the samplers of ``sampling.py``.

States are images there, (n, 2, 1, 1) here. The prior is drawn inside: it is replaced by the state at hand. Of VP and
sub-VP the network is told 999 t and predicts the noise; of VE it is told σ and gives the score; where it was trained on
steps it is told their number. N is the number of steps, and of noise levels.

``reverse`` may leave numbers where tensors are indexed; what raises is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

import torch

from refscore.conformance import Adapter
from validation.peers.lift import lifted, replaced
from validation.peers.sources import SOURCES, module_of

__all__ = ["VERSION", "Peer", "as_adapter", "likelihood", "sampling", "sde_lib"]

sampling = module_of("score_sde_pytorch", "sampling.py")
likelihood = module_of("score_sde_pytorch", "likelihood.py")
sde_lib = sampling.sde_lib
VERSION = SOURCES["score_sde_pytorch"].version


@final
@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One sampler in one configuration, and what is claimed for it.

    Parameters
    ----------
    name : str
        For the table.
    sde : {"VESDE", "VPSDE", "subVPSDE"}
        Class in ``sde_lib``.
    order : float or None
        The claimed weak order, or that of the ODE method; None where none is asked for.
    claim : str
        Who claims it.
    predictor, corrector : str
        As registered; no predictor asks for the ODE sampler.
    options : mapping
        Arguments of ``get_pc_sampler`` or ``get_ode_sampler``.
    stochastic : bool
        Whether noise is added.
    eps : float
        Where time ends.
    steps : tuple of int
        Step counts that show the order.
    """

    name: str
    sde: str
    order: float | None
    claim: str = ""
    predictor: str = ""
    corrector: str = "none"
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    stochastic: bool = True
    eps: float = 1e-3
    steps: tuple[int, ...] = (25, 50, 100, 200)


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
    adapter = Adapter(f"score_sde_pytorch {peer.name}", version=VERSION, arrays="torch", dtype="float64")

    @adapter.implements(
        "sampler.black_box",
        order=peer.order,
        stochastic=peer.stochastic,
        start=_level(peer, 1.0),
        stop=(1.0, 0.0) if peer.predictor else _level(peer, peer.eps),
        steps=peer.steps,
        noise="recorded",
        mean="exact" if peer.sde == "VESDE" else "in order",
    )
    def sampler(exact: Any, x: torch.Tensor, *, n_steps: int) -> torch.Tensor:
        unseen = replaced(sampling, randn_like=lambda x: torch.full_like(x, 1e3))  # it is multiplied by 0
        with lifted(sampling), lifted(sde_lib), nullcontext() if peer.stochastic else unseen:
            sde = getattr(sde_lib, peer.sde)(N=n_steps)
            state = x[:, :, None, None]
            sde.prior_sampling = lambda _: state
            common = {"sde": sde, "shape": tuple(state.shape), "inverse_scaler": lambda y: y, "eps": peer.eps,
                      "device": x.device}  # fmt: skip
            if peer.predictor:
                run = sampling.get_pc_sampler(
                    predictor=sampling.get_predictor(peer.predictor), corrector=sampling.get_corrector(peer.corrector),
                    snr=0.16, **{"continuous": True, **common, **peer.options})  # fmt: skip
            else:  # it has a tolerance: the default one, the n-th part of it
                run = sampling.get_ode_sampler(rtol=1e-5 / n_steps, atol=1e-5 / n_steps, **common, **peer.options)
            return run(_Network(peer, sde, exact))[0][:, :, 0, 0]

    return adapter


def _level(peer: Peer, t: float) -> tuple[float, float]:
    with lifted(sde_lib):
        time = torch.tensor([t], dtype=torch.float64)
        alpha, sigma = getattr(sde_lib, peer.sde)(N=1000).marginal_prob(torch.ones((1, 1, 1, 1)), time)
    return float(alpha), float(sigma)


class _Network:
    """The perfect network of what it is told."""

    def __init__(self, peer: Peer, sde: Any, exact: Any) -> None:
        self._sde, self._exact = sde, exact
        self._exploding = peer.sde == "VESDE"
        self._discrete = not peer.options.get("continuous", True)

    def eval(self) -> None:
        """It is not trained."""

    def __call__(self, x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        alpha, sigma = self._told(label)
        kind = self._exact.score if self._exploding else self._exact.noise
        return kind(x[:, :, 0, 0], alpha=alpha, sigma=sigma)[:, :, None, None]

    def _told(self, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self._exploding:
            if self._discrete:  # counted from the largest
                label = self._sde.discrete_sigmas.flip(0)[label]
            return torch.ones_like(label), label
        if self._discrete:
            number = label.long()
            return self._sde.sqrt_alphas_cumprod[number], self._sde.sqrt_1m_alphas_cumprod[number]
        alpha, sigma = self._sde.marginal_prob(torch.ones((len(label), 1, 1, 1)), label / 999)
        return alpha[:, 0, 0, 0], sigma
