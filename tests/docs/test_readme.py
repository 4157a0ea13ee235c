"""What README and pages say can be done: links lead somewhere, commands parse, the README's code is the example's and runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from neuropinn_lava.app.cli.main import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}
COMMAND = re.compile(r"^(?:    |\$ )?neuropinn-lava (?!(?:network|state)$)([a-z].*?)(?:\s{3,}.*|\s+#.*)?$", re.M)
"""A command in a block of code: what follows three blanks or a number sign is an explanation. `neuropinn-lava network` and
`neuropinn-lava state` are how files begin."""


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    assert len(links) > 10
    assert [link for link in links if not link.startswith("https:") and not (ROOT / link).exists()] == []


def test_the_code_of_the_readme_is_the_examples():
    (block,) = re.findall(r"^```python\n(.*?)^```$", README, re.M | re.S)
    example = (ROOT / "examples" / "deploy_sequential.py").read_text(encoding="utf-8")
    lines = {line.strip() for line in example.splitlines()}
    assert [line for line in block.splitlines() if line and line.strip() not in lines] == []


@pytest.mark.lava
@pytest.mark.slow
def test_the_code_of_the_readme_prints_what_it_quotes(tmp_path):
    (block,) = re.findall(r"^```python\n(.*?)^```$", README, re.M | re.S)
    (tmp_path / "pasted.py").write_text(block, encoding="utf-8")
    command = [sys.executable, "pasted.py"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=200)
    assert done.stdout
    assert [line for line in done.stdout.splitlines() if f"    {line}\n" not in README] == []


def test_the_readme_quotes_what_the_getting_started_page_prints():
    printed = re.findall(r"^```text\n(.*?)^```$", TEXTS["getting-started.md"], re.M | re.S)[-1]
    assert [line for line in printed.splitlines() if line not in README] == []


@pytest.mark.parametrize("name", sorted(name for name, text in TEXTS.items() if COMMAND.search(text)))
def test_the_commands_of_a_page_parse(name):
    group = typer.main.get_command(app)
    for line in COMMAND.findall(re.sub(r"\\\n\s*", "", TEXTS[name])):
        word, *given = shlex.split(line)
        assert word in group.commands, line
        if given[:1] != ["..."]:
            with group.commands[word].make_context(word, given) as context:
                assert context.params, line
