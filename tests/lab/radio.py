"""Real Wi-Fi in the guest: hostapd on simulated radios, each network as secure as its name says.

wlan0  channel 1           open, OWE, OWE transition, WPA2, WPA2 with PMF
wlan1  channel 6           WPA and TKIP, WPA with WPA2, WEP, hidden WPA2
wlan2  channel 36, 80 MHz  WPA3, its transition, WPA2-Enterprise, WPA3-Enterprise
wlan3  channel 11          the rogue: an open network with the name of Corp-WPA2
wlan4  the laptop's radio; wlan5 stays free
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

from tests.lab.certs import Authority
from tests.lab.guest import Guest

SECRET = "correct horse battery"
LAPTOP = "wlan4"
TOOLS = ("hostapd", "wpa_supplicant", "wpa_cli", "iw")
_PSK = f"wpa_passphrase={SECRET}\n"
_EAP = """ieee8021x=1
eap_server=1
eap_user_file=/run/jobs/eap.users
ca_cert=/run/jobs/ca.pem
server_cert=/run/jobs/radius.pem
private_key=/run/jobs/radius.key
"""
_OWE = "wpa=2\nwpa_key_mgmt=OWE\nrsn_pairwise=CCMP\nieee80211w=2\n"
_WPA2 = f"wpa=2\nwpa_key_mgmt=WPA-PSK\nrsn_pairwise=CCMP\n{_PSK}"


@dataclass(frozen=True, slots=True)
class Network:
    """One BSS: its name, what hostapd is told about it, and what it must be judged to be."""

    ssid: str
    conf: str
    kind: str
    pmf: str = "no"
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Radio:
    """One access point's radio with its networks."""

    interface: str
    channel: int
    frequency: int
    width: int
    conf: str
    networks: tuple[Network, ...]
    txpower_mbm: int = 2000

    def bssid(self, number: int) -> str:
        """Return the address of its network of that number (the first is 0)."""
        return f"02:00:00:00:{int(self.interface[4:]):02x}:{number:02x}"


RADIOS = (
    Radio("wlan0", 1, 2412, 20, "hw_mode=g\nieee80211n=1\n", (
        Network("Guest", "", "open"),
        Network("Guest-OWE", _OWE, "owe", "required"),
        Network("Guest-Both", "owe_transition_bssid=02:00:00:00:00:03\n"
                'owe_transition_ssid="Guest-Both-OWE"\n', "owe-transition"),
        Network("Guest-Both-OWE", _OWE + "ignore_broadcast_ssid=1\nowe_transition_bssid=02:00:00:00:00:02\n"
                'owe_transition_ssid="Guest-Both"\n', "owe", "required", hidden=True),
        Network("Corp-WPA2", _WPA2, "wpa2-personal"),
        Network("Corp-PMF", f"{_WPA2}ieee80211w=1\n", "wpa2-personal", "capable"),
    )),
    Radio("wlan1", 6, 2437, 20, "hw_mode=g\n", (
        Network("Old-WPA", f"wpa=1\nwpa_key_mgmt=WPA-PSK\nwpa_pairwise=TKIP\n{_PSK}", "wpa-personal"),
        Network("Old-Mixed", "wpa=3\nwpa_key_mgmt=WPA-PSK\nwpa_pairwise=TKIP\nrsn_pairwise=CCMP\n" + _PSK,
                "wpa-personal"),
        Network("Hidden", f"{_WPA2}ignore_broadcast_ssid=1\n", "wpa2-personal", hidden=True),
    ), txpower_mbm=1000),
    Radio("wlan2", 36, 5180, 80, "hw_mode=a\nieee80211n=1\nieee80211ac=1\nht_capab=[HT40+]\n"
          "vht_oper_chwidth=1\nvht_oper_centr_freq_seg0_idx=42\n", (
        Network("Corp-WPA3", "wpa=2\nwpa_key_mgmt=SAE\nrsn_pairwise=CCMP\nieee80211w=2\n"
                f"sae_password={SECRET}\n", "wpa3-personal", "required"),
        Network("Corp-Both", "wpa=2\nwpa_key_mgmt=WPA-PSK SAE\nrsn_pairwise=CCMP\nieee80211w=1\n"
                f"sae_require_mfp=1\n{_PSK}", "wpa3-personal-transition", "capable"),
        Network("Corp-1X", f"wpa=2\nwpa_key_mgmt=WPA-EAP\nrsn_pairwise=CCMP\n{_EAP}", "wpa2-enterprise"),
        Network("Corp-1X3", "wpa=2\nwpa_key_mgmt=WPA-EAP-SHA256\nrsn_pairwise=CCMP\nieee80211w=2\n" + _EAP,
                "wpa3-enterprise", "required"),
    ), txpower_mbm=1500),
    Radio("wlan3", 11, 2462, 20, "hw_mode=g\n", (Network("Corp-WPA2", "", "open"),), txpower_mbm=500),
    Radio("wlan5", 11, 2462, 20, "hw_mode=g\n", (
        Network("Old-WEP", "wep_default_key=0\nwep_key0=0123456789\n", "wep"),
    ), txpower_mbm=1000),
)  # fmt: skip


