# ruff: noqa: E501 - one case a line reads better than cases folded
"""Bad project files. `«` stands where a problem must be reported (line and column); it is taken out before reading.

Each case: id, text, and a piece of what the problems must say. Every marked place must be reported and no other.
"""

from __future__ import annotations

from collections.abc import Iterator

MARK = "«"
PROJECT = "project: {name: Move, timezone: Europe/Zurich, cutover: 2026-12-05 22:30}\n"
HEAD = "gonogo: 1\n" + PROJECT
READY = "milestones: {ready: {title: Ready}}\n"
TCP = "type: network.tcp, milestone: ready, target: 10.0.0.1, port: 443"
CHECK = f"checks:\n  a: {{{TCP}}}\n"
Case = tuple[str, str, str]


def good() -> str:
    """Return the file that most cases are made from: it has no problems."""
    return HEAD + READY + CHECK


def _top() -> Iterator[Case]:
    yield "nothing but text", "«hello\n", "A mapping is expected"
    yield "a list", "«- gonogo: 1\n", "A mapping is expected"
    yield "a number", "«42\n", "A mapping is expected"
    yield "null", "«null\n", "mapping is expected"
    yield "empty file", "«", "The file is empty"
    yield "white space", "«   \n\n", "The file is empty"
    yield "only comments", "«# nothing\n", "nothing but comments"
    yield "no version", "«" + good().removeprefix("gonogo: 1\n"), "'gonogo' is missing"
    yield "no project", "«gonogo: 1\n" + READY + CHECK, "'project' is missing"
    for value in ("2", "'1'", "1.0", "true", "null", "[1]", "-1"):
        yield f"version {value}", f"gonogo: «{value}\n" + PROJECT + READY + CHECK, ""
    for key, near in (
        ("projct: {}", ""), ("check: {}", "did you mean 'checks'?"), ("milestone: {}", "did you mean 'milestones'?"),
        ("vendor: {}", "did you mean 'vendors'?"), ("Contacts: {}", "did you mean 'contacts'?"),
        ("scopes: {}", "did you mean 'scope'?"), ("x-extra: 1", "no such key"),
    ):  # fmt: skip
        yield f"unknown key {key}", good() + f"«{key}\n", near
    for key in ("project", "scope", "vendors", "contacts", "milestones", "checks"):
        for value in ("text", "[1]", "7"):
            text = (
                good() if key in ("scope", "vendors", "contacts") else good().replace(f"{key}:", f"x{key}:")
            )
            if key in ("project", "milestones", "checks"):
                continue
            yield f"{key} is {value}", text + f"{key}: «{value}\n", "A mapping is expected"
    yield "milestones is text", HEAD + "milestones: «text\n" + CHECK, "A mapping is expected"
    yield "milestones is a list", HEAD + "milestones: «[ready]\n" + CHECK, "A mapping is expected"
    yield "checks is text", HEAD + READY + "checks: «text\n", "A mapping is expected"
    yield "checks is a list", HEAD + READY + "checks: «[]\n", "A mapping is expected"
    yield "project is text", "gonogo: 1\nproject: «x\n" + READY + CHECK, "A mapping is expected"
    yield "project is null", "gonogo: 1\n«project:\n" + READY + CHECK, "Nothing is written here"
    yield "no checks", "«" + HEAD.removesuffix("\n") + "\nmilestones: {}\n", "no check"
    yield (
        "no milestone at all",
        "«" + HEAD + CHECK.replace("milestone: ", "milestone: «"),
        "There is no milestone",
    )
    yield (
        "a gate of nothing",
        HEAD + "milestones:\n  ready: {title: R}\n  «open: {title: O}\n" + CHECK,
        "GO for nothing",
    )
    yield "a gate of advisories", HEAD + "milestones: {«ready: {title: R}}\n" + CHECK.replace(
        "443", "443, required: false"), "GO for nothing"  # fmt: skip
    yield "milestones without checks", "«" + HEAD + "milestones: {«ready: {title: R}}\n", "GO for nothing"


