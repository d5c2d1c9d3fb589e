"""The devices behind what was announced on one port: a switch speaks several protocols, a hub shows several.

Announcements with the same hardware address, name or management address are one device's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checks.dataclass import dataclass
from checks.device.naming import canonical
from checks.wire.frames.announced import Announced, Duplex, Poe


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What one device announced, by all of its protocols."""

    said: tuple[Announced, ...]

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols that it speaks, in the order they were heard."""
        return tuple(dict.fromkeys(one.protocol for one in self.said))

    @property
    def name(self) -> str:
        """Its name; without one, what else it calls itself."""
        return _first(one.name for one in self.said) or _first(one.chassis for one in self.said)

    @property
    def port(self) -> str:
        """Its port that we hang on; the description where the port itself is a hardware address."""
        named = [one.port for one in self.said if one.port_kind != "mac"]
        return _first(named) or _first(one.port_description for one in self.said) or self._any_port

    @property
    def _any_port(self) -> str:
        return _first(one.port for one in self.said)

    @property
    def vlans(self) -> tuple[int, ...]:
        """The untagged VLANs that it names: one, unless its protocols disagree."""
        return tuple(sorted({one.vlan for one in self.said if one.vlan is not None}))

    @property
    def voice_vlans(self) -> tuple[int, ...]:
        """The voice VLANs that it names."""
        return tuple(sorted({one.voice_vlan for one in self.said if one.voice_vlan is not None}))

    @property
    def untagged_voice(self) -> bool:
        """Whether it names a voice VLAN and tells phones not to tag it, which is as good as none."""
        voice = [p for one in self.said for p in one.policies if p.application == "voice" and not p.unknown]
        by_others = any(one.voice_vlan is not None and not one.policies for one in self.said)
        return bool(voice) and not by_others and not any(policy.tagged for policy in voice)

    @property
    def duplexes(self) -> tuple[Duplex, ...]:
        """The duplex modes that it names."""
        return tuple(dict.fromkeys(one.duplex for one in self.said if one.duplex is not None))

    @property
    def supplies(self) -> tuple[Poe, ...]:
        """What it says of power that it supplies."""
        return tuple(one.poe for one in self.said if one.poe is not None and one.poe.source)

    @property
    def phone(self) -> bool:
        """Whether it is a telephone: our cable ends in the socket at its back."""
        return any("telephone" in one.capabilities for one in self.said)

    @property
    def switching(self) -> bool:
        """Whether it says that it forwards frames, or does not say what it is."""
        told = {name for one in self.said for name in one.capabilities}
        return not told or bool(told & {"bridge", "switch", "router", "repeater", "wlan"})

    def is_called(self, name: str) -> bool:
        """Return whether it is the device that a person calls `name`: name, chassis or address."""
        wanted = name.strip().casefold()
        for one in self.said:
            for own in (one.name, one.chassis):
                if own and _same_name(wanted, own.strip().casefold()):
                    return True
            if wanted in one.addresses or wanted == one.source:
                return True
        return False

    def has_port(self, port: str) -> bool:
        """Return whether we hang on the port that a person calls `port`."""
        wanted = _spelt(port)
        return any(
            bool(own) and wanted == _spelt(own)
            for one in self.said
            for own in (one.port, one.port_description)
        )


def devices(said: Iterable[Announced]) -> tuple[Device, ...]:
    """Return the devices that announce themselves now; who said good-bye, or named nothing, is none."""
    groups: list[list[Announced]] = []
    for one in said:
        if one.leaving or not (one.chassis or one.name):
            continue
        same = [group for group in groups if any(_same_device(one, other) for other in group)]
        joined = [other for group in same for other in group]
        groups = [group for group in groups if group not in same]
        groups.append([*joined, one])
    found = (Device(said=tuple(group)) for group in groups)
    return tuple(device for device in found if device.port)


def _same_device(one: Announced, other: Announced) -> bool:
    if one.source and one.source == other.source:
        return True
    names = one.name.casefold(), other.name.casefold()
    if all(names):
        return _same_name(*names)
    return bool(one.chassis) and one.chassis == other.chassis


def _same_name(wanted: str, own: str) -> bool:
    """Return whether two names are one: with and without a domain, or a serial number in brackets (CDP)."""
    own, wanted = own.partition("(")[0].strip(), wanted.partition("(")[0].strip()
    if wanted == own:
        return True
    short, long = sorted((wanted, own), key=len)
    return bool(short) and "." not in short and long.startswith(f"{short}.")


def _spelt(port: str) -> str:
    spelt = canonical(port)
    return spelt[4:] if spelt.startswith("port") and spelt[4:].isdigit() else spelt


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def newest(said: Sequence[Announced], more: Announced) -> tuple[Announced, ...]:
    """Return what is known with one announcement more: it replaces what it repeats.

    EDP tells the VLANs in announcements of their own, which do not take the place of the port's.
    """
    kept = []
    for one in said:
        same = (one.protocol, one.source, one.chassis) == (more.protocol, more.source, more.chassis)
        repeats = same and (one.port == more.port or more.leaving or one.leaving)
        if not repeats or (one.complete and not more.complete and not more.leaving):
            kept.append(one)
    if len(kept) < _MOST:
        kept.append(more)
    return tuple(kept)


_MOST = 64
