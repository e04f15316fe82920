"""The files of accounts and label: made at the first start, durable, readable after any power cut.

The label is written first, the accounts follow from it: a power cut between the two makes the accounts from the same
label again. Not thread-safe; calls wait for the disk and hash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from evse.services.accounts.accounts import Accounts, BadAccounts, decode_accounts, encode_accounts, first_accounts
from evse.services.accounts.label import (
    ACCESS_POINT_ADDRESS,
    BadLabel,
    UnitLabel,
    decode_label,
    encode_label,
    new_secret,
)
from evse.services.accounts.passwords import COST_LOG2, hash_password
from evse.services.disk import Disk
from evse.services.settings.model import Role

NAME: Final = "accounts.json"
LABEL: Final = "label.json"
ATTEMPTS: Final = "attempts.json"
"""Failed logins that still count; the only one of the files that may be lost."""


class AccountKeeper:
    """Accounts and label of one unit. Opening makes what is not there yet; raises OSError.

    ``problem``: what was not as it had been left. A damaged accounts file is never replaced by one that lets somebody
    in who could not get in before: nobody but the owner of the label can log in then. ``recovery``: the label has a recovery
    key; ``access_point``: and an access point.
    """

    def __init__(
        self,
        directory: Path,
        disk: Disk,
        serial: str,
        cost_log2: int = COST_LOG2,
        *,
        recovery: bool = False,
        access_point: bool = False,
    ) -> None:
        self.problem = ""
        self._disk = disk
        self._path = directory / NAME
        self._label_path = directory / LABEL
        self._attempts_path = directory / ATTEMPTS
        self._serial = serial
        self._cost_log2 = cost_log2
        self._recovery, self._access_point = recovery, access_point
        disk.make_directory(directory)
        self.current = self._load()

    @property
    def label(self) -> UnitLabel | None:
        """The label; ``None`` once its file was removed."""
        data = self._disk.read(self._label_path)
        if data is None:
            return None
        try:
            return decode_label(data)
        except BadLabel:
            return None

    def save(self, accounts: Accounts) -> None:
        """Keep ``accounts``; durable when it returns, on ``OSError`` nothing has changed."""
        self._disk.replace(self._path, encode_accounts(accounts))
        self.current = accounts

    def reset(self) -> None:
        """Back to the unit as delivered."""
        self.save(first_accounts(self.current.label, self.current.recovery))
        self._disk.remove(self._attempts_path)

    def attempts(self) -> dict[str, list[int]]:
        """The failed logins as ``save_attempts`` has kept them; none when the file cannot be read."""
        try:
            kept = json.loads(self._disk.read(self._attempts_path) or b"{}")
            return {name: [int(at_us) for at_us in times] for name, times in kept.items()}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return {}

    def save_attempts(self, failures: Mapping[str, Sequence[int]]) -> None:
        """Keep the failed logins over a restart. Raises OSError; then the ones kept before stay."""
        self._disk.replace(self._attempts_path, json.dumps(failures, sort_keys=True).encode())

    def _load(self) -> Accounts:
        data = self._disk.read(self._path)
        if data is not None:
            try:
                return decode_accounts(data)
            except BadAccounts as error:
                self.problem = f"{NAME} cannot be read ({error}): the first password of the label is in force"
        label = self.label
        if label is None:
            key = new_secret() if self._recovery else ""
            label = UnitLabel(self._serial, Role.ADMIN.value, new_secret(), key)
            if self._access_point:
                label = replace(
                    label,
                    access_point=self._serial,
                    access_point_key=new_secret(),
                    access_point_address=ACCESS_POINT_ADDRESS,
                )
            self._disk.replace(self._label_path, encode_label(label))
        recovery = hash_password(label.recovery, self._cost_log2) if label.recovery else ""
        accounts = first_accounts(hash_password(label.password, self._cost_log2), recovery)
        self._disk.replace(self._path, encode_accounts(accounts))
        return accounts
