"""What can go wrong with media, by who is to blame.

MediaError
├── Refused            we will not: the clock is late, lanes or ports are used up
├── CallNotLive        it is not answered yet, or over, or about to end
├── AgentPaused        somebody else has the caller
├── NotRecorded        there is no recording to switch
├── BadValue           what was asked for cannot be; `field` names the value
├── PeerError          the other side sent what cannot be understood
└── ProviderError      a speech or language service failed
    ├── ProviderRejected   it understood and said no (wrong key, unknown voice): do not retry
    └── ProviderTimedOut   it did not answer in time
"""


class MediaError(Exception):
    """Root of this folder's errors. `code` is stable and machine readable."""

    code = "media_error"
    retryable = False


class Refused(MediaError):
    """No new call can be taken now. The SIP answer is 503, the HTTP answer 503."""

    code = "refused"
    retryable = True
    sip_status = 503

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"no new call is taken: {self.reason}"


class CallNotLive(MediaError):
    """What was asked for needs a call that is up. `what` says how it stands."""

    code = "call_not_live"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"the call is not live: {self.what}"


class AgentPaused(MediaError):
    """What was asked for is the agent's to do, and somebody else has the caller."""

    code = "agent_paused"
    what = "the agent is paused: somebody else has the caller"

    def __str__(self) -> str:
        return self.what


class NotRecorded(MediaError):
    """The call has no recording, and none can be begun."""

    code = "not_recorded"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class BadValue(MediaError):
    """A value that cannot be; `field` is its name, `what` says what it must be."""

    code = "bad_value"

    def __init__(self, field: str, what: str) -> None:
        super().__init__(field, what)
        self.field = field
        self.what = what

    def __str__(self) -> str:
        return f"{self.field} {self.what}"


class PeerError(MediaError):
    """The far end's fault; `what` names the field or packet."""

    code = "peer_error"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class ProviderError(MediaError):
    """A transcriber, responder or synthesizer failed."""

    code = "provider_failed"
    retryable = True

    def __init__(self, provider: str, what: str) -> None:
        super().__init__(provider, what)
        self.provider = provider
        self.what = what

    def __str__(self) -> str:
        return f"{self.provider}: {self.what}"


class ProviderRejected(ProviderError):
    """The provider says no: trying again with the same request cannot help."""

    code = "provider_rejected"
    retryable = False


class ProviderTimedOut(ProviderError):
    """The provider did not answer within its limit."""

    code = "provider_timed_out"
