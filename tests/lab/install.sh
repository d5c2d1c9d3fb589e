#!/bin/sh
# Install the Debian or Ubuntu packages that the tests need (as root), and with the argument `bench` those that
# the benchmarks compare with as well. Quick when everything is there; without root it prints what to install.
set -eu

packages="acl bind9-dnsutils borgbackup btrfs-progs busybox-static bzip2 chromium chrony coturn cups-client
  cups-daemon curl dnsmasq-base duplicity faketime fish fping gawk hostapd iperf3 iproute2 iputils-ping
  isc-dhcp-client isc-dhcp-relay isc-dhcp-server iw knot knot-dnsutils ldb-tools lldpd lvm2 mariadb-backup
  mariadb-client mariadb-server mawk monitoring-plugins-basic nfs-kernel-server nftables nginx-light nmap
  nsd openssh-client openssh-server openssl pgbackrest postfix postgresql procps qemu-system-x86
  rdiff-backup restic rsnapshot rsync samba samba-ad-provision samba-dsdb-modules seabios smbclient snmp
  snmpd sudo tcpdump tcsh tmux tshark udhcpc udhcpd unbound unzip util-linux wireless-regdb wpasupplicant
  xrdp xz-utils zip zstd"
bench="dnsperf prometheus-blackbox-exporter"

[ "${1:-}" = bench ] && packages="$packages $bench"

if ! command -v dpkg-query >/dev/null; then
  echo "The lab runs on Debian and Ubuntu; its tests are skipped here. It needs the likes of:" $packages >&2
  exit 0
fi

missing=""
for package in $packages; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "Some tests will be skipped. To run them too: sudo apt-get install --no-install-recommends$missing" >&2
  exit 0
fi

# The tests run daemons of their own: the packages' services stay off while they are installed. RUNLEVEL is for
# sysvinit, the policy for systemd (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt-get -qq update
apt-get -qq install --yes --no-install-recommends $missing
