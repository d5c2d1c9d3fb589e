"""server.shares: what is shared otherwise than on the old server is told, against real Samba."""

from __future__ import annotations

import dataclasses
import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.contract import CannotTell
from checks.server import _shares_read
from checks.server._shares_read import exports, ini, read_shares
from checks.server.shares import FileShares, SharesSeen
from checks.words import Status, worst
from tests.checks.hostile import assert_harmless
from tests.lab import fileserver
from tests.lab.needs import PATH, need
from tests.local_remote import LocalRemote

S = Status
LOGIN = {"host": "192.0.2.6", "user": "tech"}
OLD = {"host": "192.0.2.5"}


def check(**params):
    from pydantic import TypeAdapter

    given_ = {**LOGIN, **({} if "shares" in params else {"source": OLD}), **params}
    return TypeAdapter(FileShares).validate_json(json.dumps(given_))


def judged(target, source=None, **params):
    findings = list(check(**params).judge(SharesSeen(target=target, source=source)))
    assert_harmless(findings)
    return worst(f.status for f in findings), "\n".join(
        f"{f.status}: {f.message} [{f.observed}] {f.fix}" for f in findings
    )


class Host(LocalRemote):
    """This machine with an /etc/exports and an export table of its own, perhaps as nobody."""

    def __init__(self, name, folder, *, user="0"):
        super().__init__()
        self.name, self.folder, self.user = name, folder, user

    async def run(self, command):
        script = "".join(
            f'[ -e "$0/{name}" ] && mount --bind "$0/{name}" {path} ; '
            for name, path in (("exports", "/etc/exports"), ("nfs", "/var/lib/nfs"))
        )
        words = ("unshare", "--mount", "sh", "-c", script + 'exec "$@"', str(self.folder),
                 "setpriv", f"--reuid={self.user}", "--clear-groups", "--")  # fmt: skip
        return await super().run(dataclasses.replace(command, argv=(*words, *command.argv)))


SHARES = """[files]
path = {folder}/files
read only = no
valid users = root, nobody
[projects]
path = {folder}/projects
guest ok = yes
[homes]
browseable = no
[printers]
path = /tmp
printable = yes
"""


class Server:
    """An old or new file server with a running Samba; `write` changes its configuration."""

    def __init__(self, name, folder, samba):
        self.folder, self.samba = folder, samba
        self.host = Host(name, folder)

    def write(self, *edits, options=""):
        text = SHARES.format(folder=self.folder)
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        fileserver.smb_conf(
            self.samba.folder, text, port=self.samba.port, options=f"usershare path = {self.folder}/user\n"
            f"usershare max shares = 5\n{options}",
        )  # fmt: skip

    async def read(self, *, acl=True, user="0"):
        host = self.host if user == "0" else Host(self.host.name, self.folder, user=user)
        return await read_shares(host, "", smb_conf=str(self.samba.conf), acl=acl)


@pytest.fixture(scope="module")
def servers():
    need("smbd", "smbclient", "testparm", "sharesec", "getfacl", "setfacl", "exportfs", "unshare")
    with fileserver.open_folder() as root:
        made = []
        folders = [root / "old", root / "new"]
        for folder in folders:
            for name in ("files", "projects", "user", "nfs"):
                (folder / name).mkdir(parents=True)
            (folder / "user").chmod(0o1770)
            (folder / "files").chmod(0o2770)
            fileserver.acl(folder / "files", "u:3001:rwx,d:u:3001:rwx")
        with (
            fileserver.samba(folders[0] / "samba", SHARES.format(folder=folders[0])) as first,
            fileserver.samba(folders[1] / "samba", SHARES.format(folder=folders[1])) as second,
        ):
            for folder, server in zip(folders, (first, second), strict=True):
                made.append(Server(folder.name, folder, server))
            yield made


@pytest.fixture
def old(servers):
    servers[0].write()
    return servers[0]


