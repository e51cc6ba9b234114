"""What is found out about a black box: finite, on the mean, row by row, the right law in the limit, its order."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.black_box.driving import GAUSSIAN, Driver, level, start_states
from refscore.conformance.capabilities.black_box.orders import flow_error, law_error, mixture_error, observed_order
from refscore.conformance.capability import LIMIT, Check, Finding, unit_roundoff
from refscore.conformance.guard import AdapterFailure

__all__ = ["black_box_checks"]

COUNTS = {"quick": (*range(1, 13), 15, 20, 30), "full": tuple(range(1, 65))}
MEANS = {"quick": (5, 6, 7, 10, 16, 30), "full": tuple(range(5, 65))}


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
    if conventions["mean"] == "exact":
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
    if conventions["order"] is None:
        return
    order = functools.partial(observed_order, dtype=dtype)
    needs = ("mean",) if conventions["mean"] == "exact" else ()
    if conventions["stochastic"]:
        yield Check(
            "order-gaussian",
            "the exact law of the output tends to the target's with the claimed weak order",
            with_driver(lambda driver: order(driver, law_error)),
            needs=needs,
        )
        return
    yield Check(
        "order-gaussian",
        "the map tends to the probability flow of a Gaussian with the claimed order",
        with_driver(lambda driver: order(driver, flow_error)),
        needs=needs,
    )
    yield Check(
        "order-mixture",
        "paths tend to the probability flow of a mixture with the claimed order",
        with_driver(lambda driver: order(driver, mixture_error)),
        needs=needs,
    )


def _finite(driver: Driver, counts: Sequence[int]) -> Finding:
    bad, raised = [], []
    for n in counts:
        try:
            out, _ = driver.run(GAUSSIAN, start_states(driver.conventions, n), n)
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
    figures = (("not finite at", tuple(map(float, bad))), ("raises at", tuple(float(n) for n, _ in raised)))
    return Finding("fail", float("inf"), "\n".join(lines), symptom=symptom, figures=figures)


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
    x = start_states(driver.conventions, n)
    together, _ = driver.run(GAUSSIAN, x, n)
    alone = np.concatenate([driver.run(GAUSSIAN, x[i : i + 1], n)[0] for i in range(len(x))])
    size = 64 * (n + 8) * np.abs(x).max()
    with np.errstate(invalid="ignore"):
        apart = np.abs(together - alone).max(axis=1)
    ratio = float(apart.max() / (unit_roundoff(dtype) * size))
    if ratio <= LIMIT:
        return Finding("pass", ratio, sees="a shared norm or noise")
    i = int(apart.argmax())
    message = f"sample {i}: in the batch {_vector(together[i])}   alone {_vector(alone[i])}"
    return Finding("fail", ratio, message, symptom="depends on the batch")


def _predictions(driver: Driver, dtype: str) -> Finding:
    n, worst, lines = 10, 0.0, []
    x = start_states(driver.conventions, n)
    names = driver.conventions["predictions"]
    runs = [driver.run(GAUSSIAN, x, n, prediction=name)[0] for name in names]
    size = 256 * (n + 8) * np.abs(x).max()
    for name, out in zip(names[1:], runs[1:]):
        with np.errstate(invalid="ignore"):
            ratio = float(np.abs(out - runs[0]).max() / (unit_roundoff(dtype) * size))
        worst = max(worst, ratio) if math.isfinite(ratio) else math.inf
        if not ratio <= LIMIT:
            lines.append(
                f"prediction={name!r} ends at {_vector(out[1])}, prediction={names[0]!r} at {_vector(runs[0][1])}"
            )
    if not lines:
        return Finding("pass", worst, sees="a wrong conversion")
    return Finding("fail", worst, "\n".join(lines), symptom="predictions differ")


def _listed(numbers: Sequence[int]) -> str:
    """Step counts in words: neighbours as ranges."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def _vector(x: Float) -> str:
    return f"({', '.join(f'{value:.6g}' for value in x)})"