def _yaml() -> Iterator[Case]:
    def after(text: str) -> str:
        return HEAD + text

    yield "tab indent", after("milestones:\n«\tready: {title: R}\n"), "tab"
    yield "tab in a list", after("scope:\n  in:\n«\t- x\n"), "tab"
    yield "two colons", after("scope: a«: b\n"), "colon"
    yield "bad indent", after("scope:\n  in: [a]\n   «out: [b]\n"), ""
    yield "unclosed list", after("scope: {in: [a, b}«\n").replace("}«", "«}"), "not closed"
    yield "unclosed mapping", after("scope: {in: [a]\n«vendors: {}\n"), ""
    yield "unclosed quote", after('scope: {in: ["a]}\n«'), "ends inside quotes"
    yield "second document", good() + "«---\n" + good(), "second one"
    yield "alias", after("scope: {in: «&x [a], out: «*x}\n") + READY + CHECK, "Anchors and aliases"
    yield "anchor alone", good().replace("Move", "«&m Move"), "Anchors and aliases"
    yield "unknown alias", good().replace("Move", "«*nobody"), "Anchors and aliases"
    laughs = "a: «&a [x, x]\n" + "".join(
        f"{b}: «&{b} [{', '.join([f'«*{a}'] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
    )
    yield "billion laughs", laughs, "Anchors and aliases"
    yield "merge key", after("vendors:\n  isp: {«<<: {name: x}}\n"), "Merge keys"
    yield "tag", good().replace("Move", "«!!python/object/apply:os.system [x]"), "Tags"
    yield "own tag", good().replace("Move", "«!secret x"), "Tags"
    yield "binary tag", good().replace("Move", "«!!binary aGVsbG8="), "Tags"
    yield "set tag", after("scope: «!!set {}\n"), "Tags"
    yield "infinity", good().replace("443", "«.inf"), "finite"
    yield "minus infinity", good().replace("443", "«-.INF"), "finite"
    yield "not a number", good().replace("443", "«.nan"), "finite"
    yield "overflow", good().replace("443", "«1e999"), "finite"
    yield "huge integer", good().replace("443", "«" + "9" * 30), "finite"
    yield "endless integer", good().replace("443", "«" + "9" * 5000), "finite"
    yield "number as key", after("vendors: {«1: {name: x}}\n"), "A key must be text"
    yield "boolean as key", after("vendors: {«true: {name: x}}\n"), "A key must be text"
    yield "null as key", after("vendors: {«~: {name: x}}\n"), "A key must be text"
    yield "list as key", after("vendors:\n  ? «[a, b]\n  : {name: x}\n"), "A key must be text"
    yield "mapping as key", after("vendors:\n  ? «{a: b}\n  : {name: x}\n"), "A key must be text"
    yield "duplicate top key", good() + "«" + CHECK, "written twice; first at"
    yield "duplicate check", good() + f"  «a: {{{TCP}}}\n", "written twice; first at"
    yield "duplicate parameter", good().replace("port: 443", "port: 443, «port: 80"), "written twice"
    yield (
        "duplicate milestone",
        HEAD + "milestones:\n  ready: {title: R}\n  «ready: {title: R}\n" + CHECK,
        "twice",
    )
    yield "duplicate vendor", good() + "vendors:\n  a: {name: x}\n  «a: {name: y}\n", "twice"
    yield "too deep", after("scope: " + "[" * 23 + "«" + "[" * 200 + "\n"), "deep"
    yield "NUL", good() + "# «\0\n", "U+0000"
    yield "escape character", good() + "# «\x1b[31m\n", "U+001B"
    yield "escaped NUL", good().replace("Move", '«"a\\0b"'), "U+0000"
    yield "a line too long", good() + "«# " + "x" * 30_000 + "\n", "characters"
    yield "two megabytes", "«" + good() + "# padding\n" * 200_000, "larger than"
    yield "ten megabytes", "«" + good() + "# padding\n" * 1_000_000, "larger than"
    yield "reserved character", after("scope: «@x\n"), "cannot begin"
    yield "backtick", after("scope: «`x`\n"), "cannot begin"
    yield "key without colon", after("vendors:\n  isp: {name: x}\n  «cabling\n"), ""


