"""A child of the fork server is a process like another: its files, its end, its signals."""

import os
import signal
import subprocess
import sys

import pytest

from tests.patience import patience
from tests.tui.forked import popen, run

CODE = [sys.executable, "-c"]


def test_it_has_its_own_folder_environment_arguments_and_files(tmp_path):
    """What subprocess gives a child, and nothing of the server's."""
    code = (
        "import os, sys; print(os.getcwd(), os.environ, sys.argv[1:], sys.stdin.read());"
        "print('said', file=sys.stderr); sys.exit(7)"
    )
    with popen(
        [*CODE, code, "a", "b"], cwd=tmp_path, env={"X": "ü"}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        out, err = process.communicate("given", timeout=patience(20))

    assert out == f"{tmp_path} environ({{'X': 'ü'}}) ['a', 'b'] given\n"
    assert (err, process.returncode) == ("said\n", 7)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_it_can_be_signalled_and_waited_for(how):
    """By its own number; the exit status is the one that its parent would see."""
    code = "import time; print('there', flush=True); time.sleep(600)"
    with popen([*CODE, code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"there\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        os.kill(process.pid, how)
        _, err = process.communicate(timeout=patience(20))

    assert process.returncode == -how
    assert (b"KeyboardInterrupt" in err) == (how == signal.SIGINT)


def test_an_error_is_a_traceback_and_exit_code_1():
    """As of any Python process, whatever the server does."""
    done = run([*CODE, "1 / 0"], capture_output=True, text=True, timeout=patience(20))

    assert done.returncode == 1
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_a_command_is_the_command_line():
    """`python -m tui.cli`, with its exit code."""
    words = [sys.executable, "-W", "error::RuntimeWarning", "-m", "tui.cli", "status", "--bogus"]
    done = run(words, capture_output=True, text=True, timeout=patience(20))

    assert done.returncode == 2
    assert "Unknown option" in done.stderr + done.stdout


def test_it_leads_the_session_of_its_terminal():
    """With `terminal`: what hangs up ends it."""
    ours, theirs = os.openpty()
    code = "import os, time; print(os.getsid(0) == os.getpid(), os.ttyname(0)); time.sleep(600)"
    with popen(
        [*CODE, code], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        terminal=True,
    ) as process:  # fmt: skip
        said = os.read(ours, 100)
        name = os.ttyname(theirs)
        os.close(theirs)
        os.close(ours)
        process.wait(patience(20))

    assert said == f"True {name}\r\n".encode()
    assert process.returncode == -signal.SIGHUP


def test_nothing_that_is_random_is_the_same_in_two():
    """Neither Python's generator nor Trio's, which orders its tasks."""
    code = "import random; from trio._core import _run; print(random.random(), _run._r.random())"
    said = [run([*CODE, code], capture_output=True, timeout=patience(20)).stdout for _ in range(2)]

    assert not set(said[0].split()) & set(said[1].split())


def test_what_a_module_reads_once_makes_it_a_start_of_its_own():
    """A child whose environment differs in such a variable is not forked."""
    code = "import sys; print('tui.live' in sys.modules)"
    said = [
        run([*CODE, code], capture_output=True, env=os.environ | more, timeout=patience(60)).stdout
        for more in ({}, {"TEXTUAL_FPS": "7"})
    ]

    assert said == [b"True\n", b"False\n"]
