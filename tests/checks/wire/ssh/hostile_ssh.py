"""SSH servers that misbehave, in a process of their own: one port per misbehaviour.

Run as a program it prints a JSON object: the fingerprint of its key, and the port of each kind. Some speak
bytes, the others the real protocol until they go wrong; those answer the first question on what the host is.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko

ROOT = Path(__file__).parents[4]
HELLO = b"SSH-2.0-Hostile_1.0\r\n"
FACTS = b"%d.000000000\nLinux\nhostile\n1000\ntech\nk\n1\n1\n1\nend\n"
MARKER = re.compile(rb"gonogo-[0-9a-f]{16}")
BLOCK = b"x" * 32768
never = threading.Event()


def silent(sock):
    never.wait()


def hangs_up(sock):
    sock.close()


def endless_greeting(sock):
    while True:
        sock.sendall(BLOCK)


def slow_greeting(sock):
    for byte in HELLO * 1000:
        sock.sendall(bytes([byte]).replace(b"\n", b" "))
        time.sleep(0.05)


def many_lines(sock):
    while True:
        sock.sendall(b"Welcome\r\n")
        time.sleep(0.01)


def web(sock):
    sock.recv(100)
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n\x1b]0;title\x07<html>")
    sock.close()


def greets_only(sock):
    sock.sendall(HELLO)
    never.wait()


def slow_kex(sock):
    sock.sendall(HELLO + struct.pack(">IB", 1004, 4) + b"\x14")
    while True:
        sock.sendall(b"a")
        time.sleep(0.05)


def huge_packet(sock):
    sock.sendall(HELLO + struct.pack(">IB", 0x7FFFFFFC, 4) + b"\x14")
    while True:
        sock.sendall(BLOCK)


def old_version(sock):
    sock.sendall(b"SSH-1.5-OldRouter\r\n")
    never.wait()


class Server(paramiko.ServerInterface):
    """Lets everybody in and runs what it is asked, in its own way."""

    def __init__(self, kind, sock):
        self.kind, self.sock = kind, sock
        self.replied = threading.Event()

    def get_allowed_auths(self, username):
        return "password,publickey"

    def check_auth_password(self, username, password):
        if self.kind == "silent_login":
            never.wait()
        if self.kind == "second_factor":
            return paramiko.AUTH_PARTIALLY_SUCCESSFUL
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind, number):
        if self.kind == "no_channel":
            never.wait()
        if self.kind == "refuses_channels":
            return paramiko.OPEN_FAILED_RESOURCE_SHORTAGE
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        if b"uname -s" not in command and self.kind == "no_exec":
            never.wait()
        if self.kind == "refuses_exec":
            return False
        self.replied.clear()
        threading.Thread(target=self.run, args=(channel, command), daemon=True).start()
        return True

    def run(self, channel, command):
        self.replied.wait()
        if self.kind == "windows":
            self.windows(channel, command)
            return
        marker = MARKER.search(command)
        if marker is None or self.kind == "forced_command":
            channel.sendall(b"\x1b[2Jthis account only makes coffee\n")
            finish(channel, 0)
            return
        if self.kind == "lies_about_itself":
            channel.sendall(marker[0] + b"\n" + b"\xff\xfe" * 5000 + b"\n" * 50)
            finish(channel, 0)
            return
        channel.sendall(marker[0] + b"\n")
        channel.sendall_stderr(marker[0] + b" 1\n")
        if b"uname -s" in command:
            channel.recv(10)
            channel.sendall(FACTS % time.time())
            finish(channel, 0)
        else:
            getattr(self, self.kind)(channel)

    def windows(self, channel, command):
        """What cmd.exe and PowerShell would say, as far as their documentation tells."""
        if not command.startswith(b"powershell "):
            channel.sendall_stderr(b"'exec' is not recognized as an internal or external command.\r\n")
            finish(channel, 1)
            return
        text = base64.b64decode(command.split()[-1]).decode("utf-16-le").encode()
        channel.sendall(b"\xef\xbb\xbf" + MARKER.search(text)[0] + b"\r\n")
        if b"UtcNow" in text:
            channel.recv(10)
            told = {"now": time.time() * 1000, "system": "Windows_NT", "name": "SRV1", "user": "SRV1\\tech"}
            channel.sendall(json.dumps(told).encode() + b"\r\n")
            finish(channel, 0)
        else:
            channel.sendall(b"caf\xc3\xa9\r\n")
            channel.sendall_stderr(b'#< CLIXML\r\n<Objs><S S="Error">no &lt;way&gt;_x000D__x000A_</S></Objs>')
            finish(channel, 3)

    def no_answer(self, channel):
        never.wait()

    def drips(self, channel):
        while True:
            channel.sendall(b".")
            time.sleep(0.05)

    def flood(self, channel):
        while True:
            channel.sendall(BLOCK)

    def flood_of_errors(self, channel):
        while True:
            channel.sendall_stderr(BLOCK)

    def no_status(self, channel):
        channel.sendall(b"half of it")
        channel.shutdown_write()
        never.wait()

    def late_status(self, channel):
        """Long silence, then the end of the streams, and the status a moment later: all is well."""
        time.sleep(0.6)
        channel.shutdown_write()
        time.sleep(0.1)
        finish(channel, 0)

    def open_end(self, channel):
        channel.sendall(b"all of it")
        channel.send_exit_status(0)
        never.wait()

    def drops(self, channel):
        channel.sendall(b"half of it")
        time.sleep(0.05)
        self.sock.shutdown(socket.SHUT_RDWR)

    def closes(self, channel):
        channel.sendall(b"half of it")
        channel.close()

    def no_window(self, channel):
        while True:
            message = paramiko.Message()
            message.add_byte(b"\x5e")
            message.add_int(channel.remote_chanid)
            message.add_string(BLOCK)
            channel.transport._send_user_message(message)

    def killed(self, channel):
        message = paramiko.Message()
        message.add_byte(b"\x62")
        message.add_int(channel.remote_chanid)
        message.add_string("exit-signal")
        message.add_boolean(False)
        message.add_string("KILL")
        message.add_boolean(False)
        message.add_string("\x1b[31mout of memory")
        message.add_string("")
        channel.transport._send_user_message(message)
        channel.close()

    def odd_status(self, channel):
        channel.sendall(b"all of it")
        finish(channel, 0xFFFFFFFF)


RAW = (silent, hangs_up, endless_greeting, slow_greeting, many_lines, web, greets_only, slow_kex, huge_packet, old_version)  # fmt: skip # noqa: E501
SPOKEN = (
    "silent_login", "second_factor", "no_channel", "refuses_channels", "no_exec", "refuses_exec",
    "forced_command", "lies_about_itself", "no_answer", "drips", "late_status", "flood", "flood_of_errors",
    "no_status", "open_end", "drops", "closes", "no_window", "killed", "odd_status", "windows",
)  # fmt: skip


def finish(channel, status):
    channel.send_exit_status(status)
    channel.shutdown_write()
    channel.close()


def speak(kind, key):
    def serve(sock):
        transport = paramiko.Transport(sock)
        transport.add_server_key(key)
        server = Server(kind, sock)
        send = transport._send_user_message

        def told(message):
            send(message)
            if message.asbytes()[:1] == paramiko.common.cMSG_CHANNEL_SUCCESS:
                server.replied.set()

        transport._send_user_message = told
        transport.start_server(server=server)
        transport.join()

    return serve


def listen(behave):
    listener = socket.create_server(("127.0.0.1", 0))

    def one(sock):
        try:
            behave(sock)
        except Exception:
            pass
        finally:
            sock.close()

    def accept():
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=one, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def main():
    import logging

    logging.getLogger("paramiko").addHandler(logging.NullHandler())
    key = paramiko.ECDSAKey.generate(bits=256)
    ports = {behave.__name__: listen(behave) for behave in RAW}
    ports |= {kind: listen(speak(kind, key)) for kind in SPOKEN}
    print(json.dumps({"fingerprint": key.fingerprint, "ports": ports}), flush=True)
    sys.stdin.read()


@contextmanager
def hostile() -> Iterator[dict]:
    """Run them until the context ends."""
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.checks.wire.ssh.hostile_ssh"], cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield json.loads(program.stdout.readline())
    finally:
        program.kill()
        program.wait()
        program.stdin.close()
        program.stdout.close()


if __name__ == "__main__":
    main()
