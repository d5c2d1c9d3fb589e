# ruff: noqa: E501 - tables read better unfolded
"""`${}`, `each`, `when`, parameters and `without`: what a profile becomes in a project."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from agent.files.load import Problems, load_plan
from agent.plan import Plan
from profiles.scope import slug

PROJECT = "gonogo: 1\nproject: {name: x, timezone: UTC, cutover: 2026-12-05 22:30}\nprofile: ./prof.yaml\n"
PROFILE = """gonogo-profile: 1
name: prof
title: P
description: P.
version: 1
"""
TCP = "type: network.tcp, milestone: ready"
MILESTONES = "milestones: {ready: {title: R}}\n"


def load(folder: Path, profile: str, project: str = "") -> Plan:
    (folder / "prof.yaml").write_text(PROFILE + profile)
    (folder / "p.yaml").write_text(PROJECT + project)
    return load_plan(folder / "p.yaml", cached=False)


def refused(folder: Path, profile: str, project: str = "") -> Problems:
    with pytest.raises(Problems) as caught:
        load(folder, profile, project)
    return caught.value


def parameters(**kinds: str) -> str:
    lines = "".join(f"  {name}: {{description: d, {rest}}}\n" for name, rest in kinds.items())
    return f"parameters:\n{lines}{MILESTONES}"


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("text", "'443'", "443"), ("integer", "443", 443), ("number", "1.5", 1.5), ("boolean", "false", False),
        ("duration", "250ms", "250ms"), ("percent", "1.5%", "1.5%"), ("address", "2001:DB8:0::1", "2001:db8::1"),
        ("host", "MAIL.example.", "mail.example"), ("network", "10.0.0.0/8", "10.0.0.0/8"),
        ("endpoint", "'a.example:25'", "a.example:25"), ("port", "25", 25), ("url", "'http://a/'", "http://a/"),
        ("domain", "Example.COM", "example.com"), ("secret", "env:X", "env:X"), ("[host]", "[A, b]", ["a", "b"]),
        ("{name: text, at: host}", "{name: X, at: Y}", {"name": "X", "at": "y"}),
        ("resolver", "192.0.2.53", "192.0.2.53"), ("resolver", "'tls://192.0.2.53#dns.example'", "tls://192.0.2.53#dns.example"),
        ("name server", "'NS1.example=192.0.2.53:5353'", "ns1.example=192.0.2.53:5353"),
        ("[{name: text, ports: [port]}]", "[{name: X, ports: [1]}]", [{"name": "X", "ports": [1]}]),
    ],
)  # fmt: skip
def test_every_type_takes_its_normal_form(kind: str, given: str, expected: Any) -> None:
    from profiles import kinds
    from profiles.document import read_document

    document = read_document(f"kind: {kind}\ngiven: {given}\n".encode(), "x")
    assert kinds.check_kind(document.value["kind"]) == []
    made, wrong = kinds.convert(document.value["kind"], document.value["given"])
    assert wrong == []
    assert made == expected
    assert kinds.convert(document.value["kind"], made) == (expected, [])
    assert kinds.convert(document.value["kind"], None)[1]


MANY = "type: network.http, milestone: ready, url: 'http://a.example/'"


def test_a_key_of_a_mapping_is_filled_in_too(tmp_path: Path) -> None:
    plan = load(
        tmp_path,
        parameters(name="type: text, default: X-Office")
        + f"checks:\n  a: {{{MANY}, headers: {{'${{name}}': '1', '$${{name}}': '2', plain: '3'}}}}\n",
    )
    assert plan.checks[0].params["headers"] == {"X-Office": "1", "${name}": "2", "plain": "3"}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("{'${name}': '1', X-Office: '2'}", "two keys of the mapping are 'X-Office'"),
        ("{'${nmae}': '1'}", "There is no parameter 'nmae'"),
        ("{'${gone}': '1'}", "The parameter 'gone' has no value"),
    ],
)
def test_a_key_that_cannot_be_filled_in_is_refused(tmp_path: Path, keys: str, said: str) -> None:
    problems = refused(
        tmp_path,
        parameters(name="type: text, default: X-Office", gone="type: text")
        + f"checks:\n  a: {{{MANY}, headers: {keys}}}\n",
    )
    assert said in str(problems)


CLOSED = "type: network.closed, milestone: ready, target: a.example"


def test_a_key_or_an_item_with_a_question_mark_is_left_out_where_nothing_is_given(tmp_path: Path) -> None:
    profile = parameters(other="type: endpoint", port="type: integer") + (
        f"checks:\n  c: {{{MANY}, expect_status: [200, '${{port?}}'], connect_to: '${{other?}}'}}\n"
    )
    left = load(tmp_path, profile).by_id["c"]
    assert left.params.get("connect_to") is None
    assert left.params["expect_status"] == [200]
    given = load(tmp_path, profile, "with: {other: 'b.example:80', port: 204}\n").by_id["c"]
    assert given.params["connect_to"] == "b.example:80"
    assert given.params["expect_status"] == [200, 204]


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (f"{CLOSED}, ports: ['${{port?}}']", "ports"),
        (f"{CLOSED}, ports: '${{port?}}'", "ports"),
        (f"{CLOSED}, ports: [1], title: 'Port ${{port?}}'", "can only stand alone"),
        (f"{CLOSED}, ports: [1], control: '${{prot?}}'", "There is no parameter 'prot'"),
        (f"{CLOSED}, ports: [1], control: '${{port??}}'", "is not the name of a parameter"),
    ],
)
def test_what_must_be_there_is_not_left_out(check: str, said: str, tmp_path: Path) -> None:
    found = refused(tmp_path, parameters(port="type: integer") + f"checks:\n  c: {{{check}}}\n")
    assert said in str(found)


def test_a_whole_scalar_inserts_the_value_and_a_part_its_text(tmp_path: Path) -> None:
    plan = load(
        tmp_path,
        parameters(port="type: port, default: 443", wait="type: duration, default: 1500ms")
        + f"checks:\n  a-${{port}}: {{{TCP}, target: 'h${{port}}.example', port: '${{port}}', max_connect: '${{wait}}', "
        "title: 'within ${wait}, $${port} is ${port}'}\n",
    )
    (check,) = plan.checks
    assert (check.id, check.target, check.params["port"], check.params["max_connect"]) == (
        "a-443", "h443.example:443", 443, 1.5,
    )  # fmt: skip
    assert check.title == "within 1500ms, ${port} is 443"


def test_each_makes_one_check_per_item_with_ids_that_are_ids(tmp_path: Path) -> None:
    plan = load(
        tmp_path,
        parameters(servers="type: [host], required: true")
        + f"checks:\n  dns-${{s}}: {{{TCP}, each: {{s: '${{servers}}'}}, target: '${{s}}', port: 53}}\n"
        f"  web: {{{TCP}, target: w, port: 80, needs: [dns-*]}}\n"
        f"  one: {{{TCP}, target: w, port: 81, needs: ['dns-2001-db8--1']}}\n",
        "with: {servers: [10.0.0.1, '2001:db8::1', NS.example]}\n",
    )
    ids = ["dns-10.0.0.1", "dns-2001-db8--1", "dns-ns.example"]
    assert [check.id for check in plan.checks] == [*ids, "web", "one"]
    assert plan.by_id["web"].needs == tuple(ids)
    assert plan.by_id["one"].needs == ("dns-2001-db8--1",)


def test_records_and_when_within_each(tmp_path: Path) -> None:
    plan = load(
        tmp_path,
        parameters(servers="type: [{name: text, at: address, web: boolean}], default: []")
        + f"checks:\n  w-${{s.name}}: {{{TCP}, each: {{s: '${{servers}}'}}, when: '${{s.web}}', target: '${{s.at}}', "
        "port: 80}\n",
        "with: {servers: [{name: Ä b, at: 10.0.0.1, web: true}, {name: c, at: 10.0.0.2, web: false}]}\n",
    )
    assert [check.id for check in plan.checks] == ["w-a-b"]
    assert [item.check for item in plan.left_out] == ["w-c"]


SERVERS = """parameters:
  servers: {type: [{name: text, at: {target: host, port?: port}, more?: any}], required: true, description: d}
