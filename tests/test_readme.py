"""What the README and the lecture show must run, or at least be understood."""

import re
import shlex
from pathlib import Path

import click
import pytest
import typer

from ravine import cli
from ravine.plan.toml import read_settings, wishes

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LECTURE = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ ravine (.+?)(?:\s{2,}#.*)?$", README, re.MULTILINE) + re.findall(
    r"`ravine ([^`…]+)`", LECTURE
)
SETTINGS = re.findall(r"--set ([\w.]+=[^\s`]+)", README + LECTURE)


def test_python_blocks_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert "on 500 pictures" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command):
    words = shlex.split(command)
    group = typer.main.get_command(cli.app)
    assert isinstance(group, click.Group) or hasattr(group, "get_command")
    found = group.get_command(None, words[0])
    assert found is not None, words[0]
    known = {option for parameter in found.params for option in parameter.opts}
    assert {word for word in words[1:] if word.startswith("--")} <= known


@pytest.mark.parametrize("setting", sorted(set(SETTINGS)))
def test_settings_are_understood(setting):
    assert wishes(read_settings([setting]))
