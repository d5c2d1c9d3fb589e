"""Vendors by their enterprise number, and where their devices tell model, serial number and firmware.

A place is written as text: `entity` is the chassis in the ENTITY-MIB, `1.3.6...0` a scalar, `1.3.6...*` the
first value of a column that says anything; with `~` and a regular expression behind it its first group
counts, searched in that value or, with `descr~`, in sysDescr. Places are tried in their order.
"""

from __future__ import annotations

from checks.dataclass import dataclass

_ENTERPRISES = "1.3.6.1.4.1."
_E = _ENTERPRISES
_ENTITY = ("entity",)
_ENTITY_DESCR = "1.3.6.1.2.1.47.1.1.1.1.2.1"
_RMON_SOFTWARE = "1.3.6.1.2.1.16.19.2.0"
_PRINTER_SERIAL = "1.3.6.1.2.1.43.5.1.1.17.*"
_HR_DEVICE = "1.3.6.1.2.1.25.3.2.1.3.1"
_UPS_MODEL, _UPS_SOFTWARE, _UPS_AGENT = (f"1.3.6.1.2.1.33.1.1.{number}.0" for number in (2, 3, 4))
_VERSION = r"descr~[Vv]ersion:? ?[Vv]?([0-9][^\s,;)]{0,60})"
_FASTPATH = _E + "4413.1.1.1.1.1."
_RND = "1.3.6.1.4.1.89."


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor's name and the places of its devices' model, serial number and firmware."""

    name: str
    model: tuple[str, ...] = _ENTITY
    serial: tuple[str, ...] = _ENTITY
    firmware: tuple[str, ...] = ("entity", _VERSION)


def _printer(
    name: str, *, model: tuple[str, ...] = (), serial: tuple[str, ...] = (), firmware: tuple[str, ...] = ()
) -> Vendor:
    return Vendor(
        name=name, model=(*model, _HR_DEVICE), serial=(_PRINTER_SERIAL, *serial, "entity"), firmware=firmware,
    )  # fmt: skip


UNKNOWN = Vendor(
    name="",
    model=("entity", _UPS_MODEL),
    serial=("entity", _PRINTER_SERIAL),
    firmware=("entity", _VERSION, _UPS_SOFTWARE, _UPS_AGENT),
)
_ZEBRA = Vendor(
    name="Zebra", model=(_E + "10642.1.1.0",), serial=(_PRINTER_SERIAL, _E + "10642.1.4.0"),
    firmware=(_E + "10642.1.2.0",),
)  # fmt: skip
_TABLE: dict[int, Vendor] = {
    9: Vendor(
        name="Cisco",
        model=("entity", _E + "14179.1.1.1.3.0"),
        serial=("entity", _E + "14179.1.1.1.4.0", _E + "9.3.6.3.0"),
        firmware=(
            r"descr~Version ([^\s,]{1,60})", "entity", _E + "14179.1.1.1.14.0", _E + "9.6.1.101.2.4.0"
        ),
    ),
    11: Vendor(
        name="HP",
        model=(
            r"descr~PID:(?:HP )?([^,;]{1,80})",
            r"descr~(?:ProCurve |HP |Aruba |HPE )?(J[A-Z]?\d{3,5}[A-Z] [^,]{1,80}?)(?: Switch)?,",
            _HR_DEVICE + r"~(?:HP )?(.{1,120})",
            "entity",
        ),
        serial=("entity", _E + "11.2.36.1.1.2.9.0", _PRINTER_SERIAL),
        firmware=(
            r"descr~revision ([A-Z]{1,3}\.[^\s,]{1,30})", _E + "11.2.3.9.4.2.1.1.3.6.0", "entity", _VERSION
        ),
    ),
    43: Vendor(name="3Com"),
    45: Vendor(
        name="Avaya",
        model=(r"descr~Ethernet Routing Switch ([^\s,]{1,40})", "entity"),
        firmware=(r"descr~SW:v?([0-9][^\s]{0,30})", _E + "2272.1.1.7.0", "entity"),
    ),
    171: Vendor(
        name="D-Link",
        model=("entity", r"descr~((?:DGS|DES|DXS|DWS)-[^\s,]{1,40})"),
        serial=(_E + "171.12.1.1.12.0", "entity"),
        firmware=(_RMON_SOFTWARE, "entity", _VERSION),
    ),
    207: Vendor(
        name="Allied Telesis",
        model=(_E + "207.8.4.4.3.21.1.1.4.*", "entity"),
        serial=(_E + "207.8.4.4.3.21.1.1.8.*", "entity"),
        firmware=(r"descr~AW\+ v([0-9][^\s,]{0,30})", _VERSION),
    ),
    248: Vendor(
        name="Hirschmann",
        model=("entity", _E + "248.14.1.1.3.0", r"descr~Hirschmann ([^\s,]{1,60})"),
        serial=(_E + "248.11.10.1.1.3.0", "entity"),
        firmware=(_E + "248.11.10.1.5.1.1.5.1.1.1", _E + "248.14.1.1.2.0", "entity"),
    ),
    259: Vendor(name="Edgecore", model=("entity", r"descr~([A-Z]{2,5}[0-9][^\s,]{1,40})")),
    253: _printer("Xerox", model=(r"descr~^Xerox (?:\(R\) )?([^;,]{1,60})",)),
    318: Vendor(
        name="APC",
        model=(_E + "318.1.1.1.1.1.1.0", _E + "318.1.1.26.2.1.8.1", _E + "318.1.1.12.1.5.0"),
        serial=(
            _E + "318.1.1.1.1.2.3.0", _E + "318.1.1.26.2.1.9.1", _E + "318.1.1.12.1.6.0",
            r"descr~\bSN: ?([0-9A-Z]{6,24})",
        ),
        firmware=(_E + "318.1.4.2.4.1.4.1", r"descr~PF:(v[0-9][^\s)]{0,20})", _E + "318.1.1.1.1.2.1.0"),
    ),
    476: Vendor(
        name="Vertiv",
        model=(_E + "476.1.42.2.1.2.0", _E + "476.1.42.2.4.2.1.4.1", _UPS_MODEL),
        serial=(_E + "476.1.42.2.1.4.0", _E + "476.1.42.2.4.2.1.3.1"),
        firmware=(_E + "476.1.42.2.1.3.0", _UPS_AGENT, _UPS_SOFTWARE),
    ),
    534: Vendor(
        name="Eaton",
        model=(_E + "534.1.1.2.0", _UPS_MODEL),
        serial=(_E + "534.1.1.6.0", _E + "534.1.1.5.0", "entity"),
        firmware=(_E + "534.1.1.3.0", _UPS_AGENT),
    ),
    641: _printer("Lexmark", model=(r"descr~(Lexmark [^\s,;]{1,40})",), firmware=(_VERSION,)),
    674: Vendor(
        name="Dell",
        model=(
            _E + "674.10895.3000.1.2.100.1.0", _E + "674.11000.5000.100.4.1.1.3.1.2.1", "entity",
            r"descr~(?:System Type|Product Type): ?([^\s,;]{1,40})",
        ),
        serial=(
            _E + "674.10895.3000.1.2.100.8.1.2.1", _E + "674.10895.3000.1.2.100.8.1.4.1",
            _E + "674.11000.5000.100.4.1.1.3.1.7.1", "entity",
        ),
        firmware=(
            _E + "674.10895.3000.1.2.100.4.0", r"descr~(?:OS|Application Software) Version: ?([^\s,;]{1,40})",
            "entity", _VERSION,
        ),
    ),
    705: Vendor(
        name="Eaton",
        model=(r"descr~(Eaton .{1,60}|Pulsar .{1,60}|Evolution .{1,60})", _E + "705.1.1.1.0"),
        serial=(_E + "705.1.1.7.0",),
        firmware=(_E + "705.1.1.4.0", _E + "705.1.12.12.0"),
    ),
    683: _ZEBRA,
    850: Vendor(
        name="Tripp Lite",
        model=(_E + "850.1.1.1.2.1.5.1", _UPS_MODEL),
        serial=(_E + "850.1.1.1.2.1.6.1", _E + "850.10.2.2.1.12.1"),
        firmware=(_E + "850.1.1.1.2.1.7.1", _UPS_AGENT),
    ),
    890: Vendor(
        name="Zyxel",
        model=(_E + "890.1.15.3.1.11.0", "entity", r"descr~^([A-Z]{2,5}[0-9][^\s,]{1,30})"),
        serial=(_E + "890.1.15.3.1.12.0", "entity"),
        firmware=(_E + r"890.1.15.3.1.6.0~^([^\s|]{1,60})", "entity"),
    ),
    935: Vendor(
        name="Phoenixtec",
        model=(_E + "935.1.1.1.1.1.1.0", _UPS_MODEL),
        serial=(_E + "935.1.1.1.1.2.3.0",),
        firmware=(_E + "935.1.1.1.1.2.1.0", _UPS_SOFTWARE, _UPS_AGENT),
    ),
    1248: _printer("Epson", firmware=(_E + "1248.1.2.2.2.1.1.2.1.4",)),
    1347: _printer("Kyocera", firmware=(_E + "1347.43.5.4.1.5.1.1",)),
    1588: Vendor(
        name="Brocade",
        model=(_E + "1991.1.1.1.1.21.0", "entity"),
        serial=(_E + "1991.1.1.1.1.2.0", _E + "1588.2.1.1.1.1.10.0", "entity"),
        firmware=(_E + "1991.1.1.2.1.11.0", _E + "1588.2.1.1.1.1.6.0", _VERSION),
    ),
    1602: _printer("Canon", model=(r"descr~^(Canon [^/;,]{1,40})",)),
    1916: Vendor(
        name="Extreme",
        model=(r"descr~ExtremeXOS \(([^)]{1,60})\)", r"descr~^([^\s(,]{1,40}) \(", "entity"),
        serial=(_E + "1916.1.1.1.16.0", "entity"),
        firmware=(r"descr~(?:version|Version) ([0-9][^\s,]{0,40})", "entity"),
    ),
    1991: Vendor(
        name="Ruckus",
        model=(r"descr~\b((?:ICX|FCX|FWS|FES|FLS)[^\s,]{0,30})", "entity"),
        serial=(_E + "1991.1.1.1.4.1.1.2.1", _E + "1991.1.1.1.1.2.0", "entity"),
        firmware=(_E + "1991.1.1.2.1.11.0", r"descr~IronWare Version V?([^\s,]{1,40})", _VERSION),
    ),
    2001: _printer("Oki"),
    2011: Vendor(
        name="Huawei",
        model=(
            _E + "2011.5.25.31.6.5.0", "entity", r"descr~^(S[0-9][^\s]{2,40})",
            r"descr~\(([A-Z][^\s)]{1,30}) V\d",
        ),
        serial=("entity", _E + "2011.10.2.6.1.2.1.1.2.0"),
        firmware=(r"descr~\([^()]{1,40} (V[0-9]{3}R[^\s)]{1,40})\)", _VERSION, "entity"),
    ),
    2272: Vendor(
        name="Extreme",
        model=(r"descr~^((?:VSP|ERS|XA|5[0-9]{3}|7[0-9]{3})[^\s(,]{0,40})", "entity"),
        serial=(_E + "2272.1.4.2.0", "entity"),
        firmware=(_E + "2272.1.1.7.0", r"descr~\(([0-9][0-9.]{2,30})\)"),
    ),
    2334: Vendor(name="Packeteer"),
    2356: Vendor(
        name="Lancom",
        model=(r"descr~^(.{2,60}?) [0-9]{1,2}\.[0-9]{2}\.[0-9]{4}", "entity"),
        serial=("entity", r"descr~ (\d{10,20})\s{0,4}$"),
        firmware=(r"descr~ ([0-9]{1,2}\.[0-9]{2}\.[0-9]{4}[^\s]{0,12}(?: / [0-9.]{8,10})?)", "entity"),
    ),
    2385: _printer("Sharp"),
    2435: _printer(
        "Brother",
        serial=(_E + "2435.2.3.9.4.2.1.5.5.1.0",),
        firmware=(
            _E + r"2435.2.4.3.1240.6.5.0~(?:Firmware Ver\.)?([^\s,(]{1,30})",
            r"descr~Firmware Ver\.([^\s,(]{1,30})",
        ),
    ),
    2604: Vendor(
        name="Sophos",
        model=(_E + "2604.5.1.1.2.0", "entity"),
        serial=(_E + "2604.5.1.1.4.0",),
        firmware=(_E + "2604.5.1.1.3.0",),
    ),
    2620: Vendor(
        name="Check Point",
        model=(_E + "2620.1.6.16.7.0",),
        serial=(_E + "2620.1.6.16.3.0",),
        firmware=(_E + "2620.1.6.4.1.0",),
    ),
    2636: Vendor(
        name="Juniper",
        model=(_E + "2636.3.1.2.0", r"descr~Juniper Networks, Inc\. ([^\s]{1,40})", "entity"),
        serial=(_E + "2636.3.1.3.0", "entity"),
        firmware=(
            _E + "2636.3.40.1.4.1.1.1.5.0", r"descr~kernel JUNOS ([^\s,]{1,40})",
            r"1.3.6.1.2.1.25.6.3.1.2.2~\[([^\]]{1,40})\]", "entity",
        ),
    ),
    3076: Vendor(name="Cisco"),
    3097: Vendor(
        name="WatchGuard",
        model=(r"descr~(.{1,60})", "entity"),
        serial=("entity",),
        firmware=(_E + "3097.6.3.1.0", "entity"),
    ),
    3808: Vendor(
        name="CyberPower",
        model=(_E + "3808.1.1.1.1.1.1.0", _E + "3808.1.1.3.1.5.0"),
        serial=(_E + "3808.1.1.1.1.2.3.0", _E + "3808.1.1.3.1.6.0"),
        firmware=(_E + "3808.1.1.1.1.2.1.0", _E + "3808.1.1.3.1.3.0"),
    ),
    3955: Vendor(
        name="Linksys",
        model=("entity", r"descr~^([A-Z]{3}[0-9][^\s]{1,20})"),
        serial=("entity", _E + "3955.1000.201.53.14.1.5.1"),
        firmware=(_E + "3955.1000.201.53.14.1.2.1", "entity"),
    ),
    4413: Vendor(
        name="Broadcom FASTPATH",
        model=(r"descr~^([A-Z][A-Z0-9-]{2,30}), ", _FASTPATH + "3.0", "entity"),
        serial=(_FASTPATH + "4.0", "entity"),
        firmware=(_FASTPATH + "13.0", r"descr~^[^,]{1,60}, ([0-9][^\s,]{1,30})", "entity"),
    ),
    4526: Vendor(
        name="Netgear",
        model=(r"descr~^([A-Z]{1,4}[0-9][^\s,]{1,30})", _E + "4526.10.1.1.1.3.0", "entity"),
        serial=(_E + "4526.10.1.1.1.4.0", _E + "4526.11.1.1.1.4.0", "entity"),
        firmware=(
            _E + "4526.10.1.1.1.13.0", _E + "4526.11.1.1.1.13.0", r"descr~, ([0-9]{1,2}\.[0-9][^\s,]{1,20})",
            "entity",
        ),
    ),
    4555: Vendor(
        name="Socomec", model=(_E + "4555.1.1.1.1.1.1.0", _UPS_MODEL), serial=(_E + "4555.1.1.1.1.1.4.0",),
        firmware=(_E + "4555.1.1.1.1.1.2.0", _UPS_SOFTWARE),
    ),
    5491: Vendor(name="Riello", model=(_UPS_MODEL,), firmware=(_UPS_SOFTWARE, _UPS_AGENT)),
    6027: Vendor(
        name="Dell Force10",
        model=(r"descr~(?:System Type|Series): ?([^\s,;]{1,40})", "entity"),
        serial=(_E + "6027.3.10.1.2.2.1.12.1", _E + "6027.3.26.1.3.4.1.10.*", "entity"),
        firmware=(r"descr~Application Software Version: ?([^\s,;]{1,40})", "entity"),
    ),
    6321: Vendor(name="Calix"),
    6486: Vendor(
        name="Alcatel-Lucent",
        model=("entity", r"descr~(OS[0-9]{4}[^\s,]{0,20})"),
        firmware=(r"descr~ ([0-9]\.[0-9.]{2,12}\.R[0-9]{2})", "entity"),
    ),
    6527: Vendor(name="Nokia", firmware=(r"descr~TiMOS-([^\s]{1,40})", "entity")),
    7244: Vendor(name="Quanta"),
    8691: Vendor(
        name="Moxa",
        model=("entity", r"descr~(?:MOXA )?([A-Z]{2,4}-[^\s,]{2,40})"),
        serial=("entity",),
        firmware=("entity", _VERSION),
    ),
    8741: Vendor(
        name="SonicWall",
        model=(_E + "8741.2.1.1.1.0",),
        serial=(_E + "8741.2.1.1.2.0",),
        firmware=(_E + "8741.2.1.1.3.0",),
    ),
    10456: Vendor(name="Planet", model=("entity", r"descr~([A-Z]{2,4}-[0-9][^\s,]{1,30})")),
    10642: _ZEBRA,
    11863: Vendor(
        name="TP-Link",
        model=(
            "entity", _E + r"11863.6.1.1.5.0~^([^\s]{1,30})", r"descr~((?:T[0-9]{4}|TL-)[^\s,]{0,20})"
        ),
        serial=("entity", _E + "11863.6.1.1.8.0"),
        firmware=("entity", _E + r"11863.6.1.1.6.0~^([^\s]{1,30})"),
    ),
    12356: Vendor(
        name="Fortinet",
        model=(_E + r"12356.106.4.1.1.0~^([^\s]{1,60}) v", "entity"),
        serial=(_E + "12356.100.1.1.1.0", "entity"),
        firmware=(
            _E + "12356.101.4.1.1.0", _E + r"12356.106.4.1.1.0~ v([0-9][^\s,]{1,20})",
            r"entity~ (v[0-9].{1,60})", "entity",
        ),
    ),
    14823: Vendor(
        name="Aruba",
        model=(_E + "14823.2.2.1.2.1.3.0", r"descr~MODEL: ([^\s),]{1,30})", "entity"),
        serial=(_E + "14823.2.2.1.2.1.29.0", "entity"),
        firmware=(r"descr~Version ([^\s,]{1,30})", "entity"),
    ),
    14988: Vendor(
        name="MikroTik",
        model=(
            _E + "14988.1.1.7.9.0", _E + "14988.1.1.7.8.0", r"descr~RouterOS ([^\s]{1,40})",
            r"descr~^([^\s]{1,40}) SwOS", r"descr~^([A-Z]{2,4}[0-9][^\s,]{1,40})",
        ),
        serial=(_E + "14988.1.1.7.3.0",),
        firmware=(_E + "14988.1.1.4.4.0", _E + "14988.1.1.7.4.0", r"descr~SwOS v([0-9][^\s]{0,20})"),
    ),
    16177: Vendor(name="Westermo", model=(r"descr~Westermo ([^\s,]{1,60})", "entity")),
    17713: Vendor(name="Cambium", firmware=("entity", _VERSION)),
    18334: _printer("Konica Minolta"),
    25053: Vendor(name="Ruckus Wireless"),
    25461: Vendor(
        name="Palo Alto",
        model=(r"descr~(PA-[^\s]{1,20})", "entity"),
        serial=(_E + "25461.2.1.2.1.3.0",),
        firmware=(_E + "25461.2.1.2.1.1.0",),
    ),
    25506: Vendor(
        name="H3C",
        model=(
            r"descr~[\r\n](?:HPE? |H3C )?([A-Za-z]?[0-9][^\r\n]{2,80})",
            r"descr~[\r\n](?:HPE? |H3C )([^\r\n]{2,80})", "entity",
        ),
        firmware=(r"descr~Version ([^\s,]{1,30})", "entity"),
    ),
    27282: Vendor(name="Ubiquiti"),
    27514: Vendor(name="FS"),
    30065: Vendor(
        name="Arista",
        model=(r"descr~Arista Networks ((?:DCS|CCS|DPE)-[^\s]{1,40})", "entity"),
        firmware=(r"descr~EOS version ([^\s]{1,40})", "entity"),
    ),
    35098: Vendor(name="Pica8"),
    41112: Vendor(
        name="Ubiquiti",
        model=(_E + "41112.1.6.3.3.0", "1.2.840.10036.3.1.2.1.3.*", _FASTPATH + "3.0", "entity"),
        serial=(_FASTPATH + "4.0", "entity"),
        firmware=(_E + "41112.1.6.3.6.0", "1.2.840.10036.3.1.2.1.4.*", _FASTPATH + "13.0", "entity"),
    ),
    47196: Vendor(
        name="Aruba",
        model=(_ENTITY_DESCR, "1.3.6.1.2.1.47.1.1.1.1.2.*", "entity"),
        serial=("entity", "1.3.6.1.2.1.47.1.1.1.1.11.*"),
        firmware=(r"descr~([A-Z]{2}\.[0-9]{2}\.[0-9]{2}\.[^\s]{1,20})", "entity"),
    ),
    52642: Vendor(name="FS", firmware=("entity", _VERSION)),
}  # fmt: skip
for _number, _name in {
    207: "Allied Telesis", 367: "Ricoh", 236: "Samsung", 1129: "Toshiba", 2590: "Xerox"
}.items():  # fmt: skip
    _TABLE.setdefault(_number, _printer(_name))


def enterprise(object_id: str) -> int | None:
    """Return the enterprise number of a dotted object identifier."""
    if not object_id.startswith(_ENTERPRISES):
        return None
    arc = object_id[len(_ENTERPRISES) :].partition(".")[0]
    return int(arc) if arc.isdecimal() else None


def places(object_id: str) -> Vendor:
    """Return where a device with this sysObjectID tells what it is."""
    return _TABLE.get(enterprise(object_id) or 0, UNKNOWN)


def vendor(object_id: str) -> str:
    """Return the vendor's short name; empty if unknown."""
    return places(object_id).name
