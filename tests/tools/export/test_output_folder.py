"""How an export takes its place: whole or not at all, over an earlier one, and over nothing else."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from asarm_tools.command_line import failure
from asarm_tools.export import command as export
from asarm_tools.export import folder

from conftest import ROOT
from exports import described


@pytest.mark.parametrize("number, earlier", [(signal.SIGTERM, True), (signal.SIGTERM, False), (signal.SIGINT, False), (signal.SIGHUP, False)])
def test_a_signal_leaves_nothing_half_done(tiny, tmp_path, output, call, number, earlier):
    if earlier:
        assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 20) == 0
    before = {path.name: path.read_bytes() for path in output.iterdir()} if earlier else None
    os.mkfifo(tmp_path / "ngrams.bin")  # the export waits for its writer, with its folder begun
    tool = [sys.executable, str(ROOT / "tools" / "export" / "export.py"), "--checkpoint", str(tiny), "--output", str(output)]
    running = subprocess.Popen([*tool, "--ngrams", str(tmp_path / "ngrams.bin")], stderr=subprocess.PIPE, text=True)
    while running.poll() is None and not list(tmp_path.glob("model.*.part/config.json")):
        time.sleep(0.01)
    running.send_signal(number)
    _, error = running.communicate(timeout=300)  # a net: without it a signal that is ignored would hang the tests
    assert (running.returncode, error) == (128 + number, f"export.py: stopped by {number.name}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "ngrams.bin"][0 if earlier else 1:]
    assert before is None or before == {path.name: path.read_bytes() for path in output.iterdir()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_between_the_two_renames_waits_for_the_second(tiny, output, call, monkeypatch, number):
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 20) == 0
    rename = os.rename

    def interrupted(source, target):
        rename(source, target)
        if target.endswith(".old.part"):
            signal.raise_signal(number)  # to this thread, before the call returns

    monkeypatch.setattr(os, "rename", interrupted)
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 30) == 128 + number
    assert described(output)["maximum_length"] == 30 and [path.name for path in output.parent.iterdir()] == ["model"]


def test_signals_have_their_handlers_back_afterwards(tiny, output, call):
    before = [signal.getsignal(number) for number in failure.STOPPING]
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 1) == 2
    assert [signal.getsignal(number) for number in failure.STOPPING] == before


def test_earlier_export_is_replaced_and_repeats_every_byte(tiny, output, call):
    files = []
    for _ in range(2):
        assert call(export, "--checkpoint", tiny, "--output", output) == 0
        files.append({path.name: path.read_bytes() for path in output.iterdir()})
    assert files[0] == files[1]
    assert len(list(output.parent.iterdir())) == 1


def test_foreign_content_is_refused(tiny, output, call, capsys):
    output.mkdir()
    (output / "letter.txt").write_text("dear")
    assert call(export, "--checkpoint", tiny, "--output", output) == 2
    assert "holds no earlier export" in capsys.readouterr().err
    (output / "letter.txt").unlink()
    assert call(export, "--checkpoint", tiny, "--output", output) == 0  # empty is fine
    (output / "letter.txt").write_text("dear")
    assert call(export, "--checkpoint", tiny, "--output", output) == 2
    assert "letter.txt" in capsys.readouterr().err
    assert (output / "letter.txt").read_text() == "dear"
    assert call(export, "--checkpoint", tiny, "--output", output / "letter.txt") == 2


def test_a_file_put_beside_an_earlier_export_meanwhile_stays(tiny, output, call, capsys, monkeypatch):
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 8) == 0
    build = folder.build

    def slow(options, path):
        build(options, path)
        (output / "notes.txt").write_text("mine")
    monkeypatch.setattr(folder, "build", slow)
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 9) == 2
    assert "notes.txt" in capsys.readouterr().err
    assert (output / "notes.txt").read_text() == "mine" and described(output)["maximum_length"] == 8


def test_a_link_to_a_folder_stays_a_link(tiny, tmp_path, call):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert call(export, "--checkpoint", tiny, "--output", tmp_path / "link", "--maximum-length", 8) == 0
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "asarm.json").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_failed_replacement_restores_the_earlier_export(tiny, output, call, monkeypatch):
    assert call(export, "--checkpoint", tiny, "--output", output) == 0
    before, rename = (output / "asarm.json").read_bytes(), os.rename

    def failing(source, target):
        if source.endswith(".part") and not source.endswith(".old.part"):
            raise OSError("disk trouble")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    assert call(export, "--checkpoint", tiny, "--output", output, "--maximum-length", 9) == 2
    assert (output / "asarm.json").read_bytes() == before
    assert len(list(output.parent.iterdir())) == 1


def test_command_line_ends_with_code_2(tmp_path):
    tool = [sys.executable, str(ROOT / "tools" / "export" / "export.py")]
    ended = subprocess.run([*tool, "--checkpoint", str(tmp_path), "--output", str(tmp_path / "x")], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"export.py: {tmp_path} has no config.json\n"


def test_a_checkpoint_that_changes_during_the_export_is_refused(tiny, tmp_path, output, call, capsys, monkeypatch):
    shutil.copytree(tiny, tmp_path / "checkpoint")
    write = folder.write_graphs

    def changing(*given):
        write(*given)
        with open(tmp_path / "checkpoint" / "model.safetensors", "r+b") as file:
            file.seek(-4, os.SEEK_END)
            file.write(b"\0\0\0\1")

    monkeypatch.setattr(folder, "write_graphs", changing)
    assert call(export, "--checkpoint", tmp_path / "checkpoint", "--output", output, "--maximum-length", 40) == 2
    assert "changed while it was read" in capsys.readouterr().err and not output.exists()
