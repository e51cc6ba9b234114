"""How samples are made: pure steps, one family a file, and one loop.

Every step is a function of its state and its noise. Bound to a grid it is a :class:`Sampler`, and whatever is a sampler
can be replayed on a tape, probed into its exact law (``refscore.exact.law``) and held to its order.

>>> import refscore as rs
>>> p = rs.targets.gaussian([0.7, -1.0], [0.5, 2.0])
>>> sampler = rs.samplers.ddim(rs.paths.EDM(), rs.schedules.karras(n=18, sigma_min=0.002, sigma_max=80.0))
>>> sampler
Sampler(ddim: 17 steps from (α, σ) = (1, 80) to (1, 0.002), no noise)
>>> rs.samplers.replay(sampler, rs.samplers.noisy_score(p), [[80.0, 0.0]]).shape
(1, 2)
"""

from __future__ import annotations

from refscore.samplers.ancestral import (
    ancestral_ve,
    ancestral_ve_step,
    ancestral_vp,
    ancestral_vp_step,
    large_variance,
    small_variance,
)
from refscore.samplers.annealed import annealed, annealed_langevin
from refscore.samplers.ddim import ddim, ddim_step
from refscore.samplers.flow_ode import euler_ode, euler_ode_step, heun_ode, heun_ode_step
from refscore.samplers.langevin import langevin, langevin_step
from refscore.samplers.multistep import Multistep
from refscore.samplers.replay import Sampler, noisy_score, replay
from refscore.samplers.reverse_sde import (
    euler_maruyama,
    euler_maruyama_step,
    reverse_diffusion,
    reverse_diffusion_step,
)

__all__ = [
    "Multistep",
    "Sampler",
    "ancestral_ve",
    "ancestral_ve_step",
    "ancestral_vp",
    "ancestral_vp_step",
    "annealed",
    "annealed_langevin",
    "ddim",
    "ddim_step",
    "euler_maruyama",
    "euler_maruyama_step",
    "euler_ode",
    "euler_ode_step",
    "heun_ode",
    "heun_ode_step",
    "langevin",
    "langevin_step",
    "large_variance",
    "noisy_score",
    "replay",
    "reverse_diffusion",
    "reverse_diffusion_step",
    "small_variance",
]
