"""The scripts that read what a server shares. The one for Windows was never run on a real system."""

from __future__ import annotations

from checks.wire.ssh.command import PowerShell, Script

READ = Script(
    "shares",
    r"""
conf=$1
part() { name=$1; shift; printf '%s\0' "$name"; "$@"; printf '\0%s\0' "$?"; }
running() { ps -e -o comm= | sort -u | grep -x -e smbd -e nfsd; }
exports() {
  for file in /etc/exports /etc/exports.d/*.exports; do
    if [ -e "$file" ]; then cat "$file" || return 1; fi
  done
}
part running running
if [ -n "$conf" ]; then
  part samba testparm -s --suppress-prompt "$conf"
  part defaults testparm -s -v --suppress-prompt "$conf"
  part permissions sharesec -s "$conf" --view-all
  part usershares net -s "$conf" usershare info --long
else
  part samba testparm -s --suppress-prompt
  part defaults testparm -s -v --suppress-prompt
  part permissions sharesec --view-all
  part usershares net usershare info --long
fi
part nfs exportfs -v
part exports exports
printf 'end\0'
""",
)
"""Its argument is Samba's configuration, or empty for the usual one."""

FOLDERS = Script(
    "shared folders",
    r"""
for path; do
  printf '%s\0' "$path"; stat -L -c 'user %u, group %g, mode %a' -- "$path" 2>&1; printf '\0%s\0' "$?"
  getfacl -n -c -p -- "$path"; printf '\0%s\0' "$?"
done
printf 'end\0'
""",
)

WINDOWS = PowerShell(
    "shares",
    """
$out = @()
foreach ($s in Get-SmbShare -Special $false) {
  $access = Get-SmbShareAccess -Name $s.Name | ForEach-Object {
    "$($_.AccountName) $($_.AccessControlType) $($_.AccessRight)" } | Sort-Object
  $sddl = try { (Get-Acl -LiteralPath $s.Path).Sddl } catch { '' }
  $out += @{ kind = 'share'; name = $s.Name; path = $s.Path; access = ($access -join '; '); sddl = $sddl
    encrypt = [string]$s.EncryptData; enumeration = [string]$s.FolderEnumerationMode
    caching = [string]$s.CachingMode }
}
$c = Get-SmbServerConfiguration
$out += @{ kind = 'server'; smb1 = [string]$c.EnableSMB1Protocol; encrypt = [string]$c.EncryptData
  signing = [string]$c.RequireSecuritySignature }
ConvertTo-Json -Compress -Depth 3 -InputObject @($out)
""",
)
