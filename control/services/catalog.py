"""All services of one server, made in the order in which they need each other."""

import pathlib
import random
from collections.abc import Callable, Sequence

import msgspec

from ...media.clock import Clock
from ..analytics.counting import Counting
from ..auth.proofs import Proofs
from ..auth.secrets_box import SecretsBox
from ..calls.calls import Calls
from ..configuration.config import Settings
from ..configuration.config_agents import ProviderSettings
from ..configuration.config_billing import PaymentSettings, SubscriptionSettings
from ..configuration.config_connections import ConnectionSettings
from ..configuration.config_lines import LOOPBACK_LINE
from ..dialer.call_limits import CallLimits
from ..events.events import EventBus
from ..lines.lines import Lines
from ..messages.simulated_sms import simulated_refusal
from ..store.calls import CallStore
from ..store.database import Database
from .account_removal import AccountRemoval
from .accounts import AccountService
from .agent_removal import AgentRemoval
from .agent_use import AgentUseService
from .agents import AgentService
from .analyses import AnalysisService
from .analytics import AnalyticsService
from .api_keys import ApiKeyService
from .authentication import Authentication
from .availability import AvailabilityService
from .broadcasts import BroadcastService
from .call_control import CallControl
from .calls import CallService
from .campaign_steps import CampaignSteps
from .campaigns import CampaignService
from .connections import FORM_ONLY, ConnectionTests
from .contacts import ContactService
from .database_use import DatabaseUseService
from .deliveries import DeliveryQueue
from .dialing import DialingService
from .do_not_call import DoNotCallService
from .document_steps import DocumentSteps
from .documents import DocumentService
from .error_logs import ErrorLogService
from .escalations import RING_S, EscalationService
from .event_log import EventLog
from .idempotency import IdempotencyService
from .import_steps import ImportSteps
from .imports import ImportService
from .inbound_sms import InboundSms
from .knowledge import KnowledgeService
from .lines import LineService
from .modems import ModemService
from .notes import NoteService
from .notifications import NotificationService
from .numbered import NumberedService
from .numbers import NumberService
from .outbox import Outbox
from .payments import PaymentService
from .provider_keys import ProviderKeyService
from .recordings import RecordingService
from .recovery import Recovery
from .reported_calls import ReportedCalls
from .retries import RetryService
from .schedules import ScheduleService
from .sent_codes import SentCodes
from .server_parts import ServerParts
from .setup import SetupService
from .sign_in import SignIn
from .sms import SmsService
from .sms_figures import SmsFigures
from .sms_task_steps import SmsTaskSteps
from .sms_tasks import SmsTaskService
from .staff_tokens import StaffTokens
from .stated_calls import StatedCalls
from .subscriptions import SubscriptionService
from .system_figures import SystemFigureService
from .telegram import TelegramService
from .tickets import TicketService
from .transcripts import TranscriptService
from .verification import Verification
from .webhooks import WebhookService


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """The domain's verbs, by subject."""

    account_removal: AccountRemoval
    accounts: AccountService
    agent_removal: AgentRemoval
    agent_use: AgentUseService
    agents: AgentService
    analyses: AnalysisService
    analytics: AnalyticsService
    api_keys: ApiKeyService
    authentication: Authentication
    availability: AvailabilityService
    broadcasts: BroadcastService
    calls: CallService
    campaigns: CampaignService
    campaign_steps: CampaignSteps
    connections: ConnectionTests
    contacts: ContactService
    control: CallControl
    database_use: DatabaseUseService
    deliveries: DeliveryQueue
    dialing: DialingService
    do_not_call: DoNotCallService
    documents: DocumentService
    document_steps: DocumentSteps
    error_logs: ErrorLogService
    escalations: EscalationService
    events: EventLog
    idempotency: IdempotencyService
    imports: ImportService
    import_steps: ImportSteps
    inbound_sms: InboundSms
    knowledge: KnowledgeService
    lines: LineService
    modems: ModemService
    notes: NoteService
    notifications: NotificationService
    numbered: NumberedService
    numbers: NumberService
    outbox: Outbox
    payments: PaymentService
    provider_keys: ProviderKeyService
    recordings: RecordingService
    recovery: Recovery
    reported_calls: ReportedCalls
    retries: RetryService
    schedules: ScheduleService
    server_parts: ServerParts
    setup: SetupService
    sign_in: SignIn
    sms: SmsService
    sms_figures: SmsFigures
    sms_tasks: SmsTaskService
    sms_task_steps: SmsTaskSteps
    staff_tokens: StaffTokens
    stated_calls: StatedCalls
    subscriptions: SubscriptionService
    system_figures: SystemFigureService
    telegram: TelegramService
    tickets: TicketService
    transcripts: TranscriptService
    verification: Verification
    webhooks: WebhookService


SUBSCRIBING = SubscriptionSettings()
PAYING = PaymentSettings()


