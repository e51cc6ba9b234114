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

from refscore.samplers.adams_bashforth import adams_bashforth
from refscore.samplers.adaptive_sde import (
    adaptive_sde_step,
    improved_euler,
    improved_euler_step,
    predictable_sde_step,
)
from refscore.samplers.ancestral import (
    ancestral_ve,
    ancestral_ve_step,
    ancestral_vp,
    ancestral_vp_step,
    large_variance,
    small_variance,
)
from refscore.samplers.ancestral_variances import (
    analytic_variance,
    ancestral_learned,
    learned_fraction,
    learned_variance,
)
from refscore.samplers.annealed import annealed, annealed_langevin
from refscore.samplers.consistency_sampling import consistency_multistep, consistency_step
from refscore.samplers.consistent_annealed import consistent_annealed, consistent_annealed_step
from refscore.samplers.constrained import projected_langevin_step, reflected_langevin_step
from refscore.samplers.correctors import annealed_corrector_step, batch_corrector_step, langevin_corrector_step
from refscore.samplers.ddim import ddim, ddim_step
from refscore.samplers.deis import deis
from refscore.samplers.dpm_adaptive import dpm_adaptive_12_step, dpm_adaptive_23_step
from refscore.samplers.dpm_multistep import (
    dpm_multistep_2,
    dpm_multistep_3,
    dpm_multistep_3_corrected,
)
from refscore.samplers.dpm_solver import (
    dpm_solver_1_step,
    dpm_solver_2,
    dpm_solver_2_step,
    dpm_solver_3,
    dpm_solver_3_step,
)
from refscore.samplers.dpm_solver_corrected import dpm_solver_3_corrected, dpm_solver_3_corrected_step
from refscore.samplers.edm import edm, edm_euler, edm_euler_step, edm_step
from refscore.samplers.exponential import data_form, exponential_adams, noise_form
from refscore.samplers.flow_ode import euler_ode, euler_ode_step, heun_ode, heun_ode_step
from refscore.samplers.hmc import hmc_step, leapfrog, unadjusted_hmc
from refscore.samplers.langevin import langevin, langevin_step
from refscore.samplers.mala import mala_step, metropolis_step
from refscore.samplers.minibatch import control_variate_score, minibatch_score, minibatch_score_cov, sgld_step
from refscore.samplers.multistep import Multistep
from refscore.samplers.pndm import pndm, pseudo_runge_kutta
from refscore.samplers.preconditioned import preconditioned_langevin, preconditioned_langevin_step
from refscore.samplers.predictor_corrector import corrector_predictor, predictor_corrector
from refscore.samplers.recording import Moments, Running, Trajectory, moments, several, thinned
from refscore.samplers.replay import Sampler, noisy_score, replay
from refscore.samplers.reverse_sde import (
    euler_maruyama,
    euler_maruyama_step,
    reverse_diffusion,
    reverse_diffusion_step,
)
from refscore.samplers.runge_kutta import (
    EULER,
    HEUN,
    MIDPOINT,
    RALSTON,
    RK4,
    Tableau,
    flow_rk45,
    runge_kutta,
    runge_kutta_step,
)
from refscore.samplers.sde_dpm import sde_dpm_multistep_2, sde_dpm_solver_1
from refscore.samplers.sphere import sphere_langevin_step
from refscore.samplers.step_control import Adaptive, adaptive_run, adaptive_start
from refscore.samplers.stochastic_heun import stochastic_heun, stochastic_heun_step
from refscore.samplers.underdamped import baoab, baoab_step, obabo, obabo_step, underdamped, underdamped_step
from refscore.samplers.unipc import bh1, bh2, unip, unipc

__all__ = [
    "EULER",
    "HEUN",
    "MIDPOINT",
    "RALSTON",
    "RK4",
    "Adaptive",
    "Moments",
    "Multistep",
    "Running",
    "Sampler",
    "Tableau",
    "Trajectory",
    "adams_bashforth",
    "adaptive_run",
    "adaptive_sde_step",
    "adaptive_start",
    "analytic_variance",
    "ancestral_learned",
    "ancestral_ve",
    "ancestral_ve_step",
    "ancestral_vp",
    "ancestral_vp_step",
    "annealed",
    "annealed_corrector_step",
    "annealed_langevin",
    "baoab",
    "baoab_step",
    "batch_corrector_step",
    "bh1",
    "bh2",
    "consistency_multistep",
    "consistency_step",
    "consistent_annealed",
    "consistent_annealed_step",
    "control_variate_score",
    "corrector_predictor",
    "data_form",
    "ddim",
    "ddim_step",
    "deis",
    "dpm_adaptive_12_step",
    "dpm_adaptive_23_step",
    "dpm_multistep_2",
    "dpm_multistep_3",
    "dpm_multistep_3_corrected",
    "dpm_solver_1_step",
    "dpm_solver_2",
    "dpm_solver_2_step",
    "dpm_solver_3",
    "dpm_solver_3_corrected",
    "dpm_solver_3_corrected_step",
    "dpm_solver_3_step",
    "edm",
    "edm_euler",
    "edm_euler_step",
    "edm_step",
    "euler_maruyama",
    "euler_maruyama_step",
    "euler_ode",
    "euler_ode_step",
    "exponential_adams",
    "flow_rk45",
    "heun_ode",
    "heun_ode_step",
    "hmc_step",
    "improved_euler",
    "improved_euler_step",
    "langevin",
    "langevin_corrector_step",
    "langevin_step",
    "large_variance",
    "leapfrog",
    "learned_fraction",
    "learned_variance",
    "mala_step",
    "metropolis_step",
    "minibatch_score",
    "minibatch_score_cov",
    "moments",
    "noise_form",
    "noisy_score",
    "obabo",
    "obabo_step",
    "pndm",
    "preconditioned_langevin",
    "preconditioned_langevin_step",
    "predictable_sde_step",
    "predictor_corrector",
    "projected_langevin_step",
    "pseudo_runge_kutta",
    "reflected_langevin_step",
    "replay",
    "reverse_diffusion",
    "reverse_diffusion_step",
    "runge_kutta",
    "runge_kutta_step",
    "sde_dpm_multistep_2",
    "sde_dpm_solver_1",
    "several",
    "sgld_step",
    "small_variance",
    "sphere_langevin_step",
    "stochastic_heun",
    "stochastic_heun_step",
    "thinned",
    "unadjusted_hmc",
    "underdamped",
    "underdamped_step",
    "unip",
    "unipc",
]
