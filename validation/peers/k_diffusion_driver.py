"""How a sampler of k-diffusion is driven: it gets a denoiser(x, σ) of x = x₀ + σ ε and descending noise levels.

It works in the precision of x. The samplers named ``sde`` draw from a Brownian tree unless they are given a
``noise_sampler``: they get the increments of a Brownian motion made of plain draws. Deterministic ones draw too, and
drop the noise or multiply it by 0: it is replaced by a number that would be seen.

A model that predicts the noise or v goes through the wrappers of ``k_diffusion.external``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType
from typing import Any, final

import torch

from refscore.conformance import Adapter
from validation.peers.lift import SIGMA_MAX, SIGMA_MIN, absent, levels, lifted, replaced

__all__ = ["Peer", "as_adapter", "sampling"]

LIBRARY, VERSION = "k-diffusion", importlib.metadata.version("k-diffusion")


def _load() -> tuple[ModuleType, ModuleType]:
    """``sampling`` and ``external`` without the package around them, which needs a dozen image libraries."""
    found = importlib.util.find_spec("k_diffusion")
    package = ModuleType("k_diffusion")
    package.__path__ = list(found.submodule_search_locations or ()) if found else []
    with absent("torchvision", "torchvision.transforms", "torchvision.transforms.functional"):
        sys.modules["k_diffusion"] = package
        loaded = importlib.import_module("k_diffusion.sampling"), importlib.import_module("k_diffusion.external")
    for name in [name for name in sys.modules if name.split(".")[0] == "k_diffusion"]:
        del sys.modules[name]
    return loaded


sampling, external = _load()

# A table of noise levels for the wrapper of noise models; it interpolates in log σ, and so does the level told below.
TABLE = torch.logspace(-3, 3, 601, dtype=torch.float64)

SMOOTH = levels()


@final
@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One sampler in one configuration, and what is claimed for it.

    Parameters
    ----------
    name : str
        For the table.
    function : callable
        The sampler.
    order : float or None
        The claimed order: of the ODE method, or weak order of the SDE method; None where none is.
    claim : str
        Who claims it.
    options : mapping
        Its keyword arguments.
    stochastic : bool
        Whether it draws noise.
    noise : callable, optional
        From the state to the ``noise_sampler`` it is given; by default it has its own.
    levels : callable
        From the number of steps to the noise levels.
    steps : tuple of int
        Step counts that show the order.
    """

    name: str
    function: Callable[..., torch.Tensor]
    order: float | None
    claim: str = ""
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    stochastic: bool = False
    noise: Callable[[torch.Tensor], Any] | None = None
    levels: Callable[[int], torch.Tensor] = SMOOTH
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
    adapter = Adapter(f"k-diffusion {peer.name}", version=VERSION, arrays="torch", dtype="float64")

    def end(place: int) -> Callable[[int], tuple[float, float]]:
        return lambda n_steps: (1.0, float(peer.levels(n_steps)[place]))

    @adapter.implements(
        "sampler.black_box",
        order=peer.order,
        stochastic=peer.stochastic,
        start=end(0),
        stop=end(-1),
        steps=peer.steps,
        predictions=("data", "noise", "v"),
        noise="recorded",
    )
    def sampler(exact: Any, x: torch.Tensor, *, n_steps: int, prediction: str) -> torch.Tensor:
        model, options = _denoiser(exact, prediction), dict(peer.options)
        if peer.noise is not None:
            options["noise_sampler"] = peer.noise(x)
        drawing = nullcontext() if peer.stochastic else replaced(sampling, randn_like=lambda x: torch.full_like(x, 1e3))
        with lifted(sampling), drawing:
            return peer.function(model, x, disable=True, **options, **_grid(peer, n_steps))

    return adapter


def _grid(peer: Peer, n_steps: int) -> dict[str, Any]:
    """The arguments that say where the sampler steps."""
    if peer.function is sampling.sample_dpm_fast:  # it makes its grid itself, and counts evaluations
        return {"sigma_min": SIGMA_MIN, "sigma_max": SIGMA_MAX, "n": n_steps}
    if peer.function is sampling.sample_dpm_adaptive:  # it has a tolerance: the default one, the n-th part of it
        return {"sigma_min": SIGMA_MIN, "sigma_max": SIGMA_MAX, "rtol": 0.05 / n_steps, "atol": 0.0078 / n_steps}
    return {"sigmas": peer.levels(n_steps)}


def _denoiser(exact: Any, prediction: str) -> Any:
    if prediction == "data":
        return lambda x, sigma: exact.data(x, alpha=1.0, sigma=sigma)
    if prediction == "v":  # t = (2/π) arctan σ

        def v(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            return exact.v(x, alpha=torch.cos(t * torch.pi / 2), sigma=torch.sin(t * torch.pi / 2))

        return external.VDenoiser(v)

    def noise(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        place = t / (len(TABLE) - 1) * 6 - 3  # log₁₀ σ
        sigma = 10.0**place
        return exact.noise(x, alpha=1 / torch.sqrt(1 + sigma**2), sigma=sigma / torch.sqrt(1 + sigma**2))

    return external.DiscreteEpsDDPMDenoiser(noise, 1 / (1 + TABLE**2), quantize=False)
