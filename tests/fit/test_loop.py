"""fit/loop.py: closed forms on quadratics, the same bits however a run is divided, and what stops a run."""

import os
import signal
from fractions import Fraction

import numpy as np
import pytest

from refscore.fit import (
    Diverged,
    Interrupted,
    Loss,
    Optimiser,
    State,
    adam,
    cosine,
    debiased,
    denoising,
    load,
    log_normal,
    multilevel,
    nesterov,
    sgd,
    train,
    warmed_up,
)
from refscore.models import AffineScore
from tests.fit.training import AFFINE, DATA, LEVELS, network

ONE = AffineScore([[16.0]], [0.0])  # θ = (16, 0)


def quadratic(evaluate=None, **settings):
    """½ (a² + b²) with θ = (a, b)."""
    return Loss(ONE, evaluate or (lambda theta, k: (theta**2, theta.copy())), {"objective": "½θ²"}, **settings)


def test_the_recursion_of_the_loop():  # (LOO.10): θ ← θ (1 - η), θ̄ ← d θ̄ + (1 - d) θ, in rational numbers
    result = train(quadratic(), n_steps=8, optimiser=sgd(0.25), ema=0.5)
    theta = [Fraction(16) * Fraction(3, 4) ** k for k in range(9)]
    mean = Fraction(16)
    for one in theta[1:]:
        mean = (mean + one) / 2
    assert Fraction(result.model.matrix.item()) == theta[8]
    assert Fraction(result.ema_model.matrix.item()) == mean
    assert [Fraction(loss) for loss in result.losses] == [one**2 / 2 for one in theta[:8]]
    assert [Fraction(norm) for norm in result.state.gradient_norms] == theta[:8]
    assert result.state.step == 8


def test_the_decay_is_that_of_the_step():  # (EMA.3): weights dⁱ over their sum, nothing of the start
    result = train(quadratic(), n_steps=4, optimiser=sgd(0.25), ema=debiased(0.5))
    theta = [Fraction(16) * Fraction(3, 4) ** k for k in range(1, 5)]
    expected = (theta[0] + 2 * theta[1] + 4 * theta[2] + 8 * theta[3]) / 15
    assert abs(Fraction(result.ema_model.matrix.item()) / expected - 1) < 2.0**-50


def test_clipping_in_the_loop():  # |g| = θ ≥ 4 is cut to 4: θ falls by 1 a step, then by a quarter of itself
    result = train(quadratic(), n_steps=16, optimiser=sgd(0.25), clip=4.0)
    assert result.state.gradient_norms.tolist() == [*range(16, 3, -1), 3.0, 2.25, 1.6875]
    assert result.ema_model is None


def test_a_gradient_is_not_written_to():
    held = np.array([8.0, 0.0])
    train(quadratic(lambda theta, k: (theta, held)), n_steps=5, optimiser=adam(), clip=1.0)
    assert held.tolist() == [8.0, 0.0]


RUNS = [
    (lambda: denoising(AFFINE, DATA, sigma=0.5, batch=7, seed=1), adam(cosine(0.05, 130)), debiased(0.9), None),
    (lambda: multilevel(LEVELS, DATA, sigmas=[2.0, 0.5], batch=7), sgd(0.01, momentum=0.5), 0.9, 2.0),
    (lambda: multilevel(network(), DATA, sigmas=log_normal(), batch=11), nesterov(0.01, momentum=0.9), None, 1.0),
    (
        lambda: multilevel(network(), DATA, sigmas=[2.0, 0.5], batch=7, dtype=np.float32),
        adam(0.01),
        warmed_up(0.99),
        0.5,
    ),
]


def assert_same(one, other):
    for name in ("theta", "mean", "losses", "gradient_norms"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None and b is None) or (a.dtype == b.dtype and a.tobytes() == b.tobytes())
    assert [slot.tobytes() for slot in one.slots] == [slot.tobytes() for slot in other.slots]
    assert one.step == other.step