milestones: {ready: {title: R}}
checks:
  x-${s.name}: {type: network.tcp, milestone: ready, each: {s: "${servers}"}, %s}
"""


def test_with_takes_keys_from_mappings_of_which_the_later_count_and_the_check_s_own_most(
    tmp_path: Path,
) -> None:
    given = "with: {servers: [{name: a, at: {target: a.test, port: 1}, more: {port: 2}}, {name: b, at: {target: b.test, port: 3}}]}\n"
    plan = load(tmp_path, SERVERS % 'with: ["${s.at}", "${s.more?}"]', given)
    assert {one.id: (one.params["target"], one.params["port"]) for one in plan.checks} == {
        "x-a": ("a.test", 2), "x-b": ("b.test", 3),
    }  # fmt: skip
    (tmp_path / "own").mkdir()
    plan = load(tmp_path / "own", SERVERS % 'with: "${s.at}", port: 9', given)
    assert {one.params["port"] for one in plan.checks} == {9}


@pytest.mark.parametrize(
    ("use", "more", "said", "at"),
    [
        ('with: ["${s.at}", "${s.more}"]', "{port: wrong}", "p.yaml:4:", "A port is"),
        ('with: ["${s.at}", "${s.more}"]', "{prot: 1}", "p.yaml:4:", "prot"),
        ('with: ["${s.at}", "${s.more}"]', "[1]", "prof.yaml:", "a mapping"),
        ('with: ["${s.at}", "${nobody}"]', "{}", "prof.yaml:", "nobody"),
    ],
    ids=["wrong", "unknown", "no-mapping", "unbound"],
)
def test_what_is_wrong_with_a_key_from_a_mapping_is_told_where_it_was_written(
    use: str, more: str, said: str, at: str, tmp_path: Path
) -> None:
    given = f"with: {{servers: [{{name: a, at: {{target: a.test, port: 1}}, more: {more}}}]}}\n"
    told = [str(problem) for problem in refused(tmp_path, SERVERS % use, given).problems]
    assert any(said in one and at in one for one in told), told


@pytest.mark.parametrize(
    ("kind", "given", "met"),
    [
        ("boolean", "true", True), ("boolean", "false", False), ("text", "''", False), ("text", "x", True),
        ("[host]", "[]", False), ("[host]", "[a]", True), ("integer", "0", True), ("host", None, False),
    ],
)  # fmt: skip
def test_when(kind: str, given: str | None, met: bool, tmp_path: Path) -> None:
    profile = parameters(flag=f"type: {kind}") + (
        f"checks:\n  a: {{{TCP}, target: h, port: 1, when: '${{flag}}'}}\n"
        f"  b: {{{TCP}, target: h, port: 2, when: 'not ${{flag}}'}}\n"
        f"  c: {{{TCP}, target: h, port: 3, needs: [a, b]}}\n"
    )
    plan = load(tmp_path, profile, f"with: {{flag: {given}}}\n" if given else "")
    here, gone = ("a", "b") if met else ("b", "a")
    assert [check.id for check in plan.checks] == [here, "c"]
    assert [item.check for item in plan.left_out] == [gone]
    assert plan.by_id["c"].needs == (here,)
    assert [need.check for need in plan.milestones[0].gate.needs] == [here, "c"]


def test_values_may_refer_to_others_and_not_in_a_circle(tmp_path: Path) -> None:
    check = f"checks:\n  a: {{{TCP}, target: '${{fqdn}}', port: 1}}\n"
    kinds = parameters(fqdn="type: host, default: 'www.${domain}'", domain="type: domain, required: true")
    assert (
        load(tmp_path, kinds + check, "with: {domain: Example.com}\n").checks[0].target == "www.example.com:1"
    )
    loop = parameters(fqdn="type: host, default: '${domain}'", domain="type: domain, default: '${fqdn}'")
    assert "fqdn -> domain -> fqdn" in str(refused(tmp_path, loop + check))
    problems = refused(tmp_path, kinds + check, "with: {domain: 'x.${fqdn}'}\n")
    assert "fqdn -> domain -> fqdn" in str(problems)
    assert (problems.problems[0].place.line, problems.problems[0].place.column) == (4, 16)


def test_required_unknown_and_wrong_parameters_all_at_once(tmp_path: Path) -> None:
    profile = parameters(
        gateway="type: address, required: true, example: 10.0.0.1", ports="type: [port], default: []",
        servers="type: [{name: text, at: address}], default: []",
    ) + f"checks:\n  a: {{{TCP}, target: '${{gateway}}', port: 1}}\n"  # fmt: skip
    problems = refused(
        tmp_path,
        profile,
        "with:\n  gatway: 10.0.0.1\n  ports: [80, 0]\n  servers: [{name: x, at: y, on: 1}, {at: 1}]\n",
    )
    said = str(problems)
    assert [(item.place.line, item.path) for item in problems.problems] == [
        (4, ("with", "gateway")), (5, ("with", "gatway")), (6, ("with", "ports", 1)),
        (7, ("with", "servers", 0, "at")), (7, ("with", "servers", 0, "on")), (7, ("with", "servers", 1)),
        (7, ("with", "servers", 1, "at")),
    ]  # fmt: skip
    assert "needs gateway (an address, for example '10.0.0.1')" in said
    assert "did you mean 'gateway'?" in said


def test_laughter_by_parameters_is_bounded(tmp_path: Path) -> None:
    names = [f"p{i}" for i in range(22)]
    texts = {a: f"type: text, default: '{('${' + b + '}') * 9}'" for a, b in itertools.pairwise(names)}
    check = f"checks:\n  a: {{{TCP}, target: h, port: 1, title: '${{p0}}'}}\n"
    said = str(refused(tmp_path, parameters(**texts, p21="type: text, default: ha") + check))
    assert "more than 20,000 characters" in said
    lists = {}
    for depth, (a, b) in enumerate(itertools.pairwise(names[6:])):
        uses = ", ".join([f'"${{{b}}}"'] * 9)
        lists[a] = f"type: {'[' * (16 - depth)}text{']' * (16 - depth)}, default: [{uses}]"
    said = str(refused(tmp_path, parameters(**lists, p21="type: [text], default: [ha]") + check))
    assert "more than 20,000 values" in said
    body = "".join(
        f"  c{i}: {{{TCP}, target: h, port: 1, title: '${{p}}', n: ['${{p}}', '${{p}}']}}\n"
        for i in range(50)
    )
    much = parameters(p=f"type: [text], default: [{', '.join(['x'] * 15000)}]".replace(", x", ",\n x"))
    assert "Expanded, there are more than" in str(refused(tmp_path, much + "checks:\n" + body))


@pytest.mark.parametrize("value", ["[]", "''"])
def test_a_required_parameter_is_not_empty(value: str, tmp_path: Path) -> None:
    kind = "[host]" if value == "[]" else "text"
    profile = parameters(x=f"type: {kind}, required: true") + f"checks:\n  a: {{{TCP}, target: h, port: 1}}\n"
    assert "required, and this is empty" in str(refused(tmp_path, profile, f"with: {{x: {value}}}\n"))


def test_without_leaves_out_and_makes_room(tmp_path: Path) -> None:
    profile = MILESTONES + (
        f"checks:\n  a: {{{TCP}, target: h, port: 1}}\n  b-1: {{{TCP}, target: h, port: 2, needs: [a]}}\n"
        f"  b-2: {{{TCP}, target: h, port: 3}}\n"
    )
    reason = "tested by the customer"
    plan = load(tmp_path, profile, f"without: {{b-*: {reason}}}\n")
    assert [check.id for check in plan.checks] == ["a"]
    assert {item.check for item in plan.left_out} == {"b-1", "b-2"}
    assert all(reason in item.reason for item in plan.left_out)
    plan = load(
        tmp_path, profile, f"without: {{a: {reason}}}\nchecks:\n  a: {{{TCP}, target: other, port: 9}}\n"
    )
    assert plan.by_id["a"].target == "other:9"
    assert plan.by_id["b-1"].needs == ("a",)
    assert "at least 10 characters" in str(refused(tmp_path, profile, "without: {a: no}\n"))
    assert "did you mean 'b-1'" in str(refused(tmp_path, profile, "without: {b-11: because of that}\n"))
    assert "GO for nothing" in str(refused(tmp_path, profile, "without: {'*': because of that}\n"))
    clash = refused(tmp_path, profile, f"checks:\n  a: {{{TCP}, target: other, port: 9}}\n")
    assert "There are two checks 'a'" in str(clash)


def test_the_project_changes_milestones_of_the_profile(tmp_path: Path) -> None:
    profile = (
        "milestones:\n  early: {title: E, due: -2d, gate: {max_age: 2d}}\n"
        "  ready: {title: R, due: -1h, after: [early], gate: {max_age: 3h, warnings: false}}\n"
        f"checks:\n  a: {{{TCP}, target: h, port: 1}}\n  e: {{type: manual, milestone: early, statement: So.}}\n"
    )
    plan = load(
        tmp_path, profile,
        "contacts: {it: {name: A}}\nmilestones:\n  ready: {due: -2h, owner: it, gate: {max_age: 1h, also: [e]}}\n"
        "  late: {title: L, gate: {also: ['*']}}\n",
    )  # fmt: skip
    ready = plan.milestone("ready")
    assert ready is not None
    assert ready.due is not None
    assert (ready.title, ready.due.hour, ready.owner, ready.after) == ("R", 20, "it", ("early",))
    assert (ready.gate.max_age_s, ready.gate.warnings) == (3600.0, False)
    assert [need.check for need in ready.gate.needs] == ["a", "e"]
    assert [item.id for item in plan.milestones] == ["early", "ready", "late"]


def test_a_milestone_of_the_profile_may_be_left_out(tmp_path: Path) -> None:
    profile = (
        "parameters: {guest: {type: boolean, default: false, description: d}}\n"
        "milestones:\n  guest: {title: G, when: '${guest}'}\n  ready: {title: R, after: [guest]}\n"
        f"checks:\n  a: {{{TCP}, target: h, port: 1}}\n"
        "  g: {type: network.tcp, milestone: guest, target: h, port: 2}\n"
    )
    plan = load(tmp_path, profile)
    assert [item.id for item in plan.milestones] == ["ready"]
    assert plan.milestones[0].after == ()
    assert [item.check for item in plan.left_out] == ["g"]
    assert len(load(tmp_path, profile, "with: {guest: true}\n").milestones) == 2
    assert "leaves the milestone 'guest' out" in str(
        refused(tmp_path, profile, "milestones: {guest: {due: -1h}}\n")
    )


def test_owners_of_the_profile_must_be_named_by_the_project(tmp_path: Path) -> None:
    profile = MILESTONES + f"checks:\n  a: {{{TCP}, target: h, port: 1, owner: isp}}\n"
    problems = refused(tmp_path, profile)
    assert "owned by 'isp' (a)" in str(problems)
    assert problems.problems[0].place.file == str(tmp_path / "p.yaml")
    assert load(tmp_path, profile, "vendors: {isp: {name: Line}}\n").parties[0].name == "Line"


def test_a_wrong_value_from_a_parameter_says_which(tmp_path: Path) -> None:
    profile = (
        parameters(x="type: text, default: a b") + f"checks:\n  a: {{{TCP}, target: '${{x}}', port: 1}}\n"
    )
    (problem,) = refused(tmp_path, profile).problems
    assert problem.place.file == str(tmp_path / "prof.yaml")
    assert "${x}" in problem.hint


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("parameters: {x: {type: hots, description: d}}\nchecks: {}\n", "did you mean 'host'?"),
        ("parameters: {x: {type: [a, b], description: d}}\nchecks: {}\n", "A type is"),
        ("parameters: {x: {type: host}}\nchecks: {}\n", "'description' is missing"),
        ("parameters: {X: {type: host, description: d}}\nchecks: {}\n", "A parameter's name"),
        ("parameters: {x: {type: host, description: d, required: true, default: h}}\nchecks: {}\n", "not required"),
        ("parameters: {x: {type: port, description: d, example: 0}}\nchecks: {}\n", "A port is"),
        ("checks: {a: 1}\n", "mapping"), ("chekcs: {}\n", "did you mean 'checks'?"), ("", "'checks' is missing"),
        ("checks: {}\nname: prof\n", "written twice"),
    ],
)  # fmt: skip
def test_a_bad_profile(profile: str, said: str, tmp_path: Path) -> None:
    problems = refused(tmp_path, profile)
    assert said in str(problems)
    assert all(item.place.file == str(tmp_path / "prof.yaml") for item in problems.problems)


def test_a_secret_from_the_project_is_not_told_by_the_profile(tmp_path: Path) -> None:
    profile = parameters(x="type: secret, required: true") + f"checks:\n  a: {{{TCP}, target: h, port: 1}}\n"
    said = str(refused(tmp_path, profile, "with: {x: hunter2butlonger}\n"))
    assert "reference" in said
    load(tmp_path, profile, "with: {x: 'env:X'}\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("A b", "a-b"), ("::1", "1"), ("2001:db8::1", "2001-db8--1"), ("Zürich", "zurich"), ("日", "x")],
)
def test_slug(text: str, expected: str) -> None:
    assert slug(text) == expected


WAVES = """parameters:
  waves: {type: [{name: text}], default: [], description: d}
  pilot: {type: boolean, default: true, description: d}
