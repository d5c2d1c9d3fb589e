"""Any text of an old switch is refused, or comes out of the project file as it went in."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.files.template import flow
from agent.learn.lines import first_held
from agent.learn.words import Texts, literal, name_of
from checks.judging import cannot_tell, failed, passed
from checks.words import Finding
from profiles.document import read_document
from profiles.scope import Scope
from tests.checks.switch.made import neighbour

TEXTS = st.one_of(st.text(max_size=60), st.text(alphabet="${}?ax\\\"'#:-&*!%@`|>,[] ~", max_size=20))


@given(TEXTS)
@example("$${x}")
@example("${x?}")
@example("a: b # c")
@example("\\u0041")
@example("\ud7ff\ue000\U0001f5a8")
def test_a_text_that_is_not_refused_is_read_back(text: str) -> None:
    if Texts().refused(text):
        return
    document = read_document(f"with: [{{name: {flow(literal(text))}}}]  # end\n".encode(), "x")
    assert document.problems == []
    assert Scope({}).fill(document.value["with"]) == [{"name": text}]


@given(st.text(max_size=300))
def test_a_comment_is_one_line_of_what_can_be_shown(text: str) -> None:
    shown = Texts(("hidden-word",)).shown(text)
    document = read_document(f"a: 1  # {shown}\n".encode(), "x")
    assert (document.problems, document.value) == ([], {"a": 1})


def test_secrets_are_neither_planned_nor_shown() -> None:
    texts = Texts(("Top-Secret", "public", "ab"))
    assert texts.refused("uplink top-secret")
    assert texts.refused("public printer") == ""
    assert texts.refused("ab") == ""
    assert texts.shown("x TOP-SECRET y") == "x [secret] y"


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("core-1.example.net(FOC1234X0AB)", "core-1.example.net"),
        ("Cisco IP Phone 7945G,V12,SCCP45.9-4-2", ""),
        ("ProCurve J9145A Switch 2910al-24G, revision W.15.14", ""),
        ("Core Switch", "Core Switch"),
        ("ap-1", "ap-1"),
    ],
    ids=["serial", "phone", "description", "words", "plain"],
)
def test_names_of_neighbours(told: str, name: str) -> None:
    assert name_of(neighbour(1, told, "eth0")) == name


def findings(kind: str) -> list[Finding]:
    made = {
        "pass": [passed("s", "Right.", expected="a", observed="a")],
        "fail": [failed("s", "Wrong.", expected="a", observed="b", fix="Mend it.")],
        "untold": [cannot_tell("s", "Not told.", expected="a", observed="", fix="Look.")],
        "none": [],
    }
    return made[kind]


@pytest.mark.parametrize(
    ("kinds", "place", "said"),
    [
        (("fail", "pass"), 1, ""),
        (("untold", "fail"), 1, "Wrong."),
        (("fail", "untold"), 0, "Wrong."),
        (("untold", "untold"), None, "Not told."),
        (("none", "pass"), 1, ""),
        (("none", "none"), None, ""),
    ],
    ids=["better", "told", "first", "nothing", "silence-then-more", "silence"],
)
def test_what_the_old_switch_holds_comes_first(kinds: tuple[str, ...], place: int | None, said: str) -> None:
    held, wrong = first_held([{"n": n} for n in range(len(kinds))], lambda entry: findings(kinds[entry["n"]]))
    assert (held, wrong) == (None if place is None else {"n": place}, said)
