"""Parameters: how they are written, what is refused, and that a normal form parses to itself."""

from __future__ import annotations

import ipaddress
from typing import Annotated, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from checks import params

PARSERS = {
    "duration": params.parse_duration, "percent": params.parse_percent, "domain": params.parse_domain,
    "address": params.parse_address, "host": params.parse_host, "network": params.parse_network,
    "endpoint": params.parse_endpoint, "port": params.parse_port, "url": params.parse_url,
    "regex": params.parse_regex, "secret": params.parse_secret, "resolver": params.parse_resolver,
    "name server": params.parse_name_server,
}  # fmt: skip


@pytest.mark.parametrize(
    ("parser", "written", "normal"),
    [
        ("duration", "250ms", 0.25),
        ("duration", "1h30m", 5400.0),
        ("duration", "1 h 30 min", 5400.0),
        ("duration", 10, 10.0),
        ("duration", "14d", 1209600.0),
        ("percent", "1.5 %", 1.5),
        ("percent", 100, 100.0),
        ("domain", "Example.COM.", "example.com"),
        ("domain", "bücher.example", "xn--bcher-kva.example"),
        ("domain", "_dmarc.example.com", "_dmarc.example.com"),
        ("domain", "*.example.com", "*.example.com"),
        ("domain", ".", "."),
        ("address", "2001:DB8::0:1", "2001:db8::1"),
        ("address", "fe80::1%eth0", "fe80::1%eth0"),
        ("host", "[::1]", "::1"),
        ("host", "Mail.example.com", "mail.example.com"),
        ("network", "10.20.0.0/16", "10.20.0.0/16"),
        ("network", "192.0.2.1", "192.0.2.1/32"),
        ("endpoint", "[2001:DB8::1]:53", "[2001:db8::1]:53"),
        ("endpoint", "2001:db8::1", "[2001:db8::1]"),
        ("endpoint", "Name:25", "name:25"),
        ("endpoint", "192.0.2.1", "192.0.2.1"),
        ("url", "https://a.example/x?y#z", "https://a.example/x?y"),
        ("secret", "env:TOKEN", "env:TOKEN"),
        ("resolver", "192.0.2.53", "192.0.2.53"),
        ("resolver", " 127.0.0.1:5353", "127.0.0.1:5353"),
        ("resolver", "2001:DB8::53", "[2001:db8::53]"),
        ("resolver", "DNS.example", "dns.example"),
        ("resolver", "tls://DNS.example.", "tls://dns.example"),
        ("resolver", "tls://2001:db8::53", "tls://[2001:db8::53]"),
        ("resolver", "tls://[2001:DB8::53]:8853#DNS.example", "tls://[2001:db8::53]:8853#dns.example"),
        ("resolver", "https://dns.example/dns-query", "https://dns.example/dns-query"),
        (
            "resolver",
            "https://192.0.2.53:8443/q?a=b#dns.example",
            "https://192.0.2.53:8443/q?a=b#dns.example",
        ),
        ("name server", "192.0.2.53", "192.0.2.53"),
        ("name server", "NS1.example.com", "ns1.example.com"),
        ("name server", "NS1.example.com = 127.0.0.1:5353", "ns1.example.com=127.0.0.1:5353"),
        ("name server", "ns1.example.com=2001:DB8::53", "ns1.example.com=[2001:db8::53]"),
        ("name server", {"name": "NS1.example.com", "address": "::1"}, "ns1.example.com=[::1]"),
        ("name server", {"name": "a", "address": "::1", "port": 5353}, "a=[::1]:5353"),
        ("name server", {"address": "192.0.2.53", "port": 5353}, "192.0.2.53:5353"),
        ("name server", "a=192.0.2.53@5353", "a=192.0.2.53:5353"),
        ("resolver", "127.0.0.1@5353", "127.0.0.1:5353"),
        ("resolver", "2001:db8::1#53", "[2001:db8::1]:53"),
    ],
)
def test_normal_forms(parser, written, normal):
    assert PARSERS[parser](written) == normal
    assert PARSERS[parser](normal) == normal


RESOLVERS = (
    "", None, 53, "udp://192.0.2.1", "http://dns.example/dns-query", "tls://", "tls://#a", "tls://a/b",
    "tls://a:0", "tls://192.0.2.1#", "tls://192.0.2.1#a b", "tls://192.0.2.1#*.a", "tls://a#.", "https://",
    "https://u:p@a/q", "https://a/q#", "https://a b/", "192.0.2.1#a", "a=192.0.2.1", "256.1.1.1", "TLS://a",
)  # fmt: skip
NAME_SERVERS = (
    "", None, 53, "=192.0.2.1", "a=", "a=b=c", "a b=192.0.2.1", "tls://a", {"name": "a"}, {}, [],
    {"name": "a", "address": None}, "192.0.2.1:x", {"address": "b", "x": 1}, {"address": "b", "port": "53"},
    {"address": "b:53", "port": 53}, {"address": "b", "port": 0}, {"name": None, "address": "b"}, "a=b@53",
    "192.0.2.1@0", "192.0.2.1@",
)  # fmt: skip


