"""One delivery: signed, judged, tried again; and how many may be on their way."""

import hashlib
import hmac
import random

import msgspec
import pytest

from offhook.control.domain.webhooks import Delivery, DeliveryStatus, StoredEvent
from offhook.control.events.webhook_delivery import (
    GIVE_UP_S,
    JITTER,
    RETRY_DELAYS_S,
    Reply,
    Slots,
    body_of,
    headers_of,
    judge,
    signature,
)

EVENT = StoredEvent(
    id="e-1", type="call.ended", at_wall=1_700_000_000.25, body={"type": "call.ended", "a": [1]}
)


def delivery(number: int = 1, webhook_id: str = "w") -> Delivery:
    return Delivery(
        id=f"d-{number}",
        owner_id="ann",
        webhook_id=webhook_id,
        event_id="e-1",
        next_try_wall=0.0,
        created_wall=0.0,
    )


def test_the_body_is_the_event_with_its_name_and_time() -> None:
    assert msgspec.json.decode(body_of(EVENT)) == {
        "id": "e-1",
        "type": "call.ended",
        "at": "2023-11-14T22:13:20.250000Z",
        "data": {"type": "call.ended", "a": [1]},
    }


def test_the_signature_is_an_hmac_of_the_time_and_the_body() -> None:
    known = hmac.new(b"whsec_x", b'1700000000.{"a":1}', hashlib.sha256).hexdigest()
    assert signature(b'{"a":1}', "whsec_x", 1_700_000_000) == f"t=1700000000,v1={known}"


def test_the_headers_name_the_event_and_the_delivery() -> None:
    headers = headers_of(delivery(), b"{}", "whsec_x", 1_700_000_000.9)
    assert headers["Offhook-Event-Id"] == "e-1"
    assert headers["Offhook-Delivery"] == "d-1"
    assert headers["Offhook-Signature"] == signature(b"{}", "whsec_x", 1_700_000_000)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_a_receipt(status: int) -> None:
    taken = judge(delivery(), Reply(status), 7.0, random.Random(1))
    assert taken.status is DeliveryStatus.DELIVERED
    assert (taken.attempts, taken.delivered_wall, taken.response_status) == (1, 7.0, status)
    assert (taken.next_try_wall, taken.error) == (None, "")


def test_a_dead_receiver_is_tried_eight_times_with_growing_delays() -> None:
    rng = random.Random(1)
    tried, now, delays = delivery(), 0.0, []
    while tried.status is DeliveryStatus.WAITING:
        tried = judge(tried, Reply(error="refused"), now, rng)
        if tried.next_try_wall is not None:
            delays.append(tried.next_try_wall - now)
            now = tried.next_try_wall
    assert tried.status is DeliveryStatus.FAILED
    assert (tried.attempts, tried.error) == (8, "refused")
    assert len(delays) == len(RETRY_DELAYS_S)
    for delay, middle in zip(delays, RETRY_DELAYS_S, strict=True):
        assert middle * (1 - JITTER) <= delay <= middle * (1 + JITTER)
    assert delays != list(RETRY_DELAYS_S)


@pytest.mark.parametrize("status", [199, 301, 400, 404, 429, 500, 503])
def test_other_answers_are_tried_again(status: int) -> None:
    tried = judge(delivery(), Reply(status), 0.0, random.Random(1))
    assert tried.status is DeliveryStatus.WAITING
    assert tried.error == f"answered with {status}"


@pytest.mark.parametrize("reply", [Reply(410), Reply(error="no key", final=True)])
def test_some_answers_are_the_end(reply: Reply) -> None:
    assert judge(delivery(), reply, 0.0, random.Random(1)).status is DeliveryStatus.FAILED


def test_what_has_waited_too_long_behind_others_is_tried_once() -> None:
    rng = random.Random(1)
    late = judge(delivery(), Reply(500), GIVE_UP_S, rng)
    assert (late.status, late.attempts) == (DeliveryStatus.FAILED, 1)
    assert judge(delivery(), Reply(204), GIVE_UP_S, rng).status is DeliveryStatus.DELIVERED


def test_one_webhook_never_takes_all_places() -> None:
    slots = Slots(total=5, per_webhook=2)
    assert [slots.take(delivery(n)) for n in range(4)] == [True, True, False, False]
    assert slots.full() == ["w"]
    assert slots.take(delivery(5, "other"))
    assert not slots.take(delivery(5, "other")), "it is on its way already"
    assert slots.free() == 2
    slots.give_back(delivery(0))
    assert slots.full() == []
    assert slots.take(delivery(2))
    assert sorted(slots.on_their_way()) == ["d-1", "d-2", "d-5"]


def test_all_places_together_are_bounded() -> None:
    slots = Slots(total=3, per_webhook=2)
    assert [slots.take(delivery(n, f"w-{n}")) for n in range(4)] == [True, True, True, False]
    assert slots.free() == 0
