"""Makes the virtual environment and becomes the tool that was asked for.

Started by ``tools/run``, ``tools/test``, ``tools/bench``, ``tools/mutants``, ``tools/campaign`` and ``tools/lock`` with
any Python >= 3.11 and nothing installed, so it uses only the standard library and imports nothing of the project. What only
an installation needs is imported there: at each start somebody waits for the rest.

- One environment per Python version, ``.venv/3.11``, ``.venv/3.12`` …, so that several can be used side by side.
- Two levels: *run* (what the product needs) and *dev* (and what its check needs), installed exactly as
  ``requirements/run.txt`` and ``requirements/dev.txt`` say, with hashes.
- A stamp per level is written last. It holds a hash of all that decides what must be installed; while it fits, a
  start installs nothing. Without a fitting stamp the environment is made anew: an interrupted installation is
  never trusted.
- A lock on the file system makes concurrent starts wait for each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
import sysconfig
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    "test": "tools.check",
    "lock": "tools.lock",
    "bench": "tools.benchmarks",
    "mutants": "tools.mutants",
    "campaign": "tools.campaign",
    "pictures": "tools.pictures",
    "walk": "tools.walk",
}
"""What each tool but "run" is."""
LOCKS = {"run": ("run",), "dev": ("run", "dev")}
"""Which files of requirements/ make up a level."""
INSTALL_TABLES = ("build-system", "project")
"""Tables of pyproject.toml that change what is installed; the settings of linters do not."""


class SetupError(Exception):
    """The environment cannot be made; the message is one line for the user, ``log`` the output of what failed."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class Environment:
    """The virtual environment of one Python version in one checkout."""

    def __init__(self, root: Path, version: str, abi: str) -> None:
        """Describe the environment of ``root`` for a Python ``version`` such as "3.11" with binary interface ``abi``."""
        self.root = root
        self.abi = abi
        self.folder = root / ".venv" / version
        self.python = self.folder / "bin" / "python"

    def key(self, level: str) -> str:
        """Return the hash of everything that decides what belongs into the environment at ``level``."""
        settings = tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))
        tables = {name: settings.get(name) for name in INSTALL_TABLES}
        tables["setuptools"] = settings.get("tool", {}).get("setuptools")
        digest = hashlib.sha256(json.dumps(tables, sort_keys=True).encode())
        # The path belongs to it because an environment keeps absolute paths: a moved or copied tree needs its own.
        for part in (self.abi, str(self.root)):
            digest.update(b"\0" + part.encode())
        for name in LOCKS[level]:
            digest.update(b"\0" + (self.root / "requirements" / f"{name}.txt").read_bytes())
        return digest.hexdigest()

    def ready(self, level: str) -> bool:
        """Tell whether all of ``level`` is installed and up to date."""
        if not self.python.exists():  # also false when the interpreter behind the link was removed
            return False
        try:
            return self._stamp(level).read_text(encoding="ascii") == self.key(level)
        except FileNotFoundError:
            return False

    def prepare(self, level: str, tell: str) -> None:
        """Install what ``level`` lacks, after waiting for others who do the same. Raises SetupError."""
        if self.ready(level):
            return
        self.folder.parent.mkdir(exist_ok=True)
        with _locked(self.folder.parent / "lock", tell) as lock:
            if not self.ready(level):
                self._install(level, tell, lock)

    def _install(self, level: str, tell: str, lock: int) -> None:
        print(f"{tell}: setting up .venv/{self.folder.name} (once, about a minute)", file=sys.stderr, flush=True)
        fits = self.ready("run") and not self._stamp("dev").exists()
        for known in LOCKS:
            self._stamp(known).unlink(missing_ok=True)
        if not fits:
            if self.folder.exists():
                import shutil

                shutil.rmtree(self.folder)
            _call(
                [sys.executable, "-I", "-m", "venv", str(self.folder)],
                "creating the virtual environment",
                self.root,
                lock,
            )
        pip = [str(self.python), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
        packages = str(self.root / "requirements" / f"{level}.txt")
        _call([*pip, "--require-hashes", "-r", packages], "installing the dependencies", self.root, lock)
        _call(
            [*pip, "--no-deps", "--no-build-isolation", "-e", str(self.root)], "installing the project", self.root, lock
        )
        for included in LOCKS[level]:
            stamp = self._stamp(included)
            stamp.with_suffix(".new").write_text(self.key(included), encoding="ascii")
            stamp.with_suffix(".new").replace(stamp)

    def _stamp(self, level: str) -> Path:
        return self.folder / f"{level}.stamp"


@contextmanager
def _locked(path: Path, tell: str) -> Iterator[int]:
    """Hold ``path`` for this process and those it hands the descriptor to; the system releases it with the last one."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{tell}: waiting for another set-up to finish", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def _call(command: Sequence[str], doing: str, root: Path, lock: int) -> None:
    # A user's settings that send packages elsewhere must not reach into our environment; where packages come from
    # stays the user's business.
    env = {name: value for name, value in os.environ.items() if name not in {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"}}
    env["PIP_USER"] = "0"
    import subprocess

    done = subprocess.run(
        command,
        cwd=root,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Keeps the lock: an installer that outlives us (we were killed) must end before the next set-up begins.
        pass_fds=(lock,),
        check=False,
    )
    if done.returncode:
        raise SetupError(f"{doing} failed (status {done.returncode})", done.stdout.decode(errors="replace"))


def command_for(tool: str, args: Sequence[str], python: Path) -> list[str]:
    """Return the command line that ``tool`` ("run" or one of ``MODULES``) with ``args`` stands for."""
    if tool != "run":
        return [str(python), "-m", MODULES[tool], *args]
    product = [str(python), str(python.parent / "evse")]
    if not args:
        return [*product, "run", "--profile", "parking"]
    if args[0] == "--version":
        return [*product, *args]
    if args[0].startswith("-"):
        # What argparse takes for the option, too: with "=" and shortened.
        named = any(len(name) > 3 and "--profile".startswith(name) for name in (arg.partition("=")[0] for arg in args))
        wants_help = any(arg in ("-h", "--help") for arg in args)
        return [*product, "run", *([] if named or wants_help else ["--profile", "parking"]), *args]
    return [*product, *args]


def main(argv: Sequence[str]) -> int:
    """Prepare the environment, then replace this process by the tool ``argv[0]``; returns only on failure."""
    tool, args = argv[0], argv[1:]
    tell = f"tools/{tool}"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    environment = Environment(ROOT, version, sysconfig.get_config_var("SOABI") or sys.platform)
    try:
        environment.prepare("run" if tool == "run" else "dev", tell)
    except SetupError as error:
        print(f"{error.log}{tell}: {error}; the output is above", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{tell}: setting up {environment.folder} failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{tell}: interrupted; the next start begins the set-up anew", file=sys.stderr)
        return 130
    # Where bytecode may not be kept, each of the processes of a station, and each of the hundreds that a check starts,
    # compiles the whole program again. The directories are this checkout's own.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if tool != "run":
        os.chdir(ROOT)
    command = command_for(tool, args, environment.python)
    os.execv(command[0], command)  # noqa: S606  # the tool takes over this process and its signals


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
