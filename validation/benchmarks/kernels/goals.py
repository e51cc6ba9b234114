"""Goals are for machines with AVX-512; where vectors are half as wide, half of each is aimed at."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from validation.benchmarks.rows import Goal

__all__ = ["faster", "wide"]


@cache
def wide() -> bool:
    """Whether this machine has AVX-512, as far as the system says.

    Returns
    -------
    bool
        False where it does not say.
    """
    information = Path("/proc/cpuinfo")
    return information.exists() and " avx512f " in information.read_text(encoding="utf-8")


def faster(times: float) -> Goal:
    """The peer takes at least so many times as long, or half as many without AVX-512.

    Parameters
    ----------
    times : float
        With AVX-512.

    Returns
    -------
    Goal
        Of a ratio.
    """
    return Goal.at_least(times if wide() else times / 2)
