"""What is to be said of a DMARC record beside its policy: its flaws, its neighbours, its report addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import safe
from checks.wire.dmarc import Flaw, PolicyRecord
from checks.wire.dmarc_reports import Destination
from checks.wire.dmarc_walk import Step
from checks.words import Finding

_NEAR = "dmarc1"
_REPORTS = "RFC 9990 section 4"


def step_remarks(steps: Sequence[Step], domain: str) -> Iterable[Finding]:
    """Say which names hold several records, which count as none, or a text that was meant to be one."""
    for step in steps:
        own = step.domain == domain
        if step.count > 1:
            tell = failed if own else warned
            yield tell(
                step.name,
                f"There are {step.count} DMARC policy records, so receivers count none of them "
                "and go on to the parent domain.",
                expected="one record",
                observed=safe(" | ".join(step.records), limit=400),
                fix=f"Delete all but the planned TXT record at {step.name}.",
                reference="RFC 9989 section 4.10, step 2",
            )
        for text in step.others:
            low = text.lower()
            if _NEAR in low:
                yield (failed if own and not step.count else warned)(
                    step.name,
                    f"A TXT record looks like a DMARC policy record and is none: {_why(text)}.",
                    expected='a text that begins with "v=DMARC1;"',
                    observed=safe(text, limit=300),
                    fix=f"Correct the TXT record at {step.name}, or delete it if it is a leftover.",
                    reference="RFC 9989 section 4.8",
                )
            elif own and low.startswith("v=spf1"):
                yield warned(
                    step.name,
                    "An SPF record stands where the DMARC policy record belongs: put at the wrong name, or "
                    "given by a wildcard record of the zone.",
                    expected="a DMARC policy record and nothing else",
                    observed=safe(text, limit=300),
                    fix=f"Delete the SPF record at {step.name}, or the wildcard (*) that gives it.",
                )


def _why(text: str) -> str:
    if text[:1].isspace():
        return "it begins with a blank"
    if text[:1] in "\"'“”„«":
        return "it begins with a quotation mark"
    head = text.partition(";")[0]
    if head.replace(" ", "").lower() == "v=dmarc1":
        return "the version is written DMARC1, in capitals"
    if head.replace(" ", "").lower().startswith("v=dmarc1"):
        return "no semicolon follows the version v=DMARC1"
    return "v=DMARC1 is not its first tag"


def record_remarks(record: PolicyRecord, place: str, *, own: bool) -> Iterable[Finding]:
    """Say what is wrong with the tags of the record that applies, and what no longer means anything."""
    here = f"_dmarc.{place}"
    for flaw in record.flaws:
        yield _flaw(flaw, here, record)
    if record.p is None and not record.broken and record.rua:
        yield warned(
            here, "The record has no tag p: receivers take it for p=none, and older ones for no record.",
            expected="p=none, p=quarantine or p=reject", observed=safe(record.text, limit=300),
            fix=f"Add the tag p to the TXT record at {here}.", reference="RFC 9989 section 4.7",
        )  # fmt: skip
    if record.testing:
        yield warned(
            here, "The record is in test mode (t=y): receivers apply the policy one step weaker.",
            expected="t=n, or no tag t", observed="t=y", fix=f"Remove t=y at {here} when the test is over.",
            reference="RFC 9989 section 4.7",
        )  # fmt: skip
    if own and record.psd == "y":
        yield warned(
            here,
            "The record says that the domain is a public suffix (psd=y): its subdomains then belong to "
            "others and are not in alignment with it.",
            expected="no tag psd, or psd=n", observed="psd=y",
            fix=f"Remove psd=y from the TXT record at {here}, unless others register names below the domain.",
            reference="RFC 9989 section 4.7",
        )  # fmt: skip


def _flaw(flaw: Flaw, here: str, record: PolicyRecord) -> Finding:
    shown = safe(f"{flaw.tag}={flaw.value}" if flaw.value or flaw.kind != "syntax" else flaw.tag, limit=200)
    tag = safe(flaw.tag, limit=60)
    if flaw.kind == "policy":
        then = "p=none" if record.rua else "no DMARC at all"
        return failed(
            here, f"The value of {tag} is not valid, so receivers apply {then} whatever else is published.",
            expected=f"{tag}=none, {tag}=quarantine or {tag}=reject", observed=shown,
            fix=f"Correct the tag {tag} in the TXT record at {here}.", reference="RFC 9989 section 4.10.1",
        )  # fmt: skip
    if flaw.kind == "duplicate":
        return failed(
            here, f"The tag {tag} stands there twice: receivers do not agree which one counts.",
            expected=f"{tag} once", observed=shown, fix=f"Keep one {tag} in the TXT record at {here}.",
        )  # fmt: skip
    if flaw.kind == "syntax":
        return warned(
            here, f"A part of the record is not valid and is ignored: {shown or 'an empty tag'}.",
            expected="tags like name=value, parted by semicolons", observed=safe(record.text, limit=300),
            fix=f"Correct or remove that part of the TXT record at {here}.", reference="RFC 9989 section 4.8",
        )  # fmt: skip
    said = {
        "removed": f"The tag {tag} was removed from DMARC and is ignored; older receivers still heed it.",
        "unknown": f"The tag {tag} is unknown and is ignored.",
        "size": f"The size limit of an address in {tag} is obsolete and is ignored.",
    }[flaw.kind]
    return passed(here, said, observed=shown)


def report_findings(
    found: Sequence[Destination], record: PolicyRecord, place: str, *, required: bool
) -> Iterable[Finding]:
    """Say whether reports are asked for and can arrive."""
    here = f"_dmarc.{place}"
    reports = [one for one in found if one.tag == "rua"]
    for one in found:
        if one.works() != "yes":
            yield _unable(one, here, place)
    if not required:
        return
    states = [one.works() for one in reports]
    asked = safe(", ".join(record.rua), limit=300) or "no rua"
    expected = "an address for aggregate reports (rua) that works"
    if "yes" in states:
        yield passed(
            here, "Aggregate reports are asked for and can arrive.", expected=expected, observed=asked
        )
    elif "unknown" in states:
        yield cannot_tell(
            here, "It could not be found out whether aggregate reports can arrive.", expected=expected,
            observed=asked, fix="Run it again; if it stays so, mend the name servers of the reports' domain.",
        )  # fmt: skip
    else:
        yield failed(
            here, "No aggregate report can arrive: there is no address for them that works.",
            expected=expected, observed=asked,
            fix=f"Set rua=mailto:ADDRESS in the TXT record at {here}, with an address that takes mail.",
        )  # fmt: skip


def _unable(one: Destination, here: str, place: str) -> Finding:
    uri = safe(one.uri, limit=200)
    if one.host is None:
        return warned(
            here, f"An address of {one.tag} leads nowhere: {uri}.", expected="mailto:NAME@DOMAIN",
            observed=uri, fix=f"Correct {one.tag} in the TXT record at {here}.",
        )  # fmt: skip
    host = safe(one.host, limit=200)
    if one.consent == "no":
        return warned(
            here,
            f"{host} has not consented to reports about {place}, so receivers ignore the address.",
            expected=f'the TXT record "v=DMARC1" at {safe(one.consent_name, limit=300)}',
            observed=safe(one.detail, limit=200) or "no such record",
            fix=f"Have the operator of {host} publish that record, or take {uri} out of {one.tag}.",
            reference=_REPORTS,
        )  # fmt: skip
    if one.mail == "no":
        return warned(
            here, f"{host} takes no mail (no MX and no address, or a null MX): no report can arrive there.",
            expected=f"an MX record of {host}", observed="none",
            fix=f"Correct {one.tag} in the TXT record at {here}, or the MX record of {host}.",
        )  # fmt: skip
    return warned(
        here, f"It could not be looked up whether {host} may and can be sent reports.",
        expected="its consent and its MX record", observed=safe(one.detail, limit=200) or "no answer",
        fix="Run it again; if it stays so, ask the operator of that domain.",
    )  # fmt: skip
