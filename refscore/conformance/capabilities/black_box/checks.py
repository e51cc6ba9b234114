"""What is found out about a black box: finite, on the mean, row by row, the right law in the limit, its order."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.black_box.driving import GAUSSIAN, MIXTURE, Driver, level
from refscore.conformance.capability import LIMIT, Check, Finding, unit_roundoff
from refscore.conformance.guard import AdapterFailure
from refscore.exact.discrepancies import wasserstein2
from refscore.exact.flows import flow, flow_map
from refscore.exact.laws import NotAffine
from refscore.exact.orders import order_of

__all__ = ["black_box_checks"]

COUNTS = {"quick": (*range(1, 13), 15, 20, 30), "full": tuple(range(1, 61))}
MEANS = {"quick": (5, 6, 7, 10, 16, 30), "full": (5, 6, 7, 9, 10, 13, 16, 30, 45, 60)}
POINTS = np.array([[0.0, 0.0], [1.0, -0.5], [-1.5, 0.25], [0.25, 1.75], [-0.5, -1.25]])
SLACK = 0.1  # how far below the claim an observed order may be


def black_box_checks(conventions: Mapping[str, Any], dtype: str, profile: str) -> Iterator[Check]:
    """The checks of one black box.

    Parameters
    ----------
    conventions : mapping
        As declared.
    dtype : {"float64", "float32"}
        What it computes in.
    profile : {"quick", "full"}
        How many step counts.

    Yields
    ------
    Check
        Each takes a call of the implementation.
    """

    def with_driver(measure: Callable[[Driver], Finding]) -> Callable[[Any], Finding]:
        return lambda call: measure(Driver(call, conventions, dtype))

    counts, means = COUNTS[profile], MEANS[profile]
    yield Check(
        "finite",
        f"finite states for {len(counts)} step counts from 1 to {counts[-1]}",
        with_driver(lambda driver: _finite(driver, counts)),
    )
    yield Check(
        "mean",
        "without noise the mean goes to the mean: α₀ m ↦ α₁ m at every step count",
        with_driver(lambda driver: _mean(driver, means, dtype)),
    )
    yield Check(
        "rows",
        "a sample does not depend on the other samples of its batch",
        with_driver(lambda driver: _rows(driver, dtype)),
    )
    if conventions["predictions"]:
        yield Check(
            "predictions",
            "all predictions of the exact model give the same run",
            with_driver(lambda driver: _predictions(driver, dtype)),
        )
    order = functools.partial(_order, dtype=dtype)
    if conventions["stochastic"]:
        yield Check(
            "order-gaussian",
            "the exact law of the output tends to the target's with the claimed weak order",
            with_driver(lambda driver: order(driver, _law_error)),
            needs=("mean",),
        )
        return
    yield Check(
        "order-gaussian",
        "the map tends to the probability flow of a Gaussian with the claimed order",
        with_driver(lambda driver: order(driver, _flow_error)),
        needs=("mean",),
    )
    yield Check(
        "order-mixture",
        "paths tend to the probability flow of a mixture with the claimed order",
        with_driver(lambda driver: order(driver, _mixture_error)),
        needs=("mean",),
    )


def _starts(driver: Driver, n: int) -> Float:
    """Five typical start states."""
    alpha, sigma = level(driver.conventions, "start", n)
    return alpha * GAUSSIAN.mean + math.hypot(alpha, sigma) * POINTS


def _finite(driver: Driver, counts: Sequence[int]) -> Finding:
    bad, raised = [], []
    for n in counts:
        try:
            out, _ = driver.run(GAUSSIAN, _starts(driver, n), n)
        except AdapterFailure as error:
            raised.append((n, str(error)))
        else:
            if not np.isfinite(out).all():
                bad.append(n)
    if len(raised) == len(counts):
        raise AdapterFailure(raised[0][1])
    lines = [f"not a number at n = {_listed(bad)}"] if bad else []
    lines += [f"raises at n = {_listed([n for n, _ in raised])}: {raised[0][1]}"] if raised else []
    if not lines:
        return Finding("pass", sees="one value that is no number")
    odd = bad and all(n % 2 for n in bad)
    symptom = f"nan at {'odd' if odd else 'some'}" if bad else "raises"
    return Finding("fail", float("inf"), "\n".join(lines), symptom=symptom)


def _mean(driver: Driver, counts: Sequence[int], dtype: str) -> Finding:
    """The sharpest cheap check: any mismatch of levels, times or coefficients moves the mean, no solver order does."""
    u, worst, drift = unit_roundoff(dtype), 0.0, []
    for n in counts:
        (a0, _), (a1, _) = (level(driver.conventions, end, n) for end in ("start", "stop"))
        out, _ = driver.run(GAUSSIAN, np.tile(a0 * GAUSSIAN.mean, (2, 1)), n)
        error = float(np.abs(out - a1 * GAUSSIAN.mean).max())
        # A relative error of a few u in each step's coefficients, and nothing to amplify it.
        size = 8 * (n + 8) * float(np.abs(GAUSSIAN.mean).max()) * max(a0, a1)
        ratio = error / (u * size) if math.isfinite(error) else math.inf
        worst = max(worst, ratio)
        if not ratio <= LIMIT:
            drift.append((n, out[0] / a1))
    if not drift:
        return Finding("pass", worst, sees="a level mismatch")
    lines = [f"mean of the data    {GAUSSIAN.mean[0]:.4f} {GAUSSIAN.mean[1]:.4f}"]
    lines += [f"mean at n = {n:<7d} {mean[0]:.4f} {mean[1]:.4f}" for n, mean in drift[:4]]
    some = f"at {len(drift)} of {len(counts)} step counts" if len(drift) < len(counts) else "at every step count"
    return Finding(
        "fail",
        worst,
        "\n".join([*lines, f"off {some}"]),
        symptom=f"mean off at {'some' if len(drift) < len(counts) else 'every'} step count",
    )


def _rows(driver: Driver, dtype: str) -> Finding:
    n = 10
    x = _starts(driver, n)
    together, _ = driver.run(GAUSSIAN, x, n)
    alone = np.concatenate([driver.run(GAUSSIAN, x[i : i + 1], n)[0] for i in range(len(x))])
    size = 64 * (n + 8) * np.abs(x).max()
    ratio = float(np.abs(together - alone).max() / (unit_roundoff(dtype) * size))
    if ratio <= LIMIT:
        return Finding("pass", ratio, sees="a shared norm or noise")
    i = int(np.abs(together - alone).max(axis=1).argmax())
    message = f"sample {i}: in the batch {_vector(together[i])}   alone {_vector(alone[i])}"
    return Finding("fail", ratio, message, symptom="depends on the batch")


def _predictions(driver: Driver, dtype: str) -> Finding:
    n, worst, lines = 10, 0.0, []
    x = _starts(driver, n)
    names = driver.conventions["predictions"]
    runs = [driver.run(GAUSSIAN, x, n, prediction=name)[0] for name in names]
    size = 256 * (n + 8) * np.abs(x).max()
    for name, out in zip(names[1:], runs[1:]):
        ratio = float(np.abs(out - runs[0]).max() / (unit_roundoff(dtype) * size))
        worst = max(worst, ratio) if math.isfinite(ratio) else math.inf
        if not ratio <= LIMIT:
            lines.append(
                f"prediction={name!r} ends at {_vector(out[1])}, prediction={names[0]!r} at {_vector(runs[0][1])}"
            )
    if not lines:
        return Finding("pass", worst, sees="a wrong conversion")
    return Finding("fail", worst, "\n".join(lines), symptom="predictions differ")


def _law_error(driver: Driver, n: int) -> tuple[float, float]:
    """W₂ of the exact law of the output to the target's, and the ratio of their standard deviations."""
    law, right = driver.affine(n).push(driver.start_law(n)), driver.stop_law(n)
    return wasserstein2(law, right), math.sqrt(np.trace(law.cov) / np.trace(right.cov))


