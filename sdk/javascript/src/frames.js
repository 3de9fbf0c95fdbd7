// WebSocket frames as a client reads and writes them (RFC 6455 §5). Pure: no socket here.

/** An update is a few hundred bytes, and never this long. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** The longest payload of a ping, a pong or a close (RFC 6455 §5.5). */
const CONTROL_BYTES = 125;

export const CONTINUATION = 0;
export const TEXT = 1;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;
const KNOWN = new Set([CONTINUATION, TEXT, CLOSE, PING, PONG]);

/** What came is no WebSocket of texts. */
export class ProtocolError extends Error {}

/** One whole frame; `mask` is four bytes that nobody can foresee (RFC 6455 §5.3). */
export function frame(opcode, payload, mask) {
  const length = payload.length;
  const extra = length <= 125 ? 0 : length < 65536 ? 2 : 8;
  const made = Buffer.alloc(2 + extra + 4 + length);
  made[0] = 0x80 | opcode;
  made[1] = 0x80 | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) {
    made.writeUInt16BE(length, 2);
  } else if (extra === 8) {
    made.writeBigUInt64BE(BigInt(length), 2);
  }
  mask.copy(made, 2 + extra);
  for (let index = 0; index < length; index += 1) {
    made[6 + extra + index] = payload[index] ^ mask[index & 3];
  }
  return made;
}

/** Bytes in, frames out; what is not yet whole waits. */
export class FrameReader {
  #buffer = Buffer.alloc(0);
  /** Of a message whose last frame has not come; null: none is open. */
  #parts = null;

  /**
   * What is whole now: {opcode, payload}, texts put together. After a ProtocolError, which is
   * thrown when all before it was given, there is no more.
   */
  *receive(data) {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    for (let found = this.#next(); found !== null; found = this.#next()) {
      const whole = found.opcode >= CLOSE ? found : this.#joined(found);
      if (whole !== null) {
        yield whole;
      }
    }
  }

  #next() {
    const buffer = this.#buffer;
    if (buffer.length < 2) {
      return null;
    }
    const [first, second] = buffer;
    const [last, opcode] = [(first & 0x80) !== 0, first & 0x0f];
    if (first & 0x70 || second & 0x80 || !KNOWN.has(opcode)) {
      throw new ProtocolError('reserved bits, a masked frame, or no text');
    }
    let length = second & 0x7f;
    if (opcode >= CLOSE && (!last || length > CONTROL_BYTES)) {
      throw new ProtocolError('a control frame that is long or in parts');
    }
    let start = 2;
    if (length === 126 || length === 127) {
      start = length === 126 ? 4 : 10;
      if (buffer.length < start) {
        return null;
      }
      length = length === 126 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2));
    }
    if (length > MAX_MESSAGE_BYTES) {
      throw new ProtocolError(`a frame of ${length} bytes`);
    }
    if (buffer.length < start + length) {
      return null;
    }
    this.#buffer = buffer.subarray(start + length);
    return { last, opcode, payload: buffer.subarray(start, start + length) };
  }

  #joined({ last, opcode, payload }) {
    if ((opcode === CONTINUATION) === (this.#parts === null)) {
      throw new ProtocolError('a message within another, or the rest of none');
    }
    const parts = [...(this.#parts ?? []), payload];
    if (parts.reduce((size, part) => size + part.length, 0) > MAX_MESSAGE_BYTES) {
      throw new ProtocolError('an endless message');
    }
    this.#parts = last ? null : parts;
    return last ? { opcode: TEXT, payload: Buffer.concat(parts) } : null;
  }
}
