"""The types a check's parameters are made of: how each is written in YAML, and its normal form.

A `Form` turns what a person wrote into the normal form that a check holds and that JSON can carry (`"250ms"`
becomes `0.25`), or raises ValueError with a full sentence. Normal forms parse to themselves, so a stored
definition can be read again. pydantic is imported only when a schema is asked for: checks run without it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from checks.dataclass import dataclass

_SECONDS = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|min|m|h|d|w)")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)\Z")
_AT_PORT = re.compile(r"([0-9.]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)[@#]([0-9]{1,5})")
"""An address with its port as unbound, NSD and dig write it."""
_SECRET = re.compile(r"(env|keyring|file|prompt):\S.*\Z")


@dataclass(frozen=True, eq=False)
class Form:
    """How one kind of parameter is written: its parser and its JSON Schema.

    Hashed by identity: `Endpoint | None` hashes its parts, and a schema holds lists.
    """

    parse: Callable[[Any], Any]
    schema: tuple[tuple[str, Any], ...]
    words: str = ""
    """What `gonogo explain` calls it, where it is not one of this module."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Let pydantic validate by `parse` (called by pydantic only)."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """Return the schema an editor uses (called by pydantic only)."""
        return dict(self.schema)


def _form(parse: Callable[[Any], Any], **schema: Any) -> Form:
    return Form(parse, tuple(schema.items()))


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{what}, not {value!r}.")
    return value.strip()


def parse_duration(value: Any) -> float:
    """Return the seconds of `250ms`, `10s`, `5m`, `2h`, `14d` or `1h30m`; a bare number is seconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"A duration is written like 250ms, 10s, 5m, 2h or 14d, not {value!r}.")
    if isinstance(value, (int, float)):
        seconds = float(value)
    else:
        text = value.strip().replace(" ", "")
        parts = _DURATION.findall(text) if len(text) <= 40 else []
        if not parts or "".join(number + unit for number, unit in parts) != text:
            raise ValueError(f"A duration is written like 250ms, 10s, 5m, 2h or 14d, not {value!r:.80}.")
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if not 0 <= seconds <= 10 * 365 * 86400:
        raise ValueError(f"A duration lies between 0 and ten years, not {value!r}.")
    return seconds


def parse_percent(value: Any) -> float:
    """Return the percentage of `1.5%`, `1.5 %` or a bare number between 0 and 100."""
    text = value.strip().removesuffix("%").strip() if isinstance(value, str) else value
    try:
        percent = float(text) if not isinstance(text, bool) else -1.0
    except (TypeError, ValueError):
        percent = -1.0
    if not 0 <= percent <= 100:
        raise ValueError(f"A percentage is written like 1.5% and lies between 0 and 100, not {value!r}.")
    return percent


_NOT_A_NAME = (
    ("://", ": write the name alone, without what stands before and behind it in an address of the web"),
    ("@", ": write only what stands behind the @"),
    (" ", ": write the name alone, a preference or a port belongs elsewhere"),
)


def parse_domain(value: Any) -> str:
    """Return a domain name in lower-case A-label form without the final dot; the root is `.`."""
    text = _text(value, "A domain name is written like example.com")
    if text == ".":
        return text
    name = text.removesuffix(".")
    try:
        name = name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(f"{value!r} cannot be written as an internationalised domain name.") from None
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.match(label) or label == "*" for label in labels):
        alone = next((why for sign, why in _NOT_A_NAME if sign in text), "")
        raise ValueError(
            f"A domain name has labels of 1 to 63 letters, digits or hyphens, unlike {value!r}{alone}."
        )
    return name.lower()


def parse_address(value: Any) -> str:
    """Return an IPv4 or IPv6 address in its canonical text; an IPv6 zone (`fe80::1%eth0`) is kept."""
    text = _text(value, "An address is written like 192.0.2.1 or 2001:db8::1")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"An address is written like 192.0.2.1 or 2001:db8::1, not {value!r}.") from None


def parse_host(value: Any) -> str:
    """Return a host: an address, or a name in A-label form."""
    text = _text(value, "A host is a name or an address like mail.example.com, 192.0.2.1 or 2001:db8::1")
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if ":" in bare or re.fullmatch(r"[0-9.]+", bare):
        return parse_address(bare)
    return parse_domain(bare)


def parse_network(value: Any) -> str:
    """Return a network in CIDR form; host bits set are an error, because one of the two is a slip."""
    text = _text(value, "A network is written like 10.20.0.0/16 or 2001:db8::/64")
    try:
        return str(ipaddress.ip_network(text, strict=True))
    except ValueError as error:
        raise ValueError(f"A network is written like 10.20.0.0/16, not {value!r}: {error}.") from None


def split_endpoint(endpoint: str, default_port: int = 0) -> tuple[str, int]:
    """Return host and port of a normal-form endpoint: `host`, `host:port` or `[v6]:port`."""
    if endpoint.startswith("["):
        host, _, rest = endpoint[1:].partition("]")
        return host, int(rest[1:]) if rest else default_port
    if endpoint.count(":") == 1:
        host, _, port = endpoint.partition(":")
        return host, int(port)
    return endpoint, default_port


def bracketed(host: str) -> str:
    """Return a host as it stands before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def join_endpoint(host: str, port: int | str) -> str:
    """Return `host:port`, as `split_endpoint` takes it apart."""
    return f"{bracketed(host)}:{port}"


