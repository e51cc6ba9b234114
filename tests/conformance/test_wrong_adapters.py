"""Other people's code: whatever it does, the result is a clear message and an exit code, never a traceback of ours."""

import json
import sys
import time

import numpy as np
import pytest

from refscore.cli import main
from refscore.conformance import Adapter, check_here

HEAD = """
import os, sys
import numpy as np
from refscore.conformance import Adapter
adapter = Adapter("mylib", version="1.2")
"""
OFFER = '@adapter.implements("objective.denoising")\ndef denoising(score, x0, noise, sigma):\n    '
RIGHT = """
@adapter.implements("objective.implicit")
def implicit(score, x):
    return score.trace(x) + 0.5 * (score(x) ** 2).sum(-1)
"""


@pytest.fixture
def checked(tmp_path, monkeypatch, capfd):
    """Write an adapter and check it from the command line: exit code, standard output, standard error."""

    def run(text, *options):
        (tmp_path / "mine.py").write_text(text)
        monkeypatch.chdir(tmp_path)
        code = main(["check", "mine.py", *options])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return run


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def (:", "mine.py: line 1: invalid syntax"),
        ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
        ("raise SystemExit(3)", "importing it raised SystemExit"),
        ("import os; os._exit(5)", "its process ended with exit code 5"),
        ("x = 1", "has no attribute 'adapter'"),
        ("adapter = 3", "adapter is int; expected a refscore.conformance.Adapter"),
        (HEAD, "adapter offers nothing"),
        (HEAD + '@adapter.implements("objective.denosing")\ndef f(): ...', 'Did you mean "objective.denoising"?'),
        (HEAD + RIGHT + "adapter = [adapter, adapter]", "two adapters are called 'mylib 1.2'"),
    ],
    ids=["syntax", "import", "exit", "crash", "no adapter", "no Adapter", "nothing offered", "unknown", "same name"],
)
def test_an_unusable_target_is_exit_code_2(checked, text, message):
    code, out, err = checked(text)
    assert (code, out) == (2, "")
    assert message in err


def raises(score, x0, noise, sigma):
    return score(x0) @ np.ones((7, 7))


def mutates(score, x0, noise, sigma):
    x0 += noise
    return x0.sum(-1)


@pytest.mark.parametrize(
    ("function", "code", "message"),
    [
        (raises, 2, "for x0 of shape (3, 3)\n  at "),
        (lambda s, x0, z, sigma: sys.exit(0), 2, "raised SystemExit('0')"),
        (lambda s, x0, z, sigma: "words", 2, "expected real numbers"),
        (lambda s, x0, z, sigma: (), 1, "returned 0 arrays; expected 1"),
        (lambda s, x0, z, sigma: s(x0) + 1j, 2, "returned dtype complex128; expected real numbers"),
        (
            lambda s, x0, z, sigma: s(x0).sum(-1).astype(np.float16),
            2,
            "returned float16, and the adapter declares float64",
        ),
        (lambda s, x0, z, sigma: s(x0).sum(-1).astype(np.float32), 2, 'or declare dtype="float32"'),
        (lambda s, x0, z, sigma: None, 2, "returned None; expected real numbers"),
        (lambda s, x0, z, sigma: [[1.0], [1.0, 2.0]], 1, "returned 2 arrays; expected 1"),
        (lambda s, x0, z, sigma: np.full(len(x0), np.nan), 1, "got nan   not a number"),
        (lambda s, x0, z, sigma: np.full(len(x0), np.inf), 1, "got inf   not a number"),
        (lambda s, x0, z, sigma: x0, 1, "returned shape (3, 3); expected (3,)"),
        (lambda s, x0, z, sigma: (x0[:, 0], x0[:, 1]), 1, "returned 2 arrays; expected 1"),
        (mutates, 1, "wrote to its argument x0"),
        (lambda s, x0, z, sigma: time.perf_counter() + x0.sum(-1), 1, "two calls with the same arguments"),
        (lambda score, x0: x0, 2, "takes (score, x0), which does not fit"),
        (lambda score, x0: x0, 2, "offered as denoising(score, x0 (n, d), noise (n, d), sigma ()) -> (n,)"),
    ],
)
def test_a_function_that_misbehaves_is_a_result(function, code, message):
    adapter = Adapter("mylib")
    adapter.implements("objective.denoising")(function)
    adapter.implements("objective.implicit")(lambda score, x: score.trace(x) + 0.5 * (score(x) ** 2).sum(-1))
    report = check_here(adapter)
    assert report.exit_code == code
    assert any(message in result.message for result in report.results)
    assert len(report.results) == report.planned
    assert all(r.outcome == "pass" for r in report.results if r.capability == "objective.implicit")


