"""Adapters for torchcfm: `refscore check validation/peers/torchcfm_samplers.py`.

It ships conditional flows and leaves the ODE to torchdiffeq, which is what its examples call. A conditional flow
u(x; x₀, x₁, t) of these matchers is linear in the noise x₀ and the data x₁, so the velocity of the marginals is the
flow of E[x₀ | x] and E[x₁ | x]: it has to carry the law of x_t = μ_t + σ_t ε from one time to another. With x₀ and ε
standard normal and x₁ from the data, α and the squared σ of x_t are read off ``compute_mu_t`` and ``compute_sigma_t``.
"""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import torch
from torchcfm.conditional_flow_matching import (
    ConditionalFlowMatcher,
    SchrodingerBridgeConditionalFlowMatcher,
    TargetConditionalFlowMatcher,
    VariancePreservingConditionalFlowMatcher,
)
from torchdiffeq import odeint

from refscore.conformance import Adapter

__all__ = ["PEERS", "adapter"]

VERSION = importlib.metadata.version("torchcfm")
ENDS = (0.1, 0.9)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One matcher.

    Parameters
    ----------
    name : str
        For the table.
    matcher : ConditionalFlowMatcher
        Of the library.
    straight : bool
        Whether E[x_t] is linear in t: then the mean is exact at every step count.
    order : int
        Of the method that solves its ODE.
    claim : str
        Which that is.
    """

    name: str
    matcher: ConditionalFlowMatcher
    straight: bool = True
    order: int = 2
    claim: str = "the flow of its path, by torchdiffeq's midpoint"


PEERS = [
    Peer("conditional, σ = 0", ConditionalFlowMatcher(0.0)),
    Peer("conditional, σ = 0.25", ConditionalFlowMatcher(0.25)),
    Peer("target, σ = 0.05", TargetConditionalFlowMatcher(0.05)),
    Peer("Schrödinger bridge, σ = 0.5", SchrodingerBridgeConditionalFlowMatcher(0.5)),
    Peer("variance preserving, σ = 0", VariancePreservingConditionalFlowMatcher(0.0), straight=False),
    Peer("variance preserving, σ = 0.25", VariancePreservingConditionalFlowMatcher(0.25), straight=False),
]


def scales(matcher: ConditionalFlowMatcher, t: float) -> tuple[float, float, float]:
    """α, the part of x₀, and σ of x_t."""
    one, zero = torch.ones((1, 1), dtype=torch.float64), torch.zeros((1, 1), dtype=torch.float64)
    time = torch.tensor([t], dtype=torch.float64)
    alpha, part = float(matcher.compute_mu_t(zero, one, time)), float(matcher.compute_mu_t(one, zero, time))
    return alpha, part, math.hypot(part, float(matcher.compute_sigma_t(time)))


def as_adapter(peer: Peer) -> Adapter:
    """The adapter of a matcher."""
    adapter = Adapter(f"torchcfm {peer.name}", version=VERSION, arrays="torch", dtype="float64")

    def end(t: float) -> tuple[float, float]:
        alpha, _, sigma = scales(peer.matcher, t)
        return alpha, sigma

    @adapter.implements(
        "sampler.black_box",
        order=peer.order,
        start=end(ENDS[0]),
        stop=end(ENDS[1]),
        mean="exact" if peer.straight else "in order",
    )
    def sampler(exact: Any, x: torch.Tensor, *, n_steps: int) -> torch.Tensor:
        def velocity(t: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
            alpha, part, sigma = scales(peer.matcher, float(t))
            data = exact.data(x, alpha=alpha, sigma=sigma)
            source = part / sigma**2 * (x - alpha * data)  # E[x₀ | x]
            return peer.matcher.compute_conditional_flow(source, data, t.expand(len(x)), x)

        times = torch.linspace(*ENDS, n_steps + 1, dtype=torch.float64)
        return odeint(velocity, x, times, method="midpoint")[-1]

    return adapter


def objective(name: str, matcher: ConditionalFlowMatcher) -> Adapter:
    """Flow matching on straight lines by a matcher that is one at σ = 0."""
    adapter = Adapter(name, version=VERSION, arrays="torch", dtype="float64")

    @adapter.implements("objective.flow_matching", factor=1.0)
    def flow_matching(velocity: Callable[..., torch.Tensor], x0: torch.Tensor, x1: torch.Tensor,
                      t: torch.Tensor) -> torch.Tensor:  # fmt: skip
        matcher.sample_noise_like = lambda _: x0  # σ = 0: the conditional one has no use for it
        t, x, u = matcher.sample_location_and_conditional_flow(x0, x1, t)
        return ((velocity(x, t) - u) ** 2).sum(dim=1)

    @adapter.implements("path.flow", time="data_at_1")
    def flow(t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        one, zero = torch.ones((len(t), 1), dtype=t.dtype), torch.zeros((len(t), 1), dtype=t.dtype)
        source = matcher.compute_mu_t(one, zero, t)[:, 0] + matcher.compute_sigma_t(t)
        return matcher.compute_mu_t(zero, one, t)[:, 0], source

    return adapter


adapter = [
    *map(as_adapter, PEERS),
    objective("torchcfm conditional matcher", ConditionalFlowMatcher(0.0)),
    objective("torchcfm target matcher", TargetConditionalFlowMatcher(0.0)),
]