@pytest.fixture
def new(servers):
    servers[1].write()
    yield servers[1]
    (servers[1].folder / "exports").unlink(missing_ok=True)


def moved(old, new):
    return [{"source": str(old.folder), "target": str(new.folder)}]


lab = [pytest.mark.lab, pytest.mark.xdist_group("shares")]


@pytest.mark.lab
@pytest.mark.xdist_group("shares")
class TestSamba:
    async def told(self, old, new, **params):
        there, here = await old.read(), await new.read()
        return judged(here, there, **{"paths": moved(old, new), **params})

    async def test_the_same_shares_after_a_move_pass(self, old, new):
        status, text = await self.told(old, new)
        assert status is S.PASS, text
        assert "settings of shares are the same" in text

    async def test_a_path_that_moved_fails_unless_it_is_said(self, old, new):
        status, text = await self.told(old, new, paths=[])
        assert status is S.FAIL
        assert "share:files/path" in text
        assert (await self.told(old, new, paths=[], allowed=["share:*/path"]))[0] is S.PASS

    @pytest.mark.parametrize(
        ("edits", "options", "key"),
        [
            pytest.param([("[projects]", "[project]")], "", "share:projects is missing", id="missing"),
            pytest.param([("read only = no", "read only = yes")], "", "files/read only", id="read-only"),
            pytest.param([("read only = no\n", "")], "", "share:files/read only", id="read-only by default"),
            pytest.param([("root, nobody", "root")], "", "share:files/valid users", id="valid users"),
            pytest.param([("valid users = root, nobody\n", "")], "", "files/valid users", id="everybody"),
            pytest.param([("/projects\n", "/files\n")], "", "share:projects/path", id="path"),
            pytest.param([("guest ok = yes", "guest ok = yes\navailable = no")], "", "/available", id="off"),
            pytest.param([("[homes]\nbrowseable = no\n", "")], "", "share:homes is missing", id="homes"),
            pytest.param([], "server min protocol = NT1", "smb:server min protocol", id="SMB 1"),
            pytest.param([], "hosts allow = 192.0.2.", "smb:hosts allow", id="hosts"),
        ],
    )  # fmt: skip
    async def test_what_is_shared_otherwise_fails_with_its_key(self, old, new, edits, options, key):
        new.write(*edits, options=options)
        status, text = await self.told(old, new)
        assert status is S.FAIL, text
        assert key in text

    async def test_a_list_in_another_order_and_a_default_written_out_are_the_same(self, old, new):
        new.write(("root, nobody", "nobody root"), ("guest ok = yes", "guest ok = yes\nread only = yes"))
        assert (await self.told(old, new))[0] is S.PASS

    async def test_share_permissions_are_compared(self, old, new):
        new.samba.run("sharesec", "files", "-a", "S-1-5-32-546:DENIED/0/FULL")
        try:
            status, text = await self.told(old, new)
        finally:
            new.samba.run("sharesec", "files", "-D")
        assert status is S.FAIL
        assert "share:files/permissions" in text
        assert "DENIED" in text

    async def test_the_rights_of_the_folder_are_compared(self, old, new):
        fileserver.acl(new.folder / "files", "u:3002:rwx")
        try:
            status, text = await self.told(old, new)
        finally:
            subprocess.run(["setfacl", "-x", "u:3002", new.folder / "files"], check=True, env={"PATH": PATH})
        assert status is S.FAIL
        assert "share:files/folder" in text

    async def test_a_folder_that_is_not_there_fails(self, old, new):
        (new.folder / "projects").rename(new.folder / "away")
        try:
            status, text = await self.told(old, new)
        finally:
            (new.folder / "away").rename(new.folder / "projects")
        assert status is S.FAIL
        assert "no such folder" in text

    async def test_what_users_share_is_compared(self, old, new):
        old.samba.run("net", "usershare", "add", "team", str(old.folder / "files"), "x", "S-1-1-0:F")
        try:
            status, text = await self.told(old, new)
        finally:
            old.samba.run("net", "usershare", "delete", "team")
        assert status is S.FAIL
        assert "share:team is missing" in text

    async def test_without_rights_it_is_inconclusive_though_sharesec_ends_with_0(self, old, new):
        here = await new.read(user="65534")
        assert here.unknown
        there = await old.read()
        status, text = judged(here, there, paths=moved(old, new))
        assert status is S.INCONCLUSIVE, text
        assert "sharesec" in text
        without = [await one.read(acl=False) for one in (new, old)]
        assert judged(*without, paths=moved(old, new))[0] is S.PASS

    async def test_a_configuration_that_cannot_be_read_cannot_tell(self, old):
        with pytest.raises(CannotTell, match="configuration"):
            await read_shares(old.host, "", smb_conf="/nowhere/smb.conf", acl=False)

    async def test_planned_shares(self, new):
        here = await new.read()
        files = {"name": "Files", "path": f"{new.folder}/files", "read_only": False, "guest": False,
                 "valid_users": ["nobody", "root"]}  # fmt: skip
        assert judged(here, shares=[files])[0] is S.PASS
        for wrong in (
            {"path": "/x"},
            {"read_only": True},
            {"guest": True},
            {"valid_users": []},
            {"name": "x"},
        ):
            assert judged(here, shares=[files | wrong])[0] is S.FAIL, wrong
        assert judged(dataclasses.replace(here, running=()), shares=[files])[0] is S.FAIL

    async def test_nfs_exports_of_a_real_table(self, old, new):
        for server, network in ((old, "192.0.2.0/24"), (new, "198.51.100.0/24")):
            (server.folder / "exports").write_text(f"{server.folder}/files {network}(rw,no_subtree_check)\n")
            (server.folder / "nfs" / "etab").write_text(
                f"{server.folder}/files\t{network}(rw,sync,wdelay,hide,nocrossmnt,secure,root_squash,"
                "no_all_squash,no_subtree_check,secure_locks,acl,no_pnfs,anonuid=65534,anongid=65534,sec=sys,"
                "rw,secure,root_squash,no_all_squash)\n"
            )
        there, here = await old.read(acl=False), await new.read(acl=False)
        (old.folder / "exports").unlink()
        assert [share.name for share in here.shares if share.kind == "nfs"] == [
            f"{new.folder}/files 198.51.100.0/24"
        ]
        status, text = judged(here, there, paths=moved(old, new))
        assert status is S.FAIL
        assert f"nfs:{new.folder}/files 192.0.2.0/24 is missing" in text
        assert "share-server:nfsd" in text
        assert "Start nfsd here" in text
        assert judged(here, shares=[{"name": f"{new.folder}/files"}])[0] is S.FAIL
        runs = dataclasses.replace(here, running=("nfsd", "smbd"))
        assert judged(runs, shares=[{"name": f"{new.folder}/files", "read_only": False}])[0] is S.PASS
        assert judged(runs, shares=[{"name": f"{new.folder}/files", "read_only": True}])[0] is S.FAIL


