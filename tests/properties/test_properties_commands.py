"""Both command lines, given anything: exit code 0 or 2, and one line of error without a traceback."""

import contextlib
import io
import warnings
from unittest import mock

import strategies as some
from hypothesis import given
from hypothesis import strategies as st

from helpers import __main__ as console
from helpers.training import command, evaluator

WORDS = st.one_of(
    st.sampled_from(["--recipe", "small", "huge", "--out", "--threads", "0", "-1", "99999999999", "--device", "cpu"]),
    st.sampled_from(
        ["tpu", "--steps", "1", "15", "--model", "--header", "--decimal", ",", ".", "--help", "nothing.csv"]
    ),
    st.text(max_size=6).filter(lambda word: "\0" not in word),
)
ARGUMENTS = st.lists(WORDS, max_size=6)


def run(main, arguments):
    """The exit code and what was printed; no training is begun."""
    out, err = io.StringIO(), io.StringIO()
    trained = mock.patch.object(command, "train", side_effect=OSError("no training here"))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), trained, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            code = main(arguments)
        except SystemExit as exit:
            code = exit.code
    return code, out.getvalue(), err.getvalue()


def mannered(code, out, err):
    assert code in (0, 2) and "Traceback" not in err
    if code == 2:
        assert "error: " in err  # argparse repeats an argument as it is, with its line ends
    else:
        assert out and not err


@some.examples(100)
@given(ARGUMENTS)
def test_of_training(arguments):
    mannered(*run(command.main, arguments))


@some.examples(100)
@given(ARGUMENTS)
def test_of_the_evaluator(arguments):
    mannered(*run(evaluator.main, arguments))


@some.examples(100)
@given(st.lists(st.sampled_from(["train", "evaluate", "forecast"]), max_size=1), ARGUMENTS)
def test_of_the_console(first, arguments):
    mannered(*run(console.main, first + arguments))


TEXT = st.one_of(
    st.text("0123456789.,;\t \n-e#", max_size=40),
    st.lists(st.tuples(some.PLAIN, some.PLAIN), max_size=8).map(lambda rows: "\n".join(f"{a},{b}" for a, b in rows)),
)


@some.examples(30)
@given(TEXT, st.integers(-1, 4))
def test_of_a_forecast_of_any_file(tmp_path_factory, text, steps):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(text, encoding="utf-8")
    code, out, err = run(console.main, ["forecast", str(path), "--model", "small", "--steps", str(steps)])
    mannered(code, out, err)
    if code == 0:
        assert out.count("±") >= steps and "nan" not in out
