"""validation/catalogue/: the reference is right below one unit of rounding, and every fault is a thousand above."""

import math

import numpy as np
import pytest

from refscore.conformance import CATALOGUE
from refscore.conformance.capabilities.objectives.denoising import DENOISING
from refscore.conformance.capability import Capability, Fault
from refscore.models import MLPScore
from validation.catalogue.grading import grade
from validation.catalogue.truths import TRUTHS
from validation.catalogue.wide import WIDE, run_wide

GRADED = [capability for capability in CATALOGUE.values() if capability.checks is None]


@pytest.mark.parametrize("capability", GRADED, ids=lambda c: c.name)
def test_the_reference_is_below_one_and_the_weakest_fault_above_a_thousand(capability):
    found = grade(capability)
    assert math.isnan(found.reference) or found.reference < 1
    assert WIDE or not math.isnan(found.reference) or capability.name not in TRUTHS
    assert found.weakest > 1000
    assert found.faults >= 5


def changed(reference=DENOISING.reference, faults=DENOISING.faults):
    parts = {name: getattr(DENOISING, name) for name in DENOISING.__slots__}
    return Capability(**{**parts, "reference": reference, "faults": faults})


def test_a_fault_that_does_nothing_is_graded_as_such():
    idle = Fault("idle", "nothing", "none", lambda *a: DENOISING.reference(*a) * (1 + 2**-50))
    assert grade(changed(faults=(idle,))).weakest < 16


@pytest.mark.skipif(not WIDE, reason="this platform has no float wider than float64")
def test_a_reference_that_rounds_too_much_is_graded_as_such():
    def sloppy(score, x0, noise, sigma):
        x = x0 + sigma * noise
        value = 0.5 * ((score(x) + noise / sigma) ** 2).sum(-1)
        return value.astype(np.float32).astype(value.dtype) if value.dtype == np.float64 else value

    assert grade(changed(reference=sloppy)).reference > 1e3


@pytest.mark.skipif(not WIDE, reason="this platform has no float wider than float64")
@pytest.mark.parametrize("method", ["vjp_parameters", "trace_parameters"])
def test_a_derivative_of_a_network_that_is_off_is_graded_as_such(monkeypatch, method):
    right, gradient = getattr(MLPScore, method), CATALOGUE["objective.implicit.gradient"]
    monkeypatch.setattr(MLPScore, method, lambda *arguments: (1 + 1e-12) * right(*arguments))
    assert grade(gradient).reference > 10


@pytest.mark.skipif(not WIDE, reason="this platform has no float wider than float64")
def test_a_reference_that_goes_through_float64_cannot_grade_itself():
    case = next(iter(DENOISING.cases(DENOISING.defaults)))
    with pytest.raises(TypeError, match="went through float64"):
        run_wide(case, lambda *a: np.asarray(DENOISING.reference(*a), dtype=np.float64))
