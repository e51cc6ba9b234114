"""How sbi samples from a vector field: its estimators, with the exact model in place of their network.

An estimator brings its path (``mean_t_fn``, ``std_fn``) and its SDE (``drift_fn``, ``diffusion_fn``); only ``forward``,
the score or for flow matching the velocity, is the exact model's. ``Diffuser`` walks from time to time with a predictor
and a corrector; ``sample_via_ode`` integrates with tolerances, and n divides those of the library.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

import torch
from sbi.inference.potentials.vector_field_potential import VectorFieldBasedPotential
from sbi.neural_nets.estimators import flowmatching_estimator, score_estimator
from sbi.neural_nets.estimators.flowmatching_estimator import FlowMatchingEstimator
from sbi.neural_nets.estimators.score_estimator import SubVPScoreEstimator, VEScoreEstimator, VPScoreEstimator
from sbi.samplers.score import Diffuser

from refscore.conformance import Adapter
from validation.peers.lift import SIGMA_MAX, SIGMA_MIN, lifted
from validation.peers.reverse import T_START, T_STOP

__all__ = ["VERSION", "Peer", "as_adapter", "estimator_of"]

VERSION = importlib.metadata.version("sbi")
ATOL, RTOL = 1e-6, 1e-5  # of ZukoNeuralODE


@final
@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One way to sample, and what is claimed for it.

    Parameters
    ----------
    name : str
        For the table.
    path : {"VP", "sub-VP", "VE", "flow matching"}
        Which estimator.
    order : float or None
        The claimed order; None where none is.
    claim : str
        Who claims it.
    options : mapping
        Options of the estimator.
    predictor : mapping, optional
        Parameters of the Euler-Maruyama predictor; without one the ODE is integrated.
    corrector : str, optional
        Its name in sbi.
    correcting : callable
        From the number of steps to the corrector's parameters.
    steps : tuple of int
        Step counts that show the order.
    """

    name: str
    path: str
    order: float | None
    claim: str = ""
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    predictor: Mapping[str, Any] | None = None
    corrector: str | None = None
    correcting: Callable[[int], dict[str, Any]] = lambda _: {}
    steps: tuple[int, ...] = (20, 40, 80, 160)

    @property
    def straight(self) -> bool:
        """Whether α is constant or linear in time, so that Euler's steps are exact on the mean."""
        return self.path in ("VE", "flow matching")


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
    adapter = Adapter(f"sbi {peer.name}", version=VERSION, arrays="torch", dtype="float64")

    def end(place: str) -> tuple[float, float]:
        with lifted(score_estimator), lifted(flowmatching_estimator):
            estimator = estimator_of(peer, None, 2)
            return tuple(map(float, _level(estimator, torch.tensor([getattr(estimator, place)]))))  # type: ignore[return-value]

    @adapter.implements(
        "sampler.black_box",
        order=peer.order,
        stochastic=peer.predictor is not None,
        start=end("t_max"),
        stop=end("t_min"),
        steps=peer.steps,
        mean="exact" if peer.straight else "in order",
        noise="recorded",
    )
    def sampler(exact: Any, x: torch.Tensor, *, n_steps: int) -> torch.Tensor:
        with lifted(score_estimator), lifted(flowmatching_estimator):
            estimator = estimator_of(peer, exact, x.shape[-1])
            potential = VectorFieldBasedPotential(estimator, None, torch.zeros(1, 1))
            if peer.predictor is None:
                condition = potential.x_o.to(x.dtype)  # and with it the times, which take its precision
                flow = potential.neural_ode(condition, atol=ATOL / n_steps, rtol=RTOL / n_steps)
                with torch.no_grad():
                    return flow.transform.inv(x[:, None])[:, 0]
            diffuser = Diffuser(
                potential, "euler_maruyama", peer.corrector, dict(peer.predictor), peer.correcting(n_steps)
            )
            diffuser.initialize = lambda _: x[:, None]  # what it draws is our start
            times = estimator.solve_schedule(n_steps + 1)
            return diffuser.run(len(x), times, show_progress_bars=False)[:, 0]

    return adapter


def estimator_of(peer: Peer, exact: Any, d: int) -> Any:
    """The estimator of a peer: VE and flow matching from σ/α = 5 to 0.05.

    Parameters
    ----------
    peer : Peer
        A configuration.
    exact : ExactModel
        Its network.
    d : int
        Dimension.

    Returns
    -------
    ConditionalVectorFieldEstimator
        In float64.
    """
    make = MAKE[peer.path]
    estimator = make(torch.nn.Identity(), torch.Size([d]), torch.Size([1]), **peer.options).double()
    estimator.exact = exact
    estimator.t_min, estimator.t_max = ENDS[peer.path]
    return estimator


def _level(estimator: Any, time: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """α and σ as the estimator has them."""
    return estimator.mean_t_fn(time).flatten(), estimator.std_fn(time).flatten()


class _Scored:
    """In front of an estimator of the score."""

    exact: Any = None

    def forward(self, input: torch.Tensor, condition: torch.Tensor, time: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Exact score."""
        alpha, sigma = _level(self, time)
        return self.exact.score(input.flatten(0, -2), alpha=alpha, sigma=sigma).reshape(input.shape)


class _VP(_Scored, VPScoreEstimator):
    pass


class _SubVP(_Scored, SubVPScoreEstimator):
    pass


class _VE(_Scored, VEScoreEstimator):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, sigma_min=SIGMA_MIN, sigma_max=SIGMA_MAX, **options)


class _Flow(FlowMatchingEstimator):
    exact: Any = None

    def forward(self, input: torch.Tensor, condition: torch.Tensor, time: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Exact velocity, the mean of what the loss makes the network learn: E[θ_noise − θ_data]."""
        alpha, sigma = _level(self, time)
        velocity = self.exact.velocity(input.flatten(0, -2), alpha=alpha, sigma=sigma, alpha_dot=-1.0, sigma_dot=1.0)
        return velocity.reshape(input.shape)


MAKE: dict[str, Any] = {"VP": _VP, "sub-VP": _SubVP, "VE": _VE, "flow matching": _Flow}
ENDS = {"VP": (0.05, 0.8), "sub-VP": (0.05, 0.8), "VE": (0.0, 1.0), "flow matching": (T_STOP, T_START)}  # of time
