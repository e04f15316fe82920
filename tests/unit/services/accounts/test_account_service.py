from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from evse.core.units import MINUTE, SECOND
from evse.services.accounts import service as module
from evse.services.accounts.accounts import BadAccounts, decode_accounts, encode_accounts
from evse.services.accounts.keeper import ATTEMPTS, LABEL, NAME, AccountKeeper
from evse.services.accounts.passwords import THOR, hash_password, verify_password
from evse.services.accounts.service import AccountService, Busy, LoginRefused, PasswordRefused
from evse.services.security.events import SecurityKind, SecurityMemory
from evse.services.settings.model import Role
from tests.fakes.crash_disk import CrashDisk, PowerCut

T = TypeVar("T")
HERE = Path("/d")
COST = 4
NEW, OTHER, THIRD = "Fresh-pass-1", "Other-pass-2", "Third-word-3"


class Bench:
    def __init__(self, seed: int = 1) -> None:
        self.disk = CrashDisk(Random(seed))
        self.log = SecurityMemory()
        self.now_us = 0
        self.service = self.start()

    def start(self) -> AccountService:
        self.keeper = AccountKeeper(HERE, self.disk, "S1", COST)
        return AccountService(self.keeper, self.log, lambda: self.now_us, cost_log2=COST)

    @property
    def secret(self) -> str:
        assert self.keeper.label is not None
        return self.keeper.label.password

    def kinds(self) -> list[SecurityKind]:
        return [event.kind for event in self.log.events]

    def run(self, work: Callable[[AccountService], Awaitable[T]]) -> T:
        async def go() -> T:
            return await work(self.service)

        return asyncio.run(go())

    def login(self, name: str = "admin", password: str = "") -> str:
        return self.run(lambda s: s.login(name, password or self.secret, "10.0.0.1")).token

    def changed(self, token: str, old: str, new: str) -> str:
        session = self.service.session(token)
        assert session is not None
        return self.run(lambda s: s.change_password(session, old, new)).token

    def commissioned(self) -> str:
        return self.changed(self.login(), self.secret, NEW)

    def refused(self, name: str, password: str) -> LoginRefused:
        with pytest.raises(LoginRefused) as caught:
            self.run(lambda s: s.login(name, password, "10.0.0.2"))
        return caught.value


@pytest.mark.req("MNT-02", "MNT-04")
def test_only_the_units_own_secret_opens_a_new_unit_and_it_must_be_changed() -> None:
    bench, other = Bench(), Bench(2)
    for name, password in (("admin", "ADMIN"), ("user", "USER"), ("user", ""), ("admin", ""), ("admin", other.secret)):
        bench.refused(name, password)
    session = bench.service.session(bench.login())
    assert session is not None
    assert (session.role, session.must_change) == (Role.ADMIN, True)


@pytest.mark.req("MNT-02")
def test_a_changed_password_ends_every_session_and_the_old_one_does_not_work() -> None:
    bench = Bench()
    stolen = bench.login()
    token = bench.commissioned()
    assert bench.service.session(stolen) is None
    session = bench.service.session(token)
    assert session is not None
    assert not session.must_change
    bench.refused("admin", bench.secret)
    assert bench.login("admin", NEW)
    assert SecurityKind.PASSWORD_CHANGED in bench.kinds()
    assert bench.start().accounts.admin.must_change is False


@pytest.mark.req("MNT-02")
def test_a_change_needs_the_old_password_and_counts_as_a_try() -> None:
    bench = Bench()
    token = bench.commissioned()
    for _ in range(10):
        with pytest.raises(LoginRefused):
            bench.changed(token, "wrong", OTHER)
    assert bench.refused("admin", NEW).wait_s > 0
    bench.now_us = 15 * MINUTE
    assert bench.login("admin", NEW)


@pytest.mark.req("MNT-02")
@pytest.mark.parametrize("new", ["short1!", "alllowercase1!", NEW, "label"])
def test_a_bad_new_password_changes_nothing(new: str) -> None:
    bench = Bench()
    token = bench.commissioned()
    with pytest.raises(PasswordRefused):
        bench.changed(token, NEW, bench.secret if new == "label" else new)
    assert bench.service.session(token) is not None
    assert bench.login("admin", NEW)