def _flow_error(driver: Driver, n: int) -> tuple[float, float]:
    """Distance of the map from the closed-form flow, over the law of the start."""
    found, start = driver.affine(n), driver.start_law(n)
    right = flow_map(GAUSSIAN, **_ends(driver, n))
    matrix = (found.matrix - right.matrix) @ np.linalg.cholesky(start.cov)
    constant = found(start.mean) - right(start.mean)
    spread = math.sqrt(np.trace(found.push(start).cov) / np.trace(driver.stop_law(n).cov))
    return float(np.hypot(np.linalg.norm(matrix), np.linalg.norm(constant))), spread


def _mixture_error(driver: Driver, n: int) -> tuple[float, float]:
    """Largest distance of a path's end from the integrated flow."""
    x = _starts(driver, n)
    out, _ = driver.run(MIXTURE, x, n)
    ends = _ends(driver, n)
    right = _mixture_flow(tuple(map(tuple, x)), ends["start"], ends["stop"])
    return float(np.abs(out - right).max()), float(np.std(out) / np.std(right))


@functools.lru_cache(maxsize=64)
def _mixture_flow(x: tuple[tuple[float, ...], ...], start: tuple[float, float], stop: tuple[float, float]) -> Float:
    return flow(MIXTURE, np.array(x), start=start, stop=stop)[0]


