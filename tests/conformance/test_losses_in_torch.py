"""Losses as people write them in torch conform; a wrong declaration is answered with the right one."""

import pytest

from refscore.conformance import CATALOGUE
from tests.conformance.losses import torch_denoising, torch_flows, torch_matching, torch_paths
from tests.conformance.losses.form import assert_answered, assert_conforms, wrong_declarations

FORMS = [*torch_matching.FORMS, *torch_denoising.FORMS, *torch_paths.FORMS, *torch_flows.FORMS]

pytestmark = pytest.mark.peer


@pytest.fixture(autouse=True)
def torch():
    return pytest.importorskip("torch")


def test_every_objective_is_here():
    objectives = {n for n, c in CATALOGUE.items() if n.startswith("objective.") and not c.derivative_of}
    assert {form.capability for form in FORMS} == objectives


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_what_is_found_in_the_world_conforms(form, dtype):
    assert_conforms(form, "torch", dtype)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_wrong_declaration_is_answered_with_the_right_one(form):
    for changed in wrong_declarations(form):
        assert_answered(form, "torch", "float64", changed)
