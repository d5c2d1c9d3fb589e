"""Which key of a host is believed: known_hosts files as ssh-keygen writes them, pins, revocations."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.wire.ssh import hostkeys, known_hosts
from checks.wire.ssh.access import Access, SshTrouble
from tests.lab.needs import need


def blob(kind: str, text: str) -> bytes:
    parts = (kind.encode(), text.encode())
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


ED, ED2 = blob("ssh-ed25519", "one" * 11), blob("ssh-ed25519", "two" * 11)
DSS = blob("ssh-dss", "five")
RSA, EC = blob("ssh-rsa", "three"), blob("ecdsa-sha2-nistp256", "four")
KINDS = {ED: "ssh-ed25519", ED2: "ssh-ed25519", RSA: "ssh-rsa", EC: "ecdsa-sha2-nistp256"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, and no file of the system."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (tmp_path / ".ssh").mkdir()
    return tmp_path


def line(names: str, key: bytes, marker: str = "") -> str:
    return f"{marker} {names} {KINDS[key]} {base64.b64encode(key).decode()}\n".lstrip()


def known(home: Path, *lines: str) -> None:
    (home / ".ssh" / "known_hosts").write_text("".join(lines))


def way(host: str = "files.example.net", port: int = 22, **more: object) -> Access:
    return Access(host=host, port=port, user="tech", **more)  # type: ignore[arg-type]


def trouble(access: Access, key: bytes) -> SshTrouble:
    with pytest.raises(SshTrouble) as caught:
        hostkeys.check(access, KINDS[key], key)
    assert caught.value.stage == "host-key"
    return caught.value


def believed(access: Access, key: bytes) -> bool:
    try:
        hostkeys.check(access, KINDS[key], key)
    except SshTrouble:
        return False
    return True


def test_nothing_known_is_not_believed_and_tells_how_to(home: Path) -> None:
    for access in (way(), way(port=2222)):
        said = trouble(access, ED)
        assert not said.refused
        assert f"ssh-ed25519 {known_hosts.fingerprint(ED)}" in said.reason
        assert said.fix.endswith(f"gonogo trust {access.name}")
        assert "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in said.fix


@pytest.mark.parametrize(
    ("names", "host", "port", "is_it"),
    [
        ("files.example.net", "files.example.net", 22, True),
        ("files.example.net", "FILES.example.net", 22, True),
        ("FILES.example.net", "files.example.net", 22, True),
        ("old.example.net,files.example.net", "files.example.net", 22, True),
        ("[files.example.net]:2222", "files.example.net", 2222, True),
        ("[files.example.net]:2222", "files.example.net", 2223, False),
        ("[files.example.net]:2222", "files.example.net", 22, False),
        ("files.example.net", "files.example.net", 2222, True),
        ("*.example.net", "files.example.net", 22, True),
        ("*.example.net,!files.example.net", "files.example.net", 22, False),
        ("!files.example.net,*.example.net", "files.example.net", 22, False),
        ("!old.example.net", "files.example.net", 22, False),
        ("192.0.2.?", "192.0.2.7", 22, True),
        ("192.0.2.?", "192.0.2.77", 22, False),
        ("[192.0.2.*]:2222", "192.0.2.7", 2222, True),
        ("[192.0.2.*]:*", "192.0.2.7", 2222, True),
        ("2001:db8::1", "2001:db8::1", 22, True),
        ("[2001:db8::1]:2222", "2001:db8::1", 2222, True),
        ("*", "files.example.net", 22, True),
        ("", "files.example.net", 22, False),
        ("example.net", "files.example.net", 22, False),
    ],
)  # fmt: skip
def test_names(home: Path, names: str, host: str, port: int, is_it: bool) -> None:
    known(home, line(names, ED))
    assert believed(way(host, port), ED) is is_it


def test_names_that_ssh_keygen_hashed(home: Path) -> None:
    need("ssh-keygen", root=False)
    known(home, line("files.example.net", ED), line("[files.example.net]:2222", ED2))
    subprocess.run(
        ["ssh-keygen", "-q", "-H", "-f", home / ".ssh" / "known_hosts"], check=True, capture_output=True
    )
    assert "files" not in (home / ".ssh" / "known_hosts").read_text()
    assert believed(way(), ED)
    assert believed(way(port=2222), ED2)
    assert not believed(way(port=2222), ED)
    assert not believed(way("other.example.net"), ED)


def test_a_changed_key_is_refused_with_both_and_never_offered(home: Path) -> None:
    known(home, "# mine\n", line("files.example.net", ED))
    said = trouble(way(), ED2)
    assert said.refused
    assert known_hosts.fingerprint(ED) in said.reason
    assert known_hosts.fingerprint(ED2) in said.reason
    assert "known_hosts, line 2" in said.reason
    assert "gonogo trust" not in said.fix


def test_a_key_of_a_kind_that_was_not_known_is_a_change_too(home: Path) -> None:
    known(home, line("files.example.net", ED))
    assert trouble(way(), RSA).refused


def test_several_keys_of_a_host(home: Path) -> None:
    known(home, line("files.example.net", RSA), line("files.example.net", ED))
    assert believed(way(), RSA)
    assert believed(way(), ED)
    assert not believed(way(), ED2)
    assert hostkeys.preferred(way()) == ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")


def test_the_key_of_port_22_never_stands_against_another_port_s(home: Path) -> None:
    known(home, line("files.example.net", ED))
    assert not trouble(way(port=2222), ED2).refused
    known(home, line("files.example.net", ED), line("[files.example.net]:2222", ED2))
    assert trouble(way(port=2222), ED).refused


def test_a_revoked_key_is_refused_whatever_speaks_for_it(home: Path) -> None:
    known(home, line("files.example.net", ED), line("*", ED, "@revoked"))
    for access in (way(), way(host_key=known_hosts.fingerprint(ED)), way(port=2222)):
        said = trouble(access, ED)
        assert said.refused
        assert "revoked" in said.reason
    assert "line 2" in trouble(way(), ED).reason


def test_a_revocation_in_another_file_counts(home: Path) -> None:
    known(home, line("files.example.net", ED))
    (home / "revoked").write_text(line("files.example.net", ED, "@revoked"))
    assert believed(way(), ED)
    assert not believed(way(known_hosts=(str(home / "revoked"),)), ED)


def test_a_revoked_key_makes_no_host_known(home: Path) -> None:
    known(home, line("files.example.net", ED2, "@revoked"))
    assert not trouble(way(), ED).refused
    assert hostkeys.preferred(way()) == ()


def test_a_certificate_authority_is_told_and_believes_nothing(home: Path) -> None:
    known(home, line("*.example.net", ED, "@cert-authority"))
    said = trouble(way(), ED)
    assert "certificates of hosts are not supported" in said.reason
    assert not said.refused


def test_a_given_fingerprint_wins_over_known_hosts(home: Path) -> None:
    known(home, line("files.example.net", ED2))
    assert believed(way(host_key=known_hosts.fingerprint(ED)), ED)
    assert believed(way(host_key=known_hosts.fingerprint(ED) + "="), ED)
    assert believed(way(host_key=known_hosts.md5(ED).upper()), ED)
    said = trouble(way(host_key=known_hosts.fingerprint(ED)), ED2)
    assert said.refused
    assert known_hosts.fingerprint(ED) in said.reason
    assert known_hosts.fingerprint(ED2) in said.reason


@pytest.mark.parametrize("given", ["SHA256:", "SHA256", "MD5:", "", "SHA1:aa", "SHA256:AAAA", "sha256:*"])
def test_no_half_fingerprint_is_one(given: str) -> None:
    assert not hostkeys.same_fingerprint(given, ED)


def test_fingerprints_are_those_of_ssh_keygen(tmp_path: Path) -> None:
    need("ssh-keygen", root=False)
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    key = base64.b64decode(Path(f"{path}.pub").read_text().split()[1])
    for form, own in (("sha256", known_hosts.fingerprint), ("md5", known_hosts.md5)):
        shown = subprocess.run(
            ["ssh-keygen", "-l", "-E", form, "-f", f"{path}.pub"], check=True, capture_output=True, text=True
        )
        assert shown.stdout.split()[1] == own(key)


def test_bad_lines_are_passed_over_and_hide_nothing(home: Path) -> None:
    known(
        home, "files.example.net ssh-ed25519 not-base64\n", "files.example.net\n",
        "@wrong * ssh-ed25519 AAAA\n", f"files.example.net ssh-rsa {base64.b64encode(ED2).decode()}\n",
        "\x00\xff|1|x|y\n", "|1|||\n",
        line("files.example.net", ED), f"files.example.net ssh-dss {base64.b64encode(DSS).decode()}",
    )  # fmt: skip
    assert believed(way(), ED)
    assert not believed(way(), ED2)


def test_a_file_that_was_named_and_is_not_there_is_told(home: Path) -> None:
    known(home, line("files.example.net", ED))
    said = trouble(way(known_hosts=(str(home / "gone"),)), ED)
    assert "gone is not there" in said.reason
    assert not said.refused


def test_a_file_that_cannot_be_read_is_told_since_a_key_may_be_revoked_in_it(home: Path) -> None:
    (home / ".ssh" / "known_hosts").mkdir()
    assert "cannot be read" in trouble(way(host_key=known_hosts.fingerprint(ED)), ED).reason


def test_the_file_of_gonogo_is_one_of_them(home: Path) -> None:
    own = home / ".config" / "gonogo" / "known_hosts"
    assert known_hosts.own_file() == own
    own.parent.mkdir(parents=True)
    own.write_text(known_hosts.line(way(port=2222), "ssh-ed25519", ED))
    assert believed(way(port=2222), ED)
    assert not believed(way(), ED)


@given(st.text(alphabet="ab*?", max_size=12), st.text(alphabet="ab", max_size=10))
def test_patterns_match_as_a_plain_regular_expression_does(pattern: str, text: str) -> None:
    import re

    plain = re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."))
    assert known_hosts.glob(pattern, text) is (plain.fullmatch(text) is not None)


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    assert not known_hosts.glob("*a" * 2000 + "b", "a" * 2000)


@given(st.text(max_size=300))
def test_no_file_is_too_strange(text: str) -> None:
    for entry in known_hosts.parse(text):
        known_hosts.named(entry, "files.example.net")
