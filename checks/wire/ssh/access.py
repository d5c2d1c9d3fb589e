"""How a host is logged into: where, as whom, with what, by which way, and whose host key is believed."""

from __future__ import annotations

from dataclasses import field

from checks.dataclass import dataclass
from checks.vantage import CannotTell

PORT = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One way into one host; secrets are the secrets themselves and never leave this record."""

    host: str
    """A name or an address: the name under which its key stands in known_hosts."""
    port: int = PORT
    user: str
    key: str = field(default="", repr=False)
    """The text of a private key (OpenSSH or PEM)."""
    key_passphrase: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    """For the methods `password` and `keyboard-interactive`."""
    agent: bool = True
    """Whether the keys of this user's SSH agent are offered."""
    host_key: str = ""
    """The one key that is believed, as `SHA256:...`; empty: whatever known_hosts says."""
    known_hosts: tuple[str, ...] = ()
    """Files beside this user's and the system's."""
    jump: Access | None = None
    """The host through which this one is reached."""
    sudo_password: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """Host, with its port where that is not 22, as findings name it."""
        if self.port == PORT:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class SshTrouble(CannotTell):
    """A host could not be used; `stage` says how far it came.

    Stages: `connect`, `banner`, `handshake`, `host-key`, `auth`, `second-factor`, `open-channel`,
    `exec-request`, `run`, `jump`, `sudo`.
    """

    unknown = False
    """Of a host key: that nothing is known of it, neither for nor against."""

    def __init__(self, stage: str, reason: str, fix: str, *, refused: bool = False) -> None:
        super().__init__(reason, fix)
        self.stage = stage
        self.refused = refused
        """The host itself said no: it was there, and this is its answer, not silence."""
