"""What ``step.dpm_solver`` is asked: the grids, the reference from predictions, and how rounding goes through a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, cast, final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float
from refscore.conformance.capabilities.steps.common import BATCHES, step_case
from refscore.conformance.capabilities.steps.dpm_rules import PATHS, stages_of
from refscore.conformance.capability import Case, Convention
from refscore.conformance.clocked import Clocked
from refscore.conformance.fields import Field
from refscore.paths import Path
from refscore.samplers import (
    data_form,
    dpm_multistep_2,
    dpm_multistep_3,
    dpm_multistep_3_corrected,
    dpm_solver_1_step,
    dpm_solver_2_step,
    dpm_solver_3_step,
    noise_form,
)

__all__ = ["CONVENTIONS", "dpm_cases", "dpm_reference"]

CONVENTIONS = (
    Convention("order", 2, (1, 2, 3), "passed as order, too"),
    Convention("kind", "data", ("data", "noise"), "what predict says: x̂_0 (DPM-Solver++) or ε̂; passed as kind, too"),
    Convention("method", "multistep", ("multistep", "singlestep"), "one evaluation a step, or as many as the order"),
    Convention("path", "vp", ("vp", "ve", "flow"), "α and σ from λ: α² + σ² = 1, α = 1, or α + σ = 1"),
    Convention(
        "second_derivative",
        "exact",
        ("exact", "released"),
        "multistep of order 3: whole, order 3 after the start; or half of it as released, order 2",
    ),
)

GRIDS = {
    "steps=4": (-1.5, -0.75, 0.5, 0.875, 2.0),
    "steps=1": (-1.0, 0.5),
    "steps=2": (0.25, 1.0, 1.25),
    "long": (-2.5, -0.5, 1.5, 3.25),
    "fine": (0.5, 0.515625, 0.5234375, 0.5546875, 0.5625),
    "late": (3.0, 4.5, 5.0, 6.5),
}
"""λ; no two steps next to each other are alike."""


@final
@dataclass(frozen=True)
class _Clock:
    """A path whose time is -λ."""

    name: str
    prior_scale: float = 1.0

    def alpha(self, t: ArrayLike) -> Float:
        return np.asarray(PATHS[self.name](-np.asarray(t))[0])

    def sigma(self, t: ArrayLike) -> Float:
        return np.asarray(PATHS[self.name](-np.asarray(t))[1])

    def log_snr(self, t: ArrayLike) -> Float:
        return np.asarray(-np.asarray(t))

    time = log_snr


def dpm_reference(
    predict: Any,
    x: Float,
    *,
    log_snr: Float,
    order: int,
    kind: str,
    method: str = "multistep",
    path: str = "vp",
    released: bool = False,
) -> Float:
    """A run of DPM-Solver, with a model that says the prediction itself.

    Parameters
    ----------
    predict : callable
        m(x, λ).
    x : (n, d)
        State at λ_0.
    log_snr : (n + 1,)
        λ_0 < … < λ_n.
    order, kind, method, path : int, str, str, str
        As declared.
    released : bool
        Whether the multistep method of order 3 is the released one.

    Returns
    -------
    (n, d)
        State at λ_n.
    """
    form = replace(noise_form if kind == "noise" else data_form, predict=lambda s, x, alpha, sigma: s)
    clock, times = cast(Path, _Clock(path)), -log_snr
    if method == "singlestep" or order == 1:
        one = {1: dpm_solver_1_step, 2: dpm_solver_2_step, 3: dpm_solver_3_step}[order]
        for t, s in pairwise(times):
            x = one(lambda y, at: predict(y, -at), x, t, s, path=clock, form=form)
        return x
    third = dpm_multistep_3 if released else dpm_multistep_3_corrected
    run = (dpm_multistep_2 if order == 2 else third)(clock, times, form=form)
    memory = run.init(x)
    for k, told in enumerate(log_snr[:-1]):
        x, memory = run.step(lambda y, alpha, sigma, told=told: predict(y, told), x, memory, k, None)  # type: ignore[misc]
    return x


def dpm_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    """The cases under the declared conventions.

    Parameters
    ----------
    conventions : mapping
        order, kind, method, path and second_derivative.

    Yields
    ------
    Case
        Every batch on one grid, and one batch on every grid.
    """
    for name in ("n=d", "n<d", "n=1", "d=1"):
        yield _case(f"steps=4,{name}", "steps=4", name, conventions)
    for grid in list(GRIDS)[1:]:
        yield _case(grid, grid, "n=d", conventions)


def _case(name: str, grid: str, batch: str, conventions: Mapping[str, Any]) -> Case:
    field, x, _ = BATCHES[batch]
    # Slopes well below 1: a run of several steps stays where it began.
    model = Clocked(Field(field.matrix / 8, field.centre, field.cubic / 1024))
    asked = {name: conventions[name] for name in ("order", "kind")}
    named = {
        **asked,
        "method": conventions["method"],
        "path": conventions["path"],
        "released": conventions["second_derivative"] == "released",
    }
    log_snr = np.array(GRIDS[grid])
    size = _size(model, x, log_snr, **named)
    meant = ((model, x), {"log_snr": log_snr, **named})
    return step_case(name, (model, x), {"log_snr": log_snr, **asked}, size, meant=meant, random=())


def _size(model: Clocked, x: Float, log_snr: Float, **named: Any) -> Float:
    """What every stage rounds, carried on by the Jacobian of the model."""
    y, moved, from_x = x, np.zeros_like(x), np.zeros_like(x)
    said, errors = list[Float](), list[Float]()
    for stage in stages_of(log_snr, **named):
        at = float(stage.told)
        carried = (model.jacobian_magnitude(y, at) @ moved[..., None])[..., 0]
        terms = model.magnitude(y, at)
        errors.insert(0, carried + terms * (1 + stage.lost / (8 + at)))  # λ itself may have been found from levels
        said.insert(0, model(y, at))
        y, moved = stage.keep * x, abs(stage.keep) * (from_x + stage.lost * np.abs(x))
        for weight, rounded, row, lost in stage.parts:
            value = np.asarray(sum(r * m for r, m in zip(row, said)))
            below = np.asarray(sum(abs(r) * (e + np.abs(m)) for r, e, m in zip(row, errors, said)))
            term = rounded * np.abs(value) + abs(weight) * (below + (lost + stage.lost) * np.abs(value))
            y, moved = y + stage.gain * weight * value, moved + abs(stage.gain) * term
        moved = moved + np.abs(y)
        if stage.ends:
            x, from_x = y, moved
    return np.asarray(from_x)
