"""Wi-Fi as it is sent: the adapter and the checks before real access points, in the guest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.guest import need_guest
from tests.lab.radio import LAPTOP, RADIOS, SECRET, TOOLS, Air, Network, Radio
from tests.lab.running import GONOGO

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("guest"), pytest.mark.timeout(600)]

LOOK = """
import asyncio, dataclasses, json
from checks.vantage import CannotTell
from checks.wire.wifi import adapter, linux
from checks.wire.wifi.security import security_of

def told(one):
    said = security_of(one)
    shown = {key: value for key, value in dataclasses.asdict(one).items() if key != "elements"}
    return shown | {"raw": len(one.elements), "kind": said.kind, "possible": said.possible, "pmf": said.pmf}

def plain(air):
    return {"source": air.source, "fresh": air.fresh, "redacted": air.redacted, "unread": air.unread,
            "interface": air.interface, "heard": [told(one) for one in air.heard],
            "remembered": [told(one) for one in air.remembered], "joined": [told(one) for one in air.joined]}

async def tried(work):
    try:
        return plain(await work)
    except CannotTell as error:
        return {"reason": error.reason, "fix": error.fix}
"""
SCAN = (
    LOOK
    + f"""
async def main():
    heard = {{}}
    for _ in range(6):
        air = plain(await adapter.look({LAPTOP!r}))
        heard |= {{one["bssid"]: one for one in air["heard"]}}
        if len(heard) >= COUNT:
            break
    print(json.dumps(air | {{"heard": list(heard.values())}}))
asyncio.run(main())
"""
)
PLACES = [(radio, number, network) for radio in RADIOS for number, network in enumerate(radio.networks)]
IDS = [f"{radio.interface}-{network.ssid}" for radio, _, network in PLACES]
Heard = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def air() -> Iterator[Air]:
    running = Air(need_guest(*TOOLS, "setpriv"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def scanned(air: Air) -> dict[str, Any]:
    count = sum(len(radio.networks) for radio in air.running)
    told: dict[str, Any] = air.python(SCAN.replace("COUNT", str(count)))
    return told


@pytest.fixture(scope="module")
def heard(scanned: dict[str, Any]) -> Heard:
    return {one["bssid"]: one for one in scanned["heard"]}


def test_every_access_point_runs(air: Air) -> None:
    absent = {radio.interface for radio in RADIOS} - {radio.interface for radio in air.running}
    assert absent <= {"wlan5"}, "hostapd refused a configuration"


def test_the_kernel_was_asked_and_scanned(air: Air, scanned: dict[str, Any]) -> None:
    assert (scanned["source"], scanned["interface"]) == ("nl80211 (lswifi)", LAPTOP)
    assert (scanned["fresh"], scanned["redacted"], scanned["unread"]) == (True, False, [])
    assert len(scanned["heard"]) == sum(len(radio.networks) for radio in air.running)
    assert [one["state"] for one in scanned["joined"]] == ["disconnected"]


@pytest.mark.parametrize(("radio", "number", "network"), PLACES, ids=IDS)
def test_a_network_is_what_hostapd_sends(
    air: Air, heard: Heard, radio: Radio, number: int, network: Network
) -> None:
    if radio not in air.running:
        pytest.skip("This hostapd is built without WEP.")
    one = heard[radio.bssid(number)]
    assert one["ssid"] == ("" if network.hidden else network.ssid)
    assert (one["kind"], one["pmf"]) == (network.kind, network.pmf)
    assert (one["frequency_mhz"], one["channel"]) == (radio.frequency, radio.channel)
    assert one["raw"] > 20
    assert one["privacy"] is (network.kind not in ("open", "owe-transition"))
    assert abs(one["signal_dbm"] - (radio.txpower_mbm / 100 - 50)) <= 1


def test_less_power_is_less_signal(air: Air, heard: Heard) -> None:
    rogue = RADIOS[3]
    air.power(rogue, 0)
    try:
        again = air.python(SCAN.replace("COUNT", "1"))
    finally:
        air.power(rogue, rogue.txpower_mbm)
    now = next(one for one in again["heard"] if one["bssid"] == rogue.bssid(0))
    assert (heard[rogue.bssid(0)]["signal_dbm"], now["signal_dbm"]) == (-45, -50)


def test_without_rights_it_says_what_is_remembered(air: Air) -> None:
    reads = "--inh-caps=+dac_read_search --ambient-caps=+dac_read_search"
    nobody = f"setpriv --reuid=65534 --regid=65534 --clear-groups {reads}"
    code = LOOK + f"print(json.dumps(asyncio.run(tried(adapter.look({LAPTOP!r})))))"
    told = air.python(code, before=nobody)
    assert "reason" in told or told["fresh"] is False
    said = told.get("reason", " ".join(told.get("unread", ())))
    assert "remember" in said


def test_other_sources_tell_the_same_air(air: Air, heard: Heard) -> None:
    """iw and wpa_supplicant beside netlink; and two who scan at once wait for each other."""
    air.join('ssid="Not here"\nkey_mgmt=NONE\n', wait=False)
    code = (
        LOOK
        + f"""
