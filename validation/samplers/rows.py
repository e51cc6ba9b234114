"""Which samplers there are, the order published of each and the order it has by proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import refscore as rs
from refscore.samplers import noise_form

__all__ = ["ROWS", "Row"]

S = rs.samplers
Make = Callable[..., Any]
ALL = ("VP", "sub-VP", "cosine", "flow", "EDM")
BASIC = ("VP", "cosine", "flow", "EDM")
TWO = ("VP", "flow")
LEVELS = ("EDM",)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A sampler: ``make(path, times)``, whose function it is, where it runs and what is known of its order.

    `published` is None where nobody claims an order; `holds` is the proved one, on mixtures `bent` where that is
    another; `note` says in a few words why it is not the published one.
    """

    name: str
    of: str
    make: Make
    published: int | None
    holds: int
    paths: tuple[str, ...] = TWO
    note: str = ""
    bent: int | None = None


def _started(make: Make, start: Make, **options: Any) -> Make:
    return lambda path, times: make(path, times, starter=start(path, times), **options)


def _on_levels(make: Make, **options: Any) -> Make:
    return lambda path, times: make(path.sigma(times), **options)


def _capped(path: Any, times: Any) -> Any:
    return S.edm(path.sigma(times), s_churn=0.4 * (len(times) - 1))


def _consistent(rule: Callable[[Any], Any]) -> Make:
    def make(path: Any, times: Any) -> Any:
        sigmas = path.sigma(times)
        return S.consistent_annealed(sigmas, eta=rule(sigmas[1:] / sigmas[:-1]))

    return make


def _corrected(make: Make, shrinks: bool) -> Make:
    """Reverse diffusion and one Langevin correction a step, whose size shrinks with the steps or does not."""

    def made(path: Any, times: Any) -> Any:
        snr = 0.4 * ((16 / (len(times) - 1)) ** 0.5 if shrinks else 1.0)

        def corrector(score: Any, x: Any, noise: Any, t: float) -> Any:
            return S.annealed_corrector_step(score, x, noise, snr=snr, sigma=path.sigma(t))

        return make(path, times, predictor=S.reverse_diffusion, corrector=corrector)

    return made


def _runge(tableau: Any) -> Make:
    return partial(S.runge_kutta, tableau=tableau)


_TWO, _THREE = S.dpm_solver_2, S.dpm_solver_3
_ONCE = "the start has order 2"

