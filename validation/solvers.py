"""Solvers of the flow and of the reverse SDE on log-SNR grids: the order claimed, the order proved, the order seen.

The second table of ``python -m validation.samplers``. The error of an ODE solver is that of its affine map, every entry
against the exact flow; that of an SDE solver the largest of its mean and covariance. Nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import refscore as rs
from refscore.samplers import noise_form

__all__ = ["SOLVERS", "SPANS", "solver_row"]

S = rs.samplers
TARGET = rs.targets.gaussian([0.7, -1.0], [[0.5, 0.2], [0.2, 1.5]])
SPANS: dict[str, tuple[Any, float, float]] = {"VP": (rs.paths.VP(), 0.9, 0.05), "flow": (rs.paths.Flow(), 0.9, 0.05)}
Make = Callable[..., Any]


def _started(make: Make, start: Make, **options: Any) -> Make:
    return lambda path, times: make(path, times, starter=start(path, times), **options)


_TWO, _THREE = S.dpm_solver_2, S.dpm_solver_3
# name: the solver, its claimed order (None: nobody's claim), the order it has by proof
SOLVERS: dict[str, tuple[Make, int | None, int]] = {
    "DPM-Solver-2": (partial(_TWO, form=noise_form), 2, 2),
    "DPM-Solver++(2S)": (_TWO, 2, 2),
    "DPM-Solver-3": (partial(_THREE, form=noise_form), 3, 3),
    "DPM-Solver-3, data form": (_THREE, 3, 3),
    "DPM-Solver-3, r₂ = ½": (partial(_THREE, form=noise_form, r2=0.5), None, 2),
    "DPM-Solver++(2M)": (S.dpm_multistep_2, 2, 2),
    "DPM-Solver++(3M) as released, started": (_started(S.dpm_multistep_3, _TWO), 3, 2),
    "DPM-Solver++(3M) corrected, started": (_started(S.dpm_multistep_3_corrected, _TWO), 3, 3),
    "SDE-DPM-Solver++(2M)": (S.sde_dpm_multistep_2, 2, 2),
    "SDE-DPM-Solver(2M), noise form": (partial(S.sde_dpm_multistep_2, form=noise_form), 2, 2),
    "exponential Adams 3, started": (_started(S.exponential_adams, _TWO, order=3), 3, 3),
    "exponential Adams 4, started": (_started(S.exponential_adams, _THREE, order=4), 4, 4),
    "Adams–Bashforth 4 (LMS), started": (_started(S.adams_bashforth, _THREE, order=4), 4, 4),
    "DEIS 3 in t, started": (_started(S.deis, _TWO, order=3), 3, 3),
    "PNDM": (S.pndm, 2, 2),
    "UniPC-1": (partial(S.unipc, order=1), 2, 2),
    "UniPC-2": (partial(S.unipc, order=2), 3, 3),
    "UniPC-3, started": (_started(S.unipc, _THREE, order=3), 4, 4),
    "Ralston": (partial(S.runge_kutta, tableau=S.RALSTON), 2, 2),
    "RK4": (partial(S.runge_kutta, tableau=S.RK4), 4, 4),
}
HEAD = """
## Solvers on log-SNR grids

The same target, on grids even in log-SNR from 0.9 to 0.05. *Claimed* is what is published, *proved* what the page of
the sampler derives, *observed* is extrapolated from four step counts, the least and the largest of them given. A
started method takes its first steps with a single-step method; started by itself a multistep method has order 2
however high its claim, UniPC order 3. The numbers are W₂ to the exact marginal.

| solver | path | claimed | proved | observed | steps | W₂ | | | |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|
"""


def _run(sampler: Any, x: Any, _: Any) -> Any:
    return rs.samplers.replay(sampler, rs.samplers.noisy_score(TARGET), x)


def solver_row(name: str, path_name: str) -> tuple[str, float, int]:
    """One line of the table, with the observed order and the proved one."""
    make, claimed, proved = SOLVERS[name]
    path, first, last = SPANS[path_name]
    ends = [(float(path.alpha(t)), float(path.sigma(t))) for t in (first, last)]
    start, stop = (TARGET.perturb(*level) for level in ends)
    exact = rs.exact.flow_map(TARGET, start=ends[0], stop=ends[1])
    counts = (32, 64, 128, 256) if name == "RK4" else (64, 128, 256, 512) if proved > 3 else (128, 256, 512, 1024)
    errors, distances = [], []
    for n in counts:
        sampler = make(path, rs.schedules.log_snr_times(path, n=n, t_start=first, t_stop=last))
        if sampler.draws:
            law = rs.exact.law(sampler, TARGET, start)
            errors.append(max(np.abs(law.cov - stop.cov).max(), np.abs(law.mean - stop.mean).max()))
        else:
            found = rs.exact.probe(partial(_run, sampler), 2, 0)
            law = found.push(start)
            gap = np.column_stack([found.matrix - exact.matrix, found.constant - exact.constant])
            errors.append(float(np.linalg.norm(gap)))
        distances.append(rs.exact.wasserstein2(law, stop))
    order = rs.exact.observed_order(errors, counts)
    cells = [name, path_name, str(claimed or "–"), str(proved), f"{order:.3f}", f"{counts[0]}–{counts[-1]}"]
    return f"| {' | '.join([*cells, *(f'{d:.1e}' for d in distances)])} |", order, proved
