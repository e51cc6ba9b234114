"""samplers/dpm_solver_corrected.py: order 3 for any parts, parabolas exactly, and every simplification loses it."""

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import data_form, dpm_solver_3, dpm_solver_3_corrected, dpm_solver_3_corrected_step, noise_form
from refscore.samplers.exponential import phi
from tests.samplers.laws import U
from tests.samplers.solvers import MIXTURE, SPANS, check_order, levels, log_snr_grid, polynomial_error

FORMS = pytest.mark.parametrize("form", [noise_form, data_form], ids=repr)
PARTS = ((1 / 3, 2 / 3), (1 / 3, 0.5), (0.25, 0.9), (0.5, 1.0), (0.1, 0.3))


def bound(form, r1, r2):
    return lambda path, times: dpm_solver_3_corrected(path, times, form=form, r1=r1, r2=r2)


@FORMS
@pytest.mark.parametrize("parts", PARTS[1:4])
def test_order(form, parts):
    check_order(bound(form, *parts), SPANS["VP"], 3, (25, 50, 100, 200))


@FORMS
def test_order_on_a_mixture(form):
    options = {"target": MIXTURE, "points": np.array([[0.5, -1.0], [-1.5, 0.3]])}
    check_order(bound(form, 0.25, 0.5), SPANS["Flow"], 3, (25, 50, 100, 200), **options)


@FORMS
def test_parabolas_are_integrated_exactly_and_cubics_are_not(form):  # (DPMC.1)
    span = SPANS["VP"]
    times = log_snr_grid(span, 3)
    for parts in PARTS[1:3]:
        for degree in (0, 1, 2):
            assert polynomial_error(bound(form, *parts), form, "λ", degree, span[0], times) <= 1e-13
        assert polynomial_error(bound(form, *parts), form, "λ", 3, span[0], times) > 1e-6
    published = lambda path, at: dpm_solver_3(path, at, form=form)  # noqa: E731
    assert polynomial_error(published, form, "λ", 2, span[0], times) > 1e-6


def test_at_small_steps_it_is_the_runge_kutta_method_of_order_3_in_lambda():
    """Weights and nodes at h = 0: Σ b = 1, Σ b c = ½, Σ b c² = ⅓, b_3 a_32 c_2 = 1/6, the classical conditions."""
    for r1, r2 in PARTS:
        line, bend = 0.5, 2 * float(phi(3, 0.0))
        b1, b2 = (r2 * line - bend) / (r1 * (r2 - r1)), (bend - r1 * line) / (r2 * (r2 - r1))
        a32 = r2 * (r2 / r1 * 0.5 + (3 * r2 - 2) / (2 - 3 * r1) * 0.5)
        for found, expected in ((b1 * r1 + b2 * r2, 1 / 2), (b1 * r1**2 + b2 * r2**2, 1 / 3), (b2 * a32 * r1, 1 / 6)):
            assert abs(found - expected) <= 64 * U


def faulty(path, times, *, form=data_form, r1=0.25, r2=0.9, rho=None, weights=None):
    def step(score, x, k, noise):
        start, last = path.log_snr(times[k]), path.log_snr(times[k + 1])
        h, c = last - start, form.sign
        at = [levels(path, t) for t in (times[k], path.time(start + r1 * h), path.time(start + r2 * h), times[k + 1])]

        def said(y, level):
            return form.predict(score(y, *level), y, *level)

        m = said(x, at[0])
        keeps = [form.keep(*at[0], *level) for level in at[1:]]
        gains = [form.gain(*level) for level in at[1:]]
        d1 = said(keeps[0] * x + gains[0] * r1 * h * phi(1, c * r1 * h) * m, at[1]) - m
        inner = r2 / r1 * phi(2, c * r2 * h)
        inner = inner + ((3 * r2 - 2) / (2 - 3 * r1) if rho is None else rho) * phi(2, c * r1 * h)
        d2 = said(keeps[1] * x + gains[1] * r2 * h * (phi(1, c * r2 * h) * m + inner * d1), at[2]) - m
        line, bend = phi(2, c * h), 2 * phi(3, c * h)
        b1, b2 = (r2 * line - bend) / (r1 * (r2 - r1)), (bend - r1 * line) / (r2 * (r2 - r1))
        b1, b2 = (b1, b2) if weights is None else weights(line, bend, r1, r2)
        return keeps[2] * x + gains[2] * h * (phi(1, c * h) * m + b1 * d1 + b2 * d2)

    return rs.samplers.Sampler("fault", len(times) - 1, 0, 1.0, None, None, step)


FAULTS = {
    "the published second stage": {"rho": 0.0},
    "ρ with the other sign": {"rho": -(3 * 0.9 - 2) / (2 - 0.75)},
    "a line through the last stage": {"weights": lambda line, bend, r1, r2: (0.0, line / r2)},
    "φ_3 without its 2": {
        "weights": lambda line, bend, r1, r2: (
            (r2 * line - bend / 2) / (r1 * (r2 - r1)),
            (bend / 2 - r1 * line) / (r2 * (r2 - r1)),
        )
    },
}


def test_the_order_sees_every_fault():
    check_order(faulty, SPANS["VP"], 3)
    for changed in FAULTS.values():
        with pytest.raises(AssertionError):
            check_order(lambda path, times: faulty(path, times, **changed), SPANS["VP"], 3)  # noqa: B023


def test_bad_parts_are_refused():
    for parts, message in (
        ({"r1": 0.7, "r2": 0.9}, "r1 is 0.7 and r2 0.9; expected r1 < r2 and r1 < 2/3"),
        ({"r1": 0.5, "r2": 0.5}, "expected r1 < r2"),
        ({"r2": 1.5}, "r2 is 1.5; expected 0 < r2 ≤ 1"),
    ):
        with pytest.raises(ValueError, match=message):
            dpm_solver_3_corrected(rs.paths.VP(), [0.5, 0.1], **parts)
        with pytest.raises(ValueError, match=message):
            dpm_solver_3_corrected_step(np.sin, [[1.0]], 0.5, 0.1, path=rs.paths.VP(), **parts)
