"""The commands of borg 1.x: cache in a folder of its own, passphrase by a pipe, marks in the output."""

from __future__ import annotations

from checks.backup._archive_content import BASH
from checks.wire.ssh.command import Script

WRITES = (
    "a temporary folder for borg's cache, removed when it ends; borg itself puts its lock into the "
    "repository while it reads, and a new index where the index is missing or damaged"
)
_BORG = r"""
command -v borg >/dev/null || { printf '\036missing borg\n'; exit 0; }
home=$HOME/.config/borg
base=$(mktemp -d) || exit 125
trap 'rm -rf -- "$base"' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 141' PIPE; trap 'exit 143' TERM
export TZ=UTC BORG_BASE_DIR="$base" BORG_KEYS_DIR="${BORG_KEYS_DIR:-$home/keys}"
export BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes BORG_RSH="${BORG_RSH:-ssh -o BatchMode=yes}"
repo=$1 file=$2 given=$3 wait=$4 past=$5
shift 5
word=
[ "$given" != stdin ] || IFS= read -r word
if [ "$given" = none ]; then
  borg_() { borg --log-json "$@" </dev/null; }
elif [ "$given" = file ]; then
  [ -r "$file" ] || { printf '\036unreadable password_file\n'; exit 0; }
  export BORG_PASSPHRASE_FD=9
  borg_() { borg --log-json "$@" 9<"$file" </dev/null; }
else
  export BORG_PASSPHRASE_FD=9
  borg_() { printf '%s\n' "$word" | { borg --log-json "$@" 9<&0 </dev/null; }; }
fi
bypass=
[ "$past" = no ] || bypass=--bypass-lock
"""
LIST = Script(
    "list of a borg repository",
    _BORG
    + r"""
borg --version
printf '\036index %s\n' "$(ls -d -- "$repo"/index.* 2>/dev/null | tr '\n' ' ')"
printf '\036list\n'
borg_ list --lock-wait "$wait" $bypass --json --format '{hostname}{NL}' -- "$repo"
printf '\n\036status %s\n' "$?"
printf '\036index %s\n' "$(ls -d -- "$repo"/index.* 2>/dev/null | tr '\n' ' ')"
[ ! -e "$repo/lock.exclusive" ] ||
  printf '\036holder %s\n' "$(ls -- "$repo/lock.exclusive" 2>/dev/null | head -n 3 | tr '\n' ' ')"
for known in "$home"/security/*/location; do
  [ -r "$known" ] || continue
  id=${known%/location}
  printf '\036known %s %s\n' "${id##*/}" "$(head -c 500 "$known")"
done
exit 0
""",
    shell=BASH,
    writes=WRITES,
)
CONTENT = Script(
    "list of a borg archive",
    _BORG
    + r"""
format='{type} {size} {health} {mtime:%s} {bpath}{NUL}'
borg_ list --lock-wait "$wait" $bypass --format "$format" -- "$repo::$1"
printf '\036status %s\n' "$?"
""",
    shell=BASH,
    writes=WRITES,
)
"""Type, size, health, mtime and path of each item, ended by a zero byte."""
SIZES = Script(
    "sizes of borg archives",
    _BORG
    + r"""
set -o pipefail
for archive; do
  borg_ list --lock-wait "$wait" $bypass --format '{type} {size}{NL}' -- "$repo::$archive" |
    awk '$1 == "-" { n++; b += $2 } END { printf "\036size %d %.0f\n", n, b }' || printf '\036bad\n'
done
printf '\036status 0\n'
""",
    shell=BASH,
    writes=WRITES,
)
VERIFY = Script(
    "borg extract --dry-run",
    _BORG
    + r"""
borg_ extract --dry-run --lock-wait "$wait" $bypass -- "$repo::$1"
printf '\036status %s\n' "$?"
""",
    shell=BASH,
    writes=WRITES,
)
RESTORE = Script(
    "restore from a borg archive",
    _BORG
    + r"""
archive=$1; shift
borg_ export-tar --lock-wait "$wait" $bypass -- "$repo::$archive" - "$@" |
  tar --extract --absolute-names -f - \
    --to-command='sum=$(sha256sum); printf "%s %s\0" "${sum%% *}" "$TAR_REALNAME"'
printf '\036status %s\n' "${PIPESTATUS[0]}"
""",
    shell=BASH,
    writes=WRITES,
)
"""SHA-256 and name of each member; nothing but the pipe is written to."""
