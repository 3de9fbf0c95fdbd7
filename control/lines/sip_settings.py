"""What the configuration says of SIP, as the SIP driver takes it."""

from ...codecs.catalog import CATALOG
from ...drivers.sip.endpoint import SipSettings
from ...drivers.sip.trunk import Account, Trunk
from ..configuration.config import Settings


def sip_settings(settings: Settings) -> SipSettings:
    """Who may call in, by which codecs, from where."""
    sip = settings.sip
    return SipSettings(
        host=sip.host,
        port=sip.port,
        advertised_host=sip.advertised_host or None,
        open_loopback=sip.open == "loopback",
        trunks=tuple(Trunk(t.name, t.addresses) for t in settings.trunks if t.addresses),
        accounts=tuple(
            Account(t.username, t.password, t.name) for t in settings.trunks if t.username
        ),
        session_expires_s=sip.session_expires_s,
        codecs=tuple(CATALOG[name] for name in sip.codecs),
    )
