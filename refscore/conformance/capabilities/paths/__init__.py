"""Capabilities ``path.*``: α and σ of a forward process, and the mistakes people make in these two lines."""

from __future__ import annotations

from refscore.conformance.capabilities.paths.exploding import EDM_PATH, VE_PATH
from refscore.conformance.capabilities.paths.interpolating import COSINE_PATH, FLOW_PATH
from refscore.conformance.capabilities.paths.preserving import SUBVP_PATH, VP_PATH

__all__ = ["PATHS"]

PATHS = (VP_PATH, SUBVP_PATH, VE_PATH, COSINE_PATH, FLOW_PATH, EDM_PATH)
