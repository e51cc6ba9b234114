"""Losses as people write them in JAX conform; a wrong declaration is answered with the right one.

In float32, which is JAX's own dtype; test_gradients.py has float64 too. Most of the time goes into compiling, which JAX
does once if the same form is run again at once: so both claims stand in one test.
"""

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


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_form_conforms_and_its_wrong_declarations_are_answered(form):
    assert_conforms(form, "jax", "float32")
    for changed in wrong_declarations(form):
        assert_answered(form, "jax", "float32", changed)
