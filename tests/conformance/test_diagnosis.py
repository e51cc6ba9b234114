"""conformance/diagnosis.py: a mismatch gets its name, also when it is no fault but a convention or a factor."""

import numpy as np
import pytest

from refscore.conformance import Adapter, check_here
from refscore.objectives import denoising, implicit


def named(capability, function, dtype="float64", **conventions):
    adapter = Adapter("under test", dtype=dtype)
    adapter.implements(capability, **conventions)(function)
    found = [r.diagnosis for r in check_here(adapter).results if r.outcome == "fail"]
    return [(d.fault, d.description) for d in found[0]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: 2 * v, "factor=1"),
        (lambda v: v.mean(), "reduction='mean'"),
        (lambda v: v / 3, "dimension='mean'"),
        (lambda v: 2 * v.mean() / 3, "factor=1, reduction='mean', dimension='mean'"),  # torch's mse_loss
    ],
)
def test_another_convention_is_suggested(change, words):
    ((fault, description),) = named("objective.denoising", lambda *a: change(denoising(*a)))
    assert fault == "convention"
    assert words in description


def test_two_conventions_at_once():
    ((fault, description),) = named("objective.denoising", lambda *a: 2 * denoising(*a).sum())
    assert fault == "convention"
    assert "factor=1" in description
    assert "reduction='sum'" in description


def test_the_convention_that_was_declared_too_much():
    ((fault, description),) = named("objective.denoising", denoising, factor=1)
    assert (fault, "factor=0.5" in description) == ("convention", True)


def test_a_constant_factor_is_said_plainly():
    ((fault, description),) = named("objective.implicit", lambda *a: -implicit(*a))
    assert (fault, description) == ("factor", "expected × -1.0000 on every entry: the sign is turned")
    ((fault, description),) = named("objective.implicit", lambda *a: 1.25 * implicit(*a))
    assert (fault, description) == ("factor", "expected × 1.2500 on every entry")


def test_a_fault_in_float32_is_matched_within_float32():
    def wrong(score, x0, noise, sigma):
        return 0.5 * ((score(x0 + sigma * noise) + noise / sigma**2) ** 2).sum(-1)

    assert [f for f, _ in named("objective.denoising", wrong, dtype="float32")] == ["DSM-variance"]


def test_what_matches_nothing_gets_no_name():
    adapter = Adapter("under test")
    adapter.implements("objective.implicit")(lambda score, x: np.cos(x).sum(-1))
    assert all(r.diagnosis == () for r in check_here(adapter).results)
