"""Capabilities ``schedule.*``: noise levels and β sequences; every argument comes by keyword."""

from __future__ import annotations

from refscore.conformance.capabilities.schedules.betas import COSINE_BETAS, LINEAR_BETAS, SCALED_LINEAR_BETAS
from refscore.conformance.capabilities.schedules.langevin_step import NCSNV2_STEP
from refscore.conformance.capabilities.schedules.levels import GEOMETRIC, KARRAS
from refscore.conformance.capabilities.schedules.ncsn import NCSNV2

__all__ = ["SCHEDULES"]

SCHEDULES = (GEOMETRIC, KARRAS, LINEAR_BETAS, SCALED_LINEAR_BETAS, COSINE_BETAS, NCSNV2, NCSNV2_STEP)
