// Frames as bytes.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CLOSE, FrameReader, PING, PONG, ProtocolError, TEXT, frame } from '../src/frames.js';

const hex = (text) => Buffer.from(text, 'hex');

test('a masked text is as in RFC 6455 §5.7', () => {
  const made = frame(TEXT, Buffer.from('Hello'), hex('37fa213d'));
  assert.equal(made.toString('hex'), '818537fa213d7f9f4d5158');
});

for (const [size, head] of [
  [125, '81fd'],
  [126, '81fe007e'],
  [65536, '81ff0000000000010000'],
]) {
  test(`a length of ${size} takes as many bytes as it needs`, () => {
    const made = frame(TEXT, Buffer.alloc(size, 'x'), Buffer.alloc(4));
    assert.ok(made.toString('hex').startsWith(`${head}00000000`));
    assert.equal(made.subarray(-size).toString(), 'x'.repeat(size));
  });
}

const STREAM = Buffer.concat([
  hex('010348656c'), // "Hel", RFC 6455 §5.7
  hex('890548656c6c6f'), // a ping in between
  hex('80026c6f'), // "lo"
  hex('8a00'),
  hex('817e0100'),
  Buffer.alloc(256, 'y'),
  hex('817f0000000000011170'),
  Buffer.alloc(70000, 'z'),
  hex('880203e8'),
]);
const WHOLE = [
  [PING, 'Hello'],
  [TEXT, 'Hello'],
  [PONG, ''],
  [TEXT, 'y'.repeat(256)],
  [TEXT, 'z'.repeat(70000)],
  [CLOSE, '\x03\xe8'],
];

for (const size of [STREAM.length, 7, 1000]) {
  test(`frames are read in pieces of ${size} bytes`, () => {
    const reader = new FrameReader();
    const found = [];
    for (let at = 0; at < STREAM.length; at += size) {
      for (const { opcode, payload } of reader.receive(STREAM.subarray(at, at + size))) {
        found.push([opcode, payload.toString('latin1')]);
      }
    }
    assert.deepEqual(found, WHOLE);
  });
}

for (const [data, why] of [
  ['c10148', 'a reserved bit'],
  ['818100000000', 'masked by a server'],
  ['830141', 'an opcode that is none'],
  ['820141', 'binary'],
  ['0900', 'a ping in parts'],
  ['897e0080', 'a long ping'],
  ['800141', 'the rest of nothing'],
  ['010141010141', 'a message within another'],
  ['817f7fffffffffffffff', 'far too long'],
]) {
  test(`refused: ${why}`, () => {
    assert.throws(() => [...new FrameReader().receive(hex(data))], ProtocolError);
  });
}
