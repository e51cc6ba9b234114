"""samplers/unipc.py: orders, what it is identical to, where B(h) matters, the start, the history."""

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import bh1, bh2, data_form, dpm_multistep_2, dpm_solver_2, dpm_solver_3, noise_form, unip, unipc
from tests.samplers.laws import TARGET, U
from tests.samplers.solvers import MIXTURE, SPANS, check_order

FORMS = pytest.mark.parametrize("form", [noise_form, data_form], ids=repr)
SCALES = pytest.mark.parametrize("scale", [bh1, bh2])
STARTS = {1: dpm_solver_2, 2: dpm_solver_2, 3: dpm_solver_3}
UNEVEN = [0.9, 0.7, 0.62, 0.5, 0.3, 0.12, 0.1]
X = np.array([[3.0, -5.0], [1.0, 2.0]])
SCORE = rs.samplers.noisy_score(TARGET)
VP = rs.paths.VP()


def started(make, p, form, scale):
    return lambda path, t: make(path, t, order=p, form=form, scale=scale, starter=STARTS[p](path, t))


@FORMS
@SCALES
@pytest.mark.parametrize("name", ["VP", "Flow"])
def test_order(form, scale, name):
    for p in (1, 2):
        check_order(started(unip, p, form, scale), SPANS[name], p, (64, 128, 256, 512))
        check_order(started(unipc, p, form, scale), SPANS[name], p + 1, (64, 128, 256, 512))


@FORMS
def test_order_three(form):
    check_order(started(unip, 3, form, bh2), SPANS["EDM"], 3, (64, 128, 256, 512, 1024))
    check_order(started(unipc, 3, form, bh2), SPANS["EDM"], 4, (64, 128, 256, 512))


def test_started_by_itself_order_three_has_order_three():
    check_order(lambda p, t: unipc(p, t, order=3, form=noise_form), SPANS["Flow"], 3, (256, 512, 1024, 2048))


def test_order_on_a_mixture():
    options = {"target": MIXTURE, "points": np.array([[0.5, -1.0], [-1.5, 0.3]])}
    check_order(started(unipc, 2, data_form, bh2), SPANS["Flow"], 3, (50, 100, 200, 400), **options)


def run(sampler):
    return rs.samplers.replay(sampler, SCORE, X)


@FORMS
def test_what_it_is_identical_to(form):
    same = {"rtol": 1000 * U}
    np.testing.assert_allclose(run(unip(VP, UNEVEN, order=1, form=form)), run(rs.samplers.ddim(VP, UNEVEN)), **same)
    np.testing.assert_allclose(
        run(unip(VP, UNEVEN, order=2, form=form)), run(dpm_multistep_2(VP, UNEVEN, form=form)), **same
    )
    for p in (3, 4):
        start = dpm_solver_3(VP, UNEVEN)
        adams = rs.samplers.exponential_adams(VP, UNEVEN, order=p, form=form, starter=start)
        np.testing.assert_allclose(run(unip(VP, UNEVEN, order=p, form=form, starter=start)), run(adams), **same)


@FORMS
def test_b_drops_out_from_order_three_on(form):  # (UPC.1) (UPC.2)
    start = dpm_solver_3(VP, UNEVEN)
    for make, p, differs in ((unip, 2, True), (unip, 3, False), (unipc, 1, True), (unipc, 2, True), (unipc, 3, False)):
        found = [
            run(make(VP, UNEVEN, order=p, form=form, scale=b, starter=start if p > 1 else None)) for b in (bh1, bh2)
        ]
        assert (np.abs(found[0] - found[1]).max() > 1e-4) == differs, (make.__name__, p)


def test_unipc_1_in_the_letters_of_the_paper():
    """Predict by DDIM, correct with ½ B(h) D_1; the next step uses the prediction at the predicted point."""
    lam, (a, s) = np.asarray(VP.log_snr(np.array(UNEVEN))), (VP.alpha(np.array(UNEVEN)), VP.sigma(np.array(UNEVEN)))

    def said(x, k):
        return (x + s[k] ** 2 * SCORE(x, float(a[k]), float(s[k]))) / a[k]

    x, m = X, said(X, 0)
    for k in range(6):
        h = lam[k + 1] - lam[k]
        base = s[k + 1] / s[k] * x - a[k + 1] * np.expm1(-h) * m
        x = base
        if k < 5:
            new = said(base, k + 1)
            x, m = base - a[k + 1] * np.expm1(-h) * 0.5 * (new - m), new
    np.testing.assert_allclose(run(unipc(VP, UNEVEN, order=1)), x, rtol=1000 * U)


def test_one_evaluation_a_step():
    asked = []

    def score(x, alpha, sigma):
        asked.append(sigma)
        return SCORE(x, alpha, sigma)

    rs.samplers.replay(unipc(VP, UNEVEN, order=3), score, X)
    np.testing.assert_allclose(asked, VP.sigma(np.array(UNEVEN))[:-1], rtol=4 * U)


def test_its_law_is_exact():
    start = rs.targets.gaussian([0.1, -0.2], [[1.1, 0.1], [0.1, 0.9]])
    sampler = unipc(VP, UNEVEN, order=3)
    outside = rs.exact.probe(lambda x, z: rs.samplers.replay(sampler, SCORE, x), 2, 0).push(start)
    assert rs.exact.wasserstein2(rs.exact.law(sampler, TARGET, start), outside) <= 1e-13


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="order is 0; expected at least 1"):
        unipc(VP, UNEVEN, order=0)
    with pytest.raises(ValueError, match="expected a sampler without noise of 6 steps"):
        unipc(VP, UNEVEN, order=2, starter=dpm_solver_2(VP, UNEVEN[1:]))
    with pytest.raises(ValueError, match="log_snr is inf"):
        unip(VP, [0.5, 0.0], order=2)
