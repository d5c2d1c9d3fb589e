"""Ports, neighbours and checks for the tables of what is seen."""

from __future__ import annotations

from typing import Any, TypeVar

from checks.device.records import Neighbour, Port

T = TypeVar("T")


def port(if_index: int, name: str, **more: Any) -> Port:
    """Return a port that is up, unless told otherwise."""
    plain: dict[str, Any] = {
        "if_index": if_index,
        "name": name,
        "descr": name,
        "alias": "",
        "if_type": 6,
        "physical": True,
        "admin": "up",
        "oper": "up",
        "speed_mbps": 1000,
        "duplex": "full",
        "mac": "",
        "mtu": 1500,
        "since_s": None,
        "lag": None,
        "members": (),
    }
    return Port(**{**plain, **more})


def neighbour(if_index: int | None, name: str, remote_port: str) -> Neighbour:
    """Return an LLDP neighbour that tells nothing but its name and port."""
    return Neighbour(
        protocol="lldp",
        local_if_index=if_index,
        local_port="",
        remote_name=name,
        remote_port=remote_port,
        remote_port_description="",
        remote_chassis="",
        remote_platform="",
        remote_address="",
        native_vlan=None,
        duplex="unknown",
    )


def check_of(kind: type[T], **parameters: Any) -> T:
    """Return a check of some switch."""
    return kind(host="sw1", community="env:C", **parameters)
