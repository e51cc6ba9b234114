"""The observed order of a black box: against the exact law, the closed-form flow, the integrated flow of a mixture."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.black_box.driving import GAUSSIAN, MIXTURE, Driver, NotFinite, ends, start_states
from refscore.conformance.capability import Finding, unit_roundoff
from refscore.exact.discrepancies import wasserstein2
from refscore.exact.flows import flow, flow_map
from refscore.exact.laws import NotAffine
from refscore.exact.orders import order_of

__all__ = ["flow_error", "law_error", "mixture_error", "observed_order"]

SLACK = 0.1  # how far below the claim an observed order may be
Error = Callable[[Driver, int], tuple[float, float]]


def law_error(driver: Driver, n: int) -> tuple[float, float]:
    """W₂ of the exact law of the output to the target's, and the ratio of their standard deviations.

    Parameters
    ----------
    driver : Driver
        The sampler.
    n : int
        Number of steps.

    Returns
    -------
    (float, float)
        Error and ratio.
    """
    law, right = driver.affine(n).push(driver.start_law(n)), driver.stop_law(n)
    return wasserstein2(law, right), math.sqrt(np.trace(law.cov) / np.trace(right.cov))


def flow_error(driver: Driver, n: int) -> tuple[float, float]:
    """Distance of the map from the closed-form flow over the law of the start, and the ratio of standard deviations.

    Parameters
    ----------
    driver : Driver
        The sampler.
    n : int
        Number of steps.

    Returns
    -------
    (float, float)
        Error and ratio.
    """
    found, start = driver.affine(n), driver.start_law(n)
    right = flow_map(GAUSSIAN, **ends(driver.conventions, n))
    matrix = (found.matrix - right.matrix) @ np.linalg.cholesky(start.cov)
    constant = found(start.mean) - right(start.mean)
    spread = math.sqrt(np.trace(found.push(start).cov) / np.trace(driver.stop_law(n).cov))
    return float(np.hypot(np.linalg.norm(matrix), np.linalg.norm(constant))), spread


def mixture_error(driver: Driver, n: int) -> tuple[float, float]:
    """Largest distance of a path's end from the integrated flow of a mixture, and the ratio of standard deviations.

    Parameters
    ----------
    driver : Driver
        The sampler.
    n : int
        Number of steps.

    Returns
    -------
    (float, float)
        Error and ratio.
    """
    x = start_states(driver.conventions, n)
    out, _ = driver.run(MIXTURE, x, n)
    if not np.isfinite(out).all():
        raise NotFinite
    between = ends(driver.conventions, n)
    right = _mixture_flow(tuple(map(tuple, x)), between["start"], between["stop"])
    return float(np.abs(out - right).max()), float(np.std(out) / np.std(right))


@functools.lru_cache(maxsize=64)
def _mixture_flow(x: tuple[tuple[float, ...], ...], start: tuple[float, float], stop: tuple[float, float]) -> Float:
    return flow(MIXTURE, np.array(x), start=start, stop=stop)[0]


def observed_order(driver: Driver, error_of: Error, dtype: str) -> Finding:
    """Measure the errors at the declared step counts and hold the extrapolated order against the claim.

    Parameters
    ----------
    driver : Driver
        The sampler.
    error_of : callable
        One of the errors of this module.
    dtype : {"float64", "float32"}
        What the sampler computes in.

    Returns
    -------
    Finding
        With the series behind it.
    """
    steps, claimed = tuple(driver.conventions["steps"]), float(driver.conventions["order"])
    errors, spreads = [], []
    for n in steps:
        try:
            error, spread = error_of(driver, n)
        except NotAffine as bent:
            hint = "it clips or thresholds: declare clamps=True if that is meant"
            return Finding("fail", math.inf, f"{bent}\n{hint}", symptom="not affine")
        except NotFinite:
            return Finding("fail", math.inf, f"not a number at n = {n}", symptom="nan")
        errors.append(error)
        spreads.append(spread)
    figures = _figures(steps, errors, spreads)
    floor = [256 * n * unit_roundoff(dtype) * math.sqrt(np.trace(GAUSSIAN.cov)) for n in steps]
    sees = f"order ±{SLACK}"
    if errors[0] <= floor[0]:
        return Finding("pass", 0.0, "exact to rounding at every step count", sees=sees, figures=figures)
    lines = _table(steps, errors, spreads)
    usable = [k for k in range(len(steps)) if errors[k] > floor[k]]
    if len(usable) < 4:
        message = "\n".join([*lines, "errors reach rounding too early to tell an order"])
        return Finding("inconclusive", message=message, figures=figures)
    order = order_of([errors[k] for k in usable], [steps[k] for k in usable])
    figures = (*figures, ("order", (order.value, order.uncertainty)))
    observed = f"observed order {order.value:.2f} ± {order.uncertainty:.2f}, claimed {claimed:g}"
    if order.value >= claimed - SLACK - min(order.uncertainty, 0.2):
        return Finding("pass", message=observed, sees=sees, figures=figures)
    if order.uncertainty > 0.3 and order.value > claimed - 1:
        message = "\n".join([*lines, observed, "not yet in the asymptotic range"])
        return Finding("inconclusive", message=message, figures=figures)
    symptom = f"order {round(2 * order.value) / 2:g} instead of {claimed:g}"
    if order.value < 0.4:
        symptom = f"no convergence, std {'low' if spreads[-1] < 1 else 'high'}"
    return Finding("fail", math.nan, "\n".join([*lines, observed]), sees=sees, symptom=symptom, figures=figures)


def _figures(
    steps: Sequence[int], errors: Sequence[float], spreads: Sequence[float]
) -> tuple[tuple[str, tuple[float, ...]], ...]:
    return (("steps", tuple(map(float, steps))), ("errors", tuple(errors)), ("std ratio", tuple(spreads)))


def _table(steps: Sequence[int], errors: Sequence[float], spreads: Sequence[float]) -> list[str]:
    lines = ["steps     error     slope     std ratio"]
    for k, n in enumerate(steps):
        slope = math.log(errors[k - 1] / errors[k]) / math.log(n / steps[k - 1]) if k and errors[k] > 0 else math.nan
        shown = "" if math.isnan(slope) else f"{slope:.2f}"
        lines.append(f"{n:5d}   {errors[k]:.2e}   {shown:>5s}     {spreads[k]:.4f}")
    return lines