def parse_endpoint(value: Any) -> str:
    """Return a server with an optional port: `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:53`, `name:25`.

    `192.0.2.1@5353` and `192.0.2.1#5353` are taken, too.
    """
    text = _text(value, "A server is written like 192.0.2.1, 192.0.2.1:5353, [2001:db8::1]:53 or name:25")
    placed = _AT_PORT.fullmatch(text)
    if placed:
        text = join_endpoint(placed[1], placed[2])
    if "://" in text:
        raise ValueError(f"A server is written without 'https://' and the like, unlike {value!r:.80}.")
    closed = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?", text)
    if closed:
        host, port = closed.group(1), closed.group(2)
    elif text.count(":") == 1:
        host, port = text.split(":")
    else:
        host, port = text, None
    host = parse_host(host)
    if port is None:
        return bracketed(host)
    number = parse_port(int(port) if re.fullmatch(r"[0-9]{1,5}", port) else port)
    return join_endpoint(host, number)


def parse_resolver(value: Any) -> str:
    """Return a resolver: an endpoint (plain DNS), `tls://HOST[:PORT]` (RFC 7858) or an https URL (RFC 8484).

    After `#` stands the name that its certificate must be for, where that is not the host's:
    `tls://192.0.2.1#dns.example.net`.
    """
    text = _text(
        value,
        "A resolver is written like 192.0.2.53, tls://dns.example.net or https://dns.example.net/dns-query",
    )
    scheme, mark, rest = text.partition("://")
    if not mark:
        return parse_endpoint(text)
    place, mark, name = rest.partition("#")
    named = f"#{parse_domain(name)}" if mark else ""
    if "*" in named or named == "#.":
        raise ValueError(f"After # stands the one name that the certificate is for, unlike {value!r}.")
    if scheme == "tls":
        return f"tls://{parse_endpoint(place)}{named}"
    if scheme == "https":
        return f"{parse_url(f'https://{place}')}{named}"
    raise ValueError(f"A resolver over TLS starts with tls:// or https://, unlike {value!r}.")


def parse_name_server(value: Any) -> str:
    """Return an authoritative server: an endpoint, or `NAME=ENDPOINT` for one whose name is known.

    `{name: ns1.example.com, address: "192.0.2.53:5353"}` says the same, and so does
    `{name: ns1.example.com, address: 192.0.2.53, port: 5353}`.
    """
    if isinstance(value, dict):
        if "address" not in value or set(value) - {"name", "address", "port"}:
            raise ValueError(
                f"A name server has the key 'address' and may have 'name' and 'port', unlike {value!r}."
            )
        place = parse_endpoint(value["address"])
        if "port" in value:
            host, port = split_endpoint(place)
            if port:
                raise ValueError(f"A name server's port is given once, unlike in {value!r}.")
            place = f"{f'[{host}]' if ':' in host else host}:{parse_port(value['port'])}"
        return f"{parse_domain(value['name'])}={place}" if "name" in value else place
    text = _text(
        value, "A name server is written like 192.0.2.53, ns1.example.com or ns1.example.com=192.0.2.53:5353"
    )
    name, mark, place = text.partition("=")
    return f"{parse_domain(name.strip())}={parse_endpoint(place)}" if mark else parse_endpoint(text)


def split_name_server(server: str) -> tuple[str, str]:
    """Return name (empty if not known) and endpoint of a normal-form name server."""
    name, mark, place = server.partition("=")
    if mark:
        return name, place
    host, _ = split_endpoint(server)
    return ("" if ":" in host or re.fullmatch(r"[0-9.]+", host) else host), server


def parse_port(value: Any) -> int:
    """Return a port number from 1 to 65535."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise ValueError(f"A port is a whole number from 1 to 65535, not {value!r}.")
    return value


def parse_url(value: Any) -> str:
    """Return an http or https URL without user information or fragment."""
    text = _text(value, "A URL is written like https://intranet.example.com/health")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{value!r} is not a URL: {error}.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"A URL starts with http:// or https:// and names a host, unlike {value!r}.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("A URL must not carry a user name or password; secrets are given by reference.")
    if any(ord(char) <= 0x20 or ord(char) == 0x7F for char in text):
        raise ValueError("A URL must not contain spaces or control characters.")
    parse_host(host)
    del port
    return text.partition("#")[0]


def parse_regex(value: Any) -> str:
    """Return a regular expression that compiles (Python's `re`, at most 1,000 characters)."""
    text = value if isinstance(value, str) and value else _text(value, "A pattern is a regular expression")
    if len(text) > 1000:
        raise ValueError(f"A pattern has at most 1,000 characters, not {len(text)}.")
    try:
        re.compile(text)
    except (re.error, OverflowError) as error:
        raise ValueError(f"The pattern {text!r} is not a regular expression: {error}.") from None
    return text


_MAC = re.compile(
    r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}|[0-9A-Fa-f]{12}"
)