def some(how="posix", **change):
    share = _shares_read.Share(name="files", kind="smb", path="/srv/files", options={"read only": "No"})
    made = _shares_read.Shares(
        name="old", how=how, shares=(share,), server={"read only": "Yes"}, running=("smbd",)
    )
    return dataclasses.replace(made, **change)


@pytest.mark.parametrize(
    ("target", "source", "status"),
    [
        pytest.param(some(), some(), S.PASS, id="the same"),
        pytest.param(some(), some(running=()), S.PASS, id="stopped on the old one"),
        pytest.param(some(running=()), some(), S.FAIL, id="smbd does not run"),
        pytest.param(some(running=()), some(running=()), S.FAIL, id="stopped on both"),
        pytest.param(some(), some(shares=()), S.INCONCLUSIVE, id="nothing on the old one"),
        pytest.param(some(shares=()), some(), S.FAIL, id="nothing on the new one"),
        pytest.param(some(), some("windows"), S.INCONCLUSIVE, id="from Windows to Samba"),
        pytest.param(some(unknown=("x",)), some(), S.INCONCLUSIVE, id="not everything read"),
        pytest.param(some(), some(unknown=("x",)), S.INCONCLUSIVE, id="not everything read of the old one"),
    ],
)
def test_the_judge(target, source, status):
    found, text = judged(target, source)
    assert found is status, text


