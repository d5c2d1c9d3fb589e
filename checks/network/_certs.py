"""What OpenSSL's verdict on a certificate means, and what to do about it.

Source: openssl-verification-options(1) and x509_vfy.h (X509_V_ERR_*), RFC 5280 section 6, RFC 9525 section 6.
"""

from __future__ import annotations

NOT_YET, EXPIRED, SELF_SIGNED, UNKNOWN_ROOT, NO_ISSUER, NO_FIRST, WRONG_NAME, WRONG_ADDRESS = (
    9, 10, 18, 19, 20, 21, 62, 64,
)  # fmt: skip
NAME_CODES = frozenset({WRONG_NAME, WRONG_ADDRESS})
DATE_CODES = frozenset({NOT_YET, EXPIRED})

_CLOCK = "If this laptop's clock is wrong, set it and run again."
_CHAIN = (
    "Install the whole chain on the server (its certificate and every intermediate one); if the authority is "
    "your own, give its certificate by ca_file; if nobody planned it, something on the way opens TLS."
)
_NAME = (
    "Issue the certificate for this name (subjectAltName), or connect by a name it has; if a new server is "
    "tested early, it needs the certificate of the name that users will type."
)
_CODES: dict[int, tuple[str, str]] = {
    NOT_YET: (
        "A certificate is not valid yet.",
        f"{_CLOCK} Otherwise wait, or issue it again with a start in the past.",
    ),
    EXPIRED: ("A certificate has expired.", f"Renew it on the server and reload the service. {_CLOCK}"),
    SELF_SIGNED: (
        "The certificate is signed by itself and not by an authority.",
        "Install a certificate of an authority that the clients trust, or give this one by ca_file.",
    ),
    UNKNOWN_ROOT: ("The chain ends in an authority that is not trusted here.", _CHAIN),
    NO_ISSUER: ("The issuer of a certificate is not known here.", _CHAIN),
    NO_FIRST: ("The server sends no chain and the issuer of its certificate is not known here.", _CHAIN),
    WRONG_NAME: ("The certificate is for another name.", _NAME),
    WRONG_ADDRESS: ("The certificate is not for this address.", _NAME),
    66: (
        "The server's key is too weak.",
        "Issue the certificate again with a key of at least 2048 bits RSA.",
    ),
    68: ("A certificate is signed by a hash that is too weak.", "Issue the chain again with SHA-256."),
}


def untrusted(code: int) -> tuple[str, str]:
    """Return message and fix for an OpenSSL verify code."""
    return _CODES.get(
        code,
        (
            f"The certificate was refused (OpenSSL verify code {code}).",
            "See OpenSSL's words; issue the certificate again as the clients require it.",
        ),
    )
