"""``evse firmware`` for makers: keys and packages that a station takes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from evse.app.cli import main
from evse.services.firmware.keys import maker_keys
from evse.services.firmware.package import open_package

pytestmark = pytest.mark.req("MNT-03")


def test_keys_and_a_package_that_the_key_opens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program, package = tmp_path / "program.whl", tmp_path / "p.zip"
    program.write_bytes(b"program")
    assert main(["firmware", "keys", str(tmp_path / "s.key"), str(tmp_path / "p.pem")]) == 0
    wanted = ["--key", str(tmp_path / "s.key"), "--product", "parking", "--version", "2.0.0", "--rollback", "3"]
    assert main(["firmware", "pack", str(package), str(program), *wanted]) == 0
    assert "version 2.0.0, files program.whl" in capsys.readouterr().out
    data = package.read_bytes()
    opened = open_package(io.BytesIO(data), len(data), maker_keys(tmp_path))
    opened.check_files()
    assert (opened.manifest.product, opened.manifest.rollback) == ("parking", 3)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"--version": "2"}, "'2' is no version"),
        ({"--product": "Other Maker"}, "is no product"),
        ({"--key": "nowhere.key"}, "holds no secret key"),
        ({"--rollback": "-1"}, "is no rollback number"),
    ],
)
def test_what_no_station_would_take_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, str], why: str
) -> None:
    main(["firmware", "keys", str(tmp_path / "s.key"), str(tmp_path / "p.pem")])
    capsys.readouterr()
    wanted = {"--key": str(tmp_path / "s.key"), "--product": "thor", "--version": "2.0.0", "--rollback": "3", **change}
    options = [f"{name}={value}" for name, value in wanted.items()]
    package = tmp_path / "p.keb"
    assert main(["firmware", "pack", str(package), str(tmp_path / "p.pem"), *options, "--json"]) == 2
    assert why in json.loads(capsys.readouterr().out)["reason"]
    assert not package.exists()


def test_keys_are_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.key").write_text("mine")
    assert main(["firmware", "keys", str(tmp_path / "s.key"), str(tmp_path / "p.pem")]) == 1
    assert (tmp_path / "s.key").read_text() == "mine"
    assert "no keys are made" in capsys.readouterr().err
