"""Capabilities ``sampler.predictor_corrector`` and ``sampler.flow_ode``: whole runs along a path."""

from __future__ import annotations

from refscore.conformance.capabilities.samplers.flow_ode import FLOW_ODE
from refscore.conformance.capabilities.samplers.predictor_corrector import PREDICTOR_CORRECTOR

__all__ = ["SAMPLERS"]

SAMPLERS = (PREDICTOR_CORRECTOR, FLOW_ODE)
