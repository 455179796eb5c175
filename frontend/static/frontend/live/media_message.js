/** The binary message of the media socket (docs/wire-protocol.md, section 3). */

export const KIND_INIT = 1;
export const KIND_FRAGMENT = 2;
export const FLAG_SPEAKING = 4;
export const SAMPLE_RATE_HZ = 48_000;

const HEADER_BYTES = 24;

/** @returns {{kind: number, flags: number, seq: number, roomPts: number, wallMs: number, bytes: Uint8Array}} */
export function readMediaMessage(buffer) {
  const view = new DataView(buffer);
  return {
    kind: view.getUint8(0),
    flags: view.getUint8(1),
    seq: view.getUint32(4, true),
    roomPts: Number(view.getBigUint64(8, true)),
    wallMs: view.getFloat64(16, true),
    bytes: new Uint8Array(buffer, HEADER_BYTES),
  };
}