@pytest.mark.parametrize(("make", "optimiser", "ema", "clip"), RUNS)
def test_the_same_bits_however_a_run_is_divided(make, optimiser, ema, clip, tmp_path):
    how = {"optimiser": optimiser, "ema": ema, "clip": clip}
    whole = train(make(), n_steps=130, **how)
    assert whole.losses.shape == (130,)
    assert whole.state.theta.dtype == make().dtype
    found = None
    for n in (0, 1, 63, 64, 65, 130):  # around the ends of the blocks that noise is drawn in
        found = train(make(), n_steps=n, start=found, **how).state
        load_and_save = train(make(), n_steps=n, checkpoint=tmp_path / "run.npz", every=10, **how)
        assert_same(load_and_save.state, found)
        assert_same(load(tmp_path / "run.npz"), found)
    assert_same(found, whole.state)
    assert np.array_equal(whole.model.pack(), whole.state.theta.astype(np.float64))
    if ema is not None:
        assert np.array_equal(whole.ema_model.pack(), whole.state.mean.astype(np.float64))


def test_callbacks_see_what_training_would_return():
    seen = []
    whole = train(quadratic(), n_steps=25, optimiser=sgd(0.25), ema=0.5, every=10, callback=seen.append)
    assert [result.state.step for result in seen] == [10, 20, 25]
    for result in seen:
        assert_same(result.state, train(quadratic(), n_steps=result.state.step, optimiser=sgd(0.25), ema=0.5).state)
    assert_same(seen[-1].state, whole.state)


def test_a_callback_may_end_the_run():
    result = train(quadratic(), n_steps=25, optimiser=sgd(0.25), every=5, callback=lambda r: r.losses[-1] < 1)
    assert result.state.step == 10
    assert result.losses.shape == (10,)


def at_step(step, act):
    """A loss that does something on the way, then gives what it always gives."""

    def evaluate(theta, k):
        found = act() if k == step else None
        return (0.5 * theta**2, theta.copy()) if found is None else found

    return quadratic(evaluate)


def test_ctrl_c_waits_for_the_end_of_the_step(tmp_path):
    loss = at_step(7, lambda: os.kill(os.getpid(), signal.SIGINT))
    whole = train(at_step(-1, None), n_steps=20, optimiser=adam(0.1), ema=0.5)
    for file in (None, tmp_path / "run.npz"):
        with pytest.raises(Interrupted, match="training stopped after 8 steps") as stop:
            train(loss, n_steps=20, optimiser=adam(0.1), ema=0.5, checkpoint=file)
        assert stop.value.state.step == 8
        assert isinstance(stop.value, KeyboardInterrupt)
    assert_same(train(loss, n_steps=20, optimiser=adam(0.1), ema=0.5, start=stop.value.state).state, whole.state)
    assert_same(train(loss, n_steps=20, optimiser=adam(0.1), ema=0.5, checkpoint=file).state, whole.state)


def test_ctrl_c_in_a_callback():
    def callback(result):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stop:
        train(quadratic(), n_steps=20, optimiser=sgd(0.25), every=4, callback=callback)
    assert stop.value.state.step == 4


def test_a_second_ctrl_c_ends_a_step_and_keeps_the_old_checkpoint(tmp_path):
    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as stop:
        train(at_step(7, twice), n_steps=20, optimiser=sgd(0.25), every=5, checkpoint=tmp_path / "run.npz")
    assert not isinstance(stop.value, Interrupted)
    assert load(tmp_path / "run.npz").step == 5


NAN, INF = np.array([np.nan, 0.0]), np.array([np.inf, 0.0])
DISASTERS = [
    (lambda: (NAN, np.ones(2)), "loss nan, gradient norm 1.41"),
    (lambda: (np.ones(2), INF), "loss 1.0, gradient norm inf"),
    (lambda: (np.ones(2), NAN), "loss 1.0, gradient norm nan"),
    (lambda: (np.ones(2), np.full(2, 1e200)), "loss 1.0, gradient norm inf"),
]


