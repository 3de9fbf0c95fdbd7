"""What becomes of an SMS on the simulated line: it is kept, unless its number's network fails."""

from ...drivers.loopback.behaviour import NETWORK_FAILURE, behaviour_of


def simulated_refusal(to: str) -> str:
    """Why an SMS to this number fails, as calls to it do; empty: it does not."""
    behaviour = behaviour_of(to)
    return behaviour.reason if behaviour is NETWORK_FAILURE else ""
