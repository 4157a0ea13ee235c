"""Every rule in the source begins with a verb, so that every error reads `{where} must {rule}; got {got}. {repair}`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("neuropinn_lava", "training", "conversion", "hardware_sim")
RULE_AT = {
    "Violation": 1,
    "SpecError": 1,
    "FixedPointError": 1,
    "FileFormatError": 1,
    "HardwareRuleError": 1,
    "SimulationError": 1,
    "TrainingError": 1,
    "BadTensor": 1,
    "_refuse": 1,
    "NotDeployableError": 0,
    "given_up": 0,
    "_parsed": 3,
    "_held": 3,
}
"""Callables that take a rule, with the position of the rule among their arguments."""
PASSED_ON = {"rule", "cause.rule", "rule.format(most)"}
"""Expressions that pass a rule on; their callers are in `RULE_AT` themselves."""
VERBS = {
    "alternate", "be", "begin", "come", "compile", "connect", "converge", "cover", "describe", "displace", "end",
    "equal", "prescribe",
    "find", "finish", "fit", "follow", "fork", "get", "have", "hold", "keep", "lie", "live", "name", "need", "never be",
    "not overlap", "open", "put", "reach", "receive", "report", "return", "run", "satisfy", "send", "use",
    "yield", "identify", "start", "join", "leave", "stand", "surround", "take", "tell",
}  # fmt: skip
"""Base forms that a rule may begin with; extend it by a verb, not by a noun."""


def _values_of(name: str, scopes: list[ast.AST]) -> list[ast.expr]:
    """Find the expressions that `name` is assigned in the innermost scope that assigns it."""
    for scope in scopes:
        found = []
        for node in ast.walk(scope):
            for target in node.targets if isinstance(node, ast.Assign) else ():
                if isinstance(target, ast.Name) and target.id == name:
                    found.append(node.value)
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=True)
                    found += [value for held, value in pairs if isinstance(held, ast.Name) and held.id == name]
        if found:
            return found
    return []


def _texts(rule: ast.expr, scopes: list[ast.AST]) -> Iterator[str]:
    """Yield the beginnings of the texts that an expression can be."""
    if isinstance(rule, ast.Constant) and isinstance(rule.value, str):
        yield rule.value
    elif isinstance(rule, ast.JoinedStr):
        first = rule.values[0]
        if isinstance(first, ast.Constant):
            yield first.value
        else:
            yield from _texts(first.value, scopes)
    elif isinstance(rule, ast.IfExp):
        yield from _texts(rule.body, scopes)
        yield from _texts(rule.orelse, scopes)
    elif isinstance(rule, ast.Name) and (values := _values_of(rule.id, scopes)):
        for value in values:
            yield from _texts(value, scopes)
    elif ast.unparse(rule) not in PASSED_ON:
        yield f"<{ast.unparse(rule)}>"


def rules(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every rule in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        place = RULE_AT.get(name)
        if place is None or len(call.args) <= place or any(isinstance(arg, ast.Starred) for arg in call.args):
            continue
        around = [node for node in functions if node.lineno <= call.lineno <= (node.end_lineno or 0)]
        for text in _texts(call.args[place], [*reversed(around), tree]):
            yield call.lineno, text


def test_every_rule_begins_with_a_verb() -> None:
    found = [
        (f"{path.relative_to(ROOT)}:{line}", text)
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, text in rules(path)
    ]
    assert len(found) > 300  # else the reading itself is broken
    odd = [(place, text) for place, text in found if not any(f"{text} ".startswith(f"{verb} ") for verb in VERBS)]
    assert not odd


def test_a_noun_is_seen(tmp_path: Path) -> None:
    (tmp_path / "nouns.py").write_text(
        'def check():\n    rule = "a number" if 1 else "be a number"\n    raise SpecError("x", rule, 1, "")\n'
    )
    assert list(rules(tmp_path / "nouns.py")) == [(3, "a number"), (3, "be a number")]
