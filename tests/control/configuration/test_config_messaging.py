"""The configuration of e-mails and of hand-overs."""

import pathlib

import pytest

from offhook.control.configuration.config import load
from offhook.control.configuration.config_messaging import SmtpSettings
from offhook.control.errors import ConfigError

SMTP = '[smtp]\nhost = "mail.example.org"\nfrom = "Offhook <me@example.org>"\n'


def error_of(folder: pathlib.Path, text: str) -> ConfigError:
    file = folder / "offhook.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load({}, str(file))
    return caught.value


def test_emails_are_kept_unless_a_server_is_named() -> None:
    assert load({}).smtp == SmtpSettings(host="")


def test_a_server_is_read_from_file_and_environment(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "offhook.toml"
    file.write_text(SMTP + 'username = "me"\n[escalations]\nring_s = 30.0\n')
    settings = load({"OFFHOOK_SMTP_PASSWORD": "hidden", "OFFHOOK_SMTP_PORT": "2525"}, str(file))
    assert settings.smtp.from_ == "Offhook <me@example.org>"
    assert (settings.smtp.port, settings.smtp.security) == (2525, "starttls")
    assert settings.escalations.ring_s == 30.0
    assert "hidden" in settings.secrets_of(), "the log leaves it out"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[smtp]\nhost = "mail.example.org"\n', "smtp.from"),
        (SMTP.replace("me@example.org", "me"), "smtp.from"),
        (SMTP + 'username = "me"\nsecurity = "none"\n', "smtp.security"),
        (SMTP + 'security = "ssl"\n', "smtp.security"),
        ("[escalations]\nring_s = 1.0\n", "escalations.ring_s"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: pathlib.Path, text: str, key: str) -> None:
    assert error_of(tmp_path, text).key == key
