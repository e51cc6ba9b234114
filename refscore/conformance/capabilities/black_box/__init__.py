"""Capability ``sampler.black_box``: any sampler of any library, run with the perfect model of a known target."""

from __future__ import annotations

from refscore.conformance.capabilities.black_box.capability import BLACK_BOX

__all__ = ["BLACK_BOX"]
