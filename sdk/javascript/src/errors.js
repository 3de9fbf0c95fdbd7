// What can go wrong.
//
//   AetheriumError
//   ├── ConnectionFailed         no answer came: the network, or no server there
//   ├── UnreadableAnswer         an answer came that is none of this API's
//   └── ApiError                 the server refused, and said why
//       ├── ValidationFailed         400
//       ├── AuthenticationRequired   401
//       ├── PermissionDenied         403
//       ├── NotFound                 404
//       ├── RateLimited              429
//       └── ServerFailed             500 and above

export class AetheriumError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = new.target.name;
  }
}

export class ConnectionFailed extends AetheriumError {}

export class UnreadableAnswer extends AetheriumError {}

export class ApiError extends AetheriumError {
  constructor(status, told, headers) {
    const detail = text(told.detail) ?? `refused with status ${status}`;
    const errorCode = text(told.error_code);
    super([status, errorCode].filter((part) => part !== null).join(' ') + `: ${detail}`);
    this.status = status;
    this.detail = detail;
    this.errorCode = errorCode;
    this.requestId = text(told.request_id) ?? headers.get('X-Request-Id');
    this.timestamp = text(told.timestamp);
    const wait = headers.get('Retry-After');
    this.retryAfterSeconds = wait !== null && /^\d+$/.test(wait) ? Number(wait) : null;
  }
}

export class ValidationFailed extends ApiError {}
export class AuthenticationRequired extends ApiError {}
export class PermissionDenied extends ApiError {}
export class NotFound extends ApiError {}
export class RateLimited extends ApiError {}
export class ServerFailed extends ApiError {}

const BY_STATUS = {
  400: ValidationFailed,
  401: AuthenticationRequired,
  403: PermissionDenied,
  404: NotFound,
  429: RateLimited,
};

/** The error that an answer with this status means, whatever its body is. */
export function refusal(status, headers, body) {
  const kind = BY_STATUS[status] ?? (status >= 500 ? ServerFailed : ApiError);
  let told = null;
  try {
    told = JSON.parse(body);
  } catch {
    // Something else than the API refused: a proxy, say.
  }
  return new kind(status, told !== null && typeof told === 'object' ? told : {}, headers);
}

function text(value) {
  return typeof value === 'string' ? value : null;
}