def _about() -> Iterator[Case]:
    def project(inside: str) -> str:
        return f"gonogo: 1\nproject: {{{inside}}}\n" + READY + CHECK

    zone = "timezone: Europe/Zurich"
    yield "no name", "gonogo: 1\n«project: {timezone: Europe/Zurich}\n" + READY + CHECK, "'name' is missing"
    yield "no time zone", "gonogo: 1\n«project: {name: x}\n" + READY + CHECK, "'timezone' is missing"
    yield "empty name", project(f"name: «'', {zone}"), ""
    yield "blank name", project(f"name: «'  ', {zone}"), "empty"
    yield "name is a number", project(f"name: «42, {zone}"), "put it in quotes"
    yield "name is a list", project(f"name: «[x], {zone}"), "Text is expected"
    yield "name is null", project(f"name: «~, {zone}"), "Nothing is written here"
    yield "customer is a number", project(f"name: x, {zone}, customer: «3"), "put it in quotes"
    yield "bad id", project(f"name: x, {zone}, id: «Head Office"), "An id has"
    yield "unknown project key", project(f"name: x, {zone}, «costumer: y"), "did you mean 'customer'?"
    for name in (
        "Europe/Zurch",
        "europe/nowhere",
        "CEST",
        "../etc/passwd",
        "/etc/passwd",
        "Europe",
        "''",
        "+01:00",
    ):
        said = "" if name == "''" else "There is no time zone"
        yield f"zone {name}", project(f"name: x, timezone: «{name}"), said
    yield "zone hint", project("name: x, timezone: «Europe/Zurch"), "did you mean 'Europe/Zurich'?"
    for value, said in (
        ("tomorrow", "A time is written like"), ("2026-12-05", "A time is written like"),
        ("22:30", "A time is written like"), ("2026-13-01 10:00", "is not a time"),
        ("2026-02-30 10:00", "is not a time"), ("2026-12-05 24:30", "is not a time"),
        ("2026-03-29 02:30", "skips"), ("2026-10-25 02:30", "twice; add the offset"),
        ("1026-12-05 22:30", "slip"), ("'2026-12-05 22:30 +25:00'", "no offset"), ("05.12.2026 22:30", "A time is"),
        ("20261205", "Text is expected"), ("[2026]", "Text is expected"), ("2026-12-05 22:30 CET", "A time is"),
    ):  # fmt: skip
        yield f"cutover {value}", project(f"name: x, {zone}, cutover: «{value}"), said
    yield (
        "time servers is text",
        project(f"name: x, {zone}, time_servers: «ntp.example"),
        "A list is expected",
    )
    yield "bad time server", project(f"name: x, {zone}, time_servers: [a.example, «'b c']"), ""
    yield "scope in is text", good() + "scope: {in: «everything}\n", "A list is expected"
    yield "scope number", good() + "scope: {in: [x, «3]}\n", "put it in quotes"
    yield "scope key", good() + "scope: {«inn: [x]}\n", "did you mean 'in'?"
    yield "vendor without name", good() + "vendors:\n  «isp: {phone: x}\n", "'name' is missing"
    yield "vendor key", good() + "vendors: {isp: {name: x, «fone: y}}\n", "did you mean 'phone'?"
    yield "phone is a number", good() + "vendors: {isp: {name: x, phone: «0448001234}}\n", "put it in quotes"
    yield "vendor is text", good() + "vendors: {isp: «Swisscom}\n", "A mapping is expected"
    yield "vendor id", good() + "vendors: {«Big ISP: {name: x}}\n", "An id has"
    yield (
        "vendor and contact",
        good() + "vendors: {a: {name: x}}\ncontacts: {«a: {name: y}}\n",
        "is a vendor already",
    )
    yield "left to do", good().replace("Move", "«TODO"), "still to be filled in"
    yield "left to do in words", good().replace("Move", "«'TODO: name'"), "still to be filled in"