async def main():
    both = await asyncio.gather(tried(linux.by_iw({LAPTOP!r}, True)), tried(adapter.look({LAPTOP!r})))
    last = await tried(linux.by_wpa_cli({LAPTOP!r}, True))
    print(json.dumps([*both, last]))
asyncio.run(main())
"""
    )
    try:
        found = air.python(code)
    finally:
        air.leave()
    assert [one["source"] for one in found] == ["iw", "nl80211 (lswifi)", "wpa_cli"]
    for source in found:
        assert source["fresh"], source["unread"]
        told = {one["bssid"]: one for one in (*source["remembered"], *source["heard"])}
        open_air = {bssid for bssid, one in heard.items() if one["ssid"]}
        assert open_air <= set(told), source["source"]
        for bssid in open_air:
            same, other = heard[bssid], told[bssid]
            assert (other["ssid"], other["frequency_mhz"]) == (same["ssid"], same["frequency_mhz"])
            assert same["kind"] in other["possible"], (source["source"], same["ssid"], other["security"])


_PEAP = """key_mgmt=WPA-EAP-SHA256
eap=PEAP
identity="tech"
password="cutover"
ca_cert="/run/jobs/ca.pem"
phase2="auth=MSCHAPV2"
ieee80211w=2
"""
JOINS = {
    "WPA2": ("Corp-PMF", f'psk="{SECRET}"\nieee80211w=1\n', "wpa2-personal", 2412),
    "SAE": ("Corp-WPA3", f'key_mgmt=SAE\nsae_password="{SECRET}"\nieee80211w=2\n', "wpa3-personal", 5180),
    "enterprise": ("Corp-1X3", _PEAP, "wpa3-enterprise", 5180),
}


@pytest.mark.parametrize("how", JOINS)
def test_the_link_is_told_as_it_is(air: Air, how: str) -> None:
    ssid, conf, kind, frequency = JOINS[how]
    status = air.join(f'ssid="{ssid}"\n{conf}')
    try:
        assert status.get("wpa_state") == "COMPLETED", status
        told = air.python(LOOK + f"print(json.dumps(asyncio.run(tried(adapter.look_joined({LAPTOP!r})))))")
    finally:
        air.leave()
    (link,) = told["joined"]
    assert (link["state"], link["ssid"], link["bssid"]) == ("connected", ssid, status["bssid"])
    assert (link["frequency_mhz"], link["kind"], link["noise_dbm"]) == (frequency, kind, -92)
    assert -40 < link["signal_dbm"] < -20
    assert link["tx_mbps"] > 0
    assert link["security"]


def test_a_wrong_password_is_no_connection(air: Air) -> None:
    air.join('ssid="Corp-WPA2"\nbssid=02:00:00:00:00:04\npsk="not the password"\n', wait=False)
    try:
        code = (
            LOOK
            + f"""
async def main():
    print(json.dumps([plain(await adapter.look_joined({LAPTOP!r})) for _ in range(8)]))