class Air:
    """The access points, running in the guest."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.folder = guest.folder
        authority = Authority("Lab Radius CA")
        (self.folder / "ca.pem").write_text(authority.pem)
        pair = authority.issue(self.folder, "radius.lab.example")
        pair.chain.rename(self.folder / "radius.pem")
        pair.key.rename(self.folder / "radius.key")
        (self.folder / "eap.users").write_text('* PEAP\n"tech" MSCHAPV2 "cutover" [2]\n')
        guest.run("iw reg set DE; for i in 0 1 2 3 4 5; do ip link set wlan$i down; done", 60)
        self.running = tuple(radio for radio in RADIOS if self._start(radio))
        """The access points whose configuration hostapd took."""
        guest.run(f"ip link set {LAPTOP} up", 20)

    def _start(self, radio: Radio) -> bool:
        name = radio.interface
        common = f"driver=nl80211\ncountry_code=DE\nbeacon_int=30\nchannel={radio.channel}\n"
        parts = [f"interface={name}\n{common}{radio.conf}"]
        for number, network in enumerate(radio.networks):
            head = f"bss={name}_{number}\n" if number else ""
            parts.append(f"{head}bssid={radio.bssid(number)}\nssid={network.ssid}\n{network.conf}")
        (self.folder / f"{name}.conf").write_text("".join(parts))
        done = self.guest.run(
            f"hostapd -B -P /run/{name}.pid /run/jobs/{name}.conf || exit 1\n"
            f"for i in $(seq 150); do iw dev {name} info | grep -q channel && break; sleep 0.1; done", 90,
        )  # fmt: skip
        (self.folder / f"{name}.log").write_text(done.stdout + done.stderr)
        if done.returncode == 0:
            self.power(radio, radio.txpower_mbm)
        return done.returncode == 0

    def power(self, radio: Radio, mbm: int) -> None:
        """Set the power of all its networks; the laptop hears them 50 dB below."""
        names = [radio.interface, *(f"{radio.interface}_{one}" for one in range(1, len(radio.networks)))]
        self.guest.run("\n".join(f"iw dev {name} set txpower fixed {mbm}" for name in names), 30)

    def join(self, conf: str, timeout_s: float = 240.0, *, wait: bool = True) -> dict[str, str]:
        """Associate the laptop's radio by wpa_supplicant and return its status once it is over.

        Without `wait` it only begins to, and goes on trying.
        """
        self.leave()
        turns = int(timeout_s * 2) if wait else 1
        (self.folder / "laptop.conf").write_text(
            f"ctrl_interface=/run/wpa_supplicant\ncountry=DE\nnetwork={{\n{conf}}}\n"
        )
        done = self.guest.run(
            f"wpa_supplicant -B -P /run/laptop.pid -Dnl80211 -i{LAPTOP} -c/run/jobs/laptop.conf >&2\n"
            f"for i in $(seq {turns}); do wpa_cli -i {LAPTOP} status > /run/status\n"
            "grep -q wpa_state=COMPLETED /run/status && break; sleep 0.5; done; cat /run/status",
            2 * timeout_s,
        )  # fmt: skip
        return dict(line.partition("=")[::2] for line in done.stdout.splitlines())

    def close(self) -> None:
        """Switch the access points off and leave the radios as they were."""
        self.leave()
        self.guest.run("for p in /run/wlan*.pid; do kill $(cat $p); done", 30)

    def leave(self) -> None:
        """Take the laptop off its network."""
        self.guest.run(
            "[ -e /run/laptop.pid ] && kill $(cat /run/laptop.pid)\n"
            "while [ -e /run/laptop.pid ]; do sleep 0.1; done",
            20,
        )

    def python(self, code: str, timeout_s: float = 180.0, before: str = "") -> Any:
        """Run Python code of this tree in the guest; return what it prints, read as JSON."""
        (self.folder / "code.py").write_text(code)
        done = self.guest.run(f"PYTHONPATH=. {before} {sys.executable} /run/jobs/code.py", timeout_s)
        if done.returncode:
            raise RuntimeError(f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return json.loads(done.stdout)
