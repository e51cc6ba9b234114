"""Losses as people write them in JAX conform; a wrong declaration is answered with the right one."""

import pytest

from refscore.conformance import CATALOGUE
from tests.conformance.losses.form import assert_answered, assert_conforms, wrong_declarations
from tests.conformance.losses.jax_forms import FORMS

pytestmark = pytest.mark.peer


@pytest.fixture(autouse=True)
def jax():
    return pytest.importorskip("jax")


def test_every_objective_is_here():
    objectives = {n for n, c in CATALOGUE.items() if n.startswith("objective.") and not c.derivative_of}
    assert {form.capability for form in FORMS} == objectives


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_what_is_found_in_the_world_conforms(form, dtype):
    assert_conforms(form, "jax", dtype)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_wrong_declaration_is_answered_with_the_right_one(form):
    for changed in wrong_declarations(form):
        assert_answered(form, "jax", changed)