asyncio.run(main())
"""
        )
        states = {one["joined"][0]["state"] for one in air.python(code)}
    finally:
        air.leave()
    assert states <= {"disconnected", "authenticating"}


PROJECT = """
gonogo: 1
project: {name: Wi-Fi, timezone: UTC}
milestones: {go: {title: Go}}
checks:
"""


def project(air: Air) -> dict[str, dict[str, Any]]:
    """Return checks, among them one of each network that expects exactly what hostapd sends."""
    checks: dict[str, dict[str, Any]] = {}
    for radio, number, network in PLACES:
        if radio in air.running and not network.hidden and radio.bssid(number) != RADIOS[3].bssid(0):
            checks[f"kind-{network.ssid.lower()}"] = {
                "type": "wifi.ssid",
                "ssid": network.ssid,
                "security": [network.kind],
            }
            checks[f"safe-{network.ssid.lower()}"] = {"type": "wifi.ssid", "ssid": network.ssid}
    checks |= {
        "absent": {"type": "wifi.ssid", "ssid": "Corp-WPA4"},
        "band": {"type": "wifi.ssid", "ssid": "Corp-WPA3", "bands": ["2.4"]},
        "sixth": {"type": "wifi.ssid", "ssid": "Corp-WPA3", "bands": ["6"]},
        "pmf": {"type": "wifi.ssid", "ssid": "Corp-WPA3", "pmf": "required"},
        "weak": {"type": "wifi.ssid", "ssid": "Old-WPA", "min_signal": -30, "security": ["wpa-personal"]},
        "rogue": {"type": "wifi.rogue", "ssids": ["Corp-WPA2"], "access_points": [RADIOS[0].bssid(4)]},
        "ours": {"type": "wifi.rogue", "ssids": ["Corp-WPA3"], "access_points": [RADIOS[2].bssid(0)]},
        "channels": {"type": "wifi.channels", "ssid": "Corp-WPA3"},
        "link": {"type": "wifi.link", "ssid": "Corp-WPA3", "security": ["wpa3-personal"], "band": "5 GHz"},
        "elsewhere": {"type": "wifi.link", "ssid": "Corp-1X"},
    }  # fmt: skip
    return checks


@pytest.fixture(scope="module")
def ran(air: Air) -> dict[str, dict[str, Any]]:
    """What `gonogo run --json` says in the guest, joined to Corp-WPA3, by check."""
    lines = [f"  {name}: {json.dumps({'milestone': 'go', **check})}" for name, check in project(air).items()]
    (air.folder / "wifi.yaml").write_text(PROJECT + "\n".join(lines) + "\n")
    ssid, conf, _, _ = JOINS["SAE"]
    air.join(f'ssid="{ssid}"\n{conf}')
    done = air.guest.run(
        f"mkdir -p /tmp/p && cp /run/jobs/wifi.yaml /tmp/p && cd /tmp/p && {GONOGO} run wifi.yaml --json", 400
    )
    air.leave()
    try:
        data = json.loads(done.stdout)
    except ValueError:
        raise AssertionError(f"{done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}") from None
    return {result["check"]: result for result in data["results"]}


def said(result: dict[str, Any]) -> str:
    return "\n".join(f"{one['status']} {one['subject']}: {one['message']}" for one in result["findings"])


@pytest.mark.parametrize(
    ("name", "kind", "safe"),
    [
        ("Guest", "warn", "fail"), ("Guest-OWE", "pass", "warn"), ("Guest-Both", "warn", "fail"),
        ("Corp-PMF", "pass", "pass"), ("Old-WPA", "warn", "fail"), ("Old-Mixed", "warn", "fail"),
        ("Corp-WPA3", "pass", "pass"), ("Corp-Both", "pass", "warn"), ("Corp-1X", "pass", "pass"),
        ("Corp-1X3", "pass", "pass"), ("Old-WEP", "warn", "fail"),
    ],
)  # fmt: skip
def test_a_run_judges_what_hostapd_sends(
    ran: dict[str, dict[str, Any]], name: str, kind: str, safe: str
) -> None:
    planned, unplanned = (ran.get(f"{half}-{name.lower()}") for half in ("kind", "safe"))
    if planned is None or unplanned is None:
        pytest.skip("This hostapd is built without it.")
    assert planned["status"] == kind, said(planned)
    assert unplanned["status"] == safe, said(unplanned)


@pytest.mark.parametrize(
    ("check", "status", "words"),
    [
        ("kind-corp-wpa2", "fail", "02:00:00:00:03:00"), ("absent", "fail", "is not heard"),
        ("band", "fail", "5 GHz"), ("sixth", "inconclusive", "6 GHz"), ("pmf", "pass", ""),
        ("weak", "fail", "too weak"), ("rogue", "fail", "02:00:00:00:03:00"), ("ours", "pass", ""),
        ("channels", "pass", ""), ("link", "pass", "Corp-WPA3"), ("elsewhere", "fail", "Corp-WPA3"),
    ],
)  # fmt: skip
def test_a_run_finds_what_is_wrong(
    ran: dict[str, dict[str, Any]], check: str, status: str, words: str
) -> None:
    assert ran[check]["status"] == status, said(ran[check])
    assert words in said(ran[check])
