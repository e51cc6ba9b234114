"""samplers/replay.py as a hostile user sees it: no score, callback or argument changes a run without a word."""

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import Multistep, Sampler, Trajectory, langevin, noisy_score, replay
from tests.samplers.laws import TARGET

SCORE = noisy_score(TARGET)
VP, EDM, TIMES, SIGMAS = rs.paths.VP(), rs.paths.EDM(), [0.9, 0.7, 0.5, 0.3, 0.2, 0.1], [5.0, 3.0, 2.0, 1.0, 0.5, 0.2]
S = rs.samplers
SAMPLERS = [
    *(make(VP, TIMES, order=3) for make in (S.adams_bashforth, S.deis, S.exponential_adams, S.unip, S.unipc)),
    *(
        make(VP, TIMES)
        for make in (S.ancestral_vp, S.ddim, S.dpm_multistep_2, S.dpm_multistep_3, S.sde_dpm_multistep_2)
    ),
    *(make(VP, TIMES) for make in (S.dpm_solver_2, S.dpm_solver_3, S.euler_maruyama, S.reverse_diffusion)),
    *(make(VP, TIMES) for make in (S.euler_ode, S.heun_ode, S.pndm, S.pseudo_runge_kutta, S.stochastic_heun)),
    *(
        S.edm(SIGMAS, s_churn=1.0),
        S.edm_euler(SIGMAS),
        S.ancestral_ve(EDM, SIGMAS),
        S.consistent_annealed(SIGMAS, eta=0.8),
    ),
    *(S.annealed(SIGMAS, step_size=0.01, steps_per_level=2, denoise=True), S.runge_kutta(VP, TIMES, tableau=S.RK4)),
    *(S.preconditioned_langevin(0.1, factor=[[1.0, 0.0], [0.2, 1.0]]), S.unadjusted_hmc(0.1, n_steps=3), langevin(0.1)),
    *(make(0.1, friction=1.0) for make in (S.underdamped, S.baoab, S.obabo)),
]
ALL = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: s.name)
X = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])


def tape(sampler, n=4):
    if sampler.draws == 0:
        return None
    n = sampler.n_steps or n
    return rs.noise.tape(1, n * sampler.draws, 3, 2).reshape(n, *(() if sampler.draws == 1 else (sampler.draws,)), 3, 2)


def reusing():
    """A score that writes its answers into one array."""
    kept = {}

    def score(x, alpha, sigma):
        out = kept.setdefault(x.shape, np.empty(x.shape))
        np.negative(x, out=out)
        return out

    return score


def spoiling(x, alpha, sigma):
    x *= -1
    return x


@ALL
def test_a_score_is_a_function_whatever_it_does_with_its_arrays(sampler):
    def plain(sign):
        return replay(sampler, lambda x, alpha, sigma: sign * np.array(x), x, z)

    x, z = X.copy(), tape(sampler)
    before = None if z is None else z.copy()
    np.testing.assert_array_equal(replay(sampler, lambda y, alpha, sigma: y, x, z), plain(1))
    np.testing.assert_array_equal(replay(sampler, spoiling, x, z), plain(-1))
    np.testing.assert_array_equal(replay(sampler, reusing(), x, z), plain(-1))
    as_lists = replay(sampler, lambda y, alpha, sigma: (-y).tolist(), x, z)
    np.testing.assert_array_equal(as_lists, plain(-1))
    np.testing.assert_array_equal(x, X)
    if z is not None:
        np.testing.assert_array_equal(z, before)


BAD = [
    (ValueError, "has 6 values that are not finite", lambda x, a, s: np.full_like(x, np.nan)),
    (TypeError, "has dtype object", lambda x, a, s: None),
    (ValueError, r"has shape \(3, 2, 1\); expected \(3, 2\), the shape of x", lambda x, a, s: x[..., None]),
    (ValueError, r"has shape \(\); expected \(3, 2\)", lambda x, a, s: 0.0),
    (ValueError, r"has shape \(2,\); expected \(3, 2\)", lambda x, a, s: x[0]),
    (TypeError, "has dtype complex128", lambda x, a, s: x + 0j),
    (TypeError, "has dtype float16", lambda x, a, s: x.astype(np.float16)),
    (TypeError, "has dtype <U5", lambda x, a, s: "score"),
    (ValueError, "is not an array", lambda x, a, s: [[1.0], [2.0, 3.0]]),
]