milestones:
  begun: {title: B}
  pilot: {title: P, after: [begun], when: "${pilot}"}
  wave-${wave.name}: {title: "Wave ${wave.name}", each: {wave: "${waves}"}, after: [pilot]}
  done: {title: D, after: [pilot, wave-*]}
checks:
  a: {type: network.tcp, milestone: begun, target: a.test, port: 1}
  b: {type: network.tcp, milestone: pilot, when: "${pilot}", target: a.test, port: 1}
  c-${wave.name}: {type: network.tcp, milestone: "wave-${wave.name}", each: {wave: "${waves}"}, target: a.test, port: 1}
  d: {type: network.tcp, milestone: done, target: a.test, port: 1}
"""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("waves: [{name: Office}, {name: plant}]", {
            "begun": (), "pilot": ("begun",), "wave-office": ("pilot",), "wave-plant": ("pilot", "wave-office"),
            "done": ("pilot", "wave-office", "wave-plant"),
        }),
        ("waves: [{name: a}], pilot: false", {"begun": (), "wave-a": ("begun",), "done": ("begun", "wave-a")}),
        ("pilot: false", {"begun": (), "done": ("begun",)}),
    ],
    ids=["two", "without-pilot", "none"],
)  # fmt: skip
def test_milestones_of_a_loop_come_one_after_the_other_and_what_is_left_out_hands_on_its_place(
    given: str, expected: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    plan = load(tmp_path, WAVES, f"with: {{{given}}}\n")
    assert {one.id: one.after for one in plan.milestones} == expected


def test_two_milestones_of_a_loop_with_one_name_are_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, WAVES, "with: {waves: [{name: a}, {name: A}]}\n")
    assert any("two milestones 'wave-a'" in str(problem) for problem in told.problems)
