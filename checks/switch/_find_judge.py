"""Where one planned device is, by what a switch has learned: told, never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.contract import Finding
from checks.device.bridge import Learned
from checks.device.records import Port
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe
from checks.switch._names import named, one_port

if TYPE_CHECKING:
    from checks.switch.find import FindSeen, PlannedDevice

MANY = 16
"""So many other addresses at a port say that there is more behind it than a telephone and its computer."""
A_DESK = 2
"""So many other addresses there are with a telephone, a computer and a machine in it: where the switch does
not listen for other switches, more say nothing of the port being an access port."""
_DOWN = ("down", "lower_layer_down", "not_present")
_SPEAK = "Let the device speak (ping it, or plug it out and in), then run it again within five minutes"


def judge_device(planned: PlannedDevice, seen: FindSeen) -> Finding:
    """Return what is known of one device."""
    wanted = f"at port {planned.port}" if planned.port else "at one access port"
    expected = safe(f"{wanted}{f', VLAN {planned.vlan}' if planned.vlan else ''}", limit=200)
    subject = safe(planned.name, limit=120)
    port = None
    if planned.port is not None:
        port, found = one_port(seen.ports, planned.port)
        if port is None and found:
            return cannot_tell(
                subject, "More than one port may be meant by the planned one.", expected=expected,
                observed=in_line(one.name for one in found), fix="Write the whole name of the port.",
            )  # fmt: skip
        if port is None:
            return failed(
                subject, "The switch has no such port as the planned one.", expected=expected,
                observed="no such port",
                fix="Correct 'port': write ifName, ifDescr or the number of the ifIndex.",
            )  # fmt: skip
    macs = _macs(planned, seen)
    if len(macs) != 1:
        return _no_one_mac(planned, seen, macs, subject, expected)
    return _Place(planned, seen, macs[0], port, subject, expected).judge()


def _macs(planned: PlannedDevice, seen: FindSeen) -> list[str]:
    if planned.mac:
        return [planned.mac]
    return list(dict.fromkeys(owner.mac for owner in seen.owners if owner.address == planned.address))


def _no_one_mac(
    planned: PlannedDevice, seen: FindSeen, macs: list[str], subject: str, expected: str
) -> Finding:
    if macs:
        return cannot_tell(
            subject, f"{planned.address} has {len(macs)} hardware addresses in the ARP tables: two devices "
            "use it, or a table is old.", expected=expected, observed=in_line(macs),
            fix="Look for a duplicate address (link.duplicate_ip), or plan the device by its 'mac'.",
        )  # fmt: skip
    asked = in_line(seen.silent_routers) if seen.silent_routers else f"asked: {in_line(seen.routers)}"
    return cannot_tell(
        subject, f"No router that was asked knows the hardware address of {planned.address}.",
        expected=expected, observed=asked,
        fix=f"{_SPEAK}; or name the router of its network in 'routers', or plan it by its 'mac'.",
    )  # fmt: skip


class _Place:
    """The judgement of one device with one hardware address."""

    def __init__(
        self, planned: PlannedDevice, seen: FindSeen, mac: str, port: Port | None, subject: str, expected: str
    ) -> None:
        self._planned, self._seen, self._mac, self._port = planned, seen, mac, port
        self._subject, self._expected = subject, expected
        self._entries = [one for one in seen.entries if one.mac == mac]

    def judge(self) -> Finding:
        if not self._entries:
            return self._not_learned()
        if all(one.own for one in self._entries):
            return failed(
                self._subject, f"{self._mac} is an address of the switch itself.", expected=self._expected,
                observed="the switch itself", fix="Correct the hardware address of the device in the plan.",
            )  # fmt: skip
        places = list(
            dict.fromkeys(one.if_index for one in self._entries if one.if_index is not None and not one.own)
        )
        if not places:
            return cannot_tell(
                self._subject, f"The switch has learned {self._mac} at a port that its numbers do not lead "
                "to.",
                expected=self._expected, observed="a port that is not known",
                fix="Look at the switch itself (show mac address-table).",
            )  # fmt: skip
        access = [place for place in places if str(place) not in self._seen.uplinks]
        if not access:
            return self._behind_uplink(places)
        fewest = min(self._count(place) for place in access)
        best = [place for place in access if self._count(place) == fewest]
        if len(best) > 1:
            return cannot_tell(
                self._subject, f"The switch has learned {self._mac} at several ports, each as likely.",
                expected=self._expected, observed=", ".join(map(self._told, best)),
                fix="Look whether the device has two cables, or whether there is a loop; the port that it is "
                "plugged into is one of these.",
            )  # fmt: skip
        return self._at(best[0])

    def _at(self, place: int) -> Finding:
        observed = self._told(place)
        if self._port is not None and not self._is_planned(place):
            return failed(
                self._subject, f"The device is at port {self._name(place)}, not at the planned one.",
                expected=self._expected, observed=observed,
                fix=f"Move its cable from {self._name(place)} to {safe(self._port.name, limit=80)}, or "
                "correct the plan.",
            )  # fmt: skip
        down = next((one for one in self._seen.ports if one.if_index == place and one.oper in _DOWN), None)
        if down is not None:
            return cannot_tell(
                self._subject, f"The switch holds {self._mac} at port {self._name(place)}, which is down: "
                "the entry was entered by hand (or by port security), or is old.", expected=self._expected,
                observed=f"{observed}; port {down.oper}",
                fix="Plug the device in and switch it on; look at the patch cable and the wall socket.",
            )  # fmt: skip
        wrong = self._wrong_vlan(place)
        if wrong is not None:
            return wrong
        others = self._count(place) - 1
        if self._port is None and others > (MANY if self._seen.listens else A_DESK):
            return warned(
                self._subject, f"The device is behind port {self._name(place)}, and {others} other addresses "
                "are, too: probably behind another switch there.", expected=self._expected, observed=observed,
                fix="Run it against the switch behind that port; turn LLDP on there.",
            )  # fmt: skip
        return passed(
            self._subject, f"The device is at port {self._name(place)}.", expected=self._expected,
            observed=observed,
        )  # fmt: skip

    def _wrong_vlan(self, place: int) -> Finding | None:
        if self._planned.vlan is None:
            return None
        vlans = sorted({one.vlan for one in self._here(place) if one.vlan is not None})
        if self._planned.vlan in vlans:
            return None
        if not vlans:
            return cannot_tell(
                self._subject, "The switch does not tell in which VLAN it has learned the device.",
                expected=self._expected, observed=self._told(place),
                fix="Look at the port's VLAN (switch.vlans, switch.ports).",
            )  # fmt: skip
        return failed(
            self._subject,
            f"The device is in VLAN {', '.join(map(str, vlans[:10]))}, not in {self._planned.vlan}.",
            expected=self._expected, observed=self._told(place),
            fix=f"Put port {self._name(place)} into VLAN {self._planned.vlan}, or correct the plan.",
        )  # fmt: skip

    def _behind_uplink(self, places: list[int]) -> Finding:
        place = next((one for one in places if self._is_planned(one)), places[0])
        switch = self._seen.uplinks[str(place)]
        observed = f"{self._told(place)}, behind {switch}"
        if self._port is not None and self._is_planned(place):
            return warned(
                self._subject, f"The device is behind the planned port, and so is the switch {switch}.",
                expected=self._expected, observed=observed,
                fix="Take the switch between them away, or plan the device at a port of that switch.",
            )  # fmt: skip
        if self._port is not None:
            return failed(
                self._subject, f"The device is not at the planned port: it is behind {switch}.",
                expected=self._expected, observed=observed,
                fix=f"Plug it into {safe(self._port.name, limit=80)} of this switch, or correct the plan.",
            )  # fmt: skip
        return cannot_tell(
            self._subject, f"The device is not at this switch: it is behind {switch}.",
            expected=self._expected,
            observed=observed, fix="Run it against that switch.",
        )  # fmt: skip

    def _not_learned(self) -> Finding:
        if self._seen.unread_vlans:
            return cannot_tell(
                self._subject, f"The switch has not learned {self._mac} in the VLANs that it shows.",
                expected=self._expected,
                observed=f"not shown: VLAN {in_line(map(str, self._seen.unread_vlans[:50]))}",
                fix="Give the community or user the contexts of these VLANs (community@10, vlan-10), read "
                "only.",
            )  # fmt: skip
        if self._port is not None and self._port.oper in ("down", "lower_layer_down", "not_present"):
            return failed(
                self._subject, "The planned port is down, and the switch knows the device nowhere else.",
                expected=self._expected, observed=f"port {self._port.oper}",
                fix="Plug the device in and switch it on; look at the patch cable and the wall socket.",
            )  # fmt: skip
        return cannot_tell(
            self._subject, f"The switch has not learned {self._mac} at any port: the device is silent, off, "
            "or behind another switch.", expected=self._expected, observed="not learned", fix=f"{_SPEAK}.",
        )  # fmt: skip

    def _is_planned(self, place: int) -> bool:
        port = self._port
        return port is not None and place in {port.if_index, port.lag, *port.members}

    def _here(self, place: int) -> list[Learned]:
        return [one for one in self._entries if one.if_index == place]

    def _count(self, place: int) -> int:
        return max(1, self._seen.counts.get(str(place), 1))

    def _name(self, place: int) -> str:
        return named(self._seen.ports, place)

    def _told(self, place: int) -> str:
        vlans = sorted({one.vlan for one in self._here(place) if one.vlan is not None})
        count = self._count(place)
        within = f", VLAN {', '.join(map(str, vlans[:10]))}" if vlans else ""
        return f"{self._mac} at {self._name(place)}{within}, {count} address{'es' if count > 1 else ''} there"
