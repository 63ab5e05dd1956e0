"""An sshd of our own on loopback, and terminals behind it."""

import getpass
import grp
import os
import pty
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from tests.patience import patience
from tests.tui.cockpit.terminal import ROOT, Terminal
from tests.tui.rehearsal import wait_for

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SETTINGS = """
ListenAddress 127.0.0.1
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
PrintLastLog no
"""


def _missing():
    if SSHD is None:
        return "needs sshd (openssh-server)"
    if os.getuid() == 0:
        return "" if Path("/run/sshd").is_dir() else "needs /run/sshd, where root runs an sshd"
    ours, theirs = pty.openpty()
    group = os.fstat(theirs).st_gid
    os.close(ours)
    os.close(theirs)
    known = group == grp.getgrnam("tty").gr_gid
    return "" if known else "here only root's sshd can hand out terminals"


MISSING = _missing()
"""Why none can be started here; empty if one can."""


class Sshd:
    """One that listens; only our key opens it, only as who we are."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for name in ("host", "ours"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True)
        own = {"Port": self.port, "HostKey": folder / "host"}
        own["AuthorizedKeysFile"] = folder / "ours.pub"
        lines = [f"{key} {value}" for key, value in own.items()]
        self.log = folder / "log"
        self.config = folder / "config"
        self.config.write_text("\n".join(lines) + SETTINGS)

    def start(self):
        """Start it; its process, which stays in the foreground."""
        return subprocess.Popen([SSHD, "-D", "-f", str(self.config), "-E", str(self.log)])

    def answers(self):
        """Tell whether it listens."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def terminal(self, place, *words):
        """`rotor` on a terminal at the other end of an ssh."""
        names = ("ROTOR_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "PYTHONPATH")
        known = [f"{name}={place.env[name]}" for name in names]
        rotor = ["exec", "env", *known, sys.executable, "-m", "tui.cli", *map(str, words)]
        options = [
            "-tt", "-F", "none", "-i", self.folder / "ours", "-p", self.port,
            "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
            "-o", f"UserKnownHostsFile={self.folder / 'known_hosts'}",
        ]  # fmt: skip
        host = f"{getpass.getuser()}@127.0.0.1"
        command = f"cd {shlex.quote(str(ROOT))} && {shlex.join(rotor)}"
        return Terminal(*options, host, command, env=place.env, program=("ssh",))


@contextmanager
def sshd(folder):
    """Run an sshd for as long as the body runs."""
    folder.mkdir()
    server = Sshd(folder)
    process = server.start()
    try:
        wait_for(lambda: server.answers() or process.poll() is not None)
        assert process.poll() is None, server.log.read_text()
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(patience(10))


def processes(*words):
    """Return the pids of all processes that run a command with these words in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            line = _read(entry / "cmdline").split("\0")
            if all(str(word) in line for word in words):
                found.append(int(entry.name))
    return found


def session_of(pid):
    """Return the pid of the sshd process that a process lives beneath."""
    while pid > 1:
        status = dict(line.split(":\t", 1) for line in _read(f"/proc/{pid}/status").splitlines())
        if status["Name"].startswith("sshd"):
            return pid
        pid = int(status["PPid"])
    raise AssertionError("it lives beneath no sshd")


def _read(path):
    try:
        return Path(path).read_text(errors="replace")
    except OSError:  # it has ended
        return ""