def _ends(driver: Driver, n: int) -> dict[str, tuple[float, float]]:
    return {end: level(driver.conventions, end, n) for end in ("start", "stop")}


def _order(driver: Driver, error_of: Callable[[Driver, int], tuple[float, float]], dtype: str) -> Finding:
    steps, claimed = tuple(driver.conventions["steps"]), float(driver.conventions["order"])
    try:
        found = [error_of(driver, n) for n in steps]
    except NotAffine as error:
        hint = "it clips or thresholds: declare clamps=True if that is meant"
        return Finding("fail", math.inf, f"{error}\n{hint}", symptom="not affine")
    errors, spreads = [e for e, _ in found], [s for _, s in found]
    if not np.isfinite(errors).all():
        return Finding(
            "fail",
            math.inf,
            f"not a number at n = {_listed([n for n, e in zip(steps, errors) if not math.isfinite(e)])}",
            symptom="nan",
        )
    floor = [256 * n * unit_roundoff(dtype) * math.sqrt(np.trace(GAUSSIAN.cov)) for n in steps]
    if errors[0] <= floor[0]:
        return Finding("pass", 0.0, sees=f"order ±{SLACK}", message="exact to rounding at every step count")
    usable = [k for k in range(len(steps)) if errors[k] > floor[k]]
    lines = ["steps     error     slope     std ratio"]
    for k, n in enumerate(steps):
        slope = math.log(errors[k - 1] / errors[k]) / math.log(n / steps[k - 1]) if k and errors[k] > 0 else math.nan
        lines.append(
            f"{n:5d}   {errors[k]:.2e}   {'' if math.isnan(slope) else f'{slope:.2f}':>5s}     {spreads[k]:.4f}"
        )
    if len(usable) < 4:
        return Finding("inconclusive", message="\n".join([*lines, "errors reach rounding too early to tell an order"]))
    order = order_of([errors[k] for k in usable], [steps[k] for k in usable])
    observed = f"observed order {order.value:.2f} ± {order.uncertainty:.2f}, claimed {claimed:g}"
    slack = SLACK + min(order.uncertainty, 0.2)
    if order.value >= claimed - slack:
        return Finding("pass", sees=f"order ±{SLACK}", message=observed)
    if order.uncertainty > 0.3 and order.value > claimed - 1:
        return Finding("inconclusive", message="\n".join([*lines, observed, "not yet in the asymptotic range"]))
    symptom = f"order {round(2 * (claimed - order.value)) / 2:g} too low"
    if order.value < 0.4:
        symptom = f"no convergence, std {'low' if spreads[-1] < 1 else 'high'}"
    return Finding("fail", math.nan, "\n".join([*lines, observed]), sees=f"order ±{SLACK}", symptom=symptom)


def _listed(numbers: Sequence[int]) -> str:
    head = ", ".join(map(str, numbers[:8]))
    return f"{head} and {len(numbers) - 8} more" if len(numbers) > 8 else head


def _vector(x: Float) -> str:
    return f"({', '.join(f'{value:.6g}' for value in x)})"
