"""conformance/diagnosis.py: a mismatch gets its name, also when it is no fault but a convention or a factor."""

import numpy as np
import pytest

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.conformance.capability import Offer, as_values
from refscore.conformance.diagnosis import diagnose
from refscore.objectives import denoising, implicit, sliced

OBJECTIVES = [c for name, c in CATALOGUE.items() if name.startswith("objective.") and not c.derivative_of]


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


# --- every convention of every objective -----------------------------------------------------------------------------


def suggested(objective, declared, truth):
    """What is said of values that are right under `truth`, where `declared` is declared."""
    found = {case.name: case for case in objective.cases(truth)}
    got = {name: as_values(case.expect(objective.reference)) for name, case in found.items()}
    offer = Offer(objective, objective.reference, declared, "argument")

    def ask(case):
        return as_values(found[case.name].expect(objective.reference))

    return diagnose(offer, "float64", list(objective.cases(declared)), got, ask)


def said(declared, truth):
    """What should be said."""
    wrong = [name for name in declared if declared[name] != truth[name]]
    here, there = (", ".join(f"{name}={values[name]!r}" for name in wrong) for values in (truth, declared))
    return "convention", f"{here} (declared: {there}); declare it, or change the code"


def choices(objective):
    """Conventions that change what is expected; the kind of projections changes what is given."""
    return {c.name: c.values for c in objective.conventions if c.name != "projection"}


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda c: c.name)
def test_every_convention_declared_wrongly_is_answered_with_the_right_one(objective):
    every = choices(objective)
    for name, values in every.items():
        for right in values:
            truth = {**objective.defaults, name: right}
            for wrong in set(values) - {right}:
                declared = {**truth, name: wrong}
                ((fault, description),) = [(d.fault, d.description) for d in suggested(objective, declared, truth)]
                assert (fault, description) == said(declared, truth)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda c: c.name)
def test_conventions_forgotten_together_are_all_told(objective):
    every = choices(objective)
    for factor in set(every["factor"]) - {objective.defaults["factor"]}:
        for forgotten in ({"dimension": "mean"}, {n: v[-1] for n, v in every.items()}):
            truth = {**objective.defaults, **forgotten, "factor": factor}
            ((fault, description),) = [
                (d.fault, d.description) for d in suggested(objective, objective.defaults, truth)
            ]
            assert (fault, description) == said(objective.defaults, truth)


def test_conventions_that_change_what_is_given_are_tried_on_the_implementation():
    def normalised(score, x, projection):
        return sliced(score, x, projection / np.sqrt((projection**2).sum(-1, keepdims=True))).mean()

    ((fault, description),) = named("objective.sliced", normalised)
    assert fault == "convention"
    assert description.startswith("reduction='mean', projection='unit_sphere' (declared: ")
    ((_, description),) = named("objective.sliced", lambda s, x, v: sliced(s, x, np.sign(v)))
    assert description.startswith("projection='rademacher' (declared: ")


def test_a_function_that_takes_what_other_conventions_give_is_told_which():
    def interpolant(predict, x0, noise, t, *, alpha, sigma, alpha_dot, sigma_dot):
        a, s, da, ds = (level[:, None] for level in (alpha, sigma, alpha_dot, sigma_dot))
        return ((predict(a * x0 + s * noise, t) - (da * x0 + ds * noise)) ** 2).mean(1)

    adapter = Adapter("under test")
    adapter.implements("objective.path")(interpolant)
    first, *others = check_here(adapter).results
    assert first.outcome == "error"
    assert "missing a required" in first.message
    assert {r.outcome for r in others} == {"blocked"}
    ((fault, description),) = [(d.fault, d.description) for d in first.diagnosis]
    assert fault == "convention"
    assert description.startswith("factor=1, dimension='mean', prediction='velocity' (declared: ")


def test_a_function_that_takes_what_nobody_gives_gets_no_name():
    adapter = Adapter("under test")
    adapter.implements("objective.path")(lambda predict, x0: x0)
    assert all(r.diagnosis == () for r in check_here(adapter).results)