EXPORTFS = """/srv/files    \t192.0.2.0/24(sync,wdelay,hide,no_subtree_check,sec=sys,rw,secure,root_squash)
/srv/a/very/long/path/of/a/folder
\t\t<world>(sync,wdelay,ro,secure)
/srv/a/very/long/path/of/a/folder
\t\tpc7.example.net(sync,rw,secure)
"""


def test_exports_are_read_also_where_the_path_has_a_line_of_its_own():
    assert [share.name for share in exports(EXPORTFS)] == [
        "/srv/files 192.0.2.0/24", "/srv/a/very/long/path/of/a/folder <world>",
        "/srv/a/very/long/path/of/a/folder pc7.example.net",
    ]  # fmt: skip


WINDOWS = [
    {"kind": "share", "name": "Files", "path": "D:\\Files", "access": "LAB\\staff Allow Change",
     "sddl": "O:BAG:SYD:(A;;FA;;;BA)", "encrypt": "False", "enumeration": "AccessBased", "caching": "Manual"},
    {"kind": "server", "smb1": "False", "encrypt": "False", "signing": "True"},
]  # fmt: skip


class Windows(LocalRemote):
    def __init__(self, rows):
        super().__init__()
        self.rows = rows

    async def facts(self):
        return dataclasses.replace(await super().facts(), dialect="powershell")

    async def run(self, command):
        assert command.powershell
        result = await super().run(dataclasses.replace(command, powershell="", argv=("true",)))
        return dataclasses.replace(result, stdout=json.dumps(self.rows).encode())


async def test_windows_shares_as_documented():
    old = await read_shares(Windows(WINDOWS), "", smb_conf="", acl=True)
    assert judged(old, old)[0] is S.PASS
    for key, other in (
        ("access", "Everyone Allow Full"),
        ("sddl", "O:BAG:SYD:(A;;FA;;;WD)"),
        ("path", "E:\\F"),
    ):
        new = await read_shares(Windows([WINDOWS[0] | {key: other}, WINDOWS[1]]), "", smb_conf="", acl=True)
        assert judged(new, old)[0] is S.FAIL, key
    blind = await read_shares(Windows([WINDOWS[0] | {"sddl": ""}, WINDOWS[1]]), "", smb_conf="", acl=True)
    assert judged(blind, old)[0] is S.INCONCLUSIVE
    with pytest.raises(CannotTell):
        await read_shares(Windows(WINDOWS[:1]), "", smb_conf="", acl=True)


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({}, id="nothing asked"),
        pytest.param({"shares": [{"name": "a"}], "allowed": ["share:a"]}, id="allowed without source"),
        pytest.param({"shares": [{"name": "a"}], "paths": [{"source": "/a", "target": "/b"}]}, id="paths"),
        pytest.param({"source": LOGIN}, id="itself"),
        pytest.param({"source": OLD, "allowed": ["*"]}, id="everything allowed"),
    ],
)
def test_what_says_nothing_is_refused(params):
    with pytest.raises(ValueError, match=r"\w"):
        from pydantic import TypeAdapter

        TypeAdapter(FileShares).validate_json(json.dumps(LOGIN | params))


LINES = ["[files]", "path = /x", "[", "=", "/srv\t*(rw)", "("]


@given(st.text(max_size=200) | st.lists(st.sampled_from(LINES)).map("\n".join))
def test_no_output_breaks_the_readers(text):
    ini(text)
    exports(text)
    _shares_read._permissions(text, 0)
    _shares_read._folders(text.encode())
    with pytest.raises(CannotTell):
        _shares_read._parts(text.encode(), "x")
