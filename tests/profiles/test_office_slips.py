"""What people write wrong about switches, DHCP, Wi-Fi and power is told once, where they wrote it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.files.load import Problems, load_plan
from tests.profiles.test_office_move import LEAST

SLIPS = [
    ("host with http", "with.switches[0].host", "without 'https://'",
     "switches: [{name: a, host: 'http://10.0.0.2', community: public}]"),
    ("no way in", "with.switches[0]", "'community'",
     "switches: [{name: a, host: 10.0.0.2}]"),
    ("two ways in", "with.switches[0].community", "one of the two",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, user: ann}]"),
    ("user without key", "with.switches[0]", "needs 'auth_key'",
     "switches: [{name: a, host: 10.0.0.2, user: ann, auth: sha}]"),
    ("literal key", "with.switches[0].auth_key", "env:NAME",
     "switches: [{name: a, host: 10.0.0.2, user: ann, auth_key: hidden12}]"),
    ("key without authentication", "with.switches[0]", "give 'auth_key'",
     "switches: [{name: a, host: 10.0.0.2, user: ann, privacy_key: env:K}]"),
    ("kind of authentication", "with.switches[0].auth", "'sha256'",
     "switches: [{name: a, host: 10.0.0.2, user: ann, auth: SHA1, auth_key: env:K}]"),
    ("name twice", "with.ups[1]", "a name of its own",
     "ups: [{name: a, host: 10.0.0.5, community: c}, {name: a, host: 10.0.0.6, community: c}]"),
    ("port as number", "with.switches[0].ports[0]", "mapping with port",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, ports: [1]}]"),
    ("ports without list", "with.switches[0].ports", "A list",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, ports: {port: a}}]"),
    ("port name as number", "with.switches[0].ports[0].port", "put it in quotes",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, ports: [{port: 1}]}]"),
    ("port key misspelt", "with.switches[0].ports[0].sped", "did you mean 'speed'",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, ports: [{port: Gi1, sped: 1000}]}]"),
    ("port of no purpose", "with.switches[0].ports[0]", "'description'",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, ports: [{speed: 1000}]}]"),
    ("speed with unit", "with.switches[0].ports[0].speed", "whole number",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, ports: [{port: Gi1, speed: 1G}]}]"),
    ("duplex", "with.switches[0].ports[0].duplex", "did you mean 'full'",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, ports: [{port: Gi1, duplex: Full}]}]"),
    ("class 9", "with.switches[0].poe[0].class", "at most 8",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, poe: [{name: ap, class: 9}]}]"),
    ("no class", "with.switches[0].poe[0]", "'watts'",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, poe: [{name: ap}]}]"),
    ("VLAN as text", "with.switches[0].vlans[0].id", "whole number",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, vlans: [{id: '20'}]}]"),
    ("VLAN 5000", "with.switches[0].vlans[0].id", "4094",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, vlans: [{id: 5000}]}]"),
    ("VLANs as range", "with.switches[0].trunks[0].allowed", "A list",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, trunks: [{port: Gi1, allowed: '10-20'}]}]"),
    ("root by name", "with.switches[0].stp_root", "'self'",
     "switches: [{name: sw, host: 10.20.0.2, community: env:SNMP, stp_root: core-1}]"),
    ("half a MAC", "with.devices[0].mac", "00:1b:21:3c:4d:5e",
     "devices: [{name: alarm, switch: 10.20.0.2, community: env:SNMP, mac: 00-1b-21-3c-4d}]"),
    ("device without address", "with.devices[0]", "'mac' or 'address'",
     "devices: [{name: alarm, switch: 10.20.0.2, community: env:SNMP, port: Gi1}]"),
    ("DHCP without server", "with.vlans[0]", "'servers' is missing",
     "vlans: [{name: staff}]"),
    ("pool as text", "with.vlans[0].pool", "first, last",
     "vlans: [{name: staff, servers: [10.20.0.10], pool: 10.0.0.5-10.0.0.9}]"),
    ("lease without unit", "with.vlans[0].min_lease", "8h",
     "vlans: [{name: staff, servers: [10.20.0.10], min_lease: 8}]"),
    ("DHCP for IPv6", "with.vlans[0]", "IPv4",
     "vlans: [{name: staff, servers: ['2001:db8::1']}]"),
    ("host bits", "with.vlans[0].network", "host bits",
     "vlans: [{name: staff, servers: [10.20.0.10], network: 10.20.0.1/24}]"),
    ("band", "with.wifi[0].bands[0]", "2.4 GHz, 5 GHz or 6 GHz",
     "wifi: [{ssid: Contoso, security: [wpa3-personal], bands: [both]}]"),
    ("band as number", "with.wifi[0].bands[0]", "in quotes",
     "wifi: [{ssid: Contoso, security: [wpa3-personal], bands: [5]}]"),
    ("kind of security", "with.wifi[0].security[0]", "'wpa3-personal'",
     "wifi: [{ssid: Contoso, security: [WPA3], bands: ['5']}]"),
    ("signal without minus", "with.wifi[0].min_signal", "-20",
     "wifi: [{ssid: Contoso, security: [wpa3-personal], bands: ['5'], min_signal: 67}]"),
    ("part of an access point", "with.access_points[0]", "three octets",
     "wifi: [{ssid: Contoso, security: [wpa3-personal], bands: ['5']}]\n  access_points: ['aa:bb']"),
    ("survey of nothing", "with.survey", "'ssid' is missing",
     "survey: {}"),
    ("charge as fraction", "with.ups[0].min_charge", "per cent",
     "ups: [{name: a, host: 10.0.0.5, community: c, min_charge: 0.9}]"),
    ("runtime without unit", "with.ups[0].min_runtime", "the unit",
     "ups: [{name: a, host: 10.0.0.5, community: c, min_runtime: 10}]"),
    ("printers without names", "with.printers[0]", "name (text), host (endpoint)",
     "printers: [10.20.0.91]"),
    ("guests without control", "with.guest_control", "a check needs one",
     "guest_closed: [{name: files, host: 10.20.0.10, port: 445}]"),
]  # fmt: skip


@pytest.mark.parametrize(("at", "says", "text"), [one[1:] for one in SLIPS], ids=[one[0] for one in SLIPS])
def test_a_slip_is_told_once_and_where_it_can_be_mended(
    tmp_path: Path, at: str, says: str, text: str
) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(LEAST + f"  {text}\n")
    with pytest.raises(Problems) as caught:
        load_plan(path, cached=False)
    (told,) = map(str, caught.value.problems)
    head = told.splitlines()[0]
    assert head.startswith(f"{path}:"), head
    assert re.search(rf": {re.escape(at)}[^: ]*: ", head), head
    assert says in head
    assert "hidden12" not in told
