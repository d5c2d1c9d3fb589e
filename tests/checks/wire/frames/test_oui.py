from __future__ import annotations

import pytest

from checks.wire.frames.oui import vendor, with_vendor


@pytest.mark.parametrize(
    ("mac", "shown"),
    [
        ("00:1b:21:3c:4d:5e", "00:1b:21:3c:4d:5e (Intel Corporate)"),
        ("00:0c:29:aa:bb:cc", "00:0c:29:aa:bb:cc (VMware, Inc.)"),
        ("02:42:ac:11:00:02", "02:42:ac:11:00:02 (locally administered)"),
        ("01:00:0c:cc:cc:cc", "01:00:0c:cc:cc:cc"),
        ("", ""),
        ("rubbish", "rubbish"),
        ("zz:00:00:00:00:00", "zz:00:00:00:00:00"),
    ],
    ids=["intel", "vmware", "made-up", "group", "empty", "rubbish", "no-hex"],
)
def test_the_vendor_of_a_hardware_address(mac: str, shown: str) -> None:
    assert with_vendor(mac) == shown
    assert (vendor(mac) is not None) == ("(Intel" in shown or "(VMware" in shown)
