"""corrector.langevin: other correct algebra conforms in both dtypes, and whose norms are meant is told apart."""

import numpy as np
import pytest

from refscore.conformance import Adapter, check_here
from refscore.conformance.recorders.numpy import standard_normal

DTYPES = ["float64", "float32"]


def report_of(function, dtype="float64", arrays="numpy", noise=None, **conventions):
    adapter = Adapter("under test", dtype=dtype, arrays=arrays)
    adapter.implements("corrector.langevin", noise=noise, **conventions)(function)
    return check_here(adapter)


def bad(report):
    return [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"]


def paper(score, x, noise, *, snr):
    """Sample by sample, with the ε of x + (ε/2) s + √ε z and its root first."""
    rows = []
    for y, s, z in zip(x, score(x), noise):
        root = 2 * snr * np.linalg.norm(z) / np.linalg.norm(s)
        rows.append(y + root * (root / 2 * s + z))
    return np.array(rows, x.dtype)


def released(score, x, noise, *, snr):
    """As score_sde writes it, for α = 1."""
    grad = score(x)
    grad_norm = np.linalg.norm(grad.reshape(len(grad), -1), axis=-1).mean()
    noise_norm = np.linalg.norm(noise.reshape(len(noise), -1), axis=-1).mean()
    step_size = (snr * noise_norm / grad_norm) ** 2 * 2
    return np.asarray(x + step_size * grad + np.sqrt(step_size * 2) * noise, x.dtype)


CODES = {"per_sample": paper, "batch_mean": released}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("norms", CODES)
def test_both_conventions(norms, dtype):
    assert bad(report_of(CODES[norms], dtype, norms=norms)) == []


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("declared", "meant"), [("per_sample", "batch_mean"), ("batch_mean", "per_sample")])
def test_the_wrong_declaration_is_answered_with_the_right_one(declared, meant, dtype):
    report = report_of(CODES[meant], dtype, norms=declared)
    assert report.exit_code == 1
    assert any(f"norms='{meant}'" in d.description for r in report.results for d in r.diagnosis)


def test_noise_drawn_inside():
    def drawing(score, x, *, snr):
        return paper(score, x, standard_normal(x.shape), snr=snr)

    assert bad(report_of(drawing, noise="recorded")) == []


def test_a_guard_against_a_zero_score_is_allowed_to_round_but_not_to_count():
    def guarded(score, x, noise, *, snr, guard):
        s = score(x)
        e = 2 * (snr * np.linalg.norm(noise, axis=-1) / (np.linalg.norm(s, axis=-1) + guard)) ** 2
        return x + e[:, None] * s + np.sqrt(2 * e)[:, None] * noise

    assert bad(report_of(lambda *a, snr: guarded(*a, snr=snr, guard=1e-16))) == []
    assert bad(report_of(lambda *a, snr: guarded(*a, snr=snr, guard=1e-6)))
