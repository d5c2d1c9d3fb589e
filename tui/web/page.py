"""The pages and files that the server hands out, each named; there is no folder to look into."""

from __future__ import annotations

import html
from functools import cache
from importlib.resources import files
from string import Template

from checks.safe import safe

_OURS, _THEIRS = files("tui.web").joinpath("templates"), files("textual_serve").joinpath("static")
_FILES = {
    "page.css": (_OURS, "page.css", "text/css"),
    "page.js": (_OURS, "page.js", "text/javascript"),
    "textual.js": (_THEIRS, "js/textual.js", "text/javascript"),
    "xterm.css": (_THEIRS, "css/xterm.css", "text/css"),
    "roboto-mono.ttf": (_THEIRS, "fonts/RobotoMono-VariableFont_wght.ttf", "font/ttf"),
    "roboto-mono-italic.ttf": (_THEIRS, "fonts/RobotoMono-Italic-VariableFont_wght.ttf", "font/ttf"),
}

HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "clipboard-read=(), camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Server": "gonogo",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every answer says besides its policy."""


def policy(host: str = "", nonce: str = "") -> str:
    """Return the Content-Security-Policy of a page; without a nonce the one of a page with nothing in it.

    `host` is one that `doors.our_host` knows: older browsers do not take 'self' for a websocket.
    """
    rules = ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
    rules += ["img-src data:", "sandbox allow-scripts allow-same-origin"]
    if nonce:
        rules += ["script-src 'self'", f"style-src 'self' 'nonce-{nonce}'", "font-src 'self'"]
        rules += [f"connect-src 'self' ws://{host}"]
    return "; ".join(rules)


@cache
def static(name: str) -> tuple[bytes, str] | None:
    """Return content and type of a file that the page needs, or None."""
    if name not in _FILES:
        return None
    root, path, kind = _FILES[name]
    return root.joinpath(path).read_bytes(), kind


def page(name: str, **texts: str) -> str:
    """Return one of our pages with texts from anywhere filled in."""
    shown = {key: html.escape(safe(text)) for key, text in texts.items()}
    return Template(_OURS.joinpath(f"{name}.html").read_text("utf-8")).substitute(shown)