@pytest.mark.req("MNT-02")
def test_the_administrator_gives_the_user_a_password_and_closes_the_account() -> None:
    bench = Bench()
    admin = bench.service.session(bench.commissioned())
    assert admin is not None
    bench.run(lambda s: s.give_user_password(admin, OTHER))
    token = bench.login("user", OTHER)
    session = bench.service.session(token)
    assert session is not None
    assert (session.role, session.must_change) == (Role.USER, True)
    token = bench.changed(token, OTHER, "My-own-pass-3")
    bench.run(lambda s: s.give_user_password(admin, OTHER))
    assert bench.service.session(token) is None
    token = bench.login("user", OTHER)
    bench.run(lambda s: s.give_user_password(admin, ""))
    assert bench.service.session(token) is None
    bench.refused("user", OTHER)
    assert {SecurityKind.PASSWORD_RESET, SecurityKind.ACCOUNT_CHANGED} <= set(bench.kinds())


@pytest.mark.req("MNT-02")
@pytest.mark.parametrize("given", ["", "Third-pass-3"])
def test_a_change_under_way_does_not_open_an_account_that_the_administrator_has_taken_back(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench()
    admin = bench.service.session(bench.commissioned())
    assert admin is not None
    bench.run(lambda s: s.give_user_password(admin, OTHER))
    user = bench.service.session(bench.login("user", OTHER))
    assert user is not None

    async def both(service: AccountService) -> None:
        hashing = service._hash

        async def hash_late(function: Callable[..., Any], text: str, other: Any) -> Any:
            done = await hashing(function, text, other)
            if function is hash_password and text == NEW:
                await service.give_user_password(admin, given)
            return done

        monkeypatch.setattr(service, "_hash", hash_late)
        with pytest.raises(LoginRefused):
            await service.change_password(user, OTHER, NEW)

    bench.run(both)
    bench.refused("user", NEW)
    assert bench.service.accounts.user.enabled is bool(given)
    assert bench.start().accounts.user.enabled is bool(given)


@pytest.mark.req("MNT-02")
@pytest.mark.parametrize("machine_too", [False, True])
def test_a_restart_gives_no_new_tries(machine_too: bool) -> None:
    bench = Bench()
    bench.now_us = 50 * MINUTE
    for _ in range(10):
        bench.refused("admin", "wrong")
    bench.now_us = 2 * SECOND if machine_too else bench.now_us + 2 * SECOND
    bench.service = bench.start()
    assert bench.refused("admin", bench.secret).wait_s > 14 * 60
    bench.now_us += 15 * MINUTE
    assert bench.login()
    bench.service = bench.start()
    assert bench.login()


def test_counts_that_cannot_be_kept_count_on_in_memory() -> None:
    bench = Bench()
    bench.disk.fail_at(*range(bench.disk.operations + 1, bench.disk.operations + 100))
    for _ in range(10):
        bench.refused("admin", "wrong")
    assert bench.refused("admin", bench.secret).wait_s > 0


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"admin": 7}', b'{"admin": ["x"]}', b"\xff"])
def test_damaged_counts_stop_no_start(damage: bytes) -> None:
    bench = Bench()
    bench.disk.replace(HERE / ATTEMPTS, damage)
    bench.service = bench.start()
    assert bench.login()


class ThorBench(Bench):
    """A unit whose label has a recovery key."""

    def start(self) -> AccountService:
        self.keeper = AccountKeeper(HERE, self.disk, "T1", COST, recovery=True)
        return AccountService(self.keeper, self.log, lambda: self.now_us, THOR, cost_log2=COST)

    @property
    def key(self) -> str:
        assert self.keeper.label is not None
        return self.keeper.label.recovery

    def recovered(self, key: str, new: str = THIRD) -> str:
        return self.run(lambda s: s.recover(key, new, "10.0.0.3")).token

    def cannot_recover(self, key: str) -> LoginRefused:
        with pytest.raises(LoginRefused) as caught:
            self.recovered(key)
        return caught.value


