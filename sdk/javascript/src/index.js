// A client of the Aetherium API: `new AetheriumClient({ baseUrl, apiKey })`.

export { AetheriumClient } from './client.js';
export {
  AetheriumError,
  ApiError,
  AuthenticationRequired,
  ConnectionFailed,
  NotFound,
  PermissionDenied,
  RateLimited,
  ServerFailed,
  UnreadableAnswer,
  ValidationFailed,
} from './errors.js';
export { SessionStream } from './stream.js';
