"""Adapters for the parts of score_sde_pytorch: `refscore check validation/peers/score_sde_functions.py`.

Paths and SDEs are the library's. A path that the library does not have is an SDE of its abstract class, with the drift
and the diffusion of that path: so its reverse and its predictors are looked at on every path. A step from t to s is one
of N = 1/(t - s) steps, and each sample has its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from refscore.conformance import Adapter
from refscore.paths import Path
from validation.peers.lift import lifted, replaced
from validation.peers.score_sde_driver import VERSION, likelihood, sampling, sde_lib

__all__ = ["adapter"]

adapter = Adapter("score_sde_pytorch parts", version=VERSION, arrays="torch", dtype="float64")
Scales = tuple[torch.Tensor, torch.Tensor]


def image(x: torch.Tensor) -> torch.Tensor:
    """A batch of images."""
    return x[:, :, None, None]


def marginal(sde: Any, t: torch.Tensor) -> Scales:
    """α and σ at t."""
    alpha, sigma = sde.marginal_prob(torch.ones((len(t), 1, 1, 1), dtype=t.dtype), t)
    return alpha[:, 0, 0, 0], sigma


def coefficients(sde: Any, x: torch.Tensor, t: torch.Tensor) -> Scales:
    """Drift and diffusion."""
    with lifted(sde_lib):
        drift, diffusion = sde.sde(image(x), t)
    return drift[:, :, 0, 0], diffusion


@adapter.implements("path.vp")
def path_vp(t: torch.Tensor, *, beta_min: float, beta_max: float) -> Scales:
    """VPSDE.marginal_prob."""
    return marginal(sde_lib.VPSDE(beta_min, beta_max), t)


@adapter.implements("path.subvp")
def path_subvp(t: torch.Tensor, *, beta_min: float, beta_max: float) -> Scales:
    """subVPSDE.marginal_prob."""
    return marginal(sde_lib.subVPSDE(beta_min, beta_max), t)


@adapter.implements("path.ve", kernel="marginal")
def path_ve(t: torch.Tensor, *, sigma_min: float, sigma_max: float) -> Scales:
    """VESDE.marginal_prob."""
    alpha, sigma = marginal(sde_lib.VESDE(sigma_min, sigma_max), t)
    return alpha, sigma


@adapter.implements("sde.vp")
def sde_vp(x: torch.Tensor, t: torch.Tensor, *, beta_min: float, beta_max: float) -> Scales:
    """VPSDE.sde."""
    return coefficients(sde_lib.VPSDE(beta_min, beta_max), x, t)


@adapter.implements("sde.subvp")
def sde_subvp(x: torch.Tensor, t: torch.Tensor, *, beta_min: float, beta_max: float) -> Scales:
    """subVPSDE.sde."""
    return coefficients(sde_lib.subVPSDE(beta_min, beta_max), x, t)


@adapter.implements("sde.ve")
def sde_ve(x: torch.Tensor, t: torch.Tensor, *, sigma_min: float, sigma_max: float) -> Scales:
    """VESDE.sde."""
    return coefficients(sde_lib.VESDE(sigma_min, sigma_max), x, t)


class Given(sde_lib.SDE):
    """The SDE of a path of ours, and its chain from t to s."""

    def __init__(self, path: Path, s: torch.Tensor | None = None, steps: float = 1000.0) -> None:
        super().__init__(steps)
        self._path, self._s = path, s

    @property
    def T(self) -> int:
        return 1

    def sde(self, x: torch.Tensor, t: torch.Tensor) -> Scales:
        rate, diffusion = (torch.from_numpy(of(t.numpy())) for of in (self._path.drift_rate, self._path.diffusion))
        return rate[:, None, None, None] * x, diffusion

    def discretize(self, x: torch.Tensor, t: torch.Tensor) -> Scales:
        then, now = t.numpy(), t.numpy() if self._s is None else self._s.numpy()
        ratio = self._path.alpha(then) / self._path.alpha(now)
        variance = self._path.sigma(then) ** 2 - (ratio * self._path.sigma(now)) ** 2
        return torch.from_numpy(ratio - 1)[:, None, None, None] * x, torch.from_numpy(variance).sqrt()

    def marginal_prob(self, x: torch.Tensor, t: torch.Tensor) -> Scales:
        raise NotImplementedError

    def prior_sampling(self, shape: tuple[int, ...]) -> torch.Tensor:
        raise NotImplementedError

    def prior_logp(self, z: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


@adapter.implements("sde.reverse")
def reverse(score_value: torch.Tensor, x: torch.Tensor, t: torch.Tensor, *, path: Path) -> torch.Tensor:
    """SDE.reverse(...).sde."""
    return Given(path).reverse(lambda *_: image(score_value)).sde(image(x), t)[0][:, :, 0, 0]


@adapter.implements("sde.flow")
def flow(score_value: torch.Tensor, x: torch.Tensor, t: torch.Tensor, *, path: Path) -> torch.Tensor:
    """SDE.reverse(..., probability_flow=True).sde."""
    return Given(path).reverse(lambda *_: image(score_value), True).sde(image(x), t)[0][:, :, 0, 0]


def stepped(name: str, score: Any, x: torch.Tensor, t: torch.Tensor, s: torch.Tensor, noise: torch.Tensor, path: Path,
            flow: bool = False) -> torch.Tensor:  # fmt: skip
    """One update of a predictor, sample by sample."""

    def one(i: int) -> torch.Tensor:
        row = slice(i, i + 1)
        given = Given(path, s[row], float(1 / (t[row] - s[row])))
        predictor = sampling.get_predictor(name)(given, images_of(score), flow)
        with replaced(sampling, randn_like=lambda _: image(noise[row])):
            return predictor.update_fn(image(x[row]), t[row])[0][:, :, 0, 0]

    return torch.cat([one(i) for i in range(len(x))])


def images_of(score: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """A score of images."""
    return lambda x, *t: image(score(x[:, :, 0, 0], *t))


@adapter.implements("step.euler_maruyama")
def euler_maruyama(score: Any, x: torch.Tensor, t: torch.Tensor, s: torch.Tensor, noise: torch.Tensor, *,
                   path: Path) -> torch.Tensor:  # fmt: skip
    """EulerMaruyamaPredictor."""
    return stepped("euler_maruyama", score, x, t, s, noise, path)


@adapter.implements("step.euler_ode")
def euler_ode(score: Any, x: torch.Tensor, t: torch.Tensor, s: torch.Tensor, *, path: Path) -> torch.Tensor:
    """EulerMaruyamaPredictor of the probability flow."""
    return stepped("euler_maruyama", score, x, t, s, torch.zeros_like(x), path, True)


@adapter.implements("step.reverse_diffusion")
def reverse_diffusion(score: Any, x: torch.Tensor, t: torch.Tensor, s: torch.Tensor, noise: torch.Tensor, *,
                      path: Path) -> torch.Tensor:  # fmt: skip
    """ReverseDiffusionPredictor."""
    return stepped("reverse_diffusion", score, x, t, s, noise, path)


@adapter.implements("step.ancestral_vp", variance="large")
def ancestral_vp(score: Any, x: torch.Tensor, noise: torch.Tensor, *, alpha_t: torch.Tensor, alpha_s: torch.Tensor,
                 **_: torch.Tensor) -> torch.Tensor:  # fmt: skip
    """AncestralSamplingPredictor on VPSDE, the k-th sample at the k-th step of its table."""
    sde = sde_lib.VPSDE(N=len(x))
    sde.discrete_betas = 1 - (alpha_t / alpha_s) ** 2
    number = torch.arange(len(x), dtype=x.dtype)
    t = number / max(1, sde.N - 1) + 1e-9
    predictor = sampling.AncestralSamplingPredictor(sde, lambda y, _: image(score(y[:, :, 0, 0])))
    with replaced(sampling, randn_like=lambda _: image(noise)):
        return predictor.update_fn(image(x), t)[0][:, :, 0, 0]


@adapter.implements("step.ancestral_ve", variance="small")
def ancestral_ve(score: Any, x: torch.Tensor, noise: torch.Tensor, *, sigma: torch.Tensor,
                 sigma_next: torch.Tensor) -> torch.Tensor:  # fmt: skip
    """AncestralSamplingPredictor on VESDE, the k-th sample from level 2k + 1 of its table to the one before."""
    sde = sde_lib.VESDE(N=2 * len(x))
    sde.discrete_sigmas = torch.stack([sigma_next, sigma], dim=1).reshape(-1)
    t = (2 * torch.arange(len(x), dtype=x.dtype) + 1) / (sde.N - 1) + 1e-9
    predictor = sampling.AncestralSamplingPredictor(sde, lambda y, _: image(score(y[:, :, 0, 0])))
    with replaced(sampling, randn_like=lambda _: image(noise)):
        return predictor.update_fn(image(x), t)[0][:, :, 0, 0]


@adapter.implements("corrector.langevin", norms="batch_mean")
def langevin_corrector(score: Any, x: torch.Tensor, noise: torch.Tensor, *, snr: float) -> torch.Tensor:
    """LangevinCorrector on VE."""
    corrector = sampling.LangevinCorrector(sde_lib.VESDE(), lambda y, _: image(score(y[:, :, 0, 0])), snr, 1)
    with replaced(sampling, randn_like=lambda _: image(noise)):
        return corrector.update_fn(image(x), torch.ones(len(x), dtype=x.dtype))[0][:, :, 0, 0]


@adapter.implements("step.langevin", scale="full")
def langevin(score: Any, x: torch.Tensor, noise: torch.Tensor, *, step_size: float) -> torch.Tensor:
    """AnnealedLangevinDynamics on VE, at the ratio that gives this step at σ = 1."""
    sde = sde_lib.VESDE(1.0, 1.0)
    corrector = sampling.AnnealedLangevinDynamics(
        sde, lambda y, _: image(score(y[:, :, 0, 0])), (step_size / 2) ** 0.5, 1
    )
    with replaced(sampling, randn_like=lambda _: image(noise)):
        return corrector.update_fn(image(x), torch.ones(len(x), dtype=x.dtype))[0][:, :, 0, 0]


@adapter.implements("trace.hutchinson")
def hutchinson(score: Any, x: torch.Tensor, projection: torch.Tensor) -> torch.Tensor:
    """get_div_fn, averaged over the projections."""
    divergence = likelihood.get_div_fn(lambda y, _: score(y))
    return torch.stack([divergence(x.clone(), None, v) for v in projection]).mean(dim=0)