ROWS = (
    # the flow, one evaluation after another
    Row("Euler on the flow", "euler_ode", S.euler_ode, 1, 1, ALL),
    Row("Euler as a tableau", "runge_kutta", _runge(S.EULER), 1, 1),
    Row("Heun on the flow", "heun_ode", S.heun_ode, 2, 2, ALL),
    Row("Heun as a tableau", "runge_kutta", _runge(S.HEUN), 2, 2),
    Row("midpoint", "runge_kutta", _runge(S.MIDPOINT), 2, 2, ("VP", "cosine")),
    Row(
        "midpoint, variance quadratic in t",
        "runge_kutta",
        _runge(S.MIDPOINT),
        2,
        3,
        ("flow", "EDM"),
        "one more, on Gaussians only",
        2,
    ),
    Row("Ralston", "runge_kutta", _runge(S.RALSTON), 2, 2, BASIC),
    Row("RK4", "runge_kutta", _runge(S.RK4), 4, 4, BASIC),
    Row("DDIM, η = 0", "ddim", partial(S.ddim, eta=0.0), 1, 1, ALL),
    Row("EDM, Euler", "edm_euler", _on_levels(S.edm_euler), 1, 1, LEVELS),
    Row("EDM, Heun", "edm", _on_levels(S.edm), 2, 2, LEVELS),
    Row("DPM-Solver-2", "dpm_solver_2", partial(_TWO, form=noise_form), 2, 2, TWO),
    Row("DPM-Solver++(2S)", "dpm_solver_2", _TWO, 2, 2, TWO),
    Row("DPM-Solver-3", "dpm_solver_3", partial(_THREE, form=noise_form), 3, 3, TWO),
    Row("DPM-Solver-3, data form", "dpm_solver_3", _THREE, 3, 3),
    Row(
        "DPM-Solver-3, r₂ = ½",
        "dpm_solver_3",
        partial(_THREE, form=noise_form, r2=0.5),
        None,
        2,
        TWO,
        "order 3 needs r₂ = ⅔, or the corrected step below",
    ),
    Row(
        "DPM-Solver-3 corrected, r₂ = ½",
        "dpm_solver_3_corrected",
        partial(S.dpm_solver_3_corrected, form=noise_form, r2=0.5),
        None,
        3,
    ),
    Row("PRK of PNDM", "pseudo_runge_kutta", S.pseudo_runge_kutta, 2, 2),
    Row("PRK of PNDM, ρ = t", "pseudo_runge_kutta", S.pseudo_runge_kutta, 2, 4, LEVELS, "it is RK4 on this path", None),
    # the flow, with a memory
    Row("DPM-Solver++(2M)", "dpm_multistep_2", S.dpm_multistep_2, 2, 2, BASIC),
    Row("DPM-Solver(2M), noise form", "dpm_multistep_2", partial(S.dpm_multistep_2, form=noise_form), 2, 2),
    Row(
        "DPM-Solver++(3M) as released, started",
        "dpm_multistep_3",
        _started(S.dpm_multistep_3, _TWO),
        3,
        2,
        BASIC,
        "a factor 2 is missing; the corrected one stands below",
    ),
    Row(
        "DPM-Solver++(3M) corrected, started",
        "dpm_multistep_3_corrected",
        _started(S.dpm_multistep_3_corrected, _TWO),
        3,
        3,
        BASIC,
    ),
    Row("DPM-Solver++(3M) corrected", "dpm_multistep_3_corrected", S.dpm_multistep_3_corrected, None, 2, TWO, _ONCE),
    Row("exponential Adams 2", "exponential_adams", partial(S.exponential_adams, order=2), 2, 2),
    Row("exponential Adams 3, started", "exponential_adams", _started(S.exponential_adams, _TWO, order=3), 3, 3),
    Row("exponential Adams 4, started", "exponential_adams", _started(S.exponential_adams, _THREE, order=4), 4, 4),
    Row("exponential Adams 4", "exponential_adams", partial(S.exponential_adams, order=4), None, 2, TWO, _ONCE),
    Row("Adams–Bashforth 2 (LMS)", "adams_bashforth", partial(S.adams_bashforth, order=2), 2, 2),
    Row("Adams–Bashforth 4 (LMS), started", "adams_bashforth", _started(S.adams_bashforth, _THREE, order=4), 4, 4),
    Row("DEIS 2 in t", "deis", partial(S.deis, order=2), 2, 2),
    Row("DEIS 3 in t, started", "deis", _started(S.deis, _TWO, order=3), 3, 3),
    Row("PNDM", "pndm", S.pndm, 2, 2),
    Row("UniP-2", "unip", partial(S.unip, order=2), 2, 2),
    Row("UniP-3, started", "unip", _started(S.unip, _TWO, order=3), 3, 3),
    Row("UniPC-1", "unipc", partial(S.unipc, order=1), 2, 2),
    Row("UniPC-2", "unipc", partial(S.unipc, order=2), 3, 3, BASIC),
    Row("UniPC-2, bh1", "unipc", partial(S.unipc, order=2, scale=S.bh1), 3, 3),
    Row("UniPC-3, started", "unipc", _started(S.unipc, _THREE, order=3), 4, 4),
    # the reverse SDE
    Row("Euler–Maruyama", "euler_maruyama", S.euler_maruyama, 1, 1, ALL),
    Row("reverse diffusion", "reverse_diffusion", S.reverse_diffusion, 1, 1, ALL),
    Row("ancestral, small variance", "ancestral_vp", partial(S.ancestral_vp, variance=S.small_variance), 1, 1, TWO),
    Row("ancestral, large variance", "ancestral_vp", partial(S.ancestral_vp, variance=S.large_variance), 1, 1, TWO),
    Row("ancestral, VE", "ancestral_ve", S.ancestral_ve, 1, 1, LEVELS),
    Row("DDIM, η = ½", "ddim", partial(S.ddim, eta=0.5), 1, 1, ALL),
    Row("DDIM, η = 1", "ddim", partial(S.ddim, eta=1.0), 1, 1, ALL),
    Row("SDE-DPM-Solver++1", "sde_dpm_solver_1", S.sde_dpm_solver_1, 1, 1),
    Row("SDE-DPM-Solver-1, noise form", "sde_dpm_solver_1", partial(S.sde_dpm_solver_1, form=noise_form), 1, 1),
    Row("SDE-DPM-Solver++(2M)", "sde_dpm_multistep_2", S.sde_dpm_multistep_2, 2, 2, BASIC),
    Row("SDE-DPM-Solver(2M), noise form", "sde_dpm_multistep_2", partial(S.sde_dpm_multistep_2, form=noise_form), 2, 2),
    Row("stochastic Heun", "stochastic_heun", S.stochastic_heun, 2, 2, BASIC),
    Row("improved Euler", "improved_euler", S.improved_euler, None, 2),
    Row("EDM, Euler, S_churn = 2", "edm_euler", _on_levels(S.edm_euler, s_churn=2.0), 1, 1, LEVELS),
    Row("EDM, Heun, S_churn = 2", "edm", _on_levels(S.edm, s_churn=2.0), 2, 2, LEVELS),
    Row("EDM, Heun, S_churn = 0.4 N", "edm", _capped, None, 0, LEVELS, "each step goes up by 40 %, however many"),
    Row(
        "predictor, corrector with e ∝ 1/n",
        "predictor_corrector",
        _corrected(S.predictor_corrector, True),
        None,
        1,
    ),
    Row("predictor, corrector with one r", "predictor_corrector", _corrected(S.predictor_corrector, False), None, 0),
    Row("corrector, predictor with e ∝ 1/n", "corrector_predictor", _corrected(S.corrector_predictor, True), None, 1),
    Row("corrector, predictor with one r", "corrector_predictor", _corrected(S.corrector_predictor, False), None, 0),
    Row("consistent annealed, η = 1 − γ²", "consistent_annealed", _consistent(lambda g: 1 - g**2), None, 1, LEVELS),
    Row("consistent annealed, η = ½", "consistent_annealed", _consistent(lambda _: 0.5), None, 0, LEVELS),
    Row(
        "annealed Langevin, ε and T fixed",
        "annealed",
        _on_levels(S.annealed, step_size=0.1, steps_per_level=4),
        None,
        0,
        LEVELS,
    ),
)
