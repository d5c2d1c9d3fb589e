"""What the SSH servers of a test are told: kinds of login as lines of sshd_config, and how one starts."""

from __future__ import annotations

PASSWORD = "PasswordAuthentication yes\nPubkeyAuthentication no\n"
KEYBOARD = "UsePAM yes\nKbdInteractiveAuthentication yes\nPubkeyAuthentication no\n"
SECOND_FACTOR = (
    "UsePAM yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive\n"
)
TWO_SESSIONS = "MaxSessions 2\n"
JUMP = "AllowTcpForwarding yes\n"
NO_JUMP = "AllowTcpForwarding no\n"
SHA1 = (
    "HostKeyAlgorithms ssh-rsa\nKexAlgorithms diffie-hellman-group14-sha1\nMACs hmac-sha1\n"
    "PubkeyAcceptedAlgorithms ssh-rsa\n"
)
BANNER = "Banner /etc/ssh/banner\n"
USUAL = """
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
StrictModes yes
PrintMotd no
PrintLastLog no
AuthorizedKeysFile /etc/ssh/keys/%u
PidFile none
LoginGraceTime 30
MaxStartups 200:30:400
Subsystem sftp internal-sftp
LogLevel VERBOSE
"""
START = """
set -e
home=$1; shift
for name in passwd group shadow sudoers pam.d ssh; do mount --bind "$home/$name" "/etc/$name"; done
mount --bind "$home/home" /home
if [ -d /run/sudo ]; then mount --bind "$home/sudo-run" /run/sudo; fi
if [ -d "$home/farm" ]; then
  for folder in bin sbin; do mount --bind "/usr/$folder" "$home/srv/.usr/$folder"; done
fi
mount --rbind "$home/srv" /srv
if [ -d "$home/farm" ]; then
  for folder in bin sbin; do mount --bind "$home/farm/$folder" "/usr/$folder"; done
fi
exec "$@"
"""