def _milestones() -> Iterator[Case]:
    def ready(inside: str, tail: str = "") -> str:
        return HEAD + f"milestones:\n  ready: {{title: R, {inside}}}\n{tail}" + CHECK

    yield "no title", HEAD + "milestones:\n  «ready: {due: -1h}\n" + CHECK, "needs a title"
    yield (
        "milestone is text",
        HEAD + "milestones: {ready: «soon}\n" + CHECK.replace("ready", "ready"),
        "mapping",
    )
    yield "milestone key", ready("«duo: -1h"), "did you mean 'due'?"
    yield (
        "milestone id",
        HEAD + "milestones: {ready: {title: R}, «Go Live: {title: G}}\n" + CHECK,
        "An id has",
    )
    for value, said in (
        ("soon", "It is due at"), ("-1", "put it in quotes"), ("'-1'", "A duration"), ("-1x", "A duration"), ("1h", "A time is written"),
        ("2026-12-04", "A time is written"), ("2026-10-25 02:30", "twice"), ("-20000d", "ten years"), ("7", "Text is"),
        ("-", "It is due at"), ("+ten days", "It is due at"), ("--1h", "It is due at"),
    ):  # fmt: skip
        yield f"due {value}", ready(f"due: «{value}"), said
    lone = HEAD.replace(", cutover: 2026-12-05 22:30", "")
    yield "relative without cutover", lone + "milestones: {ready: {title: R, due: «-1h}}\n" + CHECK, "cutover"
    yield (
        "cutover without cutover",
        lone + "milestones: {ready: {title: R, due: «cutover}}\n" + CHECK,
        "cutover",
    )
    yield "after nobody", ready("after: [«prepared]"), "There is no milestone 'prepared'"
    yield "after near", ready("after: [«redy]"), "did you mean 'ready'?"
    yield "after itself", ready("after: «[ready]"), "ready -> ready"
    yield "after is text", ready("after: «prepared"), "A list is expected"
    yield "after cycle", HEAD + (
        "milestones:\n  ready: {title: R, after: «[open]}\n  open: {title: O, after: [ready], gate: {also: [a]}}\n"
    ) + CHECK, "ready -> open -> ready"  # fmt: skip
    yield "unknown owner", ready("owner: «isp"), "There is no vendor or contact 'isp'"
    yield "near owner", ready("owner: «ips", "") + "vendors: {isp: {name: x}}\n", "did you mean 'isp'?"
    for value in ("-1h", "forever", "true", "[1h]", "11000d", "0"):
        yield f"max_age {value}", ready(f"gate: {{max_age: «{value}}}"), ""
    yield "warnings is text", ready("gate: {warnings: «no}"), "True or false"
    yield "gate key", ready("gate: {«maxage: 1h}"), "did you mean 'max_age'?"
    yield "gate is text", ready("gate: «strict"), "A mapping is expected"
    yield "also nobody", ready("gate: {also: [a, «b-*]}"), "No check matches"
    yield (
        "also near",
        ready("gate: {also: [«wan-pnig]}").replace("  a:", "  wan-ping:"),
        "did you mean 'wan-ping'?",
    )
    yield "vantages is text", ready("gate: {vantages: «laptop-*}"), "A list is expected"
    yield "vantages empty text", ready("gate: {vantages: [«'']}"), ""