@pytest.mark.parametrize(("act", "message"), DISASTERS)
def test_what_is_not_finite_ends_the_run_before_it_spreads(act, message, tmp_path):
    with pytest.raises(Diverged, match=f"diverged at step 7: {message}") as stop:
        train(at_step(7, act), n_steps=20, optimiser=sgd(0.25), checkpoint=tmp_path / "run.npz")
    assert_same(stop.value.state, train(at_step(-1, None), n_steps=7, optimiser=sgd(0.25)).state)
    assert_same(load(tmp_path / "run.npz"), stop.value.state)
    assert stop.value.step == 7
    assert str(tmp_path / "run.npz") in str(stop.value)
    assert isinstance(stop.value, ArithmeticError)


def test_a_model_that_refuses_its_parameters_has_diverged():
    loss = denoising(AFFINE, DATA, sigma=0.5, batch=7)
    with pytest.raises(Diverged, match=r"diverged at step \d+: loss") as stop:
        train(loss, n_steps=10_000, optimiser=sgd(100.0))
    assert stop.value.step == stop.value.state.step > 1
    assert len(stop.value.state.losses) == stop.value.step
    assert np.isfinite(stop.value.state.losses).all()


def test_a_refusal_on_the_way_has_diverged():
    def refuse():
        raise ValueError("score(x) has 3 values that are not finite")

    with pytest.raises(Diverged, match=r"at step 7: loss nan, .* \(score\(x\) has 3 values that are not finite\)"):
        train(at_step(7, refuse), n_steps=20, optimiser=sgd(0.25))
    with pytest.raises(ValueError, match=r"^score\(x\) has 3 values"):
        train(at_step(0, refuse), n_steps=20, optimiser=sgd(0.25))


def test_float32_that_overflows_has_diverged():
    loss = multilevel(network(), DATA, sigmas=[2.0, 0.5], batch=7, dtype=np.float32)
    with pytest.raises(Diverged, match="expected finite numbers"):
        train(loss, n_steps=10_000, optimiser=sgd(1e6))


def test_wrong_arguments_are_no_divergence():
    loss = multilevel(AFFINE, DATA, sigmas=[1.0])  # a model that knows no σ
    with pytest.raises(TypeError):
        train(loss, n_steps=1, optimiser=sgd(0.1))
    loss = quadratic(lambda theta, k: (theta, theta[:1]))
    with pytest.raises(ValueError, match=r"loss gives a gradient of shape \(1,\); expected \(2,\)"):
        train(loss, n_steps=1, optimiser=sgd(0.1))
    loss = denoising(AFFINE, np.zeros((3, 5)), sigma=1.0)
    with pytest.raises(ValueError, match=r"x has shape \(3, 5\); expected \(\*batch, 2\)"):
        train(loss, n_steps=1, optimiser=sgd(0.1))


BASE = {"loss": denoising(AFFINE, DATA, sigma=0.5, batch=7), "optimiser": adam(0.1), "ema": 0.9, "clip": 1.0}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"loss": denoising(AFFINE, DATA, sigma=0.25, batch=7)}, "sigma: 0.5 in the checkpoint, 0.25 now"),
        ({"loss": denoising(AFFINE, DATA, sigma=0.5, batch=8)}, r"batch: shuffled\(7\) in the checkpoint, shuffled\(8"),
        ({"loss": denoising(AFFINE, DATA, sigma=0.5, batch=7, seed=1)}, "seed: 0 in the checkpoint, 1 now"),
        ({"loss": denoising(AFFINE, DATA[:-1], sigma=0.5, batch=7)}, r"data: \(30, 2\) .* now"),
        ({"loss": denoising(AFFINE.unpack(np.ones(6)), DATA, sigma=0.5, batch=7)}, "model: AffineScore.* now"),
        ({"optimiser": adam(0.2)}, r"optimiser: adam\(0.1, .* in the checkpoint, adam\(0.2"),
        ({"optimiser": sgd(0.1)}, r"optimiser: adam.*sgd\(0.1"),
        ({"ema": None}, "ema: 0.9 in the checkpoint, None now"),
        ({"clip": 2.0}, "clip: 1.0 in the checkpoint, 2.0 now"),
    ],
)
def test_another_run_does_not_go_on_from_a_checkpoint(change, what, tmp_path):
    file = tmp_path / "run.npz"
    first = train(**BASE, n_steps=5, checkpoint=file).state
    before = file.read_bytes()
    with pytest.raises(ValueError, match=rf"run.npz is of another run: {what}"):
        train(**BASE | change, n_steps=10, checkpoint=file)
    with pytest.raises(ValueError, match=rf"start is of another run: {what}"):
        train(**BASE | change, n_steps=10, start=first)
    assert file.read_bytes() == before


