// A gzip file that unpacks to itself, without end: Russ Cox's construction of 2010 (Zip Files All The Way Down), of two
// kinds of deflate blocks that take five bytes each.
import zlib from 'node:zlib';

const BLOCK = 5;
const HEAD = Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3, ...Buffer.from('r.gz\0')]);
const END = [1, 0, 0, 0xff, 0xff]; // a last block, empty

/** A block of n bytes as they are, which follow it. */
const literal = (n) => [0, n & 0xff, n >> 8, ~n & 0xff, (~n >> 8) & 0xff];

/** A block that repeats the last n bytes, 17 to 20: twice a length of 3 to 10, from so far back. */
function repeat(n) {
  const bits = [0, 1, 0]; // not the last; fixed codes
  const code = (value, width) => { for (let i = width - 1; i >= 0; i--) bits.push((value >> i) & 1); };
  const extra = (value, width) => { for (let i = 0; i < width; i++) bits.push((value >> i) & 1); };
  for (const length of [n >> 1, n - (n >> 1)]) {
    code(length - 2, 7);
    code(8, 5);
    extra(n - 17, 3);
  }
  code(0, 7);
  return Array.from({ length: BLOCK }, (_, i) => bits.slice(8 * i, 8 * i + 8).reduce((byte, bit, at) => byte | (bit << at), 0));
}

/** The file with the checksum, which stands in it twice. */
function withChecksum(checksum, size) {
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(checksum, 0);
  tail.writeUInt32LE(size, 4);
  const last = [...END, ...tail];
  const head = [...HEAD], h = HEAD.length + BLOCK, s = last.length + BLOCK, four = 4 * BLOCK;
  return Buffer.from([
    head, literal(h), head, literal(h), repeat(h),
    literal(BLOCK), repeat(h), literal(BLOCK), literal(BLOCK),
    literal(four), repeat(h), literal(BLOCK), literal(BLOCK), literal(four), repeat(four),
    literal(four), repeat(four), literal(four), repeat(four), literal(four), repeat(four),
    literal(four), repeat(four), literal(0), literal(0), literal(s), repeat(four),
    literal(0), literal(0), literal(s), repeat(s), last, repeat(s), last,
  ].flat());
}

/** The x with crc32(file of x) = x: a checksum is linear in every bit, so these are 32 equations. */
function ownChecksum(size) {
  const of = (x) => zlib.crc32(withChecksum(x >>> 0, size));
  const base = of(0);
  const rows = []; // each: what x differs from its file's checksum by, and the x that it takes
  for (let bit = 0; bit < 32; bit++) {
    let x = (1 << bit) >>> 0, differs = (of(x) ^ base ^ x) >>> 0;
    for (const row of rows) if (((differs ^ row.differs) >>> 0) < differs) [x, differs] = [(x ^ row.x) >>> 0, (differs ^ row.differs) >>> 0];
    if (differs) rows.push({ x, differs });
    rows.sort((a, b) => b.differs - a.differs);
  }
  let left = base, x = 0;
  for (const row of rows) if (((left ^ row.differs) >>> 0) < left) [x, left] = [(x ^ row.x) >>> 0, (left ^ row.differs) >>> 0];
  return x;
}

export function quine() {
  const size = withChecksum(0, 0).length;
  return withChecksum(ownChecksum(size), size);
}
