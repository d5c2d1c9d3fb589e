"""Command lines and the answers to the first question, without a server."""

from __future__ import annotations

import base64
import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.wire.ssh import dialect, facts
from checks.wire.ssh.access import SshTrouble
from checks.wire.ssh.channel import Outcome
from checks.wire.ssh.command import PowerShell, Program
from checks.wire.ssh.dialect import Tools

GOOD = "1700000000.500000000\nLinux\nnas\n1000\ntech\nk\n1\n1\n0\nend\n"
LOOK = PowerShell("look", "$p.names | ForEach-Object { $_ }")


def outcome(stdout, **more):
    given = {
        "ended": "exit",
        "started": True,
        "status": 0,
        "asked_at": 1700000000.0,
        "answered_at": 1700000000.2,
    }
    return Outcome(stdout=stdout if isinstance(stdout, bytes) else stdout.encode(), **(given | more))


def decoded(line):
    return base64.b64decode(line.rpartition(" ")[2]).decode("utf-16-le")


def test_a_line_holds_no_letter_that_two_shells_read_differently():
    line = dialect.posix(("echo", "'!\\\n$`\"é\udcff"), "gonogo-1")
    assert line.isascii()
    assert line.isprintable()
    assert not set(line[len("""exec sh -c 'eval "$(printf %b "$0")"' '""") : -1]) & set(
        "'!$`\"*?~#&;|<>()[]{}^%"
    )
    assert "\\\\" not in line


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        (Tools(timeout="k"), ("timeout", "-k", "5", "2", "true")),
        (Tools(timeout="plain"), ("timeout", "2", "true")),
        (Tools(timeout="t"), ("timeout", "-t", "2", "true")),
    ],
    ids=["gnu", "plain", "busybox"],
)
def test_the_hosts_own_limit(tools, words):
    assert dialect.limited(("true",), 1.2, tools) == words


def test_without_timeout_a_shell_keeps_the_limit():
    argv = dialect.limited(("sh", "-c", "echo in; exit 3"), 20, Tools())
    done = subprocess.run(argv, capture_output=True, check=False, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"in\n", b"")


@pytest.mark.parametrize("seconds", [0.01, 1, 1.01, 90])
def test_a_limit_is_whole_seconds_and_never_none(seconds):
    assert dialect.whole(seconds) >= seconds
    assert dialect.whole(seconds) >= 1
    assert dialect.whole(seconds) < seconds + 1


def test_a_variable_with_a_name_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no name of a variable"):
        dialect.posix(("true",), "m", (("A=1; rm", "x"),))


def test_priority_and_environment_stand_where_sudo_lets_them():
    command = Program("restic")("check", heavy=True, env=(("A", "b c"),))
    assert dialect.low(command, Tools(nice=True, ionice=True)) == ("nice", "-n", "19", "ionice", "-c3")
    assert dialect.low(command, Tools()) == ()
    assert dialect.inner(command) == ("env", "A=b c", "restic", "check")


def test_powershell_gets_its_parameters_as_data_only():
    rude = "'; Remove-Item C:\\ -Recurse; '"
    line, first = dialect.windows(LOOK({"names": [rude, "é"]}), "gonogo-1")
    text = decoded(line)
    assert first == b""
    assert line.isascii()
    assert "Remove-Item" not in text
    given = text.partition("FromBase64String('")[2].partition("'")[0]
    assert json.loads(base64.b64decode(given)) == {"names": [rude, "é"]}
    assert text.index("gonogo-1") < text.index("$p.names")
    assert "Stop" in text


def test_a_script_too_long_for_a_line_of_windows_comes_by_stdin():
    line, first = dialect.windows(LOOK({"names": ["x" * 5000]}), "gonogo-1")
    assert len(line) < 8191
    assert decoded(line).count("gonogo-1") == 1
    script = base64.b64decode(first).decode()
    assert script.endswith("$p.names | ForEach-Object { $_ }")
    assert "gonogo-1" not in script
    assert first.endswith(b"\r\n")
    assert first.count(b"\n") == 1


def test_errors_of_powershell_are_read_out_of_their_xml():
    wrapped = (
        '#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
        '<S S="Error">Access &lt;denied&gt;_x000D__x000A_</S><S S="Error">line 2</S></Objs>'
    )
    assert dialect.errors_of_powershell(wrapped.encode()) == b"Access <denied>\r\nline 2"
    assert dialect.errors_of_powershell(b"plain") == b"plain"


@given(st.binary(max_size=300))
def test_errors_of_powershell_may_be_anything(raw):
    dialect.errors_of_powershell(raw)
    dialect.errors_of_powershell(b"#< CLIXML" + raw)
    dialect.errors_of_powershell(b'#< CLIXML<S S="Error">' + raw + b"_xD800_</S>")


def test_a_good_answer():
    answer = facts.of_posix(outcome(GOOD))
    assert (answer.system, answer.hostname, answer.uid, answer.user) == ("Linux", "nas", 1000, "tech")
    assert answer.offset_s == pytest.approx(0.4)
    assert answer.error_s == pytest.approx(0.1)
    assert answer.tools == Tools(timeout="k", nice=True, ionice=True)


@pytest.mark.parametrize("tail", ["", ".N", ".%N", ".N\r"])
def test_a_clock_of_whole_seconds_is_known_less_well(tail):
    answer = facts.of_posix(outcome(GOOD.replace(".500000000", tail)))
    assert answer.offset_s == pytest.approx(0.4)
    assert answer.error_s == pytest.approx(0.6)


@pytest.mark.parametrize("lines", range(10))
def test_half_an_answer_is_none(lines):
    assert facts.of_posix(outcome("\n".join(GOOD.split("\n")[:lines]))) is None


@pytest.mark.parametrize("ended", ["signal", "connection-lost", "total-timeout"])
def test_an_answer_that_was_cut_is_none(ended):
    assert facts.of_posix(outcome(GOOD, ended=ended)) is None


@given(st.binary(max_size=300))
def test_an_answer_may_be_anything(raw):
    facts.of_posix(outcome(raw))
    facts.of_windows(outcome(raw))
    facts.of_posix(outcome(raw + GOOD.encode()))


@given(st.recursive(st.none() | st.integers() | st.text() | st.floats(), lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["now", "system", "name", "user"]), x)))  # fmt: skip # noqa: E501
def test_an_answer_of_windows_may_be_any_json(value):
    facts.of_windows(outcome(json.dumps(value)))


def test_an_answer_of_windows():
    told = {"now": 1700000000500, "system": "Windows_NT", "name": "SRV1", "user": "SRV1\\tech"}
    answer = facts.of_windows(outcome("\ufeff" + json.dumps(told) + "\r\n"))
    assert (answer.dialect, answer.system, answer.hostname, answer.uid) == (
        "powershell",
        "Windows_NT",
        "SRV1",
        None,
    )
    assert answer.offset_s == pytest.approx(0.4)


def test_a_line_too_long_is_told():
    with pytest.raises(SshTrouble, match="more than a host takes"):
        dialect.posix(("echo", "!" * 100_000), "gonogo-1")