def test_what_a_model_refuses_is_told_with_the_line_that_asked_for_it():
    adapter = Adapter("mylib")
    adapter.implements("step.edm")(lambda denoiser, x, noise, *, sigma, sigma_next, churn, s_noise: denoiser(x, x[:2]))
    (api,) = [r.message for r in check_here(adapter).results if r.check == "step.edm/api"]
    assert "level has shape" in api
    assert "test_wrong_adapters.py:" in api
    assert "arrays.py" not in api


def test_a_signature_that_does_not_fit_is_told_what_is_drawn_inside():
    adapter = Adapter("mylib")
    adapter.implements("step.mala", noise="recorded")(lambda score, log_prob, x, *, step_size: x)
    (api,) = [r.message for r in check_here(adapter).results if r.check == "step.mala/api"]
    assert api.endswith('without noise, by noise="recorded"')


def test_noise_out_of_reach_comes_with_the_way_to_reach_it():
    adapter = Adapter("mylib")
    adapter.implements("corrector.langevin", noise="internal")(lambda score, x, *, snr: x)
    messages = [r.message for r in check_here(adapter).results if r.outcome == "inconclusive"]
    assert messages
    assert all(message.endswith('noise="recorded" reaches what numpy draws') for message in messages)


def test_a_crash_is_an_error_and_the_rest_is_checked(checked):
    body = (
        "print('chatter' * 10000)\n    os._exit(7) if len(x0) == 1 and sigma == 8 else None\n    return noise.sum(-1)"
    )
    code, out, _ = checked(HEAD + OFFER + body + RIGHT)
    assert code == 1  # the failed values weigh more than the crash
    assert "its process ended with exit code 7" in out
    assert "1 of 2 conform" in out
    assert "planned 18, ran 18" in out
    assert "chatter" not in out


def test_an_endless_loop_is_ended_and_the_rest_is_checked(checked, tmp_path):
    code, out, _ = checked(HEAD + OFFER + "while True: pass" + RIGHT, "--time-limit", "1.5", "--json", "report.json")
    summary = json.loads((tmp_path / "report.json").read_text())["summary"]
    assert (summary["error"], summary["blocked"], summary["pass"]) == (1, 12, 5)  # one time limit, not thirteen
    assert code == 2
    assert "did not come back within 1.5 s" in out
    assert "1 of 2 conform" in out
    assert "planned 18, ran 18" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nothere.py"], "nothere.py: no such file. TARGET is a file, module or module:attribute."),
        (["check", "nothere"], "nothere: no such file or module."),
        (["check", "refscore.examples.right:nothing"], "has no attribute 'nothing'"),
        (["check", "refscore.examples.right", "--only", "nothing.*"], "selects none of the offered checks"),
        (["check", "refscore.examples.right", "--json", "no/such/folder.json"], "its folder does not exist"),
        (["check", "refscore.examples.right", "--expected-failures", "none.toml"], "No such file"),
        (["explain", "objective.denosing"], 'Did you mean "objective.denoising"?'),
        (["explain", "step.dpm"], 'Did you mean "step.dpm_solver"?'),
        (["list", "nothing*"], "no capability matches"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_a_wrong_call_is_exit_code_2(tmp_path, monkeypatch, capfd, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "x.py", "--time-limit", "-1"], "not a positive number"),
        (["check", "x.py", "--seed", "-1"], "not between 0 and"),
        (["frobnicate"], "invalid choice"),
        ([], "required"),
    ],
)
def test_a_call_that_cannot_be_read_is_exit_code_2(capfd, arguments, message):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capfd.readouterr().err


def test_a_keyword_argument_that_is_written_to_is_seen():
    adapter = Adapter("mylib")

    @adapter.implements("schedule.ncsnv2_step")
    def step(*, sigmas, n_steps):
        sigmas *= 2
        return 1e-5

    report = check_here(adapter)
    assert any("wrote to its argument sigmas" in result.message for result in report.results)


def test_a_check_of_ours_that_breaks_is_a_result_too(monkeypatch):
    def breaks(*_):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("refscore.conformance.capabilities.black_box.checks.start_states", breaks)
    adapter = Adapter("mylib")
    adapter.implements("sampler.black_box", order=1, start=(1, 1), stop=(1, 0.5))(lambda exact, x, *, n_steps: x)
    report = check_here(adapter)
    assert len(report.results) == report.planned
    assert any("the check itself broke, please report it: ZeroDivisionError" in r.message for r in report.results)
