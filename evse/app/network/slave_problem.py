"""What goes wrong between a master and a slave."""

from __future__ import annotations


class SlaveProblem(Exception):
    """Nothing came of a question or a package; the text says why. ``wait_us``: how long the slave wants to be left alone."""

    def __init__(self, why: str, wait_us: int = 0) -> None:
        super().__init__(why)
        self.wait_us = wait_us
