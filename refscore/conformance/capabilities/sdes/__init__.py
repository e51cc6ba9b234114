"""Capabilities ``sde.*``: the drift and the diffusion of a path's SDE, of its reversal and of its flow."""

from __future__ import annotations

from refscore.conformance.capabilities.sdes.backward import FLOW_DRIFT, REVERSE_DRIFT
from refscore.conformance.capabilities.sdes.forward import SUBVP_SDE, VE_SDE, VP_SDE

__all__ = ["SDES"]

SDES = (VP_SDE, SUBVP_SDE, VE_SDE, REVERSE_DRIFT, FLOW_DRIFT)
