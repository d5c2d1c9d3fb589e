"""Proofs of absence: never for what exists, whatever part of a zone's NSEC or NSEC3 records is shown."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

import dns.name
import dns.rdata
import dns.rdatatype as rt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.dns.dnssec import AskedRecord, Dnssec
from checks.wire.dnssec_denial import Denials, deny, hashed_owner, no_closer, types
from tests.checks.dns.test_dnssec import run, worst
from tests.checks.wire.dns_servers import _running, free_port
from tests.lab import need
from tests.lab.needs import tool
from tests.lab.signed_zone import Signing, make_key, signed, zone_name

KEY = make_key()
ZONE = "z.test"
LABELS = ["a", "b", "*", "ns", "A", "zz", "\\000", "aa"]
RELATIVE = st.lists(st.sampled_from(LABELS), min_size=1, max_size=3).map(".".join)
KINDS = st.sampled_from(["A", "TXT", "MX", "CNAME", "DS"])


def built(owners, nsec3, opt_out, delegated):
    """Return the denials of a zone with these names, and its names with their types."""
    text = "@ 60 IN SOA ns.z.test. h.z.test. 1 1 1 1 1\n@ 60 IN NS ns.z.test.\n"
    text += "".join(f"{owner} 60 IN A 127.0.0.1\n" for owner in owners)
    text += "".join(f"{owner} 60 IN NS ns.elsewhere.test.\n" for owner in delegated)
    zone = signed(ZONE, text, Signing(keys=[KEY], nsec3=nsec3, opt_out=opt_out, salt=b"\x01", iterations=1))
    nsec = [(at, r) for at, n in zone.nodes.items() for r in n.get_rdataset(1, rt.NSEC) or ()]
    nsec3_ = [
        (hashed_owner(at.labels[0]), r)
        for at, n in zone.nodes.items()
        for r in n.get_rdataset(1, rt.NSEC3) or ()
    ]
    there = {
        at: {one.rdtype for one in node.rdatasets if one.rdtype not in (rt.RRSIG, rt.NSEC)}
        for at, node in zone.nodes.items()
        if not node.get_rdataset(1, rt.NSEC3)
    }
    return nsec, nsec3_, there


def exists(name, there):
    """Return whether a name is there, itself or with something below it."""
    return any(one.is_subdomain(name) for one in there)


def below_cut(name, delegated):
    return any(name.is_subdomain(zone_name(f"{one}.{ZONE}")) for one in delegated)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    owners=st.lists(RELATIVE, max_size=5, unique=True),
    delegated=st.lists(st.sampled_from(["d", "e.a"]), max_size=2, unique=True),
    nsec3=st.booleans(),
    opt_out=st.booleans(),
    asked=st.lists(st.tuples(RELATIVE, KINDS), min_size=1, max_size=8),
    data=st.data(),
)
def test_only_what_is_absent_is_denied(owners, delegated, nsec3, opt_out, asked, data):
    owners = [one for one in owners if not any(one == cut or one.endswith(f".{cut}") for cut in delegated)]
    nsec, nsec3_, there = built(owners, nsec3, opt_out, delegated)
    origin = zone_name(ZONE)
    whole = Denials(origin, tuple(nsec), tuple(nsec3_))
    some = Denials(
        origin,
        tuple(one for one in nsec if data.draw(st.booleans())),
        tuple(one for one in nsec3_ if data.draw(st.booleans())),
    )
    names = [(f"{one}.{ZONE}", kind) for one, kind in asked]
    names += [(f"{one}.{ZONE}", kind) for one in delegated for kind in ("DS", "A")]
    names += [(f"x.{one}.{ZONE}", "A") for one in delegated]
    for text, kind_text in names:
        name, kind = zone_name(text), rt.from_text(kind_text)
        encloser = next(
            one for n in range(len(name), 0, -1) if exists(one := name.split(n)[1], there) or one == origin
        )
        wildcard = None if encloser == name else dns.name.Name((b"*", *encloser.labels))
        held = there.get(name, there.get(wildcard, set()) if not exists(name, there) else set())
        for denials in (whole, some):
            proof = deny(name, kind, denials)
            cut = below_cut(name, delegated)
            if proof == "no such name":
                assert not exists(name, there), (name, kind)
                assert wildcard is None or not exists(wildcard, there), (name, kind)
                assert not cut or kind == rt.DS, (name, kind)
            if proof == "no data":
                assert kind not in held, (name, kind)
                assert rt.CNAME not in held
                assert not cut, (name, kind)
            if proof == "delegation":
                assert rt.NS in there[name]
                assert rt.DS not in there[name]
            if proof == "opt-out":
                assert opt_out
        if not below_cut(name, delegated) and kind not in held and not opt_out:
            assert deny(name, kind, whole) == (
                "no data"
                if exists(name, there) or (wildcard is not None and exists(wildcard, there))
                else "no such name"
            )
        if not exists(name, there) and not below_cut(name, delegated):
            assert no_closer(name, len(encloser) - 1, whole) in ("no such name", "opt-out")


def nsec(owner, following, listed):
    return zone_name(owner), dns.rdata.from_text("IN", "NSEC", f"{following} {listed}")


def test_records_of_the_other_side_of_a_cut_deny_nothing():
    parent = Denials(zone_name("test"), (nsec("d.test", "e.test.", "NS RRSIG NSEC"),))
    assert deny(zone_name("x.d.test"), rt.A, parent) == "nothing"
    assert deny(zone_name("d.test"), rt.A, parent) == "nothing"
    assert deny(zone_name("d.test"), rt.DS, parent) == "delegation"
    child = Denials(zone_name("d.test"), (nsec("d.test", "d.test.", "NS SOA RRSIG NSEC DNSKEY"),))
    assert deny(zone_name("d.test"), rt.DS, child) == "nothing"
    assert deny(zone_name("d.test"), rt.A, child) == "no data"


def test_nothing_denies_below_a_dname():
    found = Denials(zone_name("test"), (nsec("d.test", "e.test.", "DNAME RRSIG NSEC"),))
    assert deny(zone_name("x.d.test"), rt.A, found) == "nothing"


def test_no_records_prove_nothing():
    assert deny(zone_name("x.test"), rt.DS, Denials(zone_name("test"))) == "nothing"
    assert no_closer(zone_name("x.test"), 1, Denials(zone_name("test"))) == "nothing"


@pytest.mark.parametrize("fields", ["2 0 0 -", "1 2 0 -", "1 0 101 -"])
def test_nsec3_that_cannot_be_used(fields):
    record = dns.rdata.from_text("IN", "NSEC3", f"{fields} {'0' * 32} A")
    found = Denials(zone_name("test"), (), ((bytes(20), record),))
    assert deny(zone_name("x.test"), rt.A, found) == ("iterations" if "101" in fields else "nothing")


@given(st.binary(max_size=40))
def test_any_label_is_read_as_a_hash(label):
    found = hashed_owner(label)
    assert found is None or len(found) == 20


def test_types_of_a_bitmap():
    record = dns.rdata.from_text("IN", "NSEC", "x. A NS SOA RRSIG NSEC CAA TYPE1234")
    assert types(record) == {1, 2, 6, 46, 47, 257, 1234}


@pytest.mark.parametrize("nsec3", ["off", "on"])
def test_a_zone_that_knot_signs_itself(nsec3):
    """Another signer than ours, and an anchor that is not the root's."""
    need("knotd", "keymgr", root=False)
    with tempfile.TemporaryDirectory() as name:
        home, port = Path(name), free_port()
        (home / "zone").write_text(
            "auto.test. 60 IN SOA ns.auto.test. h.auto.test. 1 7200 900 1209600 60\n"
            "auto.test. 60 IN NS ns.auto.test.\nns.auto.test. 60 IN A 127.0.0.1\n"
            "auto.test. 60 IN MX 10 ns.auto.test.\n*.wild.auto.test. 60 IN A 127.0.0.2\n"
        )
        config = home / "knot.conf"
        config.write_text(
            f'server:\n  listen: "127.0.0.1@{port}"\n  rundir: "{home}"\n'
            f'database:\n  storage: "{home}"\n  kasp-db-max-size: 10M\n  journal-db-max-size: 10M\n'
            f"policy:\n  - id: p\n    algorithm: ecdsap256sha256\n    nsec3: {nsec3}\n"
            "    nsec3-iterations: 5\n"
            f'zone:\n  - domain: auto.test\n    storage: "{home}"\n    file: zone\n    zonefile-sync: -1\n'
            "    zonefile-load: whole\n    dnssec-signing: on\n    dnssec-policy: p\n"
        )
        with _running([str(tool("knotd")), "-c", str(config)], port, "auto.test"):
            anchors = _anchors(config)
            names = ("auto.test MX", "ns.auto.test A", "x.wild.auto.test A")
            found = run(
                Dnssec(
                    domain="auto.test", roots=(f"127.0.0.1:{port}",), trust_anchor=anchors,
                    records=tuple(AskedRecord(name=n, rdtype=t) for n, t in map(str.split, names)),
                )
            )  # fmt: skip
            assert worst(found) == "pass", found
            gone = Dnssec(
                domain="auto.test", roots=(f"127.0.0.1:{port}",), trust_anchor=anchors,
                records=(AskedRecord(name="gone.auto.test", rdtype="A"),),
            )  # fmt: skip
            (finding, *_) = run(gone)
            assert finding.status == "fail"
            assert "does not exist" in finding.message


def _anchors(config):
    """Return the zone's DS records as keymgr says them, once there is a key."""
    end = time.monotonic() + 20
    while True:
        arguments = [str(tool("keymgr")), "-c", str(config), "auto.test", "ds"]
        said = subprocess.run(arguments, capture_output=True, text=True, check=False).stdout.splitlines()
        found = tuple(line for line in said if " DS " in line)
        if found:
            return found
        assert time.monotonic() < end, said