@pytest.mark.req("MNT-04")
def test_the_label_of_a_unit_with_an_access_point_says_how_to_reach_it_and_stays_as_it_is() -> None:
    def opened(serial: str, disk: CrashDisk) -> AccountKeeper:
        return AccountKeeper(HERE, disk, serial, COST, recovery=True, access_point=True)

    disk = CrashDisk(Random(1))
    label, other = opened("T1", disk).label, opened("T2", CrashDisk(Random(2))).label
    assert label is not None and other is not None
    assert (label.access_point, label.access_point_address) == ("T1", "192.168.25.1")
    assert label.access_point_key not in ("", label.password, label.recovery, other.access_point_key)
    assert 8 <= len(label.access_point_key) <= 63, "a key of WPA2"
    for part in (label.access_point_key, "access point   T1", "its address    192.168.25.1"):
        assert part in label.text()
    assert opened("T1", disk).label == label
    without = ThorBench().keeper.label
    assert without is not None
    assert "access point" not in without.text()


@pytest.mark.req("MNT-02", "MNT-04")
def test_the_recovery_key_of_the_label_gives_the_administrator_a_new_password() -> None:
    bench, other = ThorBench(), ThorBench(2)
    lost = bench.commissioned()
    assert bench.key not in ("", bench.secret, other.key)
    assert f"recovery key   {bench.key}" in str(bench.keeper.label and bench.keeper.label.text())
    for wrong in ("", bench.secret, NEW, other.key):
        bench.cannot_recover(wrong)
    with pytest.raises(PasswordRefused):
        bench.recovered(bench.key, "short")
    session = bench.service.session(bench.recovered(bench.key))
    assert session is not None
    assert (session.role, session.must_change) == (Role.ADMIN, False)
    assert bench.service.session(lost) is None
    bench.refused("admin", NEW)
    bench.service = bench.start()
    assert bench.login("admin", THIRD)
    event = next(each for each in bench.log.events if each.kind is SecurityKind.PASSWORD_RESET)
    assert (event.actor, event.source) == ("recovery key", "10.0.0.3")
    assert bench.key not in str(bench.log.events)


@pytest.mark.req("MNT-02")
def test_the_recovery_key_outlives_a_factory_reset_and_the_printed_label() -> None:
    bench = ThorBench()
    key = bench.key
    bench.commissioned()
    bench.disk.remove(HERE / LABEL)
    bench.run(lambda s: s.reset())
    bench.service = bench.start()
    assert bench.recovered(key)


@pytest.mark.req("MNT-02")
def test_tries_of_the_recovery_key_are_bounded_and_nobody_uses_them_up_by_logging_in() -> None:
    bench = ThorBench()
    bench.commissioned()
    for _ in range(10):
        bench.refused("recovery key", "x")
    assert bench.refused("recovery key", "x").wait_s > 0
    for _ in range(10):
        bench.cannot_recover("wrong")
    assert bench.cannot_recover(bench.key).wait_s > 0
    assert bench.login("admin", NEW)
    bench.now_us += 15 * MINUTE
    assert bench.recovered(bench.key)


@pytest.mark.req("MNT-02")
def test_a_unit_without_a_recovery_key_is_opened_by_none() -> None:
    bench = Bench()
    assert not bench.service.recoverable
    with pytest.raises(LoginRefused):
        bench.run(lambda s: s.recover("", NEW, "10.0.0.3"))
    with pytest.raises(LoginRefused):
        bench.run(lambda s: s.recover(bench.secret, NEW, "10.0.0.3"))


@pytest.mark.req("MNT-02")
def test_unknown_names_cost_as_much_as_wrong_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    real = verify_password

    def watched(password: str, kept: str) -> bool:
        looked.append(kept.split("$")[1])
        return real(password, kept)

    monkeypatch.setattr(module, "verify_password", watched)
    bench = Bench()
    for name in ("admin", "user", "nobody"):
        bench.refused(name, "wrong")
    assert looked == [str(COST)] * 3


@pytest.mark.req("MNT-02")
def test_tries_at_the_same_time_count_too() -> None:
    bench = Bench()

    async def many() -> list[object]:
        tries = (bench.service.login("admin", f"guess-{number}", "10.0.0.3") for number in range(60))
        return await asyncio.gather(*tries, return_exceptions=True)

    results = asyncio.run(many())
    assert not any(isinstance(result, module.Login) for result in results)
    looked = [result for result in results if isinstance(result, LoginRefused) and not result.wait_s]
    assert len(looked) <= 10
    assert any(isinstance(result, Busy) for result in results)


