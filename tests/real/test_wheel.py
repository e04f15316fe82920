"""The wheel holds the product with its data, and nothing of the workshop."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from importlib import metadata
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("evse", "hal", "boards", "profiles")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Build the wheel from a copy of the tree: a build leaves its folders behind."""
    folder = tmp_path_factory.mktemp("a wheel")
    tree = folder / "tree"
    tree.mkdir()
    shutil.copy(ROOT / "pyproject.toml", tree)
    for name in (*PRODUCT, "tools", "tests"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    # What the trees below may not have yet, but a wheel must carry once they do.
    (tree / "profiles" / "probe.yaml").touch()
    for place in ("templates/a/b.html", "static/c.js"):
        path = tree / "evse" / "web" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BUILD, str(folder)],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("evse_controller-*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_every_module_and_data_file_is_in_it(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    modules = {path.relative_to(ROOT).as_posix() for name in PRODUCT for path in (ROOT / name).rglob("*.py")}
    assert modules - names == set()
    assert {"profiles/probe.yaml", "evse/web/templates/a/b.html", "evse/web/static/c.js"} <= names


def test_tools_and_tests_stay_out(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PRODUCT)


def test_it_brings_the_command(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "evse = evse.app.cli:main" in wheel.read(entry_points).decode()
    (about,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    requires = Parser().parsestr(wheel.read(about).decode()).get_all("Requires-Dist", [])
    assert any(line.startswith("gpiod") and "hardware" in line for line in requires)


def test_no_other_distribution_provides_our_packages() -> None:
    providers = metadata.packages_distributions()
    assert {name: set(providers.get(name, [])) - {"evse-controller"} for name in PRODUCT} == {
        name: set() for name in PRODUCT
    }
