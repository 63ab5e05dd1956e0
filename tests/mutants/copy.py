"""A copy of the tree in which a fault is planted, and the tests that are run on it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Copy:
    """One copy; a fault at a time."""

    def __init__(self, root: Path = ROOT) -> None:
        self._base = Path(tempfile.mkdtemp(prefix="rotor-mutants-"))
        self.root = self._base / "repo"
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"],
            cwd=root, capture_output=True, text=True, check=True,
        )  # fmt: skip
        for name in listed.stdout.splitlines():
            if (root / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, self.root / name)
        shared = root.parent / "shared"
        if shared.exists():
            (self._base / "shared").symlink_to(shared)
        self._stamp = time.time_ns() // 10**9
        self._planted: tuple[Path, str] | None = None

    def plant(self, mutant) -> None:
        """Put a fault in; the one before is taken out."""
        self.restore()
        path = self.root / mutant.path
        source = path.read_text()
        self._planted = path, source
        lines = source.splitlines(keepends=True)
        old = lines[mutant.line - 1]
        assert old.strip() == mutant.before, f"{mutant.path}:{mutant.line} reads {old!r}"
        indent = old[: len(old) - len(old.lstrip())]
        lines[mutant.line - 1] = f"{indent}{mutant.after}\n"
        self._write(path, "".join(lines))

    def restore(self) -> None:
        """Take the fault out."""
        if self._planted is not None:
            self._write(*self._planted)
            self._planted = None

    def _write(self, path: Path, text: str) -> None:
        # compiled files and kernels are looked up by their source's time and size
        path.write_text(text)
        self._stamp += 1
        os.utime(path, (self._stamp, self._stamp))

    def run(self, tests, seconds: float, *, kernels: bool) -> str:
        """Run tests to the first failure: passed, failed (with its name), or hung."""
        names = self._base / "tests.txt"
        names.write_text("\n".join(tests))
        env = os.environ | {"PYTHONPATH": str(self.root), "PYTHONHASHSEED": "0"}
        if kernels:  # one that calls another file's is not compiled anew by itself
            cache = self._base / "kernels"
            shutil.rmtree(cache, ignore_errors=True)
            env["NUMBA_CACHE_DIR"] = str(cache)
        command = [
            sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-p", "no:xdist",
            "-W", "default", "--no-header", "--tb=line", f"@{names}",
        ]  # fmt: skip
        child = subprocess.Popen(
            command, cwd=self.root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            said, _ = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return "hung"
        finally:
            _end(child)
        return "passed" if child.returncode == 0 else _first_failure(said)

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self._base, ignore_errors=True)


def _end(child) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _first_failure(said: str) -> str:
    marked = [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]
    last = marked[0] if marked else (said.strip().splitlines() or ["no word"])[-1]
    return f"failed {last.partition(' ')[2] if marked else last}"[:200]