def make_services(
    database: Database,
    clock: Clock,
    bus: EventBus,
    lines: Lines | None = None,
    *,
    calls: Calls,
    recordings: pathlib.Path,
    uploads: pathlib.Path,
    proofs: Proofs,
    box: Callable[[], SecretsBox],
    rng: random.Random,
    private_webhooks: bool = False,
    providers: Sequence[ProviderSettings] = (),
    ring_s: float = RING_S,
    keep_days: float = 0.0,
    subscribing: SubscriptionSettings = SUBSCRIBING,
    paying: PaymentSettings = PAYING,
    connections: ConnectionSettings = FORM_ONLY,
) -> Services:
    """All of them, on a database that is opened before they are used.

    `lines` None: those of a server without configuration. `calls`: those in progress; their
    recordings lie in `recordings`. `uploads`: where files lie until they are imported; documents
    lie beside it. `box` is asked for when it is needed: its keys are read, or made, by the process
    that holds the database. `connections`: whom keys of providers are shown to on trial.
    `rng` is unguessable. `private_webhooks`: webhooks may lead to this machine, too, and so may
    accounts' keys of providers; `providers`: those of the configuration. `ring_s`: how long a
    person is let ring. `keep_days`: how long recordings are kept, unless their account says
    otherwise; 0: for ever. `subscribing`, `paying`: tiers, and how they are paid for.
    """
    if lines is None:
        lines = Lines(Settings(), CallLimits())
    events = EventLog(database, bus)
    outbox = Outbox(database, events, clock, rng)
    if lines.get(LOOPBACK_LINE) is not None:
        outbox.refusals["sms"] = simulated_refusal
    deliveries = DeliveryQueue(database, events, clock, rng)
    webhooks = WebhookService(
        database, clock, events, deliveries, box, rng, allow_private=private_webhooks
    )
    accounts = AccountService(database, clock, proofs)
    sign_in = SignIn(database, clock, proofs, accounts)
    codes = SentCodes(clock, proofs, outbox)
    agents = AgentService(database, clock)
    control = CallControl(database, calls, clock)
    sms = SmsService(database, events, outbox, clock)
    sms_tasks = SmsTaskService(database, events, sms, clock)
    notifications = NotificationService(database, events, outbox, clock)
    escalations = EscalationService(
        database, events, calls, agents, control, notifications, clock, ring_s
    )
    agent_removal = AgentRemoval(database, events, agents, clock)
    documents = DocumentService(database, clock, uploads.with_name("documents"))
    provider_keys = ProviderKeyService(
        database, clock, box, providers, allow_private=private_webhooks
    )
    call_service = CallService(CallStore(database), events, calls, clock, recordings, lines)
    subscriptions = SubscriptionService(database, clock, subscribing)
    call_service.check_quota = subscriptions.check
    availability = AvailabilityService(database, clock)
    figures = SmsFigures(database, clock)
    tests = ConnectionTests(connections)
    return Services(
        account_removal=AccountRemoval(database, proofs, accounts, calls, recordings),
        accounts=accounts,
        agent_removal=agent_removal,
        agent_use=AgentUseService(database, agent_removal),
        agents=agents,
        analyses=AnalysisService(database, calls, clock),
        analytics=AnalyticsService(database, clock, Counting(database.url)),
        api_keys=ApiKeyService(database, clock, proofs, rng),
        authentication=Authentication(database, clock, proofs),
        availability=availability,
        broadcasts=BroadcastService(database, events, sms, clock),
        control=control,
        calls=call_service,
        campaigns=CampaignService(database, events, clock, lines),
        campaign_steps=CampaignSteps(database, events, clock),
        connections=tests,
        contacts=ContactService(database, clock),
        database_use=DatabaseUseService(database, clock),
        deliveries=deliveries,
        dialing=DialingService(database, clock),
        do_not_call=DoNotCallService(database, events, clock),
        documents=documents,
        document_steps=DocumentSteps(database, events, clock),
        error_logs=ErrorLogService(database, clock),
        escalations=escalations,
        events=events,
        idempotency=IdempotencyService(database, clock, box),
        imports=ImportService(database, events, clock, uploads, lines),
        import_steps=ImportSteps(database, events, clock, lines),
        inbound_sms=InboundSms(sms, sms_tasks),
        knowledge=KnowledgeService(database),
        lines=LineService(database, lines),
        modems=ModemService(database, clock, lines),
        notes=NoteService(database, events, clock),
        notifications=notifications,
        numbered=NumberedService(database),
        numbers=NumberService(database, clock, lines, proofs.settings.numbers),
        outbox=outbox,
        payments=PaymentService(database, events, subscriptions, notifications, clock, paying, rng),
        provider_keys=provider_keys,
        recordings=RecordingService(database, events, clock, recordings, proofs, keep_days),
        recovery=Recovery(database, proofs, codes, sign_in),
        reported_calls=ReportedCalls(events, clock),
        retries=RetryService(database, events, calls, clock),
        schedules=ScheduleService(database, events, clock, lines),
        server_parts=ServerParts(clock, bus, outbox, figures, tests, providers),
        setup=SetupService(database, clock, documents, provider_keys),
        sign_in=sign_in,
        sms=sms,
        sms_figures=figures,
        sms_tasks=sms_tasks,
        sms_task_steps=SmsTaskSteps(database, events, sms, clock),
        staff_tokens=StaffTokens(database, clock, proofs, sign_in),
        stated_calls=StatedCalls(events, clock),
        subscriptions=subscriptions,
        system_figures=SystemFigureService(database, clock, lines, availability),
        telegram=TelegramService(database, clock),
        tickets=TicketService(database, events, notifications, clock),
        transcripts=TranscriptService(call_service),
        verification=Verification(database, clock, codes, accounts, sign_in),
        webhooks=webhooks,
    )
