"""What goes wrong around a mail cutover: each fault is a context manager that puts it in and takes it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.lab import mail_world as world
from tests.lab import microsoft_replies as replies
from tests.lab.faults import rules
from tests.lab.mail_world import DOMAIN, NEW_MX, OLD_MX, MailWorld
from tests.lab.mail_zones import Zone
from tests.lab.mailserver import DBEB, TENANT
from tests.lab.microsoft import OTHER_TENANT, Fault

Context = AbstractContextManager[None]


def spf(lab: MailWorld, *records: str, names: Callable[[Zone], None] = lambda _: None) -> Context:
    """The domain has these SPF records, and the zone what `names` adds."""

    def change(zone: Zone) -> None:
        zone.set("@", "TXT", *(world.strings(record) for record in records), '"MS=ms12345678"')
        names(zone)

    return lab.changed(change)


def second_spf(lab: MailWorld) -> Context:
    """Microsoft's SPF record was added beside the old one instead of merged with it."""
    return spf(lab, world.OLD_SPF, "v=spf1 include:spf.protection.outlook.com -all")


def eleven_lookups(lab: MailWorld) -> Context:
    """Ten providers were in the record already; Microsoft is the eleventh."""

    def providers(zone: Zone) -> None:
        for number in range(10):
            zone.set(f"spf{number}", "TXT", f'"v=spf1 ip4:192.0.2.{number} -all"')

    includes = " ".join(f"include:spf{number}.{DOMAIN}" for number in range(10))
    return spf(lab, f"v=spf1 {includes} include:spf.protection.outlook.com -all", names=providers)


def void_lookups(lab: MailWorld) -> Context:
    """Three hosts of the record are gone."""
    gone = " ".join(f"a:gone{number}.{DOMAIN}" for number in range(3))
    return spf(lab, f"v=spf1 {gone} include:spf.protection.outlook.com -all")


def old_senders_forgotten(lab: MailWorld) -> Context:
    """The SPF record names Microsoft only."""
    return spf(lab, "v=spf1 include:spf.protection.outlook.com -all")


def dkim_without_key(lab: MailWorld) -> Context:
    """The CNAME is there; nobody switched DKIM on, so that there is no key where it leads."""
    name = world.SELECTORS["selector1"].removesuffix(".microsoft")
    return lab.changed_above(lab.microsoft, lambda zone: zone.set(name, "TXT"))


def dkim_of_the_old_tenant(lab: MailWorld) -> Context:
    """The selectors still point to the tenant that the domain came from."""
    target = "selector1-contoso-example._domainkey.fabrikam.onmicrosoft.com."
    return lab.changed(lambda zone: zone.set("selector1._domainkey", "CNAME", target))


def msoid(lab: MailWorld) -> Context:
    """A CNAME of years ago breaks the activation of Office."""
    return lab.changed(lambda zone: zone.set("msoid", "CNAME", "clientconfig.microsoftonline-p.net."))


@contextmanager
def wrong_tenant(lab: MailWorld) -> Iterator[None]:
    """The domain is still verified in another tenant."""
    lab.cloud.tenants[DOMAIN] = OTHER_TENANT
    try:
        yield
    finally:
        lab.cloud.tenants[DOMAIN] = lab.cloud.tenant


def lagging(lab: MailWorld) -> Context:
    """The second name server did not get the last change."""

    def behind(zone: Zone) -> None:
        zone.serial -= 2
        zone.set("@", "MX", f"10 {OLD_MX}.")

    return lab.changed(behind, only=("ns2",))


def lying(lab: MailWorld) -> Context:
    """The second name server has the same serial and other data."""

    def other(zone: Zone) -> None:
        zone.serial -= 1
        zone.set("@", "MX", f"10 {OLD_MX}.")

    return lab.changed(other, only=("ns2",))


def lame(lab: MailWorld) -> Context:
    """The registry delegates to a server that does not have the zone."""

    def change(zone: Zone) -> None:
        zone.set("contoso", "NS", f"ns1.{DOMAIN}.", "ns.example.")

    return lab.changed_above(lab.example, change)


def null_mx(lab: MailWorld) -> Context:
    """The domain says that it takes no mail."""
    return lab.changed(lambda zone: zone.set("@", "MX", "0 ."))


def alias_mx(lab: MailWorld) -> Context:
    """The MX's host is a CNAME."""

    def change(zone: Zone) -> None:
        name = NEW_MX.removesuffix(".microsoft")
        zone.set(name, "A")
        zone.set(name, "AAAA")
        zone.set(name, "CNAME", "edge.mx.microsoft.")
        zone.set("edge.mx", "A", world.NEW)

    return lab.changed_above(lab.microsoft, change)


def strict_dmarc(lab: MailWorld) -> Context:
    """DMARC rejects what the new side sends before its DKIM is proven."""
    return lab.changed(lambda zone: zone.set("_dmarc", "TXT", '"v=DMARC1; p=reject"'))


@contextmanager
def _refusing(lab: MailWorld, reply: str) -> Iterator[None]:
    lab.new.change(refusals={world.MAILBOX: reply})
    try:
        yield
    finally:
        lab.new.change(refusals={})


def dbeb(lab: MailWorld) -> Context:
    """The test mailbox is not in the new directory."""
    return _refusing(lab, DBEB)


def connector(lab: MailWorld) -> Context:
    """A connector of the new side takes mail from certain addresses only."""
    return _refusing(lab, TENANT)


def ipv6_only(lab: MailWorld) -> Context:
    """The new side is silent over IPv6, and only there."""
    return rules(
        lab.internet,
        f"chain six {{ type filter hook input priority 0; ip6 daddr {world.NEW_6} tcp dport 25 drop; }}",
    )


