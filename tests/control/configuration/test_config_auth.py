"""The first administrator of the configuration: what would keep them out is told at the start."""

import pytest

from offhook.control.configuration.config import load
from offhook.control.errors import ConfigError

EMAIL = {"OFFHOOK_ADMIN_EMAIL": "root@example.org"}


def test_the_first_administrator_comes_from_the_environment_and_stays_out_of_the_log() -> None:
    settings = load(EMAIL | {"OFFHOOK_ADMIN_PASSWORD": "a long password"})
    assert settings.admin.email == "root@example.org"
    assert settings.secrets_of() == ("a long password",)
    assert load({}).auth.registration == "closed"


@pytest.mark.parametrize(
    ("environ", "key", "expected"),
    [
        (EMAIL, "admin.password", "8 to 256 characters"),
        (EMAIL | {"OFFHOOK_ADMIN_PASSWORD": "geheim"}, "admin.password", "8 to 256 characters"),
        ({"OFFHOOK_ADMIN_PASSWORD": "a long password"}, "admin.email", "is missing"),
        (
            {"OFFHOOK_ADMIN_EMAIL": "root", "OFFHOOK_ADMIN_PASSWORD": "a long password"},
            "admin.email",
            "no e-mail address",
        ),
    ],
)
def test_one_who_could_not_sign_in_is_told(
    environ: dict[str, str], key: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ)
    assert caught.value.key == key
    assert expected in caught.value.expected
    assert "geheim" not in str(caught.value)
