"""Whole samplers as black boxes: right ones conform, each fault is caught and named by its symptoms."""

import numpy as np
import pytest

from refscore.conformance import Adapter, check_here
from refscore.conformance.capabilities.black_box.faults import FAULTS, ODE, SDE, euler_maruyama, heun


def report_of(function, **conventions):
    adapter = Adapter("under test")
    adapter.implements("sampler.black_box", **conventions)(function)
    return check_here(adapter)


@pytest.mark.parametrize(
    ("function", "conventions"), [(heun, ODE), (euler_maruyama, SDE)], ids=["heun", "euler_maruyama"]
)
def test_right_samplers_conform(function, conventions):
    report = report_of(function, **conventions)
    assert [(r.check, r.message) for r in report.results if r.outcome != "pass"] == []
    assert report.exit_code == 0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_every_fault_is_caught_and_named(fault):
    with np.errstate(all="ignore"):
        report = report_of(fault.function, **fault.declared)
    assert report.exit_code == 1
    assert {d.fault for r in report.results for d in r.diagnosis} == {fault.name}
