"""Targets, samplers and starts that the tests of the kernels share: odd sizes, so that no block is full."""

from __future__ import annotations

import numpy as np

import refscore as rs
from refscore.samplers import Multistep, Sampler
from refscore.targets import Gaussian, Mixture

D = 5
TIMES = np.linspace(1.0, 0.02, 8)
VP = rs.paths.VP()


def start(n: int = 131) -> np.ndarray:
    """Where n chains begin (n, D)."""
    return rs.noise.normals(1, np.arange(n), D)


def _matrices(count: int) -> np.ndarray:
    a = rs.noise.normals(2, np.arange(count), D * D).reshape(count, D, D)
    return a @ a.transpose(0, 2, 1) + 0.1 * np.eye(D)


def targets() -> dict[str, Gaussian | Mixture]:
    """A target for each kind of score, by the kernel's name."""
    means, covs = 2 * rs.noise.normals(3, np.arange(3), D), _matrices(3)
    weights, variances = [0.2, 0.5, 0.3], 0.2 + rs.noise.uniforms(4, np.arange(3), D)
    return {
        "gaussian": rs.targets.gaussian(means[0], covs[0]),
        "diagonal_gaussian": rs.targets.gaussian(means[0], variances[0]),
        "isotropic_mixture": rs.targets.mixture(weights, means, variances[:, 0]),
        "diagonal_mixture": rs.targets.mixture(weights, means, variances),
        "basis_mixture": rs.targets.mixture(weights, means, covs),
    }


def samplers() -> dict[str, tuple[Sampler | Multistep, int | None]]:
    """A sampler of each form, with how many steps where any number may be taken."""
    s = rs.samplers
    return {
        "langevin": (s.langevin(0.02), 12),
        "euler-maruyama": (s.euler_maruyama(VP, TIMES), None),
        "ddim": (s.ddim(VP, TIMES), None),
        "heun": (s.heun_ode(VP, TIMES), None),
        "annealed": (s.annealed([2.0, 1.0, 0.5], step_size=0.05, steps_per_level=3, denoise=True), None),
        "obabo": (s.obabo(0.1, friction=1.0), 9),
        "baoab": (s.baoab(0.1, friction=1.0), 9),
        "unipc": (s.unipc(VP, TIMES, order=3), None),
        "pndm": (s.pndm(VP, TIMES), None),
        "stochastic heun": (s.stochastic_heun(VP, TIMES), None),
    }
