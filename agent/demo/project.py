"""The practice office's project file, and the folder that it is written to."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.demo.office import DOMAIN, NEW_SERVER, Office

FILE = "practice-office.yaml"
CA_FILE = "practice-ca.pem"
_MARK = "# The practice office of `gonogo demo`"


class NotOurs(Exception):  # noqa: N818 - named for what was found
    """The folder holds a file of that name that `gonogo demo` did not write."""


def write_project(folder: Path | None, office: Office) -> Path:
    """Write the project file and the authority's certificate; return the project file's path.

    Without a folder it is `gonogo-demo` here, or a new temporary folder where nothing can be written here.
    Raises OSError, and NotOurs rather than write over somebody's file.
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
    text = project_text(office, ca_file, _tonight(before))
    if text != before:
        path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _tonight(before: str | None) -> str:
    """Return the cutover's time: kept from an earlier file while it lies ahead, else tomorrow at 22:30."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d 22:30")
    for line in (before or "").splitlines():
        key, _, value = line.strip().partition(": ")
        if key == "cutover" and value[:10] > datetime.now(UTC).strftime("%Y-%m-%d"):
            return value
    return tomorrow


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
  timezone: Europe/Zurich
  cutover: {cutover}
  time_servers: ["127.0.0.1:{port["time"]}"]

scope:
  in: [names and servers, intranet, printing, telephones, cameras]
  out: [the Internet line, Wi-Fi]

vendors:
  hosting: {{name: Alpine Hosting, phone: "+41 00 000 00 01", note: contract 4711}}
  printing: {{name: Toner & Paper Ltd, phone: "+41 00 000 00 02"}}
contacts:
  it: {{name: Ada Admin, phone: "+41 00 000 00 03", email: ada@{DOMAIN}}}

milestones:
  names:
    title: Names lead to the new servers
    due: -4h
    owner: it
  services:
    title: The services of the office work
    due: -1h
    after: [names]
    owner: it
  security:
    title: What must be closed is closed
    due: -1h
    owner: it

checks:
  files-record:
    type: dns.record
    title: The file server's name leads to the new server
    milestone: names
    owner: hosting
    name: files.{DOMAIN}
    servers: ["127.0.0.1:{port["dns"]}"]
    expect: [{NEW_SERVER}]
  mail-record:
    type: dns.record
    title: Mail for the office goes to its mail server
    milestone: names
    owner: hosting
    name: {DOMAIN}
    rdtype: MX
    servers: ["127.0.0.1:{port["dns"]}"]
    expect: [10 mail.{DOMAIN}]
  time:
    type: network.ntp
    title: The time server is fit and this laptop's clock agrees
    milestone: names
    owner: it
    server: 127.0.0.1:{port["time"]}

  intranet-certificate:
    type: network.tls
    title: The intranet's certificate is valid and stays so
    milestone: services
    owner: hosting
    target: 127.0.0.1:{port["intranet"]}
    server_name: intranet.{DOMAIN}
    ca_file: {ca_file.as_posix()!r}
  intranet:
    type: network.http
    title: The intranet answers and is well
    milestone: services
    owner: hosting
    needs: [intranet-certificate]
    url: https://intranet.{DOMAIN}/health
    connect_to: 127.0.0.1:{port["intranet"]}
    ca_file: {ca_file.as_posix()!r}
    json: {{status: ok, office: new}}
  printer:
    type: network.tcp
    title: The printer on the 2nd floor takes print jobs
    milestone: services
    owner: printing
    target: 127.0.0.1
    port: {port["printer"]}
  mail:
    type: network.tcp
    milestone: services
    owner: hosting
    target: 127.0.0.1
    port: {port["mail"]}
  telephones:
    type: network.tcp
    milestone: services
    owner: it
    target: 127.0.0.1
    port: {port["phones"]}
  directory:
    type: network.tcp
    milestone: services
    owner: it
    target: 127.0.0.1
    port: {port["directory"]}

  cameras-closed:
    type: network.closed
    title: The camera recorder cannot be reached from the guests' network
    milestone: security
    owner: it
    target: 127.0.0.1
    ports: [{port["recorder"]}]
    control: 127.0.0.1:{port["intranet"]}
"""
