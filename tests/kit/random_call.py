"""Calls at random: a caller who speaks, coughs, presses keys, and events that should not occur."""

import random
from collections.abc import Callable

from offhook.media.conversation.announcement import Announcement
from offhook.media.conversation.floor import Phase
from offhook.media.conversation.turn_events import (
    AgentWasPaused,
    AgentWasResumed,
    AnnouncementOrdered,
    Answered,
    AnyTurnEvent,
    CallerWasMuted,
    CallerWasUnmuted,
    ContextGiven,
    HearingFailed,
    LegWasHeld,
    LegWasResumed,
    MachineAnswered,
    MachineGone,
    MessageDue,
    MessageTyped,
    ReplyHeard,
    TransferFailed,
    WordsHeard,
)
from offhook.media.events import (
    DigitPressed,
    DigitSource,
    MediaLost,
    PlayoutFinished,
    PlayoutStarted,
    SoundPassed,
    SoundRose,
    SpeechEnded,
    SpeechStarted,
    SpeechSuspected,
    SuspicionDropped,
)
from offhook.tests.kit.watched_floor import SAYINGS, World


def plausible(world: World) -> None:
    """The caller does something that callers do."""
    rng, lane = world.rng, world.lane
    what = rng.random()
    begin = rng.randrange(100)
    if what < 0.1:
        lane.click(begin)
    elif what < 0.7:
        lane.talk(begin, begin + rng.choice([60, 150, 300, 500, 1200]))
    elif what < 0.9:
        at = lane.position_samples + begin * 8
        for index in range(rng.randint(1, 5)):
            digit = rng.choice("0123456789*#")
            lane.expect(DigitPressed(at + index * 1600, digit, DigitSource.RTP_EVENT))
    elif what < 0.95:
        world.tell(LegWasHeld)
        world.later(rng.randrange(3000), lambda: world.tell(LegWasResumed))
    else:
        world.tell(MediaLost, 5000)


def steered(world: World) -> None:
    """Somebody else has a hand in the call."""
    rng = world.rng
    what = rng.random()
    if what < 0.6:
        plausible(world)
    elif what < 0.8:
        interrupt = rng.random() < 0.4
        world.tell(AnnouncementOrdered, Announcement("Note.", instead=interrupt), interrupt)
    elif what < 0.86:
        world.tell(ContextGiven, "The shop is closed.", rng.random() < 0.7)
    elif what < 0.92:
        world.tell(MessageTyped, rng.choice(["hello", "what does it cost?"]))
    elif what < 0.96:
        world.tell(CallerWasMuted)
        world.later(rng.randrange(3000), lambda: world.tell(CallerWasUnmuted))
    elif what < 0.97:
        world.tell(MachineAnswered)
        if rng.random() < 0.5:
            world.later(rng.randrange(4000), lambda: world.tell(MachineGone))
        else:
            message = Announcement("Please call back.", last=True)
            world.later(rng.randrange(4000), lambda: world.tell(MessageDue, message))
    else:
        world.tell(AgentWasPaused)
        world.later(rng.randrange(4000), lambda: world.tell(AgentWasResumed))


def implausible(world: World) -> None:
    """Any event at all, whether it fits or not."""
    rng, at = world.rng, world.lane.position_samples
    number = rng.randrange(world.state.epoch + 2)
    stale = rng.randrange(world.state.epoch) if world.state.epoch else 0
    turn = rng.randrange(world.state.turn + 2)
    events: list[AnyTurnEvent] = [
        SoundRose(at),
        SoundPassed(at),
        SpeechSuspected(at),
        SuspicionDropped(at),
        SpeechStarted(at, max(0, at - 800)),
        SpeechEnded(at, max(0, at - 1600)),
        WordsHeard(at, turn, rng.choice(SAYINGS), rng.random() < 0.5, rng.random() < 0.1),
        HearingFailed(at, turn),
        DigitPressed(at, rng.choice("12#"), DigitSource.INFO),
        LegWasHeld(at),
        LegWasResumed(at),
        PlayoutStarted(at, stale),
        PlayoutFinished(at, stale, 100),
        ReplyHeard(at, number, "never said", "never said", False),
        Answered(at, True),
        TransferFailed(at),
        AnnouncementOrdered(at, Announcement("Note."), rng.random() < 0.5),
        ContextGiven(at, "The shop is closed.", True),
        MessageTyped(at, "hello"),
        CallerWasMuted(at),
        CallerWasUnmuted(at),
        AgentWasPaused(at),
        AgentWasResumed(at),
        MachineAnswered(at),
        MachineGone(at),
        MessageDue(at, Announcement("Please call back.", last=True)),
    ]
    world.receive(rng.choice(events))


def play(seed: int, ticks: int, happens: Callable[[World], None], rate: float) -> World:
    world = World(random.Random(seed))
    world.tell(Answered, world.rng.random() < 0.7)
    for _ in range(ticks):
        if world.state.phase is Phase.OVER:
            break
        if world.rng.random() < rate:
            happens(world)
        world.tick()
    return world


def finish(world: World) -> None:
    """Nothing happens any more: the call must come to its own end, all that is owed is paid."""
    for back in (LegWasResumed, CallerWasUnmuted, AgentWasResumed, MachineGone):
        world.tell(back)
    for _ in range(50 * 180):
        if world.state.phase is Phase.OVER:
            break
        world.tick()
    assert world.state.phase is Phase.OVER, "a silent call does not end"
    assert world.state.reply is None
    assert world.state.caller is None
    world.check_transcript()
    assert not world.owed, "a turn was neither answered nor superseded"
