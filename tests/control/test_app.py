"""The command line: dispatch, exit codes, one line an error."""

import os
import pathlib
import socket
import subprocess
import sys

import pytest

from offhook.control.app import COMMANDS, main
from offhook.control.cli import bench
from offhook.drivers.worker_process import command


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)
    assert main([]) == 2
    assert "usage:" in capsys.readouterr().err


def test_a_reader_that_has_gone_is_no_trouble() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            command(f"{main.__module__.split('.')[0]}.__main__", "--help"),
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["swerve"]) == 2
    assert capsys.readouterr().err == (
        f"offhook: no command 'swerve'; there is {', '.join(COMMANDS)}\n"
    )


def test_a_wrong_configuration_is_one_line_an_error(
    capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[http]\nport = 'x'\n[sip]\nopne = 1\n")
    assert main(["serve", "--config", str(path)]) == 2
    err = capsys.readouterr().err.splitlines()
    assert err[0].startswith(f'offhook: {path}:2: http.port = "x": must be a whole number')
    assert err[1].startswith(f"offhook: {path}:4: sip.opne = 1: unknown key; there is")
    assert len(err) == 2


def test_a_folder_that_cannot_be_used_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OFFHOOK_DATA", str(tmp_path / "file"))
    assert main(["serve"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("offhook: ")
    assert err.count("\n") == 1


def test_a_taken_sip_port_is_named_with_the_reason() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        own = {"HTTP_PORT": "0", "SIP_HOST": "127.0.0.1", "SIP_PORT": str(port)}
        environment = os.environ | {f"OFFHOOK_{name}": value for name, value in own.items()}
        ran = subprocess.run(
            command("offhook.__main__", "serve"),
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ran.returncode == 1
    said = f"offhook: SIP on 127.0.0.1 port {port}: Address already in use\n"
    assert ran.stderr == said


def test_ctrl_c_has_the_shells_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(argv: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "main", interrupted)
    assert main(["bench", "any"]) == 130


def test_bench_offers_what_can_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["bench", "nothing"])
    assert caught.value.code == 2
    assert "capacity" in capsys.readouterr().err
    assert "__init__" not in bench.names()


def test_bench_runs_a_measurement_with_its_arguments(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "few_benches").mkdir()
    (tmp_path / "few_benches" / "__init__.py").write_text("")
    (tmp_path / "few_benches" / "one.py").write_text(
        'import sys\nif __name__ == "__main__":\n    print("ran with", sys.argv[1:])\n'
    )
    (tmp_path / "few_benches" / "part.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(bench, "BENCH", "few_benches")
    monkeypatch.setattr(sys, "argv", sys.argv[:])
    assert bench.names() == ["one"]
    assert main(["bench", "one", "--calls", "3"]) == 0
    assert capsys.readouterr().out == "ran with ['--calls', '3']\n"