@pytest.mark.req("CFG-03", "MNT-02")
def test_a_factory_reset_logs_everybody_out_and_returns_to_this_units_label() -> None:
    bench = Bench()
    secret = bench.secret
    admin = bench.service.session(token := bench.commissioned())
    assert admin is not None
    bench.run(lambda s: s.give_user_password(admin, OTHER))
    user = bench.login("user", OTHER)
    bench.run(lambda s: s.reset())
    assert bench.service.session(token) is None
    assert bench.service.session(user) is None
    bench.refused("admin", NEW)
    bench.refused("user", OTHER)
    again = bench.service.session(bench.login("admin", secret))
    assert again is not None
    assert again.must_change


def test_a_label_that_was_removed_after_printing_still_counts_after_a_reset() -> None:
    bench = Bench()
    secret = bench.secret
    bench.commissioned()
    bench.disk.remove(HERE / LABEL)
    bench.service = bench.start()
    bench.run(lambda s: s.reset())
    assert bench.keeper.label is None
    assert bench.login("admin", secret)


def test_sessions_end_when_idle_and_at_logout_and_each_end_is_logged() -> None:
    bench = Bench()
    bench.login()
    token = bench.login()
    bench.service.logout(token)
    bench.service.logout(token)
    bench.now_us = 20 * MINUTE
    assert bench.service.session(token) is None
    assert bench.kinds()[-2:] == [SecurityKind.LOGOUT, SecurityKind.SESSION_ENDED]
    assert bench.service.session("") is None


def test_no_name_that_somebody_typed_gets_into_the_log() -> None:
    bench = Bench()
    bench.refused("my-secret-password", "x")
    assert "my-secret" not in str(bench.log.events)
    bench.now_us += SECOND


def test_a_power_cut_at_the_first_start_leaves_one_label_and_a_unit_that_opens_with_it() -> None:
    for cut_at in range(1, 5):
        for seed in range(10):
            disk = CrashDisk(Random(seed), cut_at)
            try:
                AccountKeeper(HERE, disk, "S1", COST)
            except PowerCut:
                pass
            before = disk.files.get(HERE / LABEL)
            disk = disk.after_the_cut()
            keeper = AccountKeeper(HERE, disk, "S1", COST)
            assert before in (None, disk.files[HERE / LABEL])
            service = AccountService(keeper, SecurityMemory(), lambda: 0, cost_log2=COST)
            assert keeper.label is not None
            assert keeper.problem == ""
            assert asyncio.run(service.login("admin", keeper.label.password, "")).session.must_change


def test_a_power_cut_at_a_change_leaves_the_old_or_the_new_password() -> None:
    for seed in range(10):
        bench = Bench(seed)
        disk = CrashDisk(Random(seed), 2, files=bench.disk.files)
        keeper = AccountKeeper(HERE, disk, "S1", COST)
        with pytest.raises(PowerCut):
            keeper.save(keeper.current.with_password(Role.ADMIN, "new", must_change=False))
        after = AccountKeeper(HERE, disk.after_the_cut(), "S1", COST)
        assert after.problem == ""
        assert after.current.admin.password in ("new", bench.keeper.current.admin.password)


def test_a_damaged_accounts_file_lets_nobody_in_but_the_owner_of_the_label() -> None:
    bench = Bench()
    bench.commissioned()
    bench.disk.files[HERE / NAME] = bench.disk.files[HERE / NAME][:-20]
    bench.service = bench.start()
    assert "cannot be read" in bench.service.problem
    bench.refused("admin", NEW)
    assert bench.login("admin", bench.secret)


def test_an_edited_accounts_file_is_refused() -> None:
    accounts = Bench().keeper.current
    data = encode_accounts(accounts)
    assert decode_accounts(data) == accounts
    for bad in (b"", b"[]", b"{}", data.replace(b"true", b"null"), data.replace(b'"user"', b'"admin"', 1), data[:-2]):
        with pytest.raises(BadAccounts):
            decode_accounts(bad)
