"""conformance/adapter.py: what an adapter declares wrongly is said at the line where it is declared."""

import pytest

from refscore.conformance import Adapter, AdapterError


def test_unknown_capability_suggests_the_nearest():
    with pytest.raises(AdapterError, match=r'Did you mean "objective.denoising"\?'):
        Adapter("a").implements("objective.denosing")


@pytest.mark.parametrize(
    ("conventions", "message"),
    [
        ({"factr": 1}, "has no convention 'factr'. Did you mean \"factor\""),
        ({"factor": 3}, "has factor=3; expected 0.5 | 1 | 2"),
        ({"reduction": "batchmean"}, "expected none | mean | sum"),
        ({"noise": "outside"}, "expected one of argument, recorded, internal"),
    ],
)
def test_conventions_are_a_closed_list(conventions, message):
    with pytest.raises(AdapterError) as caught:
        Adapter("a").implements("objective.denoising", **conventions)
    assert message in str(caught.value)


@pytest.mark.parametrize("missing", ["order", "start", "stop"])
def test_required_conventions(missing):
    declared = {"order": 1, "start": (1, 1), "stop": (1, 0.1)}
    del declared[missing]
    with pytest.raises(AdapterError, match=f"needs {missing} declared"):
        Adapter("a").implements("sampler.black_box", **declared)


@pytest.mark.parametrize("field", [{"arrays": "tensorflow"}, {"dtype": "float16"}])
def test_unknown_array_kinds(field):
    with pytest.raises(AdapterError, match="expected one of"):
        Adapter("a", **field)


def test_a_capability_is_offered_once():
    adapter = Adapter("a")
    adapter.implements("objective.implicit")(lambda score, x: x)
    with pytest.raises(AdapterError, match="offered twice"):
        adapter.implements("objective.implicit")


def test_only_functions_are_offered():
    with pytest.raises(AdapterError, match="cannot be called"):
        Adapter("a").implements("objective.implicit")(3)


def test_the_function_is_left_as_it_is():
    def function(score, x):
        return x

    assert Adapter("a").implements("objective.implicit")(function) is function
