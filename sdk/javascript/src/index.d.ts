export type SessionType = 'outbound' | 'inbound';
export type SessionStatus = 'pending' | 'active' | 'completed' | 'failed';

export interface Session {
  id: number;
  workflowId: number | null;
  phoneNumber: string;
  sessionType: SessionType;
  status: SessionStatus;
  /** ISO 8601 in UTC; null: not yet. */
  startedAt: string | null;
  endedAt: string | null;
  durationSeconds: number | null;
  transcript: string | null;
  aiResponse: string | null;
  /** Yours: its names are never changed. */
  metadata: Record<string, unknown>;
}

export interface NewSession {
  workflowId: number;
  /** `+` and digits. */
  phoneNumber: string;
  sessionType: SessionType;
  metadata?: Record<string, unknown>;
}

/** What is not given stays. */
export interface SessionChanges {
  status?: SessionStatus;
  transcript?: string;
  aiResponse?: string;
  metadata?: Record<string, unknown>;
}

export interface SessionQuery {
  status?: SessionStatus;
  /** 50 unless given, 100 at most. */
  limit?: number;
  offset?: number;
  /** ISO 8601. */
  startDate?: string;
  endDate?: string;
  /** A field; with `-` before it the highest first. */
  sort?: string;
  /** Fields, and the values that they must have. */
  filter?: Record<string, unknown>;
}

export interface SessionPage {
  sessions: Session[];
  /** How many there are on all pages. */
  total: number;
  limit: number;
  offset: number;
}

export type UpdateType =
  | 'session_started'
  | 'session_ended'
  | 'transcript_update'
  | 'status_change'
  | 'error';

export interface Update {
  type: UpdateType;
  /** The session's, from then on. */
  status: SessionStatus | null;
  data: Record<string, unknown>;
  sessionId?: number;
  timestamp?: string;
}

export interface Reconnect {
  /** Connections in a row that brought nothing new. */
  attempt: number;
  waitMs: number;
  reason: string;
}

export interface StreamEvents {
  update: Update;
  /** The server refuses, or cannot be reached, time after time; `end` follows. */
  error: AetheriumError;
  reconnect: Reconnect;
  /** Nothing more comes: the session ended, or the stream was closed, or failed. */
  end: undefined;
}

/** Updates of a session until its end; lost connections are made again. */
export class SessionStream implements AsyncIterable<Update> {
  private constructor();
  readonly sessionId: number;
  on<E extends keyof StreamEvents>(event: E, listener: (value: StreamEvents[E]) => void): this;
  once<E extends keyof StreamEvents>(event: E, listener: (value: StreamEvents[E]) => void): this;
  off<E extends keyof StreamEvents>(event: E, listener: (value: StreamEvents[E]) => void): this;
  /** Say something in the session, as the customer. Throws ConnectionFailed between connections. */
  say(content: string): void;
  close(): void;
  [Symbol.asyncIterator](): AsyncIterator<Update>;
}

export interface Sessions {
  /** Place a call. */
  create(session: NewSession): Promise<Session>;
  get(sessionId: number): Promise<Session>;
  list(query?: SessionQuery): Promise<SessionPage>;
  update(sessionId: number, changes: SessionChanges): Promise<Session>;
  stream(sessionId: number): SessionStream;
}

export interface VoiceSettings {
  voice?: string;
  /** `+5%` */
  rate?: string;
  /** `+2Hz` */
  pitch?: string;
}

export interface NewWorkflow {
  name: string;
  promptTemplate: string;
  description?: string;
  voiceSettings?: VoiceSettings;
}

export interface Workflow {
  id: number;
  name: string;
  description: string | null;
  promptTemplate: string;
  voiceSettings: VoiceSettings;
  isActive: boolean;
  createdAt: string;
}

export interface Workflows {
  list(): Promise<Workflow[]>;
  create(workflow: NewWorkflow): Promise<Workflow>;
  /** What is not given stays. */
  update(
    workflowId: number,
    changes: Partial<NewWorkflow> & { isActive?: boolean },
  ): Promise<Workflow>;
  delete(workflowId: number): Promise<void>;
}

export interface ClientOptions {
  /** `http` or `https`, with the path that the API is mounted at, where there is one. */
  baseUrl: string;
  /** An API key, or the access token of a sign-in. */
  apiKey: string;
  /** For a whole request; 30000 unless given. */
  timeoutMs?: number;
}

export class AetheriumClient {
  /** Throws TypeError for an address or a key that cannot be one. */
  constructor(options: ClientOptions);
  readonly sessions: Sessions;
  readonly workflows: Workflows;
}

export class AetheriumError extends Error {}
/** No answer came; whether the server took the request is not known. */
export class ConnectionFailed extends AetheriumError {}
/** What answered does not speak this API. */
export class UnreadableAnswer extends AetheriumError {}

/** The server refused. */
export class ApiError extends AetheriumError {
  protected constructor();
  /** HTTP status. */
  readonly status: number;
  readonly detail: string;
  /** `VALIDATION_ERROR`, `RESOURCE_NOT_FOUND`, …; null where it is not the API that refused. */
  readonly errorCode: string | null;
  /** What the server's log calls this request. */
  readonly requestId: string | null;
  readonly timestamp: string | null;
  readonly retryAfterSeconds: number | null;
}
/** 400 */
export class ValidationFailed extends ApiError {}
/** 401 */
export class AuthenticationRequired extends ApiError {}
/** 403 */
export class PermissionDenied extends ApiError {}
/** 404 */
export class NotFound extends ApiError {}
/** 429 */
export class RateLimited extends ApiError {}
/** 500 and above */
export class ServerFailed extends ApiError {}
