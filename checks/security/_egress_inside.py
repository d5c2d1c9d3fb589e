"""Connections from inside a host that was logged into: python3 or bash, PowerShell on Windows.

The script for Windows is written after the documentation and was never run on a real host.
"""

from __future__ import annotations

from collections.abc import Sequence

from checks.params import split_endpoint
from checks.remote.outcome import require
from checks.remote.windows import ask, many, script, word
from checks.security._knocks import Knock
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import Remote

OUTCOMES = frozenset({
    "open", "reset", "refused", "timeout", "unreachable", "no_route", "barred", "local", "unresolved",
})  # fmt: skip

KNOCK = Script(
    "outgoing connections",
    r"""
wait=$1; shift
if command -v python3 >/dev/null 2>&1; then
code=$(cat <<'END'
import errno, socket, sys, threading
wait, rest = float(sys.argv[1]), sys.argv[2:]
said = {}
def one(index, host, port):
    try:
        found = socket.getaddrinfo(host, int(port), 0, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        said[index] = [("unresolved", str(error), "-")]
        return
    for family, kind, protocol, _, place in found[:4]:
        address = place[0]
        try:
            sock = socket.socket(family, kind, protocol)
            sock.settimeout(wait)
            code = sock.connect_ex(place)
            sock.close()
        except socket.timeout:
            code = errno.EAGAIN
        except OSError as error:
            code = error.errno or -1
        name = errno.errorcode.get(code, str(code))
        outcome = {0: "open", errno.ECONNREFUSED: "refused", errno.EAGAIN: "timeout",
                   errno.ETIMEDOUT: "timeout", errno.EINPROGRESS: "timeout",
                   errno.EHOSTUNREACH: "unreachable", errno.ENETUNREACH: "no_route",
                   errno.ECONNRESET: "reset", errno.EPERM: "barred", errno.EACCES: "barred",
                   }.get(code, "local")
        said.setdefault(index, []).append((outcome, name, address))
        if code == 0:
            return
tasks = [threading.Thread(target=one, args=(n, *rest[2 * n:2 * n + 2])) for n in range(len(rest) // 2)]
for task in tasks: task.start()
for task in tasks: task.join()
order = ["open", "reset", "timeout", "unreachable", "refused", "barred", "no_route", "local", "unresolved"]
for index in range(len(tasks)):
    outcome, name, address = min(said.get(index) or [("local", "none", "-")], key=lambda x: order.index(x[0]))
    print("%d|%s|%s|%s" % (index, outcome, address, name.replace("\n", " ")[:100]))
END
)
  python3 -c "$code" "$wait" "$@" || exit 1
else
  command -v bash >/dev/null 2>&1 || exit 4
  index=0
  while [ $# -ge 2 ]; do
    (
      known=yes
      case $1 in
        *:*) ;;
        *[A-Za-z]*) timeout -k 1 "$wait" getent ahosts "$1" >/dev/null 2>&1 || known=no ;;
      esac
      if [ "$known" = no ]; then
        told='ame or service not known'; status=1
      else
        told=$(timeout -k 1 "$wait" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1); status=$?
      fi
      case "$status:$told" in
        0:*) how=open ;;
        124:* | *[Tt]"imed out"*) how=timeout ;;
        *refused*) how=refused ;;
        *"No route to host"*) how=unreachable ;;
        *"etwork is unreachable"*) how=no_route ;;
        *"reset by peer"*) how=reset ;;
        *"ame or service not known"* | *"emporary failure"* | *"bad address"*) how=unresolved ;;
        *"ot permitted"* | *"ermission denied"*) how=barred ;;
        *) how=local ;;
      esac
      printf '%s|%s|-|status %s\n' "$index" "$how" "$status"
    ) &
    index=$((index + 1)); shift 2
  done
  wait
fi
echo end
""",
)

WINDOWS = script(
    "outgoing connections",
    """
$answer.tries = @($p.places | ForEach-Object {
  $place = $_; $how = 'unresolved'; $detail = ''; $found = @()
  try { $found = @([System.Net.Dns]::GetHostAddresses($place.host)) } catch { $detail = 'name' }
  foreach ($address in @($found | Select-Object -First 4)) {
    $client = New-Object System.Net.Sockets.TcpClient -ArgumentList $address.AddressFamily
    try {
      $task = $client.ConnectAsync($address, [int]$place.port)
      $now = if ($task.Wait([int]$p.wait_ms)) { 'open' } else { 'timeout' }
    } catch {
      $detail = "$($_.Exception.GetBaseException().SocketErrorCode)"
      $now = switch ($detail) {
        'ConnectionRefused' { 'refused' } 'TimedOut' { 'timeout' } 'HostUnreachable' { 'unreachable' }
        'NetworkUnreachable' { 'no_route' } 'ConnectionReset' { 'reset' } 'AccessDenied' { 'barred' }
        default { 'local' } }
    }
    $client.Dispose()
    if ($how -notin @('refused', 'timeout', 'unreachable') -or $now -in @('open', 'reset')) { $how = $now }
    if ($how -eq 'open') { break }
  }
  @{ index = $place.index; how = $how; detail = $detail }
})
""",
)


async def knock_from(host: Remote, endpoints: Sequence[str], wait_s: int) -> list[Knock]:
    """Return how connections from `host` to the endpoints ended, in their order."""
    places = [split_endpoint(endpoint) for endpoint in endpoints]
    timeout_s = wait_s * 8 + 20.0
    if (await host.facts()).dialect == "powershell":
        given = {
            "wait_ms": wait_s * 1000,
            "places": [
                {"index": index, "host": name, "port": port} for index, (name, port) in enumerate(places)
            ],
        }
        timeout_s = wait_s * 4 * len(places) + 20.0
        told = await ask(host, WINDOWS(given, timeout_s=timeout_s), "The test of outgoing connections")
        lines = [
            f"{word(one.get('index'))}|{word(one.get('how'))}|-|{word(one.get('detail'))}"
            for one in many(told.get("tries"))
        ]
        return read("\n".join([*lines, "end"]), endpoints, host.name)
    words = [word_ for name, port in places for word_ in (name, str(port))]
    result = await host.run(KNOCK(str(wait_s), *words, timeout_s=timeout_s))
    if result.whole and result.status == 4:
        raise CannotTell(
            f"{host.name} has neither python3 nor bash, so nothing can be connected from there.",
            f"Install one of them on {host.name}, or test from another machine of that network.",
        )
    return read(require(result, host).decode(errors="replace"), endpoints, host.name)


def read(text: str, endpoints: Sequence[str], name: str) -> list[Knock]:
    """Return what the script said of each endpoint; raise CannotTell where it did not say it of all."""
    lines = text.split("\n")
    found: dict[int, Knock] = {}
    for line in lines:
        index, _, rest = line.partition("|")
        outcome, _, rest = rest.partition("|")
        address, _, detail = rest.partition("|")
        known = index.isdecimal() and len(index) < 6 and int(index) < len(endpoints)
        if known and outcome in OUTCOMES:
            found[int(index)] = Knock(
                endpoint=endpoints[int(index)], outcome=outcome, address="" if address == "-" else address,
                detail=detail,
            )  # fmt: skip
    if "end" not in lines or len(found) != len(endpoints):
        raise CannotTell(
            f"{name} told of {len(found)} of {len(endpoints)} connections only.", "Run the check again."
        )
    return [found[index] for index in range(len(endpoints))]
