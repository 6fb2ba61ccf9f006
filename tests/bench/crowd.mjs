// Many transfers at once, up and down: how fast all together, and the most that the process ever had in memory.
import { blobUrl } from '../e2e/lib/blob.mjs';
import { draftWith } from '../e2e/lib/life.mjs';
import { memoryOf, treeProcesses } from '../e2e/lib/memory.mjs';
import { curlMany, MiB, timed } from './measure.mjs';

const LANES = 32;
const MEMORY = 64 * MiB;
const PUT = ['-H', 'x-ms-blob-type: BlockBlob'];

/** LANES uploads while LANES downloads run, each lane with a connection of its own. */
export async function benchCrowd(report, tree, source, over, extra = []) {
  const request = await draftWith(tree, 'export', {});
  const urls = (prefix) => source.blocks.map((_, n) => blobUrl(request.link, `${prefix}${n}.bin`));
  const upload = (prefix) => curlMany(urls(prefix).map((url, n) => ({ url, file: source.blocks[n] })), LANES, 201, [...PUT, ...extra]);
  const download = (prefix) => curlMany(urls(prefix).map((url) => ({ url })), LANES, 200, extra);
  await upload('first');
  const blobs = treeProcesses(tree).filter(({ name }) => name.startsWith('airlock-blob'));
  const { seconds } = await timed(tree.pid, () => Promise.all([upload('second'), download('first')]));
  const most = Math.max(...blobs.map(({ pid }) => memoryOf(pid).peak));
  report.add(`${LANES} uploads beside ${LANES} downloads over ${over}`, 'airlock', { 'MiB/s both ways': (2 * source.size) / seconds / MiB });
  report.goal(`memory of a blob process, ${LANES} uploads and ${LANES} downloads over ${over}`, most / MiB, { atMost: MEMORY / MiB, unit: 'MiB' });
  await tree.as('alice').cancel(request);
}
