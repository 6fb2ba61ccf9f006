// A RAR 5 archive with one encrypted member, made by hand: no free program writes them.
import zlib from 'node:zlib';

const MAIN = 1, MEMBER = 2, END = 5;
const WITH_EXTRA = 1, WITH_DATA = 2;

/** A block: checksum, size, type, flags and the rest; every number here is below 128, and so one byte. */
function block(type, flags, ...rest) {
  const head = Buffer.concat([Buffer.from([type, flags]), ...rest.map((part) => Buffer.from(part))]);
  const sized = Buffer.concat([Buffer.from([head.length]), head]), checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(zlib.crc32(sized));
  return Buffer.concat([checksum, sized]);
}

/** Stored, without a checksum: whoever passes over the record of its encryption finds nothing wrong with it. */
export function encryptedRar(name = 'x.csv', secret = 'what nobody can read') {
  const record = [0x24, 1, 0, 0, 15, ...Buffer.alloc(32, 's')]; // 36 bytes: AES-256, salt and vector
  const fields = [0, secret.length, 0o44, 0, 1, name.length, ...Buffer.from(name)];
  return Buffer.concat([
    Buffer.from('Rar!\x1a\x07\x01\x00', 'latin1'), block(MAIN, 0, [0]),
    block(MEMBER, WITH_EXTRA | WITH_DATA, [record.length, secret.length], fields, record), Buffer.from(secret), block(END, 0, [0]),
  ]);
}
