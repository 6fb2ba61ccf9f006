// From submit to sealed, and from approve to approved, of one big file, beside `sha256sum` on the very same file.
import { runOk } from '../e2e/lib/run.mjs';
import { draftWith, filesBelow } from '../e2e/lib/life.mjs';
import { blobUrl } from '../e2e/lib/blob.mjs';
import { curl, MiB } from './measure.mjs';
import { medians } from './report.mjs';

async function seconds(work) {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/** sha256sum at its best: the file is in memory. */
async function sha256sum(file) {
  await runOk('dd', [`if=${file}`, 'of=/dev/null', 'bs=1M']);
  return seconds(() => runOk('sha256sum', [file]));
}

async function life(tree, source) {
  const alice = tree.as('alice');
  const request = await draftWith(tree, 'export', {});
  await curl(['-T', source.file, '-H', 'x-ms-blob-type: BlockBlob', '-H', 'Expect:', blobUrl(request.link, 'big.bin')], [201]);
  const seal = await seconds(async () => {
    await alice.submit(request);
    request.sealed = await alice.waitStatus(request, 'in_review', 120_000);
  });
  const object = filesBelow(tree.dir).find((file) => file.size === source.size);
  const hash = await sha256sum(object.path);
  const release = await seconds(async () => {
    await tree.as('bob').review(request, true, request.sealed.properties.manifestDigest);
    await alice.waitStatus(request, 'approved', 120_000);
  });
  await tree.as('bob').revoke(request);
  await alice.waitStatus(request, 'revoked');
  return { 'seal s': seal, 'release s': release, 'sha256sum s': hash };
}

export async function benchSealing(report, tree, source, rounds) {
  const times = [];
  for (let round = 0; round < rounds; round++) times.push(await life(tree, source));
  const m = medians(times);
  report.add(`seal and release of ${source.size / MiB} MiB`, 'airlock', m);
  report.goal('submit to sealed / sha256sum', m['seal s'] / m['sha256sum s'], { atMost: 1.15 });
  report.goal('approve to approved / sha256sum', m['release s'] / m['sha256sum s'], { atMost: 1.15 });
}
