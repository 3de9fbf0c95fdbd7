"""The table of events is whole."""

from typing import get_args

from offhook.control.domain.events import EVENT_TYPES, ONLY_TOLD, AnyEvent


def test_what_is_only_told_are_events() -> None:
    assert set(get_args(AnyEvent)) > ONLY_TOLD


def test_every_event_has_a_name_of_its_own_with_a_subject() -> None:
    assert len(EVENT_TYPES) == len(get_args(AnyEvent))
    assert all(name.count(".") == 1 for name in EVENT_TYPES)
