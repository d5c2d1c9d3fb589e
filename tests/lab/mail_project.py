"""The project of the mail world's cutover on the shipped profile, as a project manager would write it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.lab import mail_world as world
from tests.lab.microsoft import CLIENT, SECRET, TENANT

MANUAL = ("senders-listed", "freeze", "rollback-agreed", "outlook-inside", "old-side-empty")
"""What persons state in this project."""
MEASURED = {"teams-media", "front-doors"}
"""Whose delay and jitter are also those of the machine that runs the tests."""

_TEXT = """
gonogo: 1
project:
  name: Contoso's mail moves
  customer: Contoso
  timezone: UTC
  cutover: "{cutover}"

vendors:
  dns: {{name: Lab DNS, phone: "+41 00 000 00 01"}}
  old-provider: {{name: Lab Hoster, phone: "+41 00 000 00 02"}}
contacts:
  it: {{name: Ada Admin, email: ada@contoso.example}}
  m365: {{name: Mo Tenant, email: mo@contoso.example}}

profile: {profile}
with:
  domain: {domain}
  tenant_id: {tenant}
  tenant_name: contoso
  new_mx: {new_mx}
  old_mx: [{old_mx}]
  spf_planned: {spf}
  old_senders: [{{ip: {old}, mail_from: info@{domain}, helo: {old_mx}}}]
  new_senders: [{{ip: 40.107.1.1, mail_from: info@{domain}, helo: outbound.protection.outlook.com}}]
  dkim: {{selector1: {selector1}, selector2: {selector2}}}
  old_selectors: [hoster]
  old_ttl: {old_ttl}s
  ttl: {ttl}s
  services: [mail, teams, intune]
  graph_client_id: {client}
  graph_secret: file:{secret}
  licences: [{{sku: SPE_E3, count: 25}}]
  export_file: {export}
  panel: [{panel}]
  inside_resolvers: [{inside}]
  resolvers: [{resolver}]
  signed: true
  trust_anchors: ["{anchor}"]
  recipients: [{{address: {mailbox}}}]
  mailboxes: [{mailbox}]
  smtp_control: mx.control.example:25
  stun_control: stun.control.example:3478
"""


def started(lab: world.MailWorld, at: str = "") -> tuple[str, ...]:
    """Return what starts gonogo in this world: `at` is the time from now that its clock shows, like `-3d`.

    What it keeps between runs stays with the world: the list of endpoints is not Microsoft's.
    """
    clock = ("faketime", "-f", at) if at else ()
    return ("env", f"XDG_CACHE_HOME={lab.folder / 'cache'}", *clock)


def write_project(
    folder: Path, lab: world.MailWorld, cutover: datetime, profile: str = "m365-cutover"
) -> Path:  # fmt: skip
    """Write project, secret and a healthy export to `folder`; return the project file."""
    secret = folder / "graph-secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    export = lab.export(folder)
    path = folder / "mail.yaml"
    path.write_text(
        _TEXT.format(
            cutover=cutover.astimezone(UTC).strftime("%Y-%m-%d %H:%M"), profile=profile,
            domain=world.DOMAIN, tenant=TENANT, new_mx=world.NEW_MX, old_mx=world.OLD_MX,
            spf=world.UNION_SPF, old=world.OLD, old_ttl=world.OLD_TTL, ttl=world.TTL, client=CLIENT,
            panel=", ".join((world.RESOLVER, *world.PANEL)), inside=world.OFFICE_DNS,
            resolver=world.RESOLVER, anchor=f". DS {lab.root.ds()}", mailbox=world.MAILBOX,
            secret=secret, export=export,
            **world.SELECTORS,
        )
    )  # fmt: skip
    return path
