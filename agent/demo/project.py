"""The practice office's project file, and the folder that it is written to."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.demo.office import DOMAIN, NEW_MX, NEW_SERVER, SENDERS, Office
from agent.demo.project_servers import quoted, servers_text
from agent.demo.snmp_devices import ACCESS_POINT, COMMUNITY, UPLINK

FILE = "practice-office.yaml"
CA_FILE = "practice-ca.pem"
KEY_FILE, KNOWN_HOSTS_FILE = "practice-key", "practice-known-hosts"
_MARK = "# The practice office of `gonogo demo`"


class NotOurs(Exception):  # noqa: N818 - named for what was found
    """The folder holds a file of that name that `gonogo demo` did not write."""


def write_project(folder: Path | None, office: Office) -> Path:
    """Write the project file, certificate, key and known hosts of an office; return the project's path.

    Without a folder it is `gonogo-demo` here, or a new temporary folder where nothing can be written here.
    An earlier one with other text (somebody tried changes) is kept beside it, with `.before` at the end of
    its name. Raises OSError, and NotOurs rather than touch a file that is not the practice office's.
    """
    chosen = folder if folder is not None else Path("gonogo-demo")
    try:
        return _write(chosen, office)
    except OSError:
        if folder is not None:
            raise
    return _write(Path(tempfile.mkdtemp(prefix="gonogo-demo-")), office)


def _write(folder: Path, office: Office) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path, ca_file = folder / FILE, (folder / CA_FILE).resolve()
    before = path.read_text(encoding="utf-8") if path.exists() else None
    if before is not None and not before.startswith(_MARK):
        raise NotOurs(f"{path} was not written by gonogo demo: choose another folder with --dir.")
    ca_file.write_bytes(office.ca_pem)
    (folder / KNOWN_HOSTS_FILE).write_text(office.known_hosts, encoding="ascii", newline="\n")
    _write_key(folder / KEY_FILE, office.ssh_key)
    text = project_text(office, ca_file, _cutover(before))
    if before not in (None, text):
        path.replace(path.with_name(f"{FILE}.before"))
    if text != before:
        path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _write_key(path: Path, key: str) -> None:
    """Write a private key that is this user's alone, whatever lay there."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", newline="\n") as file:
        file.write(key)


def _cutover(before: str | None) -> str:
    """Return the cutover's time: that of an earlier file while it lies ahead, else in three weeks."""
    today = datetime.now(UTC)
    for line in (before or "").splitlines():
        key, _, value = line.strip().partition(": ")
        if key == "cutover" and value[:10] > today.strftime("%Y-%m-%d"):
            return value
    return (today + timedelta(days=21)).strftime("%Y-%m-%d 22:30")


