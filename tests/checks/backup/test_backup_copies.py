"""backup.copies: a copy that is not proven, or that fails together with another, never counts."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from checks import jsonable
from checks.backup import _check, copies
from checks.backup._copies_seen import CopiesSeen
from checks.backup._independent import elsewhere, independent
from checks.backup.copies import Copies
from checks.contract import Status, worst
from checks.vantage import CannotTell, Shared, Vantage
from tests.scripted_remote import ScriptedRemote

NOW = datetime.now(UTC).replace(microsecond=0)
PASS, WARN, FAIL, UNKNOWN = Status.PASS, Status.WARN, Status.FAIL, Status.INCONCLUSIVE


class Host(ScriptedRemote):
    """A host with a received ZFS dataset, and its own name and key unless others are given."""

    def __init__(self, name, *, hours=2.0, key="", source="tank/files", hostname="", token="-", errors=""):
        self.hours, self.source, self.token = hours, source, token
        self.errors = errors or "No known data errors"
        super().__init__(self.said)
        self.name = name
        self.own = {
            "hostname": hostname or name.partition(".")[0],
            "host_key": key or f"ssh-ed25519 SHA256:{name}",
        }

    async def facts(self):
        return dataclasses.replace(await super().facts(), name=self.name, **self.own)

    def said(self, command):
        if command.argv[3] == "mount of a path":
            return f"{self.source}\n"
        at = NOW - timedelta(hours=self.hours)
        begun = (NOW - timedelta(minutes=5)).strftime("%a %b %e %H:%M:%S %Y")
        return (
            f"tank/files@auto\t{int(at.timestamp())}\t0\t100\t222\n\0"
            f"mounted\tyes\nmountpoint\t/tank\nreceive_resume_token\t{self.token}\n\0"
            f" state: ONLINE\n scan: scrub repaired 0B in 00:00:01 with 0 errors on {begun}\n"
            f"errors: {self.errors}\n\0tank/files\n\0tank/files@auto\n\0end"
        )


def copy(name, host, *, location="office", medium="nas", received=True, more=None, **rest):
    look = {"host": host, "layout": "zfs", "volume": "tank/files", "received": received, **(more or {})}
    return {
        "name": name,
        "location": location,
        "medium": medium,
        "type": "backup.snapshot",
        "with": look,
        **rest,
    }


PRODUCTION = {
    "name": "production", "location": "office", "medium": "server", "production": True,
    "with": {"path": "/srv/files"},
}  # fmt: skip
NAS = copy("nas", "nas.example.net")
AWAY = copy("away", "away.example.org", location="elsewhere", medium="cloud", offsite=True)
GOOD = (PRODUCTION, NAS, AWAY)
HOSTS = ("files.example.net", "nas.example.net", "away.example.org")


def built(*declared, **params):
    data = {"host": "files.example.net", "user": "tech", "copies": list(declared or GOOD), **params}
    return TypeAdapter(Copies).validate_json(json.dumps(data))


@pytest.fixture
def look(monkeypatch):
    """Return what is seen and judged where the hosts are these."""

    def looked(check, **changed):
        hosts = {name: Host(name) for name in HOSTS}
        hosts |= {name.replace("__", "."): host for name, host in changed.items()}

        async def remote(sub, vantage, login=None):
            host = hosts.get(sub.host)
            if host is None:
                raise CannotTell(f"{sub.host} does not answer.", "Switch it on.")
            return host

        monkeypatch.setattr(_check, "remote", remote)
        monkeypatch.setattr(copies, "remote", remote)
        seen = asyncio.run(check.observe(Vantage(Shared(), "copies", 600.0)))
        assert jsonable.from_json(CopiesSeen, json.loads(json.dumps(jsonable.to_json(seen)))) == seen
        findings = list(check.judge(seen))
        text = "\n".join(
            f"{f.status} {f.subject}: {f.message} [{f.expected}|{f.observed}] {f.fix}" for f in findings
        )
        return seen, worst(finding.status for finding in findings), text

    return looked


def test_three_two_one(look):
    seen, status, text = look(built())
    assert (status, seen.proof_level, seen.counted) == (PASS, 2, ("production", "nas", "away")), text
    assert seen.system == "copies"
    assert seen.age_s == pytest.approx(7200 + (datetime.now(UTC) - NOW).total_seconds(), abs=60)


def test_the_level_is_that_of_the_least(look):
    deep = AWAY | {"with": AWAY["with"] | {"min_level": 4}}
    seen, status, text = look(built(PRODUCTION, NAS, deep))
    assert (status, seen.proof_level) == (PASS, 2), text
    seen, status, text = look(built(min_level=4))
    assert (status, seen.proof_level) == (PASS, 4), text


def test_the_age_is_that_of_the_oldest(look):
    seen, status, text = look(built(), nas__example__net=Host("nas.example.net", hours=20))
    hours = 20 + (datetime.now(UTC) - NOW).total_seconds() / 3600
    assert (status, seen.age_s / 3600) == (PASS, pytest.approx(hours, abs=0.5)), text


BROKEN = {
    "old": ({"hours": 70.0}, FAIL),
    "half received": ({"token": "1-abc"}, UNKNOWN),
    "damaged": ({"errors": "2 data errors, use '-v' for a list"}, FAIL),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_copy_that_is_not_proven_does_not_count(look, name):
    how, wanted = BROKEN[name]
    seen, status, text = look(built(min_level=4), away__example__org=Host("away.example.org", **how))
    assert (status, seen.counted) == (wanted, ("production", "nas")), text


def test_a_host_that_does_not_answer(look):
    seen, status, text = look(
        built(PRODUCTION, NAS, copy("gone", "gone.example.org", offsite=True, location="x"))
    )
    assert (status, seen.counted) == (UNKNOWN, ("production", "nas")), text
    assert "gone.example.org does not answer" in text


def test_a_copy_without_a_type_is_told_and_not_counted(look):
    tape = {"name": "tape", "location": "bank", "medium": "tape", "offsite": True}
    seen, status, text = look(built(PRODUCTION, NAS, tape))
    assert (status, seen.counted) == (FAIL, ("production", "nas")), text
    assert "names no type of check" in text


def test_production_counts_only_if_it_is_declared(look):
    seen, status, _ = look(built(NAS, AWAY, min_copies=2))
    assert (status, seen.counted) == (PASS, ("nas", "away"))


def test_a_snapshot_on_the_same_disks_is_no_copy(look):
    local = copy("snapshot", "nas.example.net", received=False)
    seen, status, text = look(built(PRODUCTION, local, AWAY))
    assert (status, seen.counted) == (FAIL, ("production", "away")), text
    assert "rollback point" in text


SAME = {
    "the host of the production data": {"nas__example__net": Host("nas.example.net", hostname="files")},
    "one host under two names": {
        "nas__example__net": Host("nas.example.net", key="ssh-ed25519 SHA256:one"),
        "away__example__org": Host("away.example.org", key="ssh-ed25519 SHA256:one"),
    },
    "a key in common with production": {
        "files__example__net": Host("files.example.net", key="k"),
        "nas__example__net": Host("nas.example.net", key="k"),
    },
    "production on a share of the NAS": {
        "files__example__net": Host("files.example.net", source="//nas.example.net/files"),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_fails_together_counts_once(look, name):
    seen, status, text = look(built(), **SAME[name])
    assert (status, len(seen.counted)) == (FAIL, 2), text
    assert "fail together" in text


def test_one_administrator_for_all(look):
    one = [item | {"domain": "EXAMPLE"} for item in GOOD]
    seen, status, text = look(built(*one))
    assert (status, seen.counted) == (FAIL, ("production",)), text
    assert "No backup counts" in text
    two = [PRODUCTION | {"domain": "EXAMPLE"}, NAS | {"domain": "BACKUP"}, AWAY | {"domain": "CLOUD"}]
    assert look(built(*two))[1] is PASS


def test_media_and_off_site(look):
    seen, status, text = look(built(PRODUCTION | {"medium": "NAS"}, NAS, AWAY | {"medium": "nas"}))
    assert (status, len(seen.counted)) == (FAIL, 3), text
    assert "Not enough media" in text
    _, status, text = look(built(PRODUCTION, NAS, AWAY | {"offsite": False}))
    assert status is FAIL
    assert "Not enough off-site" in text
    _, status, text = look(built(min_immutable=1))
    assert status is FAIL
    assert look(built(PRODUCTION, NAS, AWAY | {"immutable": True}, min_immutable=1))[1] is PASS


def test_a_warning_counts_and_is_told(look):
    host = Host("away.example.org")
    host.said = lambda command, said=Host.said: (
        said(host, command).replace("tank/files@auto", "tank/files@old\t1000000\t0\t100\t1\ntank/files@auto")
        if command.argv[3] == "zfs" else said(host, command)
    )  # fmt: skip
    host._answer = host.said
    seen, status, text = look(built(), away__example__org=host)
    assert (status, len(seen.counted)) == (WARN, 3), text
    assert "with a warning" in text


REFUSED = {
    "unknown type": (NAS | {"type": "backup.nothing"}, "nas"),
    "no backup": (NAS | {"type": "network.tcp"}, "no check of one backup"),
    "itself": (NAS | {"type": "backup.copies"}, "no check of one backup"),
    "unknown parameter": (NAS | {"with": NAS["with"] | {"reop": "/x"}}, "'nas': reop"),
    "wrong value": (NAS | {"with": NAS["with"] | {"rpo": "soon"}}, "'nas': rpo"),
    "parameters that do not fit": (NAS | {"with": NAS["with"] | {"path": "/x"}}, "'nas'"),
    "a secret itself": (NAS | {"with": NAS["with"] | {"password": "hunter2"}}, "by reference"),
    "unknown key": (NAS | {"ofsite": True}, "ofsite"),
    "no location": ({"name": "x", "medium": "y"}, "location"),
    "parameters without a type": (
        {"name": "x", "location": "a", "medium": "y", "with": {"repo": "/x"}}, "no 'type'",
    ),
    "twice": (NAS, "Two copies"),
    "two productions": (PRODUCTION | {"name": "other"}, "one copy only"),
    "off-site at home": (AWAY | {"name": "other", "location": "office"}, "off-site at the location"),
    "production with a type": (NAS | {"name": "x", "production": True}, "production data itself"),
    "a text": ("nas", "mapping"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_its_name(name):
    item, words = REFUSED[name]
    with pytest.raises(ValidationError) as told:
        built(*GOOD, item)
    assert words in str(told.value)
    assert all("hunter2" not in error["msg"] for error in told.value.errors())


def test_nothing_looked_at_is_refused():
    with pytest.raises(ValidationError, match="nothing would be looked at"):
        built(PRODUCTION, {"name": "x", "location": "a", "medium": "y"}, min_copies=2)
    with pytest.raises(ValidationError, match="fewer than"):
        built(NAS, AWAY)


def test_a_login_is_handed_on_and_never_to_another_host():
    login = {
        "key": "file:~/.ssh/one",
        "key_passphrase": "env:ONE",
        "host_key": "SHA256:abcdefgh",
        "port": 2222,
    }
    other = NAS | {"with": NAS["with"] | {"password": "env:TWO"}}
    check = built(PRODUCTION, other, AWAY, **login)
    _, nas, away = check.declared()
    assert (check._looker(nas).key, check._looker(nas).password) == (None, "env:TWO")
    assert check._looker(away).key == "file:~/.ssh/one"
    assert (check._looker(away).host_key, check._looker(away).port) == (None, None)
    assert check._looker(away).user == "tech"


def test_the_plan_reads_it_again_as_it_was():
    check = built(rpo="2h", newer_than="2026-12-05T18:00:00Z")
    again = jsonable.from_json(Copies, json.loads(json.dumps(jsonable.to_json(check))))
    assert again == check
    assert again._looker(again.declared()[1]).rpo == 7200


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        ("/srv/backup", ""), ("file:///srv/backup", ""), ("mydatastore", ""),
        ("sftp:backup@nas.example.net:/srv/r", "name:nas.example.net"),
        ("rest:https://u:p@rest.example.net:8000/r", "name:rest.example.net"),
        ("s3:https://s3.example.org/bucket", "name:s3.example.org"), ("b2:bucket/x", "b2:bucket"),
        ("ssh://borg@[2001:db8::1]:22/./r", "name:2001:db8::1"),
        ("borg@nas.example.net:r", "name:nas.example.net"),
        ("user@pbs!t@pbs.example.net:store", "name:pbs.example.net"), ("nas:/srv/r", "name:nas"),
        ("rsync://nas.example.net/module", "name:nas.example.net"),
    ],
    ids=str,
)  # fmt: skip
def test_where_a_repository_lies(place, wanted):
    assert elsewhere(place) == wanted


@given(st.text(max_size=60))
def test_no_place_breaks_it(place):
    elsewhere(place)


@given(st.lists(st.frozensets(st.sampled_from("abcdef"), min_size=1), max_size=7), st.booleans())
def test_no_two_that_fail_together_are_counted(keys, first):
    chosen = independent(keys, 0 if first and keys else None)
    assert not first or not keys or 0 in chosen
    for one in chosen:
        assert all(one == other or not keys[one] & keys[other] for other in chosen)
