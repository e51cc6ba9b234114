"""Checking other people's implementations: adapter, capabilities, runner, diagnosis, reports."""

from __future__ import annotations

from refscore.conformance.adapter import Adapter, AdapterError
from refscore.conformance.capabilities import CATALOGUE
from refscore.conformance.checking import check, check_here
from refscore.conformance.loading import TargetError, load
from refscore.conformance.results import Report, Result
from refscore.conformance.runner import Selection

__all__ = [
    "CATALOGUE",
    "Adapter",
    "AdapterError",
    "Report",
    "Result",
    "Selection",
    "TargetError",
    "check",
    "check_here",
    "load",
]