def blocked_25(lab: MailWorld) -> Context:
    """The provider of this line lets no mail out."""
    return rules(lab.gateway, "chain mail { type filter hook forward priority 0; tcp dport 25 drop; }")


@contextmanager
def old_side_off(lab: MailWorld) -> Iterator[None]:
    """Somebody switched the old mail server off."""
    lab.old.stop()
    try:
        yield
    finally:
        lab.old.change()


@contextmanager
def expired_signature(lab: MailWorld) -> Iterator[None]:
    """The signature of the MX ended three days ago: validators forgive one."""

    def change(zone: Zone) -> None:
        zone.expired = frozenset({"MX"})

    with lab.changed(change):
        yield


@contextmanager
def split_brain(lab: MailWorld) -> Iterator[None]:
    """The internal zone still leads autodiscover to the old server."""
    data = {f"autodiscover.{DOMAIN} A": "10.50.0.9"}
    lab.inside.local(data)
    try:
        yield
    finally:
        lab.inside.unlocal(data)


@contextmanager
def hijack(lab: MailWorld) -> Iterator[None]:
    """The web host of the bare domain answers for autodiscover and asks for a password."""
    lab.hijack("add_header WWW-Authenticate 'Basic realm=\"mail\"' always; return 401;")
    try:
        yield
    finally:
        lab.hijack("return 404;")


def intercepted(lab: MailWorld) -> Context:
    """The firewall breaks TLS open, with an authority that the laptops trust."""
    return rules(
        lab.gateway,
        "chain divert { type nat hook prerouting priority -100; "
        "iifname lan tcp dport 443 redirect to :8443; }",
    )


@contextmanager
def _cloud_fault(lab: MailWorld, make: Callable[[], Fault]) -> Iterator[None]:
    make()
    try:
        yield
    finally:
        lab.cloud.clear()


def throttled(lab: MailWorld) -> Context:
    """Graph answers everything with 429, and wants to be left alone for longer than a check lasts."""
    return _cloud_fault(lab, lambda: lab.cloud.throttle(None, retry_after=300))


def forbidden(lab: MailWorld) -> Context:
    """The application lacks the permission for service health."""
    return _cloud_fault(lab, lambda: lab.cloud.forbid("/healthOverviews"))


def portal(lab: MailWorld) -> Context:
    """A captive portal answers in the place of the log-in page."""
    return _cloud_fault(lab, lambda: lab.cloud.portal("openid-configuration"))


@contextmanager
def incident(lab: MailWorld) -> Iterator[None]:
    """Exchange Online has an incident."""
    before, lab.cloud.health = lab.cloud.health, [replies.health("Exchange", "serviceDegradation")]
    try:
        yield
    finally:
        lab.cloud.health = before


@contextmanager
def licences_short(lab: MailWorld) -> Iterator[None]:
    """Fewer licences are free than users come."""
    before, lab.cloud.skus = lab.cloud.skus, [replies.sku("SPE_E3", 30, 20)]
    try:
        yield
    finally:
        lab.cloud.skus = before


@contextmanager
def no_second_factor(lab: MailWorld) -> Iterator[None]:
    """One user has no second factor."""
    before = lab.cloud.registrations
    lab.cloud.registrations = [*before, replies.registration(f"bob@{DOMAIN}", registered=False)]
    try:
        yield
    finally:
        lab.cloud.registrations = before


@contextmanager
def _policy(lab: MailWorld, *hosts: str) -> Iterator[None]:
    lab.policy(*hosts)
    try:
        yield
    finally:
        lab.policy(OLD_MX, NEW_MX)


def policy_of_the_old_mx(lab: MailWorld) -> Context:
    """The MTA-STS policy names only the old MX: senders refuse the new one."""
    return _policy(lab, OLD_MX)


def policy_of_the_new_mx(lab: MailWorld) -> Context:
    """The MTA-STS policy names only the new MX: there is no way back."""
    return _policy(lab, NEW_MX)


@contextmanager
def policy_certificate(lab: MailWorld) -> Iterator[None]:
    """The certificate of mta-sts is for another name."""
    lab.certificate("mta-sts", lab.public_ca.issue(lab.folder, f"www.{DOMAIN}"))
    try:
        yield
    finally:
        lab.certificate("mta-sts", lab.public_ca.issue(lab.folder, f"mta-sts.{DOMAIN}"))


@contextmanager
def stale_resolver(lab: MailWorld) -> Iterator[None]:
    """One resolver of the panel still has the MX of before."""
    with lab.changed(lambda zone: zone.set("@", "MX", f"10 {OLD_MX}.", ttl=world.OLD_TTL)):
        lab.panel[0].ask(DOMAIN, "MX")
        for server in (lab.ns1, lab.ns2):
            server.publish(lab.zone)
        yield


def dead_resolver(lab: MailWorld) -> Context:
    """The resolver that is asked is silent."""
    return rules(
        lab.internet,
        f"chain dns {{ type filter hook input priority 0; ip daddr {world.RESOLVER} udp dport 53 drop; "
        f"ip daddr {world.RESOLVER} tcp dport 53 drop; }}",
    )


def media_blocked(lab: MailWorld) -> Context:
    """The firewall lets no UDP out."""
    return rules(
        lab.gateway, "chain media { type filter hook forward priority 0; udp dport 3478-3481 drop; }"
    )


@contextmanager
def authoritative_too_early(lab: MailWorld, folder: Path) -> Iterator[None]:
    """The accepted domain is Authoritative: mail for mailboxes still on the old side is refused."""
    domain = {"Name": DOMAIN, "DomainName": DOMAIN, "DomainType": "Authoritative"}
    lab.export(folder, AcceptedDomain=[domain])
    try:
        yield
    finally:
        lab.export(folder)