def parse_mac(value: Any) -> str:
    """Return a hardware address as `00:1b:21:3c:4d:5e`; dashes, Cisco's dots and twelve digits are taken."""
    text = _text(value, "A hardware address is written like 00:1b:21:3c:4d:5e")
    if not _MAC.fullmatch(text):
        raise ValueError(f"A hardware address is written like 00:1b:21:3c:4d:5e, not {value!r:.80}.")
    return bytes.fromhex(re.sub("[^0-9A-Fa-f]", "", text)).hex(":")


def parse_community(value: Any) -> str:
    """Return an SNMP community, or the reference to one as `parse_secret` takes it."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("A community is a text (a number in quotes), or a reference like env:NAME.")
    text = value.strip()
    if len(text.encode()) > 255:
        raise ValueError("A community has at most 255 bytes.")
    return text


def is_reference(value: str) -> bool:
    """Return whether a text is a reference to a secret, and not a secret itself."""
    return _SECRET.match(value) is not None


def parse_snmp_version(value: Any) -> str:
    """Return `1`, `2c` or `3`; `v2c`, `2` and the numbers are taken, too."""
    text = str(value).strip().lower().removeprefix("v")
    text = "2c" if text == "2" else text
    if isinstance(value, bool) or text not in ("1", "2c", "3"):
        raise ValueError(f"The version of SNMP is 1, 2c or 3, not {value!r:.80}.")
    return text


def parse_moment(value: Any) -> str:
    """Return a time with its zone in UTC, like `2026-12-05T21:30:00Z`; one without a zone is refused."""
    text = _text(value, "A time is written like 2026-12-05T22:30:00+01:00")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"A time is written like 2026-12-05T22:30:00+01:00, not {value!r:.80}.") from None
    if moment.tzinfo is None:
        raise ValueError(f"The time {text} has no zone: write 2026-12-05T22:30:00+01:00, or Z for UTC.")
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def parse_secret(value: Any) -> str:
    """Return a reference to a secret; a literal secret is refused and not repeated in the message."""
    if not isinstance(value, str) or not _SECRET.match(value):
        raise ValueError(
            "A secret is given by reference (env:NAME, keyring:SERVICE/USER, file:PATH or prompt:QUESTION), "
            "never written into the file."
        )
    return value


Duration = Annotated[
    float,
    _form(parse_duration, type=["string", "number"], examples=["250ms", "10s", "5m", "2h", "14d"]),
]
"""Seconds."""
Moment = Annotated[
    str, _form(parse_moment, type="string", format="date-time", examples=["2026-12-05T22:30:00+01:00"])
]
"""A time in UTC; read it by `datetime.fromisoformat`."""
Percent = Annotated[float, _form(parse_percent, type=["string", "number"], examples=["1%", 0.5])]
"""0 to 100."""
DomainName = Annotated[str, _form(parse_domain, type="string", examples=["example.com"])]
Address = Annotated[str, _form(parse_address, type="string", examples=["192.0.2.1", "2001:db8::1"])]
Host = Annotated[str, _form(parse_host, type="string", examples=["mail.example.com", "192.0.2.1"])]
Network = Annotated[str, _form(parse_network, type="string", examples=["10.20.0.0/16"])]
Endpoint = Annotated[
    str, _form(parse_endpoint, type="string", examples=["192.0.2.1:5353", "[2001:db8::1]:53"])
]
"""A server with an optional port; read it by `split_endpoint`."""
Resolver = Annotated[
    str,
    _form(
        parse_resolver, type="string",
        examples=["192.0.2.53", "127.0.0.1:5353", "tls://dns.example.net", "https://dns.example.net/dns-query"],
    ),
]  # fmt: skip
"""A recursive server: plain DNS, over TLS or over HTTPS; `checks.wire.dns.Dns.ask` takes it as it is."""
NameServer = Annotated[
    str,
    _form(
        parse_name_server, type=["string", "object"],
        examples=[
            "192.0.2.53", "ns1.example.com=192.0.2.53:5353",
            {"name": "ns1.example.com", "address": "192.0.2.53"},
        ],
    ),
]  # fmt: skip
"""An authoritative server with its name where known; read it by `split_name_server`."""
Port = Annotated[int, _form(parse_port, type="integer", minimum=1, maximum=65535)]
Url = Annotated[
    str, _form(parse_url, type="string", format="uri", examples=["https://intranet.example.com/health"])
]
Regex = Annotated[str, _form(parse_regex, type="string", format="regex")]
SecretRef = Annotated[str, _form(parse_secret, type="string", pattern=_SECRET.pattern.replace(r"\Z", "$"))]
Mac = Annotated[str, _form(parse_mac, type="string", examples=["00:1b:21:3c:4d:5e", "001b.213c.4d5e"])]
Community = Annotated[str, _form(parse_community, type="string", examples=["env:SNMP_COMMUNITY", "public"])]
SnmpVersion = Annotated[str, _form(parse_snmp_version, type=["string", "integer"], examples=["2c", 3])]
