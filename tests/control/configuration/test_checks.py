"""What the doctor finds, well and not."""

import pathlib
import socket
import sys

import msgspec
import pytest

from offhook.control.cli.doctor import line
from offhook.control.configuration import checks
from offhook.control.configuration.checks import Finding
from offhook.control.configuration.config import (
    HttpSettings,
    LimitSettings,
    RtpSettings,
    Settings,
    SipSettings,
)


def with_data(folder: pathlib.Path) -> Settings:
    return Settings(data=str(folder))


def test_the_data_folder_must_be_writable(tmp_path: pathlib.Path) -> None:
    assert checks.data_folder(with_data(tmp_path / "data")).well
    (tmp_path / "file").write_text("")
    finding = checks.data_folder(with_data(tmp_path / "file"))
    assert not finding.well
    assert "OFFHOOK_DATA" in finding.cure


def test_a_taken_port_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        finding = checks.http_port(Settings(http=HttpSettings(port=port)))
    assert not finding.well
    assert f"127.0.0.1 port {port}" in finding.detail
    assert checks.http_port(Settings(http=HttpSettings(port=port))).well


def test_a_taken_udp_port_is_found() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        assert not checks.sip_port(Settings(sip=SipSettings(host="127.0.0.1", port=port))).well
        rtp = RtpSettings(host="127.0.0.1", ports=f"{port}-{port}")
        assert not checks.rtp_ports(Settings(rtp=rtp)).well
    assert checks.rtp_ports(Settings(rtp=rtp)).well
    assert checks.rtp_ports(Settings(rtp=RtpSettings(ports="0"))).well


def test_open_files_must_suffice_for_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 550))
    http = HttpSettings(max_connections=50)
    assert checks.open_files(Settings(http=http, limits=LimitSettings(max_calls=100))).well
    finding = checks.open_files(Settings(http=http, limits=LimitSettings(max_calls=101)))
    assert not finding.well
    assert "ulimit -Hn 554" in finding.cure
    monkeypatch.setattr("resource.getrlimit", lambda _: (-1, -1))
    assert checks.open_files(Settings()).well


def test_speech_parts_that_are_installed_are_found() -> None:
    for check in (checks.g722_codec, checks.vad_weights, checks.espeak, checks.recognition):
        finding = check(Settings())
        assert finding.well, finding


def test_a_part_that_is_missing_comes_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "ESPEAK_LOADS", "import no_such_library")
    finding = checks.espeak(Settings())
    assert (finding.well, finding.cure) == (False, "pip install espeakng-loader")
    assert "no_such_library" in finding.detail


def test_a_package_that_is_missing_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pocketsphinx", "av"):
        monkeypatch.setitem(sys.modules, name, None)  # what an import then meets: ImportError
    monkeypatch.delitem(sys.modules, "offhook.codecs.g722", raising=False)
    for check in (checks.recognition, checks.g722_codec):
        finding = check(Settings())
        assert not finding.well
        assert finding.cure.startswith("pip install")


def test_a_package_that_lost_its_model_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(name: str) -> str:
        raise AttributeError("'NoneType' object has no attribute 'submodule_search_locations'")

    monkeypatch.setattr("pocketsphinx.get_model_path", lost)
    finding = checks.recognition(Settings())
    assert not finding.well
    assert "--force-reinstall" in finding.cure


async def test_watches_the_clock() -> None:
    p50_ms, p99_ms = await checks.watch_clock(0.05)
    assert 0 <= p50_ms <= p99_ms


def test_a_finding_is_a_line_and_its_cure_another() -> None:
    assert line(Finding("Opus", True, "1.5")) == "✓ Opus: 1.5"
    bad = msgspec.structs.replace(Finding("Opus", False, "none"), cure="install it")
    assert line(bad) == "✗ Opus: none\n    → install it"
