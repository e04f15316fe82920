"""Rewrites ``requirements/run.txt`` and ``requirements/dev.txt``: exact versions with the hashes of every build.

The compiler of these lists lives in an environment of its own, made for the moment: it is no dependency of ours.
Hashes cover all platforms and Python versions a package is published for, so one list serves a PC and a station.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILER = "pip-tools==7.6.2"
OPTIONS = (
    "--quiet",
    "--generate-hashes",
    "--allow-unsafe",  # setuptools too: the project is installed without fetching a build system
    "--all-build-deps",
    "--strip-extras",
    "--no-header",
    # where packages come from is the user's business and no part of the list
    "--no-emit-index-url",
    "--no-emit-trusted-host",
    "--no-emit-find-links",
    "--no-emit-options",
)


def main(argv: Sequence[str]) -> int:
    """Compile both lists; ``argv`` goes to the compiler (``--upgrade``, ``--upgrade-package NAME``)."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        subprocess.run([python, "-I", "-m", "pip", "install", "--quiet", COMPILER], check=True)
        compiler = [python, "-m", "piptools", "compile", *OPTIONS, *argv]
        run, dev = "requirements/run.txt", "requirements/dev.txt"
        for extra in (["-o", run], ["--extra", "dev", "--constraint", run, "-o", dev]):
            subprocess.run([*compiler, *extra, "pyproject.toml"], cwd=ROOT, check=True)
            print(f"written: {extra[-1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
