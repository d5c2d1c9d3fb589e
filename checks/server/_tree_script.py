"""A file tree of a host told in a few commands: digests of buckets, the entries of some of them, contents.

The entries are spread over buckets by their names, so that a million of them are compared by a few hundred
digests; only the entries of buckets that differ are fetched. Nothing but GNU find, sed, sort, awk, getfacl
and sha256sum is needed, and nothing is written but what sort keeps aside for itself.
"""

from __future__ import annotations

from checks.wire.ssh.command import Script

BUCKETS = 512
MISSING, NO_FOLDER, NO_ENTRY, NOT_GNU = 3, 4, 5, 6
"""Statuses: no such path or not to be looked at, no folder, not to be entered, another find."""

TREE = Script(
    "file-tree",
    r"""
root=$1 mode=$2 acl=$3 owner=$4 buckets=$5 want=$6
kind=$(stat -L -c %F -- "$root") || exit 3
[ "$kind" = directory ] || { echo "it is a $kind" >&2; exit 4; }
cd -- "$root" || exit 5
find --version 2>/dev/null | grep -q GNU || { echo "find is not GNU find" >&2; exit 6; }
machine=$(cat /etc/machine-id /proc/sys/kernel/random/boot_id 2>/dev/null | tr '\n' ' ')
printf 'H\t%s\t%s\n' "$machine" "$(stat -c %d:%i .)"
entries() {
  find . -xdev -printf '%y\t%s\t%Ts\t%U\t%G\t%m\t%n\t%D\t%i\t%b\t' \
    \( -readable -printf 'r\t' -o -printf 'u\t' \) -printf '%P//%l\0'
  printf 'S\tfind\t%s\0' "$?"
}
lists() {
  find . -xdev ! -type l -print0 | xargs -0 -r getfacl -n -s -p --
  printf '\nS\tacl\t%s\n\n' "$?"
}
{
  entries | sed -z 's/\\/\\\\/g; s/\n/\\012/g; s/\r/\\015/g' | tr '\0' '\n'
  [ "$acl" = 1 ] && lists | awk '
    /^# file: / { path = substr($0, 9); sub(/^\.\/?/, "", path); list = ""; next }
    /^#/ { next }
    /^S\t/ { print; next }
    /^$/ { if (list != "") print "A\t" list "\t" path; list = ""; next }
    { list = list (list == "" ? "" : ",") $0 }'
} | awk -v buckets="$buckets" -v owner="$owner" '
  BEGIN {
    known = " !#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"
    for (i = 1; i <= length(known); i++) ord[substr(known, i, 1)] = i
  }
  function bucket(text,    n, i, h) {
    n = length(text); h = n
    for (i = (n > 32 ? n - 31 : 1); i <= n; i++) h = (h * 31 + ord[substr(text, i, 1)]) % 1000003
    return h % buckets
  }
  /^S\t/ { print "Z\t" $0; next }
  /^A\t/ {
    rest = substr($0, 3); p = index(rest, "\t"); path = substr(rest, p + 1)
    print bucket(path) "\t" $0; next
  }
  {
    rest = $0
    for (i = 1; i <= 11; i++) {
      p = index(rest, "\t"); f[i] = substr(rest, 1, p - 1); rest = substr(rest, p + 1)
    }
    path = substr(rest, 1, index(rest, "//") - 1)
    y = f[1]; kinds[y]++
    if (path == "") device = f[8]
    if (y == "d" && f[8] != device) print "Z\tX\t" path
    if (y == "f") {
      if (f[7] < 2 || !seen[f[9]]++) { bytes += f[2]; blocks += f[10] }
      p = index(path, "/"); top = p ? substr(path, 1, p - 1) : "."
      files[top]++; sizes[top] += f[2]
      if (f[11] == "u") unreadable++
    } else { f[2] = ""; f[7] = "" }
    if (y == "d" || y == "l") f[3] = ""
    if (y == "l") f[6] = ""
    if (!owner) { f[4] = ""; f[5] = ""; f[6] = "" }
    print bucket(path) "\t" y "\t" f[2] "\t" f[3] "\t" f[4] "\t" f[5] "\t" f[6] "\t" f[7] "\t" rest
  }
  END {
    for (y in kinds) print "Z\tK\t" y "\t" sprintf("%.0f", kinds[y])
    for (top in files) print "Z\tT\t" sprintf("%.0f\t%.0f", files[top], sizes[top]) "\t" top
    print "Z\tB\t" sprintf("%.0f\t%.0f\t%.0f", bytes, blocks * 512, unreadable)
  }
' | sort | awk -v mode="$mode" -v want="$want" '
  BEGIN { n = split(want, words, " "); for (i = 1; i <= n; i++) wanted[words[i]] = 1; last = "" }
  function done() {
    if (mode == "sums" && last != "") {
      close("sha256sum")
      print "D\t" last "\t" count "\t" regular "\t" octets; fflush()
    }
    count = 0; regular = 0; octets = 0
  }
  {
    p = index($0, "\t"); b = substr($0, 1, p - 1); record = substr($0, p + 1)
    if (b == "Z") { done(); last = ""; print record; next }
    if (b != last) { done(); last = b }
    count++; octets += length(record) + 1
    if (substr(record, 1, 2) == "f\t") regular++
    if (mode == "sums") { print record | "sha256sum"; next }
    if (b in wanted) print "L\t" b "\t" record
    if (substr(record, 1, 2) == "f\t" && (b "." regular) in wanted) print "P\t" b "." regular "\t" record
  }
  END { done(); print "E" }
'
""",
)
"""Arguments: folder, `sums` or `list`, 1 with access lists, 1 with owners and modes, buckets, what to list
(buckets `17`, or the third file of one `17.3`)."""

CONTENTS = Script(
    "file-contents",
    r"""
cd -- "$1" || exit 5
xargs -0 -r sh -c 'for f; do
  before=$(stat -c "%F %s %Y" -- "$f" 2>/dev/null); sum=
  [ -f "$f" ] && [ ! -L "$f" ] && [ -r "$f" ] && sum=$(sha256sum < "$f")
  after=$(stat -c "%F %s %Y" -- "$f" 2>/dev/null)
  printf "%s\t%s\t%s\n" "$before" "${sum%% *}" "$after"
done' sh
printf 'E\n'
""",
)
"""Hashes files below a folder; their names arrive on stdin, each begun by `./` and ended by a zero byte."""