def project_text(office: Office, ca_file: Path, cutover: str) -> str:
    """Return the project file for an open office."""
    port = office.ports
    return f"""\
{_MARK}. It is an ordinary project file: change it, and see what
# `gonogo lint` and `gonogo plan` say. Everything is on this laptop (127.0.0.1); the office is open only while
# `gonogo demo` runs, so start `gonogo demo --serve` in another window before `gonogo run`.
gonogo: 1

project:
  name: Practice office move
  customer: Meridian & Sons
  site: New office, 2nd floor
  id: practice-office
  timezone: Europe/Zurich
  cutover: {cutover}
  time_servers: ["127.0.0.1:{port["time"]}"]

scope:
  in: [names, servers, files, backups, intranet, mail, switch, power, printing, telephones, cameras]
  out: [the Internet line, Wi-Fi]

vendors:
  isp: {{name: Lakeside Telecom, phone: "+41 00 000 00 01", note: contract 4711}}
  hosting: {{name: Alpine Hosting, phone: "+41 00 000 00 02"}}
contacts:
  it: {{name: Ada Admin, phone: "+41 00 000 00 03", email: ada@{DOMAIN}}}

profile: office-move
with:
  network: 127.0.0.0/8
  gateway: 127.0.0.1
  resolvers: [127.0.0.1]
  internet_host: 127.0.0.1
  owner_cabling: it
  time_server: 127.0.0.1:{port["time"]}
  services:
    - {{name: printer, host: 127.0.0.1, port: {port["printer"]}}}
    - {{name: mail, host: 127.0.0.1, port: {port["mail"]}}}
    - {{name: telephones, host: 127.0.0.1, port: {port["phones"]}}}
    - {{name: directory, host: 127.0.0.1, port: {port["directory"]}}}
without:
  line-confirmed: The practice office has no line.
  cabling-measured: The practice office has no cables.
  labels: The practice office has no desks.
  alarm-line: The practice office has no alarm.
  keys: The practice office has no door.
  interface: The practice office has no cables.
  own-address: The practice office has no cables.
  gateway: The practice office has no gateway.
  internet: The practice office has no line.
  packet-size: The practice office has no line.
  portal: The practice office has no line.
  resolvers: The practice office's name server is asked directly.
  staff-work: The practice office has no staff.

milestones:
  circuit:
    title: Agreed and written down
  cabling:
    title: Boxes and switches are in place
  services:
    title: Names, printers, servers and backups work

checks:
  carrier-box:
    type: network.tcp
    title: The carrier's box takes connections
    milestone: cabling
    owner: isp
    target: 127.0.0.1
    port: {port["router"]}
  name-files:
    type: dns.record
    title: The file server's name leads to the new server
    milestone: services
    owner: hosting
    name: files.{DOMAIN}
    servers: ["127.0.0.1:{port["dns"]}"]
    expect: [{NEW_SERVER}]
  mail-mx:
    type: mail.mx
    title: Mail for the office goes to the new side
    milestone: services
    owner: hosting
    domain: {DOMAIN}
    expect: [{{host: {NEW_MX}, preference: 0}}]
    microsoft: true
    resolvers: ["127.0.0.1:{port["dns"]}"]
  mail-spf:
    type: mail.spf
    title: Old and new senders may send the office's mail
    milestone: services
    owner: hosting
    domain: {DOMAIN}
    senders:
      - {{ip: {SENDERS["old"]}, mail_from: office@{DOMAIN}, helo: mail.{DOMAIN}}}
      - {{ip: {SENDERS["new"]}, mail_from: office@{DOMAIN}, helo: outbound.protection.outlook.com}}
    resolvers: ["127.0.0.1:{port["dns"]}"]
  mail-mta-sts:
    type: mail.mta_sts
    title: The policy that senders keep allows the new side
    milestone: services
    owner: hosting
    domain: {DOMAIN}
    planned_mx: [{NEW_MX}]
    resolvers: ["127.0.0.1:{port["dns"]}"]
    connect_to: 127.0.0.1:{port["policy"]}
    ca_file: {quoted(ca_file)}
  mail-dmarc:
    type: mail.dmarc
    title: Receivers do not reject mail before its signature is proven
    milestone: services
    owner: hosting
    domain: {DOMAIN}
    at_most: none
    resolvers: ["127.0.0.1:{port["dns"]}"]
  web-certificate:
    type: network.tls
    title: The intranet's certificate is valid and stays so
    milestone: services
    owner: hosting
    target: 127.0.0.1:{port["intranet"]}
    server_name: intranet.{DOMAIN}
    ca_file: {quoted(ca_file)}
  web-intranet:
    type: network.http
    title: The intranet answers and is well
    milestone: services
    owner: hosting
    needs: [web-certificate]
    url: https://intranet.{DOMAIN}/health
    connect_to: 127.0.0.1:{port["intranet"]}
    ca_file: {quoted(ca_file)}
    json: {{status: ok, office: new}}
  switch-ports:
    type: switch.ports
    title: Uplink and access point run at full speed
    milestone: cabling
    owner: it
    host: 127.0.0.1:{port["switch"]}
    community: {COMMUNITY}
    ports:
      - {{port: "1", description: {UPLINK}, speed: 1000}}
      - {{port: "2", description: {ACCESS_POINT}, min_speed: 1000}}
  switch-poe:
    type: switch.poe
    title: The switch can power the telephones
    milestone: cabling
    owner: it
    host: 127.0.0.1:{port["switch"]}
    community: {COMMUNITY}
    devices:
      - {{name: telephones, count: 4, class: 2}}
  power-ups:
    type: ups
    title: The UPS is on mains and lasts long enough
    milestone: cabling
    owner: it
    host: 127.0.0.1:{port["ups"]}
    community: {COMMUNITY}
    min_runtime: 15m
  printer-supplies:
    type: printer
    title: The printer is ready and well supplied
    milestone: services
    owner: it
    host: 127.0.0.1:{port["printer-snmp"]}
    community: {COMMUNITY}
  cameras-closed:
    type: network.closed
    title: The camera recorder cannot be reached from the desks
    milestone: services
    owner: it
    target: 127.0.0.1
    ports: [{port["recorder"]}]
    control: 127.0.0.1:{port["intranet"]}
{servers_text(port, ca_file.parent / KEY_FILE, ca_file.parent / KNOWN_HOSTS_FILE)}"""
