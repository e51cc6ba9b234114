"""Capabilities ``target.*``: densities, scores and posteriors in closed form, and how each of them goes wrong."""

from __future__ import annotations

from refscore.conformance.capabilities.targets.empirical import EMPIRICAL
from refscore.conformance.capabilities.targets.gaussian import GAUSSIAN
from refscore.conformance.capabilities.targets.mixture import MIXTURE
from refscore.conformance.capabilities.targets.posterior import POSTERIOR

__all__ = ["TARGETS"]

TARGETS = (*GAUSSIAN, *MIXTURE, *POSTERIOR, *EMPIRICAL)