@pytest.mark.parametrize(
    ("parser", "written"),
    [
        *(("duration", bad) for bad in ("", "10", "5 parsecs", "-1s", -1, True, None, "1m2", "99999999d")),
        ("duration", float("nan")),
        *(("percent", bad) for bad in ("101%", -1, "x", True, None, float("nan"))),
        *(("domain", bad) for bad in ("a..b", "-a.com", "a" * 64, "a b", "a/b", None, "a." * 127 + "com")),
        *(("address", bad) for bad in ("", "256.1.1.1", "010.1.1.1", "example.com", 5)),
        *(("host", bad) for bad in ("", "1.2.3", "1.2.3.4.5", "a:b", "10.0.0.300", "a b", None)),
        *(("network", bad) for bad in ("10.20.0.1/16", "10.0.0.0/33", "x", "")),
        *(("endpoint", bad) for bad in ("a:0", "a:65536", "a:x", "a:", "[::1]:", "[::1", "", "::1:x", "a:²")),
        *(("port", bad) for bad in (0, 65536, -1, "80", 80.0, True, None)),
        *(
            ("url", bad)
            for bad in ("ftp://a", "https://", "https://u:p@a/", "https://a b/", "https://a/\nb", "//a", "https://a:99999/",
                        "https://[::1/", "javascript:alert(1)", 5, "")
        ),
        *(("regex", bad) for bad in ("", "(", "a" * 1001, None, "a{1,99999999999999999999}")),
        *(("secret", bad) for bad in ("hunter2", "env:", "ENV:x", "", None, "vault:x")),
        *(("resolver", bad) for bad in RESOLVERS),
        *(("name server", bad) for bad in NAME_SERVERS),
    ],
)  # fmt: skip
def test_what_is_refused_is_refused_with_a_sentence(parser, written):
    with pytest.raises(ValueError) as caught:
        PARSERS[parser](written)
    assert str(caught.value).endswith(".")


def test_a_literal_secret_is_not_repeated():
    with pytest.raises(ValueError) as caught:
        params.parse_secret("hunter2")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(params.SecretRef).validate_json('"hunter2"')
    assert "hunter2" not in refused.value.errors()[0]["msg"]


written = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0123456789smhdwu.% ", max_size=12),
    st.text(alphabet="abc.-_:[]/@%?#0123456789é*", max_size=30),
    st.integers(),
    st.floats(),
    st.none(),
    st.booleans(),
    st.lists(st.integers(), max_size=2),
    st.ip_addresses().map(str),
    st.ip_addresses().map(lambda a: f"[{a}]:53"),
    st.ip_addresses(network="10.0.0.0/8").map(lambda a: f"{a}/32"),
    st.builds("https://{}.example/{}".format, st.sampled_from("abc"), st.text(max_size=10)),
    st.builds("tls://{}#{}".format, st.ip_addresses(), st.text(alphabet="ab.-*#", max_size=6)),
    st.builds("{}={}".format, st.text(alphabet="ab.-=", max_size=6), st.ip_addresses()),
)


@given(written, st.sampled_from(sorted(PARSERS)))
def test_a_normal_form_parses_to_itself_and_nothing_else_is_raised(value, name):
    try:
        normal = PARSERS[name](value)
    except ValueError:
        return
    assert PARSERS[name](normal) == normal
    assert isinstance(normal, (str, int, float))


@given(st.ip_addresses(), st.none() | st.integers(1, 65535))
def test_an_endpoint_is_taken_apart_again(address, port):
    host = f"[{address}]" if address.version == 6 else str(address)
    endpoint = params.parse_endpoint(host if port is None else f"{host}:{port}")
    assert params.split_endpoint(endpoint, 53) == (str(ipaddress.ip_address(str(address))), port or 53)


@pytest.mark.parametrize(
    ("server", "name", "place"),
    [
        ("ns1.example.com=127.0.0.1:5353", "ns1.example.com", "127.0.0.1:5353"),
        ("ns1.example.com=[::1]:53", "ns1.example.com", "[::1]:53"),
        ("ns1.example.com:5353", "ns1.example.com", "ns1.example.com:5353"),
        ("ns1.example.com", "ns1.example.com", "ns1.example.com"),
        ("192.0.2.53", "", "192.0.2.53"),
        ("[2001:db8::53]:53", "", "[2001:db8::53]:53"),
    ],
)
def test_a_name_server_is_taken_apart_again(server, name, place):
    assert params.parse_name_server(server) == server
    assert params.split_name_server(server) == (name, place)


FORMS = [item for item in vars(params).values() if getattr(item, "__metadata__", None)]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__metadata__[0].parse.__name__)
def test_every_form_has_a_schema_whose_examples_are_accepted(form):
    adapter = TypeAdapter(form)
    schema = adapter.json_schema()
    assert schema["type"]
    for example in schema.get("examples", ()):
        adapter.validate_python(example)


def test_forms_can_be_optional_and_in_tuples():
    kind = Annotated[tuple[params.Endpoint, ...], "x"] | None
    assert TypeAdapter(kind).validate_json('["::1"]') == ("[::1]",)
    assert get_args(kind)
