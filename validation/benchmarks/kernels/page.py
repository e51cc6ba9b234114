"""The committed results of the kernels: their file, their page, and its plots."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from validation.benchmarks.kernels import plots
from validation.benchmarks.record import record

__all__ = ["PAGE", "RESULTS", "renew"]

RESULTS = Path(__file__).parent / "results.json"
PAGE = Path(__file__).parents[3] / "docs" / "benchmarks" / "kernels.md"


def renew(found: Mapping[str, Mapping[str, Any]], results: Path = RESULTS, page: Path = PAGE) -> None:
    """Write what was measured, and draw all that is known.

    Parameters
    ----------
    found : mapping
        As for :func:`validation.benchmarks.record.record`.
    results, page : Path
        Where; plots stand beside the page.
    """
    record(found, results, page, lambda merged: plots.draw(merged, page.parent))
