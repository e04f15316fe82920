"""Keeps ``docs/requirements.md`` true: which tests prove which requirement.

Ids and sentences of the table are written by hand. The last column of every row and the count above the tables are
generated from ``@pytest.mark.req("ID", ...)`` in ``tests/``, on functions, on classes, on modules (``pytestmark``) and
on single cases (``pytest.param(..., marks=pytest.mark.req("ID"))``). The test files are parsed, never imported.

``--check`` fails when the file is out of date or a mark is wrong, ``--write`` brings the file up to date.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ID = re.compile(r"[A-Z]{2,4}-\d{2}")
ROW = re.compile(rf"\| (?P<id>{ID.pattern}) \| (?P<text>[^|]+) \|(?P<proof>[^|]*)\|")
COUNT = re.compile(r"Rows with at least one test: \*\*.*\*\*")
NO_TEST = "—"


class TableError(Exception):
    """The table or a mark is wrong; the message has one line per problem."""


@dataclass(frozen=True, slots=True, order=True)
class Proof:
    """A test that proves a requirement; ``test`` is "Class.test_x", or "" for cases listed at module level."""

    path: str
    test: str


@dataclass(slots=True)
class Marks:
    """What the marks in the test files say: proofs per requirement id, and the problems found on the way."""

    proofs: dict[str, set[Proof]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, ids: Iterable[str], proof: Proof) -> None:
        """Note that ``proof`` proves each of ``ids``."""
        for requirement in ids:
            self.proofs.setdefault(requirement, set()).add(proof)


class _File:
    """Collects the marks of one test file."""

    def __init__(self, path: str, source: str, marks: Marks) -> None:
        self.path = path
        self.marks = marks
        self.tree = ast.parse(source, filename=path)
        self.seen: set[int] = set()

    def collect(self) -> None:
        everywhere = self._ids_of(_pytestmark(self.tree.body))
        self._body(self.tree.body, "", everywhere)
        for call in _req_calls(self.tree):
            if id(call) not in self.seen and not self._is_case(call):
                self._problem(call, "a req mark that belongs to no test")
        cases = [call for call in _req_calls(self.tree) if id(call) not in self.seen]
        self.marks.add(self._ids_of(cases), Proof(self.path, ""))

    def _body(self, body: Sequence[ast.stmt], prefix: str, inherited: tuple[str, ...]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                own = self._ids_of([*node.decorator_list, *_pytestmark(node.body)])
                self._body(node.body, f"{prefix}{node.name}.", inherited + own)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
                own = self._ids_of(node.decorator_list)
                self.marks.add(inherited + own, Proof(self.path, prefix + node.name))

    def _ids_of(self, nodes: Iterable[ast.AST]) -> tuple[str, ...]:
        ids: list[str] = []
        for call in (call for node in nodes for call in _req_calls(node)):
            self.seen.add(id(call))
            if not call.args or call.keywords:
                self._problem(call, "a req mark takes ids, nothing else")
            for argument in call.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    ids.append(argument.value)
                else:
                    self._problem(call, "a req mark takes ids written out as text")
        return tuple(ids)

    def _is_case(self, wanted: ast.Call) -> bool:
        params = (node for node in ast.walk(self.tree) if isinstance(node, ast.Call) and _ends_with(node.func, "param"))
        return any(call is wanted for param in params for call in _req_calls(param))

    def _problem(self, node: ast.Call, text: str) -> None:
        self.marks.problems.append(f"{self.path}:{node.lineno}: {text}")


def _ends_with(node: ast.expr, name: str) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == name) or (isinstance(node, ast.Name) and node.id == name)


def _req_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "req"):
            continue
        if _ends_with(node.func.value, "mark"):
            yield node


def _pytestmark(body: Sequence[ast.stmt]) -> list[ast.expr]:
    return [
        node.value
        for node in body
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)
    ]


def collect(tests: Path) -> Marks:
    """Return the marks of every ``test_*.py`` below ``tests``; paths are relative to its parent."""
    marks = Marks()
    for path in sorted(tests.rglob("test_*.py")):
        name = path.relative_to(tests.parent).as_posix()
        try:
            _File(name, path.read_text(encoding="utf-8"), marks).collect()
        except SyntaxError as error:
            marks.problems.append(f"{name}:{error.lineno}: {error.msg}")
    return marks


def _proof_cell(proofs: Iterable[Proof]) -> str:
    by_path: dict[str, list[str]] = {}
    for proof in sorted(proofs):
        by_path.setdefault(proof.path, []).append(proof.test)
    cells = []
    for path, tests in by_path.items():
        names = ", ".join(test for test in tests if test)
        cells.append(f"[{path.removeprefix('tests/')}](../{path})" + (f": {names}" if names else ""))
    return "<br>".join(cells) or NO_TEST


def render(page: str, marks: Marks) -> str:
    """Return ``page`` with its generated parts made from ``marks``. Raises TableError when they do not fit together."""
    problems = list(marks.problems)
    known: set[str] = set()
    lines = page.splitlines()
    for number, line in enumerate(lines):
        row = ROW.fullmatch(line)
        if row is None:
            if re.match(rf"\|\s*{ID.pattern}\b", line):
                problems.append(f"requirements table, line {number + 1}: a row is `| ID | sentence | tests |`")
            continue
        requirement = row["id"]
        if requirement in known:
            problems.append(f"requirements table, line {number + 1}: {requirement} is there twice")
        known.add(requirement)
        proofs = marks.proofs.get(requirement, set())
        lines[number] = f"| {requirement} | {row['text'].strip()} | {_proof_cell(proofs)} |"
    for requirement in sorted(marks.proofs.keys() - known):
        for proof in sorted(marks.proofs[requirement]):
            problems.append(f"{proof.path}: {proof.test or 'a case'} names the unknown requirement {requirement}")
    if problems:
        raise TableError("\n".join(problems))
    count = f"Rows with at least one test: **{len(known & marks.proofs.keys())} of {len(known)}**"
    return "\n".join(COUNT.sub(count, line) for line in lines) + "\n"


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Check or rewrite the page below ``root``; returns 0 when it is (now) up to date, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.requirements_table", description=(__doc__ or "").split("\n")[0]
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="fail when the page is out of date or a mark is wrong")
    action.add_argument("--write", action="store_true", help="bring the page up to date")
    options = parser.parse_args(argv)
    path = root / "docs" / "requirements.md"
    page = path.read_text(encoding="utf-8")
    try:
        wanted = render(page, collect(root / "tests"))
    except TableError as error:
        print(error, file=sys.stderr)
        return 1
    if page == wanted:
        return 0
    if options.write:
        path.write_text(wanted, encoding="utf-8")
        return 0
    print("docs/requirements.md is out of date; run: python -m tools.requirements_table --write", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