@ALL
@pytest.mark.parametrize(("error", "message", "score"), BAD)
def test_a_score_that_is_none_is_named(sampler, error, message, score):
    with pytest.raises(error, match=r"score\(x, alpha, sigma\) " + message):
        replay(sampler, score, X, tape(sampler))


@ALL
def test_the_result_is_nobody_elses_memory(sampler):
    x, kept = X.copy(), []
    found = replay(sampler, SCORE, x, tape(sampler), callback=lambda k, y: kept.append(y))
    assert not np.shares_memory(found, x)
    assert found.flags.writeable
    assert not kept[0].flags.writeable


@pytest.mark.parametrize(
    ("noise", "error", "message"),
    [
        (np.zeros((4, 3, 2), complex), TypeError, "noise has dtype complex128; expected integers, float32 or float64"),
        (np.zeros((4, 3, 2), np.float16), TypeError, "noise has dtype float16"),
        (np.zeros((4, 3, 2), bool), TypeError, "noise has dtype bool"),
        ("noise", TypeError, "noise has dtype <U5"),
        (np.zeros((4, 2, 3)), ValueError, r"noise has shape \(4, 2, 3\); expected \(n, 3, 2\)"),
        ([[1.0], [2.0, 3.0]], ValueError, "noise is not an array"),
    ],
)
def test_a_tape_that_is_none_is_named(noise, error, message):
    with pytest.raises(error, match=message):
        replay(langevin(0.1), SCORE, X, noise)


@pytest.mark.parametrize("x", [np.zeros((0, 2)), X.astype(np.float32), [[1, 2]], [1.0, 2.0]])
def test_states_of_any_kind(x):
    found = replay(langevin(0.1), SCORE, x, np.zeros((3, *np.shape(x)), np.float32))
    assert found.shape == np.shape(x)
    assert found.dtype == np.float64


def test_no_steps_are_no_steps():
    found = replay(langevin(0.1), SCORE, X, np.zeros((0, 3, 2)))
    np.testing.assert_array_equal(found, X)
    assert not np.shares_memory(found, X)


def test_nothing_says_how_many_steps():
    """Without noise and without n_steps a run would take no step, and say nothing."""
    still = Sampler("flow", None, 0, 1.0, None, None, lambda score, x, k, noise: 0.5 * x)
    with pytest.raises(ValueError, match="flow takes any number of steps and draws no noise, so nothing says how many"):
        replay(still, SCORE, X)


def test_what_is_no_sampler_no_score_no_callback_no_state():
    for sampler in ("langevin", None, langevin):
        with pytest.raises(TypeError, match=r"sampler is a .*; expected a Sampler or a Multistep"):
            replay(sampler, SCORE, X)
    for score in (TARGET, None, -X):
        with pytest.raises(TypeError, match=r"score is a .*; expected a callable score\(x, alpha, sigma\)"):
            replay(langevin(0.1), score, X, np.zeros((1, 3, 2)))
    with pytest.raises(TypeError, match="callback is 3; expected a callable callback"):
        replay(langevin(0.1), SCORE, X, np.zeros((1, 3, 2)), callback=3)
    for x, error in (
        (None, TypeError),
        ("x", TypeError),
        (X + 0j, TypeError),
        (1.0, ValueError),
        (X * np.nan, ValueError),
    ):
        with pytest.raises(error, match=r"^x has "):
            replay(langevin(0.1), SCORE, x, np.zeros((1, 3, 2)))
    with pytest.raises(ValueError, match=r"x has shape \(2, 3\); expected \(\*batch, 2\)"):  # the target's
        replay(langevin(0.1), SCORE, np.zeros((2, 3)), np.zeros((1, 2, 3)))


def test_a_sampler_that_cannot_be_is_named():
    def made(n_steps=2, draws=0, prior_scale=1.0, step=lambda score, x, k, noise: x):
        return Sampler("mine", n_steps, draws, prior_scale, None, None, step)

    assert made().n_steps == 2
    for name in ("n_steps", "draws"):
        with pytest.raises(TypeError, match=f"{name} is 1.5"):
            made(**{name: 1.5})
    with pytest.raises(ValueError, match=r"prior_scale is -1\.0; expected prior_scale > 0"):
        made(prior_scale=-1.0)
    with pytest.raises(ValueError, match="prior_scale has 1 value that is not finite"):
        made(prior_scale=np.nan)
    with pytest.raises(TypeError, match="step is None; expected a callable step"):
        made(step=None)
    for target in (None, VP):
        with pytest.raises(TypeError, match=r"target is .*; expected one that can be perturbed"):
            noisy_score(target)


