"""A whole run against the stand-in: neither the secret nor a token is in anything that it says or keeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from tests.lab import microsoft_replies as replies
from tests.lab.microsoft import CLIENT, SECRET, TENANT, microsoft

ROOT = Path(__file__).parents[3]
PROJECT = """
gonogo: 1
project: {{name: Move, customer: C, site: S, timezone: Europe/Berlin, cutover: 2026-12-12T22:00}}
milestones:
  ready: {{title: Ready, due: +0d}}
checks:
  licences: {{type: m365.licences, milestone: ready, {way}, need: {{SPE_E3: 5}}}}
  health: {{type: m365.health, milestone: ready, {way}}}
"""


def repeats(request: web.Request) -> web.Response:
    """Answer with what was sent, in words, in an error and in data, as a debugging proxy might."""
    token = request.headers.get("Authorization", "")
    escaped = "".join(f"\\u{ord(char):04x}" for char in SECRET)
    items = json.dumps([replies.sku(f"{SECRET} {token}", 1, 1)]).replace("A company", escaped)
    return web.Response(text=f'{{"value": {items}}}', content_type="application/json")


def refuses(request: web.Request) -> web.Response:
    escaped = "".join(f"\\u{ord(char):04x}" for char in SECRET)
    body = f'{{"error": "invalid_client", "error_description": "AADSTS7000215: {escaped} {SECRET}"}}'
    return web.Response(text=body, status=401, content_type="application/json")


@pytest.mark.parametrize(
    ("path", "answer", "code"), [("", None, 0), ("subscribedSkus", repeats, 4), ("/oauth2/", refuses, 3)]
)
def test_no_secret_is_kept_or_said(tmp_path, path, answer, code):
    with microsoft() as cloud:
        cloud.skus = [replies.sku("SPE_E3", 10, 3)]
        if answer is not None:
            cloud.fault(answer, path=path)
        way = (
            f"tenant_id: {TENANT}, client_id: {CLIENT}, secret: 'env:GRAPH_SECRET', "
            f"graph_url: '{cloud.url}', login_url: '{cloud.url}'"
        )
        (tmp_path / "move.yaml").write_text(PROJECT.format(way=way))
        done = subprocess.run(
            [sys.executable, "-c", "from agent.cli import main; main()", "run", "move.yaml", "--json"],
            capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path,
            env={**os.environ, "GRAPH_SECRET": SECRET, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        hidden = [SECRET, *cloud.tokens]
    kept = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert len(kept) > 1
    for word in hidden:
        assert word not in done.stdout + done.stderr
        assert json.dumps(word)[1:-1] not in done.stdout
        assert not any(word.encode() in data for data in kept)