def test_refusals(tmp_path):
    file = tmp_path / "run.npz"
    done = train(quadratic(), n_steps=5, optimiser=sgd(0.1), checkpoint=file).state
    for arguments, error, message in (
        ({"n_steps": 4, "start": done}, ValueError, "n_steps is 4; expected at least 5, the steps that are done"),
        ({"n_steps": 9, "start": done, "checkpoint": file}, ValueError, "start is given, and the file .* is there too"),
        ({"n_steps": -1}, ValueError, "n_steps is -1; expected at least 0"),
        ({"n_steps": 2.0}, TypeError, "n_steps is 2.0, of type float"),
        ({"n_steps": 2, "every": 0}, ValueError, "every is 0; expected at least 1"),
        ({"n_steps": 2, "clip": 0.0}, ValueError, "clip is 0.0; expected clip > 0"),
        ({"n_steps": 2, "ema": 1.0}, ValueError, "decay is 1.0; expected 0 <= decay < 1"),
        ({"n_steps": 2, "optimiser": "adam"}, TypeError, "optimiser is 'adam'; expected an Optimiser, such as adam"),
        ({"n_steps": 2, "loss": abs}, TypeError, "expected a Loss, such as multilevel"),
        ({"n_steps": 2, "checkpoint": tmp_path / "nowhere" / "run.npz"}, FileNotFoundError, "nowhere"),
    ):
        with pytest.raises(error, match=message):
            train(**{"loss": quadratic(), "optimiser": sgd(0.1)} | arguments)


def test_quiet_in_a_pipe(capfd):
    train(quadratic(), n_steps=5, optimiser=sgd(0.1))
    assert capfd.readouterr() == ("", "")


def test_what_it_prints():
    result = train(quadratic(), n_steps=2, optimiser=sgd(0.25))
    assert repr(result) == "Result(step 2, last loss 72, model AffineScore(matrix (1, 1), centre (1,)))"
    assert repr(result.state) == "State(step 2, 2 parameters of float64, last loss 72)"
    assert repr(train(quadratic(), n_steps=0, optimiser=sgd(0.25)).state) == "State(step 0, 2 parameters of float64)"


def test_an_optimiser_of_ones_own_is_resumed_like_any_other():
    def advance(theta, gradient, slots, scratch, k):
        slots[0][:] += gradient
        theta -= 0.125 * slots[0]

    own = Optimiser("sums", 1, advance)
    whole = train(quadratic(), n_steps=9, optimiser=own).state
    assert isinstance(whole, State)
    half = train(quadratic(), n_steps=4, optimiser=own).state
    assert_same(train(quadratic(), n_steps=9, optimiser=own, start=half).state, whole)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_step_of_the_loop_adds_little_to_the_step_of_the_model(dtype):  # bytes allocated, not time: it is exact
    import tracemalloc

    model = network((64, 64))
    loss = multilevel(model, DATA, sigmas=[1.0, 0.5], dtype=dtype)
    how = {"optimiser": adam(1e-3), "ema": 0.99, "clip": 1e-3, "progress": False}
    start = train(loss, n_steps=1, **how).state

    def peak(n):
        tracemalloc.start()
        train(loss, n_steps=n, start=start, **how)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(2)
    assert peak(60) - peak(2) < model.pack().nbytes / 2  # no copy of θ is left behind, nor made, by a step