@pytest.mark.parametrize("path", [None, "vp", rs.paths.VP, TARGET])
@pytest.mark.parametrize("make", [S.ddim, S.euler_maruyama, S.dpm_multistep_2, S.dpm_solver_2, S.pndm, S.runge_kutta])
def test_what_is_no_path(make, path):
    options = {"tableau": S.RK4} if make is S.runge_kutta else {}
    with pytest.raises(TypeError, match=r"path is .*; expected a path, such as refscore\.paths\.VP\(\)"):
        make(path, TIMES, **options)


def test_a_callback_cannot_steer_the_run():
    def clip(k, x):
        np.clip(x, -1, 1, out=x)

    with pytest.raises(ValueError, match="read-only"):
        replay(langevin(0.1), SCORE, X, np.zeros((2, 3, 2)), callback=clip)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, StopIteration])
@ALL
def test_a_run_that_is_stopped_leaves_nothing_behind(sampler, error):
    """What was raised comes out as it is, the states so far are kept, and the same sampler then runs as if new."""
    kept, z, x = Trajectory(), tape(sampler), X.copy()

    def look(k, y):
        kept(k, y)
        if k == 1:
            raise error("enough")

    def interrupted(y, alpha, sigma, calls=[]):  # noqa: B006
        calls.append(1)
        if len(calls) == 3:
            raise error("enough")
        return SCORE(y, alpha, sigma)

    whole = Trajectory()
    end = replay(sampler, SCORE, X, z, callback=whole)
    with pytest.raises(error, match="enough"):
        replay(sampler, SCORE, x, z, callback=look)
    assert kept.steps == [0, 1]
    np.testing.assert_array_equal(kept.states, whole.states[:2])
    with pytest.raises(error, match="enough"):
        replay(sampler, interrupted, x, z)
    np.testing.assert_array_equal(replay(sampler, SCORE, x, z), end)
    np.testing.assert_array_equal(x, X)


def test_a_step_that_works_in_place_spoils_no_argument():
    def step(score, x, k, noise):
        noise *= 0.1
        x += noise
        return x

    x, z = X.copy(), rs.noise.tape(1, 3, 3, 2)
    rough = Sampler("in place", None, 1, 1.0, None, None, step)
    first = replay(rough, SCORE, x, z)
    np.testing.assert_array_equal(replay(rough, SCORE, x, z), first)
    np.testing.assert_array_equal(x, X)


def test_memory_of_another_kind_is_refused():
    def made(init, step):
        return Multistep("mine", 2, 0, 1.0, None, None, init, step)

    with pytest.raises(ValueError, match=r"the memory of mine has shape \(2,\); expected \(3, 2\)"):
        replay(made(lambda x: (x[0],), lambda s, x, m, k, z: (x, m)), SCORE, X)
    with pytest.raises(ValueError, match="step 0 of mine remembers 2 arrays; expected 1"):
        replay(made(lambda x: (x,), lambda s, x, m, k, z: (x, (x, x))), SCORE, X)
    with pytest.raises(ValueError, match="the state after step 1 of mine has 6 values that are not finite"):
        replay(made(lambda x: (x,), lambda s, x, m, k, z: (x if k == 0 else x * np.nan, m)), SCORE, X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: S.dpm_solver_2(VP, TIMES, form="data"), "form is 'data'; expected refscore.samplers.noise"),
        (lambda: S.dpm_multistep_2(VP, TIMES, form=None), "form is None"),
        (lambda: S.unipc(VP, TIMES, order=2, form="noise"), "form is 'noise'"),
        (lambda: S.sde_dpm_solver_1(VP, TIMES, form="data"), "form is 'data'"),
        (lambda: S.exponential_adams(VP, TIMES, order=2, form="data"), "form is 'data'"),
        (lambda: S.deis(VP, TIMES, order=2, starter="ddim"), "starter is 'ddim'; expected a Sampler"),
        (lambda: S.runge_kutta(VP, TIMES, tableau=None), "tableau is None; expected a Tableau"),
    ],
)
def test_words_and_none_where_values_belong(call, message):
    with pytest.raises(TypeError, match=message):
        call()
