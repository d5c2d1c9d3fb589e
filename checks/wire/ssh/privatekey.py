"""A private key from its text, whatever program wrote it, with sentences for what cannot be used."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from checks.wire.ssh.access import Access, SshTrouble

if TYPE_CHECKING:
    import paramiko

_CONVERT = "Give a private key as ssh-keygen makes it: ssh-keygen -t ed25519"


def load(access: Access) -> paramiko.PKey:
    """Return the key of `access`; raise SshTrouble of stage `auth` where it cannot be used."""
    import paramiko
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    loaded = _loaded(access)
    for kind, maker in (
        (ed25519.Ed25519PrivateKey, paramiko.Ed25519Key),
        (ec.EllipticCurvePrivateKey, paramiko.ECDSAKey),
        (rsa.RSAPrivateKey, paramiko.RSAKey),
    ):
        if isinstance(loaded, kind):
            plain = loaded.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
            try:
                return maker.from_private_key(io.StringIO(plain.decode()))
            except (paramiko.SSHException, ValueError):
                break
    raise _trouble(access, "is of a kind that cannot be used", _CONVERT)


def _loaded(access: Access) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm

    text = access.key.strip() + "\n"
    if text.startswith("PuTTY-User-Key-File"):
        raise _trouble(
            access, "is in PuTTY's own form", "Convert it: puttygen KEY.ppk -O private-openssh -o KEY"
        )
    if text.startswith(("ssh-", "ecdsa-", "sk-")):
        raise _trouble(
            access, "is a public key", "Give the private key: the file of the same name without .pub."
        )
    if "PRIVATE KEY-----" not in text:
        raise _trouble(access, "is no private key", _CONVERT)
    raw, passphrase = text.encode(errors="replace"), access.key_passphrase.encode() or None
    try:
        return _parsed(raw, passphrase)
    except TypeError as error:
        if passphrase is None:
            raise _trouble(
                access, "is encrypted, and no passphrase is given", "Give 'key_passphrase', or use the agent."
            ) from None
        if "not encrypted" not in str(error):
            raise _trouble(access, "cannot be read", _CONVERT) from None
    except UnsupportedAlgorithm:
        raise _trouble(access, "is of a kind that cannot be used", _CONVERT) from None
    except ValueError:
        if passphrase is not None:
            raise _trouble(
                access, "cannot be decrypted by the passphrase", "Correct what 'key_passphrase' refers to."
            ) from None
        raise _trouble(access, "is damaged", _CONVERT) from None
    try:
        return _parsed(raw, None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise _trouble(access, "cannot be read", _CONVERT) from None


def _parsed(raw: bytes, passphrase: bytes | None) -> object:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    parse = load_ssh_private_key if b"BEGIN OPENSSH PRIVATE KEY" in raw else load_pem_private_key
    return parse(raw, passphrase)


def _trouble(access: Access, how: str, fix: str) -> SshTrouble:
    return SshTrouble("auth", f"The private key for {access.user} on {access.name} {how}.", fix)
