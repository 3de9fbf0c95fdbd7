"""All services of one server, by subject, made in the order in which they need each other."""

from ..analytics.counting import Counting
from ..configuration.config_lines import LOOPBACK_LINE
from ..messages.simulated_sms import simulated_refusal
from ..store.calls import CallStore
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
from .connections import ConnectionTests
from .contacts import ContactService
from .database_use import DatabaseUseService
from .deliveries import DeliveryQueue
from .dialing import DialingService
from .do_not_call import DoNotCallService
from .document_steps import DocumentSteps
from .documents import DocumentService
from .error_logs import ErrorLogService
from .escalations import EscalationService
from .event_log import EventLog
from .ground import Ground
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


class Services:
    """The domain's verbs. Each stands on `ground`; some use others."""

    def __init__(self, ground: Ground) -> None:
        """The database may be opened later, but before any of them is used."""
        self._make_events(ground)
        self._make_people(ground)
        self._make_messages(ground)
        self._make_agents(ground)
        self._make_billing(ground)
        self._make_calls(ground)
        self._make_dialing(ground)
        self._make_lines(ground)
        self._make_keeping(ground)

    def _make_events(self, ground: Ground) -> None:
        """What happened, and who is told of it."""
        database, clock, rng = ground.database, ground.clock, ground.rng
        self.events = EventLog(database, ground.bus)
        self.deliveries = DeliveryQueue(database, self.events, clock, rng)
        self.webhooks = WebhookService(
            database,
            clock,
            self.events,
            self.deliveries,
            ground.box,
            rng,
            allow_private=ground.private_webhooks,
        )
        self.outbox = Outbox(database, self.events, clock, rng, ground.box)
        if ground.lines.get(LOOPBACK_LINE) is not None:
            self.outbox.refusals["sms"] = simulated_refusal
        self.notifications = NotificationService(database, self.events, self.outbox, clock)

    def _make_people(self, ground: Ground) -> None:
        """Accounts, and who proves to be one."""
        database, clock, proofs = ground.database, ground.clock, ground.proofs
        self.accounts = AccountService(database, clock, proofs)
        self.account_removal = AccountRemoval(
            database, proofs, self.accounts, ground.calls, ground.recordings
        )
        self.api_keys = ApiKeyService(database, clock, proofs, ground.rng)
        self.authentication = Authentication(database, clock, proofs)
        self.sign_in = SignIn(database, clock, proofs, self.accounts)
        self.staff_tokens = StaffTokens(database, clock, proofs, self.sign_in)
        codes = SentCodes(clock, proofs, self.outbox)
        self.recovery = Recovery(database, proofs, codes, self.sign_in)
        self.verification = Verification(database, clock, codes, self.accounts, self.sign_in)

    def _make_messages(self, ground: Ground) -> None:
        """Texts and those who write them; Telegram."""
        database, events, clock = ground.database, self.events, ground.clock
        self.contacts = ContactService(database, clock)
        self.sms = SmsService(database, events, self.outbox, clock)
        self.sms_figures = SmsFigures(database, clock)
        self.sms_tasks = SmsTaskService(database, events, self.sms, clock)
        self.sms_task_steps = SmsTaskSteps(database, events, self.sms, clock)
        self.inbound_sms = InboundSms(self.sms, self.sms_tasks)
        self.broadcasts = BroadcastService(database, events, self.sms, clock)
        self.telegram = TelegramService(database, clock)

    def _make_agents(self, ground: Ground) -> None:
        """Agents, what they know, and the services that they use."""
        database, clock = ground.database, ground.clock
        self.agents = AgentService(database, clock)
        self.agent_removal = AgentRemoval(database, self.events, self.agents, clock)
        self.agent_use = AgentUseService(database, self.agent_removal)
        self.documents = DocumentService(database, clock, ground.uploads.with_name("documents"))
        self.document_steps = DocumentSteps(database, self.events, clock)
        self.knowledge = KnowledgeService(database)
        self.provider_keys = ProviderKeyService(
            database, clock, ground.box, ground.providers, allow_private=ground.private_webhooks
        )
        self.connections = ConnectionTests(ground.connections)
        self.setup = SetupService(database, clock, self.documents, self.provider_keys)

    def _make_billing(self, ground: Ground) -> None:
        """What accounts subscribe to, and what they ask for."""
        database, events, clock = ground.database, self.events, ground.clock
        self.subscriptions = SubscriptionService(database, clock, ground.subscribing)
        self.payments = PaymentService(
            database,
            events,
            self.subscriptions,
            self.notifications,
            clock,
            ground.paying,
            ground.rng,
        )
        self.tickets = TicketService(database, events, self.notifications, clock)

    def _make_calls(self, ground: Ground) -> None:
        """Calls, from the wish for one to what is known of it afterwards."""
        database, events, clock = ground.database, self.events, ground.clock
        calls, recordings = ground.calls, ground.recordings
        self.calls = CallService(
            CallStore(database), events, calls, clock, recordings, ground.lines
        )
        self.calls.check_quota = self.subscriptions.check
        self.control = CallControl(database, calls, clock)
        self.escalations = EscalationService(
            database,
            events,
            calls,
            self.agents,
            self.control,
            self.notifications,
            clock,
            ground.ring_s,
        )
        self.retries = RetryService(database, events, calls, clock)
        self.reported_calls = ReportedCalls(events, clock, ground.report_tokens)
        self.stated_calls = StatedCalls(events, clock)
        self.recordings = RecordingService(
            database, events, clock, recordings, ground.proofs, ground.keep_days
        )
        self.transcripts = TranscriptService(self.calls)
        self.notes = NoteService(database, events, clock)
        self.analyses = AnalysisService(database, calls, clock)
        self.analytics = AnalyticsService(database, clock, Counting(database.url))

    def _make_dialing(self, ground: Ground) -> None:
        """What has calls placed, and what forbids them."""
        database, events, clock = ground.database, self.events, ground.clock
        lines = ground.lines
        self.dialing = DialingService(database, clock)
        self.do_not_call = DoNotCallService(database, events, clock)
        self.schedules = ScheduleService(database, events, clock, lines)
        self.campaigns = CampaignService(database, events, clock, lines)
        self.campaign_steps = CampaignSteps(database, events, clock)
        self.imports = ImportService(database, events, clock, ground.uploads, lines)
        self.import_steps = ImportSteps(database, events, clock, lines)

    def _make_lines(self, ground: Ground) -> None:
        """What calls come in and go out by."""
        database, clock, lines = ground.database, ground.clock, ground.lines
        self.lines = LineService(database, lines)
        self.modems = ModemService(database, clock, lines)
        self.numbers = NumberService(database, clock, lines, ground.proofs.settings.numbers)

    def _make_keeping(self, ground: Ground) -> None:
        """The server itself, and what all APIs need."""
        database, clock = ground.database, ground.clock
        self.availability = AvailabilityService(database, clock)
        self.database_use = DatabaseUseService(database, clock)
        self.system_figures = SystemFigureService(database, clock, ground.lines, self.availability)
        self.server_parts = ServerParts(
            clock, ground.bus, self.outbox, self.sms_figures, self.connections, ground.providers
        )
        self.error_logs = ErrorLogService(database, clock)
        self.idempotency = IdempotencyService(database, clock, ground.box)
        self.numbered = NumberedService(database)