def _checks() -> Iterator[Case]:
    def check(inside: str, name: str = "a") -> str:
        return HEAD + READY + f"checks:\n  {name}: {{{inside}}}\n"

    tcp = TCP
    yield "no type", HEAD + READY + "checks:\n  «a: {milestone: ready}\n", "'type' is missing"
    yield (
        "no milestone key",
        HEAD + READY + "checks:\n  «a: {type: network.tcp, target: b, port: 1}\n",
        "'milestone'",
    )
    yield "check is text", check(tcp) + "  b: «ping\n", "A mapping is expected"
    yield "check is null", check(tcp) + "  «b:\n", "Nothing is written here"
    for name, said in (
        ("network.tpc", "did you mean 'network.tcp'?"), ("tcp", "There is no check type"),
        ("network", "There is no check type"), ("Network.TCP", "There is no check type"), ("os.system", "no check type"),
        ("../x", "There is no check type"), ("checks.network.tcp", "There is no check type"), ("''", ""),
        ("wire.tcp", "There is no check type"), ("network._peers", "There is no check type"), ("7", "put it in quotes"),
    ):  # fmt: skip
        yield f"type {name}", check(f"type: «{name}, milestone: ready"), said
    yield (
        "unknown milestone",
        check(tcp.replace("ready", "«reddy")).replace(READY, READY),
        "did you mean 'ready'?",
    )
    for name in ("A", "-a", "a b", "a/b", "ä", ".a", "'a,b'", "x" * 101, "'${'", "a$b"):
        text = HEAD + READY + f"checks:\n  ok: {{{tcp}}}\n  «{name}: {{{tcp}}}\n"
        yield f"check id {name[:20]}", text, ""
    for inside, said in (
        ("«prot: 443", "did you mean 'port'?"), ("«timeuot: 3s", "did you mean 'timeout'?"),
        ("«need: [x]", "did you mean 'needs'?"), ("«retry: 3", "did you mean 'retries'?"),
        ("required: «maybe", "True or false"), ("required: «1", "True or false"), ("timeout: «0s", "timeout"),
        ("timeout: «soon", "A duration"), ("timeout: «2h", "at most one hour"), ("timeout: «-3", "A duration"),
        ("retries: «-1", "at least 0"), ("retries: «11", "at most 10"), ("retries: «1.5", "whole number"),
        ("retries: «'1'", "whole number"), ("owner: «isp", "vendor or contact"), ("owner: «[isp]", "Text is"),
        ("title: «''", ""), ("title: «5", "put it in quotes"), ("needs: «b", "A list is expected"),
        ("needs: [«b]", "There is no check 'b'"), ("needs: [«b-*]", "No check matches"), ("needs: [«3]", "quotes"),
        ("«needs: [a]", "a -> a"), ("family: «ipv5", "did you mean"), ("family: «4", "It must be"),
        ("max_connect: «fast", "A duration"), ("hold: «9s", "at most 5"), ("max_connect: «[1s]", "A duration"),
    ):  # fmt: skip
        yield f"check {inside}", check(f"{tcp}, {inside}"), said
    for port in ("0", "65536", "'443'", "http", "4.5", "true", "~", "[443]", "-1"):
        yield f"port {port}", good().replace("443", f"«{port}"), "A port is a whole number"
    for host in ("'a b'", "300.1.1.1", "''", "7", "'::g'", "a..b", "~", "[a]", "'-a.example'"):
        yield f"target {host}", good().replace("10.0.0.1", f"«{host}"), ""
    yield (
        "missing parameter",
        HEAD + READY + "checks:\n  «a: {type: network.tcp, milestone: ready, target: b}\n",
        "port",
    )
    yield (
        "needs near",
        good() + f"  wan-ping: {{{tcp}}}\n  b: {{{tcp}, needs: [«wan-pnig]}}\n",
        "did you mean 'wan-ping'?",
    )
    yield "needs cycle", HEAD + READY + (
        f"checks:\n  a: {{{tcp}, «needs: [b]}}\n  b: {{{tcp}, needs: [c]}}\n  c: {{{tcp}, needs: [a]}}\n"
    ), "a -> b -> c -> a"  # fmt: skip
    yield "two cycles", HEAD + READY + "checks:\n" + "".join(
        f"  {a}: {{{tcp}, {'«' if a in 'ac' else ''}needs: [{b}]}}\n" for a, b in ("ab", "ba", "cd", "dc")
    ), "c -> d -> c"  # fmt: skip
    yield "many at once", HEAD + READY + (
        f"checks:\n  a: {{{tcp}, «x: 1, needs: [«q]}}\n  b: {{type: «nope, milestone: «never}}\n"
    ).replace("milestone: «never", "milestone: ready"), "nope"  # fmt: skip
    yield "empty list", check("type: link.duplicate_ip, milestone: ready, addresses: «[]"), ""
    yield (
        "bad member",
        check("type: link.resolver, milestone: ready, expect: [10.0.0.1, «x, «7]"),
        "An address",
    )
    yield "bad nested", check("type: network.http, milestone: ready, url: «'ftp://x'"), "http"
    yield "two in one", check("type: network.tcp, milestone: ready, target: «'a b', port: «0"), "port"


