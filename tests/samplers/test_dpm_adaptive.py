"""samplers/dpm_adaptive.py: the released loop, accepted steps on their own grid, errors that follow the tolerance."""

from functools import partial

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import (
    adaptive_run,
    adaptive_start,
    data_form,
    dpm_adaptive_12_step,
    dpm_adaptive_23_step,
    dpm_solver_1_step,
    dpm_solver_2,
    dpm_solver_2_step,
    dpm_solver_3,
    dpm_solver_3_step,
    noise_form,
)
from tests.samplers.adaptive import FIRST, LAST, PATH, X, accepted, check_nothing_is_skipped, realised, timed
from tests.samplers.laws import TARGET, U
from tests.samplers.solvers import levels

STEPS = {2: dpm_adaptive_12_step, 3: dpm_adaptive_23_step}
FIXED = {2: dpm_solver_2, 3: dpm_solver_3}
ORDERS = pytest.mark.parametrize("order", [2, 3])


def run(order, tol, x=X, h=0.05, **options):
    def step(state, _):
        return STEPS[order](timed, state, path=PATH, t_stop=LAST, rtol=tol, atol=tol, **options)

    return adaptive_run(step, adaptive_start(x, t=FIRST, h=h), t_stop=LAST)


@ORDERS
@pytest.mark.parametrize("form", [noise_form, data_form], ids=repr)
def test_accepted_steps_are_the_fixed_method_on_their_grid(order, form):
    states = run(order, 1e-3, h=3.0, form=form)
    check_nothing_is_skipped(states, LAST)
    assert not accepted(states)[0].any()  # 3 in λ is too long
    for i in range(3):
        fixed = FIXED[order](PATH, realised(states, i)[0], form=form)
        expected = rs.samplers.replay(fixed, rs.samplers.noisy_score(TARGET), X[i])
        np.testing.assert_allclose(states[-1].x[i], expected, atol=len(states) * 200 * U)


@ORDERS
def test_the_loop_of_the_released_code(order):
    """A batch of one, in its letters: its h is the batch's."""
    x, tol = X[:1], 1e-2
    log_snr = lambda t: float(np.log(PATH.alpha(t) / PATH.sigma(t)))  # noqa: E731
    s, end, h, state, before, count = FIRST, log_snr(LAST), 0.5, x, x, 0
    while abs(s - LAST) > 1e-12:
        t = float(PATH.time(log_snr(s) + h))
        if order == 2:
            lower = dpm_solver_1_step(timed, state, s, t, path=PATH, form=noise_form)
            higher = dpm_solver_2_step(timed, state, s, t, path=PATH, form=noise_form, r1=0.5)
        else:
            lower = dpm_solver_2_step(timed, state, s, t, path=PATH, form=noise_form, r1=1 / 3)
            higher = dpm_solver_3_step(timed, state, s, t, path=PATH, form=noise_form, r1=1 / 3, r2=2 / 3)
        delta = np.maximum(tol, tol * np.maximum(abs(lower), abs(before)))
        error = np.sqrt((((higher - lower) / delta) ** 2).mean())
        if error <= 1:
            state, before, s = higher, lower, t
        h = min(0.9 * h * error ** (-1 / order), end - log_snr(s))
        count += 1
    states = run(order, tol, x, h=0.5)
    assert len(states) - 1 == count
    np.testing.assert_allclose(states[-1].x, state, rtol=1e-11)


@ORDERS
def test_the_error_is_proportional_to_the_tolerance(order):
    exact = rs.exact.flow_map(TARGET, start=levels(PATH, FIRST), stop=levels(PATH, LAST))(X)
    pair = ((1e-4, 1e-5), (1e-6, 1e-7))[order - 2]
    runs = [run(order, tol) for tol in pair]
    errors = [np.abs(states[-1].x - exact).max(axis=-1) for states in runs]
    slopes = np.log10(errors[0] / errors[1])
    assert (np.abs(slopes - 1) < 0.1).all(), slopes
    steps = [accepted(states).sum() for states in runs]
    assert abs(np.log(steps[1] / steps[0]) / np.log(10) - 1 / order) < 0.03
    assert all((error < 10 * tol).all() for error, tol in zip(errors, pair, strict=True))


def test_the_error_settles_at_a_power_of_the_safety():
    states = run(2, 1e-5)
    moved = accepted(states)
    assert moved.all(axis=1).mean() > 0.8  # few are rejected
    before, after = states[100], states[101]
    low = dpm_solver_1_step(timed, before.x, before.t, after.t, path=PATH, form=noise_form)
    error = rs.samplers.step_control.scaled_error(low, after.x, before.previous, rtol=1e-5, atol=1e-5)
    assert (np.abs(error - 0.9**2) < 0.05).all()


@ORDERS
def test_samples_do_not_see_each_other(order):
    together = run(order, 1e-3)
    for i in range(3):
        alone = run(order, 1e-3, X[i])
        np.testing.assert_allclose(together[-1].x[i], alone[-1].x, rtol=1e-9)  # rounding of products of other shapes
        assert accepted(together)[:, i].sum() == accepted(alone).sum()


@ORDERS
def test_a_lower_order_that_moves_on_is_seen(order):
    """Moved on by x', the error is of a lower order: it goes with a smaller power of the tolerance."""
    exact = rs.exact.flow_map(TARGET, start=levels(PATH, FIRST), stop=levels(PATH, LAST))(X)

    def wrong(tol):
        def step(state, _):
            after = STEPS[order](timed, state, path=PATH, t_stop=LAST, rtol=tol, atol=tol)
            return after._replace(x=np.where((after.t < state.t)[:, None], after.previous, state.x))

        return adaptive_run(step, adaptive_start(X, t=FIRST, h=0.05), t_stop=LAST)[-1].x

    errors = [np.abs(wrong(tol) - exact).max() for tol in (1e-3, 1e-5)]
    assert np.log(errors[0] / errors[1]) / np.log(100) < 0.75


@ORDERS
def test_bad_arguments_are_named(order):
    one = partial(STEPS[order], timed, adaptive_start(X, t=FIRST, h=0.05), path=PATH)
    with pytest.raises(ValueError, match=r"log_snr is inf at t_stop = 0; expected it finite"):
        one(t_stop=0.0)
    with pytest.raises(ValueError, match=r"atol is 0.0; expected atol > 0"):
        one(t_stop=LAST, atol=0.0)
