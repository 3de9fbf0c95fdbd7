"""The configuration: what every key means, its unit, its default, and `load` that reads them.

Every key of `offhook.toml` is also an environment variable: `http.port` is `OFFHOOK_HTTP_PORT`,
`lines[0].password` is `OFFHOOK_LINES_0_PASSWORD`; the environment wins. How a tree of values
becomes these Structs, and what is said when it does not fit, is in config_reader.py.
"""

import pathlib
import socket
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar

import msgspec

from ..errors import ConfigError, ConfigErrors
from .config_agents import (
    AgentConfig as AgentConfig,
    ModelNames as ModelNames,
    ProviderSettings as ProviderSettings,
    doubled_names,
    unknown_voices,
    wrong_parts,
    wrong_services,
)
from .config_analysis import AnalysisConfig, wrong_analysis
from .config_auth import AdminSettings, AuthSettings, wrong_admin
from .config_billing import PaymentSettings, SubscriptionSettings, wrong_tiers
from .config_connections import ConnectionSettings
from .config_costs import CostSettings, wrong_costs
from .config_dialects import DialectsSettings
from .config_dialer import DialerSettings
from .config_events import EventSettings, WebhookSettings
from .config_http import (
    HttpSettings as HttpSettings,
    RatesSettings as RatesSettings,
    wrong_proxies,
)
from .config_knowledge import KnowledgeSettings, wrong_knowledge
from .config_lines import (
    DEFAULT_MODEMS,
    LOOPBACK_LINE,
    LineSettings as LineSettings,
    ModemSettings as ModemSettings,
    TrunkSettings as TrunkSettings,
    wrong_lines,
)
from .config_messaging import (
    EscalationSettings,
    ExotelSettings,
    SmsSettings,
    SmtpSettings,
    TelegramSettings,
    TwilioSettings,
    wrong_smtp,
    wrong_twilio,
)
from .config_reader import Origin, Reader, Tree, read_environment, read_file
from .config_recordings import RecordingSettings as RecordingSettings
from .config_sip import RtpSettings as RtpSettings, SipSettings as SipSettings, wrong_ports
from .config_tracing import TracingSettings

CONFIG_FILE = "offhook.toml"
DATABASE_FILE = "offhook.db"
ENV_PREFIX = "OFFHOOK_"
ENV_CONFIG = "OFFHOOK_CONFIG"
NO_ENVIRONMENT: Mapping[str, str] = MappingProxyType({})
MIN_KEY_CHARS = 12
"""Shorter ones are words that stand for no key, as servers without keys are given; the log would
leave such words out wherever they stand."""

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)


LEAST_SECOND_LEGS = 8
"As many as one call can have."


class LimitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When new calls are refused, and how long a stop may take."""

    max_calls: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 2000
    max_lateness_ms: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    "p99 of the frame clock's lateness over the last seconds."
    drain_s: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    "How long live calls may go on after SIGTERM."

    @property
    def second_legs(self) -> int:
        """Others that live calls may still call when no more calls are taken: a quarter as many."""
        return max(LEAST_SECOND_LEGS, self.max_calls // 4)


class CallSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of calls."""

    retention_days: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    "Ended calls and their recordings are deleted after that; 0: never."


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything the owner can set."""

    data: str = "data"
    "Folder for calls, recordings and secrets."
    database: str = ""
    "SQLAlchemy's address, such as postgresql+asyncpg://…; empty: SQLite in the data folder."
    node: str = ""
    "This server's name among those that share a PostgreSQL; empty: the host's."
    api_token: str = ""
    "Bearer token of the API; empty: one is made and kept in the data folder."
    default_agent: str = ""
    "Answers what nothing else is set for; empty: the first of `agents`, else the built-in one."
    rate_limits: bool = True
    "False: nobody is limited by `rates`; for tests that send faster than people do."
    http: HttpSettings = HttpSettings()
    rates: RatesSettings = RatesSettings()
    auth: AuthSettings = AuthSettings()
    admin: AdminSettings = AdminSettings()
    dialects: DialectsSettings = DialectsSettings()
    sip: SipSettings = SipSettings()
    rtp: RtpSettings = RtpSettings()
    limits: LimitSettings = LimitSettings()
    recording: RecordingSettings = RecordingSettings()
    calls: CallSettings = CallSettings()
    analysis: AnalysisConfig = AnalysisConfig()
    costs: CostSettings = CostSettings()
    connections: ConnectionSettings = ConnectionSettings()
    dialer: DialerSettings = DialerSettings()
    events: EventSettings = EventSettings()
    webhooks: WebhookSettings = WebhookSettings()
    smtp: SmtpSettings = SmtpSettings()
    twilio: TwilioSettings = TwilioSettings()
    exotel: ExotelSettings = ExotelSettings()
    sms: SmsSettings = SmsSettings()
    telegram: TelegramSettings = TelegramSettings()
    escalations: EscalationSettings = EscalationSettings()
    subscriptions: SubscriptionSettings = SubscriptionSettings()
    payments: PaymentSettings = PaymentSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
    lines: tuple[LineSettings, ...] = ()
    trunks: tuple[TrunkSettings, ...] = ()
    modems: tuple[ModemSettings, ...] = ()
    "Empty: a simulated one."
    loopback: bool = True
    "The line to a simulated far end; off: examples and tests of calls reach nobody."
    loopback_ledger: str = ""
    "A file that every number which the loopback line dials is added to, a line each; for tests."
    outbound_lines: tuple[str, ...] = ()
    "Where calls go out, in this order; empty: trunks with a host, then lines, else what simulates."
    agents: tuple[AgentConfig, ...] = ()
    providers: tuple[ProviderSettings, ...] = ()
    numbers: dict[str, str] = msgspec.field(default_factory=dict)
    "Dialled number -> name of the agent that answers it."

    def data_folder(self) -> pathlib.Path:
        """Where everything is kept."""
        return pathlib.Path(self.data)

    def node_name(self) -> str:
        """Who this server is among others."""
        return self.node or socket.gethostname()

    def database_url(self) -> str:
        """Where things are stored."""
        return self.database or f"sqlite+aiosqlite:///{self.data_folder() / DATABASE_FILE}"

    def recordings_folder(self) -> pathlib.Path:
        """Recordings."""
        folder = self.recording.folder
        return pathlib.Path(folder) if folder else self.data_folder() / "recordings"

    def modem_list(self) -> tuple[ModemSettings, ...]:
        """The modems, or the one that exists where none is configured."""
        return self.modems or DEFAULT_MODEMS

    def secrets_of(self, environ: Mapping[str, str] = NO_ENVIRONMENT) -> tuple[str, ...]:
        """Every secret in here, for the log to leave out, and keys of providers in `environ`."""
        keys = (environ.get(provider.api_key_env, "") for provider in self.providers)
        found = [
            self.api_token,
            self.smtp.password,
            self.telegram.token,
            self.twilio.auth_token,
            self.exotel.token,
            self.admin.password,
            *(t.password for t in self.trunks),
            *(n.password for n in self.lines),
            *(key for key in keys if len(key) >= MIN_KEY_CHARS),
        ]
        return tuple(secret for secret in found if secret)


def load(environ: Mapping[str, str], path: str | None = None) -> Settings:
    """Read the configuration.

    `path` (or `OFFHOOK_CONFIG`) must exist; without either, `offhook.toml` in the current folder is
    read if it is there. Raises ConfigError naming the key, the value, its origin and what fits.
    """
    wanted = path or environ.get(ENV_CONFIG) or ""
    file = pathlib.Path(wanted or CONFIG_FILE)
    tree: Tree = {}
    origin = Origin()
    if wanted or file.is_file():
        tree = read_file(file, origin)
    foreign = {ENV_CONFIG, *_key_names(tree, environ)}
    names = {
        name: value
        for name, value in environ.items()
        if name.startswith(ENV_PREFIX) and name not in foreign
    }
    reader = Reader(origin)
    read_environment(names, ENV_PREFIX, Settings, tree, reader)
    settings = reader.struct(tree, Settings)
    if reader.errors:
        raise _told(reader.errors)
    assert settings is not None, "a reader without errors has a result"
    if errors := list(_contradictions(settings, origin)):
        raise _told(errors)
    return settings


def section(raw: msgspec.Raw, type_: type[SettingsT], key: str) -> SettingsT:
    """A free part of the configuration (`agents[].house`) as the Struct its driver defines.

    Raises ConfigError; `key` is what the part is called in it, such as `agents[0].house`.
    """
    reader = Reader(Origin())
    result = reader.struct(msgspec.json.decode(raw), type_, key)
    if reader.errors:
        raise _told(reader.errors)
    assert result is not None, "a reader without errors has a result"
    return result


def _told(errors: list[ConfigError]) -> ConfigError:
    return errors[0] if len(errors) == 1 else ConfigErrors(errors)


def _key_names(tree: Tree, environ: Mapping[str, str]) -> set[str]:
    """Variables that hold providers' keys: the owner names them, so they are not ours to judge."""
    providers = tree.get("providers")
    entries = providers if isinstance(providers, list) else []
    names = {str(entry.get("api_key_env")) for entry in entries if isinstance(entry, dict)}
    named = (f"{ENV_PREFIX}PROVIDERS_", "_API_KEY_ENV")
    return names | {
        value
        for name, value in environ.items()
        if name.startswith(named[0]) and name.endswith(named[1])
    }


# --- what only shows when everything is read ------------------------------------------------------


def _contradictions(settings: Settings, origin: Origin) -> Iterable[ConfigError]:
    agents, providers = settings.agents, settings.providers
    yield from wrong_ports(settings.rtp, origin)
    yield from wrong_proxies(settings.http, origin)
    yield from doubled_names(agents, providers, origin)
    yield from _unknown_agents(settings, origin)
    yield from wrong_services(agents, providers, origin)
    yield from wrong_knowledge(settings.knowledge, providers, origin)
    yield from wrong_lines(
        settings.lines, settings.trunks, settings.modems, settings.outbound_lines, origin
    )
    yield from wrong_analysis(settings.analysis, providers, origin)
    yield from wrong_costs(settings.costs, _line_names(settings), origin)
    yield from wrong_smtp(settings.smtp, origin)
    yield from wrong_tiers(settings.subscriptions, origin)
    yield from wrong_twilio(settings.twilio, origin)
    yield from wrong_parts(agents, origin)
    yield from wrong_admin(settings.admin, origin)
    yield from unknown_voices(agents, origin)


def _line_names(settings: Settings) -> list[str]:
    named = [LOOPBACK_LINE, *(trunk.name for trunk in settings.trunks)]
    named += [line.name for line in settings.lines]
    return named + [modem.name for modem in settings.modem_list()]


def _unknown_agents(settings: Settings, origin: Origin) -> Iterable[ConfigError]:
    known = [agent.name for agent in settings.agents]
    used = [("default_agent", settings.default_agent)]
    used += [(f"lines[{i}].agent", line.agent) for i, line in enumerate(settings.lines)]
    used += [(f"trunks[{i}].agent", trunk.agent) for i, trunk in enumerate(settings.trunks)]
    used += [(f"numbers.{number}", agent) for number, agent in settings.numbers.items()]
    for key, name in used:
        if name and name not in known:
            expected = f"no such agent; there is {', '.join(known)}" if known else "no agent is set"
            yield origin.error(key, name, expected)