def _filling() -> Iterator[Case]:
    def check(inside: str, name: str = "a") -> str:
        return HEAD + READY + f"checks:\n  ok: {{{TCP}}}\n  {name}: {{{inside}}}\n"

    yield "unknown name", check(TCP.replace("10.0.0.1", '«"${gateway}"')), "There is no parameter 'gateway'"
    yield "unclosed", check(TCP.replace("10.0.0.1", '«"${gateway"')), "is not closed"
    yield "expression", check(TCP.replace("10.0.0.1", '«"${1 + 1}"')), "is not the name of a parameter"
    yield "empty name", check(TCP.replace("10.0.0.1", '«"${}"')), "is not the name of a parameter"
    yield "in needs", check(TCP + ', needs: [«"${x}"]'), "There is no parameter 'x'"
    yield "in the id", check(TCP, '«"a-${x}"'), "There is no parameter 'x'"
    yield "when is text", check(TCP + ", when: «sometimes"), "A condition is written like"
    yield "when unknown", check(TCP + ', when: «"${voip}"'), "There is no parameter 'voip'"
    yield "when is a list", check(TCP + ", when: «[a]"), "A condition is written like"
    yield "when compares", check(TCP + ", when: «'${a} == 3'"), "A condition is written like"
    yield "each is text", check(TCP + ", each: «servers"), "A loop is written like"
    yield "each has two", check(TCP + ", each: «{a: [1], b: [2]}"), "A loop is written like"
    yield "each is empty", check(TCP + ", each: «{}"), "A loop is written like"
    yield "each over text", check(TCP + ", each: {s: «x}", '"a-${s}"'), "goes over a list"
    yield "each over unknown", check(TCP + ', each: {s: «"${servers}"}', '"a-${s}"'), "There is no parameter"
    yield "each without id", check(TCP + ", each: {s: [1, 2]}", "«a"), "The id must contain ${s}"
    yield "each bad variable", check(TCP + ", each: {«S: [1]}", '"a-${S}"'), "The loop variable"
    yield "each not unique", check(TCP + ", each: {s: [x, x]}", '«"a-${s}"'), "There are two checks 'a-x'"
    yield "each slugs alike", check(TCP + ", each: {s: ['a:b', 'a/b']}", '«"a-${s}"'), "There are two checks"
    yield (
        "no such field",
        check(TCP + ', each: {s: [{name: x}]}, title: «"${s.nme}"', '"a-${s.name}"'),
        "'name'?",
    )
    yield "field of text", check(TCP + ', each: {s: [x]}, title: «"${s.name}"', '"a-${s}"'), "has no fields"
    yield (
        "record in text",
        check(TCP + ', each: {s: [{name: x}]}, title: «"is ${s}"', '"a-${s.name}"'),
        "stand alone",
    )
    yield "wrong type inserted", check(TCP.replace("443", '«"${p}"') + ", each: {p: [x]}", '"a-${p}"'), "${p}"


def _secrets() -> Iterator[Case]:
    for key in (
        "password", "Password", "db_password", "passwd", "secret", "client-secret", "token", "api_key", "apikey",
        "private_key", "snmp_community", "psk", "accessKey", "auth_key", "passphrase", "wifi-password2",
    ):  # fmt: skip
        yield f"secret {key}", good() + f"  b: {{{TCP}, «{key}: «hunter2butlonger}}\n", "must not be written"
    for shape in (
        "AKIAIOSFODNN7EXAMPLE", "ghp_0123456789abcdefghijABCDEFGHIJ012345", "glpat-0123456789abcdefghij",
        "xoxb-0123456789-abcdefghij", "sk_live_0123456789abcdefghij", "https://user:hunter2butlonger@example.com/",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ):  # fmt: skip
        yield f"shape {shape[:8]}", good() + f"scope: {{in: [«'{shape}']}}\n", "looks like"
    yield "private key", good() + (
        "scope:\n  in:\n    - «|\n      -----BEGIN OPENSSH PRIVATE KEY-----\n      hunter2butlonger\n"
        "      -----END OPENSSH PRIVATE KEY-----\n"
    ), "looks like"  # fmt: skip
    yield "secret number", good() + f"  b: {{{TCP}, «password: «48291047}}\n", "must not be written"
    yield "plugin environment", HEAD + READY + (
        "checks:\n  a: {type: plugin, milestone: ready, command: [x], environment: {PGPASSWORD: «hunter2butlonger}}\n"
    ), "reference"  # fmt: skip


def _profiles() -> Iterator[Case]:
    base = HEAD + "profile: "
    yield "unknown profile", base + "«office-mvoe\n", "did you mean 'office-move'?"
    yield "unknown profile, nothing near", base + "«zzz\n", "shipped profiles"
    yield "profile file missing", base + "«./missing.yaml\n", "cannot be read"
    yield "profile is a folder", base + "«./\n", "cannot be read"
    yield "profile is a number", base + "«5\n", "put it in quotes"
    yield "profile is empty", base + "«''\n", ""
    yield "with and no profile", good() + "«with: {a: 1}\n", "names none"
    yield "without and no profile", good() + "«without: {a: because I say so}\n", "names none"


def cases() -> list[Case]:
    """Return every bad file."""
    groups = (_top, _yaml, _about, _milestones, _checks, _filling, _secrets, _profiles)
    return [(f"{group.__name__[1:]}: {name}", text, said) for group in groups for name, text, said in group()]
