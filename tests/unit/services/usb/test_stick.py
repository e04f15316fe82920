"""What a station does with a stick, by the names on it and its three switches."""

from __future__ import annotations

import pytest

from evse.services.usb.stick import Permissions, Plan, Step, plan

ALL = Permissions(init=True, config=True, update=True)


@pytest.mark.req("CFG-02")
@pytest.mark.parametrize(
    ("files", "allowed", "expected"),
    [
        pytest.param(
            [], Permissions(init=True), Plan(Step.READ_OUT, "station_A1.conf"), id="an empty stick gets the settings"
        ),
        pytest.param(
            ["station_A1.conf"], Permissions(init=True), Plan(Step.READ_OUT, "station_A1.conf"), id="once more"
        ),
        pytest.param(["station.conf"], Permissions(config=True), Plan(Step.LOAD, "station.conf"), id="for any station"),
        pytest.param(["station_.conf"], ALL, Plan(Step.LOAD, "station_.conf"), id="the number was deleted"),
        pytest.param(["x_A1.CONF", "x.conf"], ALL, Plan(Step.LOAD, "x_A1.CONF"), id="one's own goes first"),
        pytest.param(["x_A12.conf"], ALL, Plan(Step.READ_OUT, "station_A1.conf"), id="another station's is none"),
        pytest.param(
            [".station.conf", "notes.txt"], ALL, Plan(Step.READ_OUT, "station_A1.conf"), id="no configuration"
        ),
    ],
)
def test_configurations(files: list[str], allowed: Permissions, expected: Plan) -> None:
    assert plan(files, [], "A1", allowed) == expected


@pytest.mark.req("CFG-02")
@pytest.mark.parametrize("files", [[], ["station.conf"], ["x_A1.conf"]])
def test_nothing_is_done_that_no_switch_allows(files: list[str]) -> None:
    found = plan(files, ["a.keb"], "A1", Permissions())
    assert (found.step, found.refused) == (Step.NOTHING, False)
    assert "a package" in found.why


def test_two_files_for_one_station_are_refused() -> None:
    found = plan(["a.conf", "b.conf"], [], "A1", ALL)
    assert (found.step, found.refused) == (Step.NOTHING, True)


@pytest.mark.req("MNT-03")
def test_firmware_goes_first_and_only_where_it_is_allowed() -> None:
    assert plan(["a.conf"], ["v2.keb"], "A1", ALL) == Plan(Step.UPDATE, "v2.keb")
    assert plan(["a.conf"], ["v2.keb"], "A1", Permissions(config=True)) == Plan(Step.LOAD, "a.conf")
    assert plan([], ["readme.txt"], "A1", Permissions(update=True)).step is Step.NOTHING
    assert plan([], ["v2.keb", "v3.keb"], "A1", ALL).refused
