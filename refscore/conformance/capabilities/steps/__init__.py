"""Capabilities ``step.*``, the corrector's and ``sampler.annealed_langevin``: steps down in noise, on given noise."""

from __future__ import annotations

from refscore.conformance.capabilities.steps.ancestral import ANCESTRAL_VE, ANCESTRAL_VP
from refscore.conformance.capabilities.steps.corrector import CORRECTOR
from refscore.conformance.capabilities.steps.ddim import DDIM
from refscore.conformance.capabilities.steps.dpm_solver import DPM_SOLVER
from refscore.conformance.capabilities.steps.edm import EDM_STEP
from refscore.conformance.capabilities.steps.langevin import ANNEALED, LANGEVIN
from refscore.conformance.capabilities.steps.mala import MALA
from refscore.conformance.capabilities.steps.odes import EULER_ODE, HEUN_ODE
from refscore.conformance.capabilities.steps.sdes import EULER_MARUYAMA, REVERSE_DIFFUSION
from refscore.conformance.capabilities.steps.underdamped import UNDERDAMPED

__all__ = ["STEPS"]

STEPS = (
    LANGEVIN,
    MALA,
    UNDERDAMPED,
    EULER_MARUYAMA,
    REVERSE_DIFFUSION,
    EULER_ODE,
    HEUN_ODE,
    ANCESTRAL_VP,
    ANCESTRAL_VE,
    DDIM,
    EDM_STEP,
    DPM_SOLVER,
    CORRECTOR,
    ANNEALED,
)
