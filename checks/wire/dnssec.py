"""The chain of trust, walked by ourselves: from an anchor down to an answer (RFC 4035 section 5).

No I/O: `Walker` is made of generators that ask for a reply by yielding (name, type) and say in the end what
it is worth, so that the same walk runs against servers and, later, against the replies that were kept. The
words are those of RFC 4033 section 5. Nothing that is merely absent counts: no signature where one must be is
bogus, no reply at all is indeterminate, and insecure is said only where a signed proof says so.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import field
from typing import Any

from checks.dataclass import dataclass
from checks.wire.dnssec_anchors import DIGESTS, Anchors, vouches
from checks.wire.dnssec_denial import Proof, deny, no_closer
from checks.wire.dnssec_reply import Keyed, Opened, Reply
from checks.wire.dnssec_rrset import Budget, Signature, check, supported
from checks.wire.dnssec_verdict import (
    RANK,
    Link,
    Outcome,
    Reason,
    Verdict,
    Word,
    bogus,
    lost,
    renamed,
    stripped,
    text_of,
    texts_of,
    type_text,
    unsigned,
)

Asking = Generator[tuple[str, str], Reply, Any]
MAX_ALIASES = 8
MAX_KEYS = 64
MAX_QUESTIONS = 100
_CNAME, _DNAME, _DS, _DNSKEY = 5, 39, 43, 48


@dataclass(slots=True)
class Walker:
    """One walk at the time `now` (seconds since 1970); zones once proven are not walked again."""

    anchors: Anchors
    now: int
    budget: Budget = field(default_factory=Budget)
    links: list[Link] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)
    _cuts: dict[Any, Keyed | Verdict | None] = field(default_factory=dict)
    _questions: int = 0

    def ask(self, name: str, rdtype: str) -> Generator[tuple[str, str], Reply, Verdict]:
        """Return what the chain says of `name` and `rdtype`, aliases followed."""
        import dns.name
        import dns.rdatatype

        here = dns.name.from_text(name).canonicalize()
        kind = int(dns.rdatatype.from_text(rdtype))
        passed: list[Verdict] = []
        seen: list[Any] = [here]
        while True:
            verdict, target = yield from self._one(here, kind)
            passed.append(verdict)
            if target is None or len(seen) > MAX_ALIASES or target in seen:
                break
            seen.append(target)
            here = target
        worst = max(passed, key=lambda one: RANK[one.word])
        if target is not None:
            worst = Verdict(
                word="indeterminate", zone=worst.zone, reason="too long", detail="aliases in a circle"
            )
        last = passed[-1]
        return Verdict(
            word=worst.word, zone=worst.zone, reason=worst.reason, detail=worst.detail, outcome=last.outcome,
            end=text_of(here), records=last.records, aliases=tuple(text_of(one) for one in seen[1:]),
            at=worst.at,
        )  # fmt: skip

    def _one(self, name: Any, kind: int) -> Generator[tuple[str, str], Reply, tuple[Verdict, Any]]:
        """Return what is said of one name, and where its alias leads."""
        opened = yield from self._reply(name, type_text(kind))
        if opened.trouble:
            return lost(name, opened), None
        lowest = name.parent() if kind == _DS and len(name) > 1 else name
        claimed = [one for one in opened.signers() if lowest.is_subdomain(one)]
        goal = max(claimed, key=len) if claimed else lowest
        zone = yield from self._zone(goal)
        said = self._said(zone, opened, name, kind)
        if said[0].word != "bogus" or goal == lowest:
            return said
        deeper = yield from self._zone(lowest)
        return said if deeper is zone else self._said(deeper, opened, name, kind)

    def _said(self, zone: Keyed | Verdict, opened: Opened, name: Any, kind: int) -> tuple[Verdict, Any]:
        """Return what a reply from within `zone` says."""
        if isinstance(zone, Verdict):
            return unsigned(zone, opened, name, kind)
        positive = opened.find(name, kind)
        if positive is not None:
            return self._positive(opened, positive, zone, name, None), None
        for rrset in opened.answer:
            proper = rrset.rdtype == _DNAME and name.is_subdomain(rrset.name) and name != rrset.name
            if proper and len(rrset):
                target = renamed(name, rrset.name, rrset[0].target)
                return self._positive(opened, rrset, zone, name, target), target
        alias = opened.find(name, _CNAME)
        if alias is not None:
            target = alias[0].target.canonicalize()
            return self._positive(opened, alias, zone, name, target), target
        return self._negative(opened, zone, name, kind), None

    def _positive(self, opened: Opened, rrset: Any, zone: Keyed, name: Any, target: Any) -> Verdict:
        where = text_of(zone.name)
        found = opened.checked(rrset, zone, self.now, self.budget)
        if found.signature is None:
            return bogus(where, found, f"{text_of(name)} {type_text(rrset.rdtype)}")
        self._keep(found.signature)
        own = len(rrset.name) - 1 - (1 if rrset.name.is_wild() else 0)
        records = () if target is not None else texts_of(rrset)
        made = Verdict(word="secure", zone=where, outcome="found", records=records)
        if found.labels >= own:
            return made
        denials, _, signatures = opened.denials(zone, self.now, self.budget)
        proof = no_closer(rrset.name, found.labels, denials)
        self._keep(*signatures)
        if proof == "no such name":
            return made
        what = f"that {text_of(name)} comes from a wildcard by right"
        if not opened.authority:
            return stripped(where, f"{opened.reply.server} gives no proof {what}")
        return _unproven(where, proof, what, made)

    def _negative(self, opened: Opened, zone: Keyed, name: Any, kind: int) -> Verdict:
        where = text_of(zone.name)
        denials, wrong, signatures = opened.denials(zone, self.now, self.budget)
        proof = deny(name, kind, denials)
        self._keep(*signatures)
        refused = opened.reply.rcode == "NXDOMAIN"
        outcome: Outcome = "no such name" if refused else "no data"
        made = Verdict(word="secure", zone=where, outcome=outcome)
        if proof in ("no such name", "no data") and (proof == "no such name") == refused:
            return made
        if proof == "delegation" and kind == _DS and not refused:
            return made
        what = f"that there is no {text_of(name)} {type_text(kind)}"
        if wrong and proof == "nothing":
            return bogus(where, max(wrong, key=lambda one: one.why != "signed by another zone"), what)
        if not opened.authority:
            return stripped(where, f"{opened.reply.server} gives no proof {what}")
        return _unproven(where, proof, what, made)

    def _zone(self, goal: Any) -> Asking:
        """Walk down to the zone that `goal` is in, or begins."""
        here = self.anchors.zone
        if not goal.is_subdomain(here):
            return Verdict(
                word="indeterminate", zone=text_of(here), reason="no reply",
                detail=f"{text_of(goal)} is not below the trust anchor",
            )  # fmt: skip
        if here not in self._cuts:
            self._cuts[here] = yield from self._enter(here, self.anchors.records, anchor=True)
        zone = self._cuts[here]
        for labels in range(len(here) + 1, len(goal) + 1):
            child = goal.split(labels)[1]
            if isinstance(zone, Verdict) or zone is None:
                break
            if child not in self._cuts:
                self._cuts[child] = yield from self._cut(zone, child)
            below = self._cuts[child]
            if below is not None:
                zone = below
        return zone

    def _cut(self, zone: Keyed, child: Any) -> Asking:
        """Return the zone that begins at `child`, why it is not known or not signed, or None if none does."""
        opened = yield from self._reply(child, "DS")
        where = text_of(zone.name)
        if opened.trouble:
            return lost(child, opened)
        records = opened.find(child, _DS)
        if records is not None:
            found = opened.checked(records, zone, self.now, self.budget)
            if found.signature is None:
                return bogus(where, found, f"{text_of(child)} DS")
            self._keep(found.signature)
            return (yield from self._enter(child, _best(records), anchor=False))
        for rrset in opened.answer:
            above = rrset.rdtype == _DNAME and child.is_subdomain(rrset.name)
            if above or (rrset.rdtype == _CNAME and rrset.name == child):
                found = opened.checked(rrset, zone, self.now, self.budget)
                if found.signature is not None:
                    self._keep(found.signature)
                    return None
        return self._no_ds(zone, child, opened)

    def _no_ds(self, zone: Keyed, child: Any, opened: Opened) -> Verdict | None:
        where, what = text_of(zone.name), f"that {text_of(child)} has no DS"
        denials, wrong, signatures = opened.denials(zone, self.now, self.budget)
        proof = deny(child, _DS, denials)
        self._keep(*signatures)
        if proof in ("no data", "no such name"):
            return None
        if proof in ("delegation", "opt-out", "iterations"):
            reason: Reason = "no DS" if proof == "delegation" else proof
            return Verdict(word="insecure", zone=text_of(child), reason=reason, detail=f"{where} proves it")
        strange = opened.start_of_authority()
        if not opened.authority or (strange is not None and not zone.name.is_subdomain(strange)):
            return stripped(where, f"{opened.reply.server} gives no proof {what} from the zone {where}")
        own = [one for one in wrong if one.why != "signed by another zone"]
        if own:
            return bogus(where, own[0], what)
        return Verdict(word="bogus", zone=where, reason="no proof of absence", detail=what)

    def _enter(self, name: Any, records: Iterable[Any], *, anchor: bool) -> Asking:
        """Return the zone `name` with its keys if `records` (DS or anchors) vouch for them."""
        records, where = tuple(records), text_of(name)
        usable = [one for one in records if anchor or _understood(one)]
        if not usable:
            kinds = ", ".join(sorted({f"algorithm {int(one.algorithm)}" for one in records}))
            return Verdict(word="insecure", zone=where, reason="unsupported algorithm", detail=kinds)
        opened = yield from self._reply(name, "DNSKEY")
        if opened.trouble:
            return lost(name, opened)
        keys = opened.find(name, _DNSKEY)
        signed = name in opened.signers()
        if anchor and (keys is None or not signed):
            return stripped(where, f"{opened.reply.server} gives no signed DNSKEY of {where}")
        if keys is None:
            return Verdict(
                word="bogus", zone=where, reason="DS without matching DNSKEY", detail="the zone has no DNSKEY"
            )
        every = [(_tag(key), key) for key in list(keys)[:MAX_KEYS]]
        entry = [(tag, key) for tag, key in every if any(vouches(name, one, key, tag) for one in usable)]
        if not entry:
            tags = ", ".join(sorted({str(_tag(one)) for one in usable}))
            have = ", ".join(sorted({str(tag) for tag, _ in every}))
            return Verdict(
                word="bogus", zone=where, reason="DS without matching DNSKEY",
                detail=f"DS for key {tags}; the zone has the keys {have}",
            )  # fmt: skip
        beside = next((r for r in opened.answer if r.name == name and r.covers == _DNSKEY), ())
        found = check(keys, tuple(beside), name, entry, self.now, self.budget)
        if found.signature is None:
            return bogus(where, found, f"{where} DNSKEY")
        self._keep(found.signature)
        self.links.append(
            Link(
                zone=where, tags=tuple(sorted({tag for tag, _ in entry})),
                algorithms=tuple(sorted({int(key.algorithm) for _, key in every})),
                digests=tuple(sorted({int(getattr(one, "digest_type", 0)) for one in usable})),
            )
        )  # fmt: skip
        return Keyed(name, tuple(every))

    def _reply(self, name: Any, rdtype: str) -> Generator[tuple[str, str], Reply, Opened]:
        self._questions += 1
        if self._questions > MAX_QUESTIONS:
            return Opened(Reply(name=text_of(name), rdtype=rdtype, server="", detail="too many questions"))
        reply = yield text_of(name), rdtype
        return Opened(reply)

    def _keep(self, *signatures: Signature) -> None:
        self.signatures.extend(one for one in signatures if one not in self.signatures)


def _unproven(where: str, proof: Proof, what: str, made: Verdict) -> Verdict:
    """Return what follows where records deny too little: insecure if they may, else bogus."""
    weak: Reason = "opt-out" if proof == "opt-out" else "iterations"
    word: Word = "insecure" if proof in ("opt-out", "iterations") else "bogus"
    return Verdict(
        word=word, zone=where, reason=weak if word == "insecure" else "no proof of absence", detail=what,
        outcome=made.outcome, records=made.records,
    )  # fmt: skip


def _understood(record: Any) -> bool:
    return supported(record.algorithm) and record.digest_type in DIGESTS


def _best(records: Iterable[Any]) -> list[Any]:
    """Return the DS records that count: with a better digest there, SHA-1 does not (RFC 4509 section 3)."""
    every = list(records)[:MAX_KEYS]
    better = [one for one in every if one.digest_type != 1]
    return better if any(_understood(one) for one in better) else every


def _tag(record: Any) -> int:
    import dns.dnssec

    return int(record.key_tag if record.rdtype == _DS else dns.dnssec.key_id(record))
