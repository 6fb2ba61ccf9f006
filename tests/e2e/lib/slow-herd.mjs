// A process that holds thousands of slow connections open to one server: slow-herd.mjs PORT COUNT KIND TARGET. Each address of
// 127.1.0.0/16 has a few, so that no limit per client hides what a crowd of clients does. Says "open N" when all are in,
// and at the end of its input "held N", how many the server still has.
import net from 'node:net';

const [port, count, kind, target] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4], process.argv[5]];
const PER_ADDRESS = 100;
const EVERY_MS = 3000;

const HEADS = {
  head: ['GET / HTTP/1.1\r\n', 'X: y\r\n'],
  body: [`PUT ${target} HTTP/1.1\r\nHost: x\r\nx-ms-blob-type: BlockBlob\r\nContent-Length: 1000000\r\n\r\n`, 'b'],
  read: [`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(20), ''],
};
const [first, piece] = HEADS[kind];
const sockets = new Set();
let opened = 0;

function open(i) {
  const address = Math.floor(i / PER_ADDRESS);
  const socket = net.connect({ host: '127.0.0.1', port, localAddress: `127.1.${address >> 8}.${(address & 255) + 1}` });
  socket.on('connect', () => {
    sockets.add(socket);
    socket.write(first);
    if (kind === 'read') socket.pause();
    if (++opened === count) console.log(`open ${sockets.size}`);
    const drip = setInterval(() => piece && socket.write(piece), EVERY_MS);
    socket.once('close', () => {
      clearInterval(drip);
      sockets.delete(socket);
    });
  });
  socket.on('error', () => {});
  if (kind !== 'read') socket.resume();
}

for (let i = 0; i < count; i++) setTimeout(open, i / 4, i);
process.stdin.resume().on('end', () => {
  console.log(`held ${sockets.size}`);
  process.exit();
});
