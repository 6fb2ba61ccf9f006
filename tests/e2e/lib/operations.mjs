// Every operation of Azure's Blob service, as a request on a container with a blob a.txt: what a link must allow for it,
// or how it is refused wherever it is tried.
import { blobUrl, blockId, listUrl } from './blob.mjs';
import { send } from './http.mjs';

const BLOB = 'a.txt';
const ID = blockId(1);
const LIST = `<BlockList><Latest>${ID}</Latest></BlockList>`;
const COPY = 'http://127.0.0.1:1/stalimex/c/b?sig=none';

const onBlob = (query = '', name = BLOB) => (link) => blobUrl(link, name, query);
const onContainer = (query) => (link) => `${link}&restype=container${query && `&${query}`}`;
const onAccount = (query) => (link) => {
  const { origin, pathname, search } = new URL(link);
  return `${origin}/${pathname.split('/')[1]}/${search}&${query}`;
};
const op = (name, method, url, more) => ({ name, method, url, ...more });
const offered = (name, method, url, needs, status, more) => op(name, method, url, { needs, status, ...more });
const refused = (name, method, url, status, code, more) => op(name, method, url, { status, code, ...more });
const body = (text, headers = {}) => ({ body: text, headers });
const headers = (all) => ({ headers: all });

/** In an order in which each finds what the one before left. needs: permission letters, any of them; '*': any link. */
export const OFFERED = [
  offered('Put Blob', 'PUT', onBlob('', 'b.txt'), 'cw', 201, body('bytes', { 'x-ms-blob-type': 'BlockBlob' })),
  offered('Put Blob over a blob', 'PUT', onBlob('', 'b.txt'), 'w', 201, body('other', { 'x-ms-blob-type': 'BlockBlob' })),
  offered('Put Block', 'PUT', onBlob(`comp=block&blockid=${ID}`, 'c.txt'), 'w', 201, body('block')),
  offered('Put Block List', 'PUT', onBlob('comp=blocklist', 'c.txt'), 'w', 201, body(LIST)),
  offered('Get Block List', 'GET', onBlob('comp=blocklist&blocklisttype=all'), 'r', 200),
  offered('Get Blob', 'GET', onBlob(), 'r', 200),
  offered('Get Blob, a range', 'GET', onBlob(), 'r', 206, headers({ 'x-ms-range': 'bytes=0-1' })),
  offered('Get Blob Properties', 'HEAD', onBlob(), 'r', 200),
  offered('Get Blob Metadata', 'GET', onBlob('comp=metadata'), 'r', 200),
  offered('Get Blob Metadata by HEAD', 'HEAD', onBlob('comp=metadata'), 'r', 200),
  offered('Set Blob Metadata', 'PUT', onBlob('comp=metadata'), 'w', 200, headers({ 'x-ms-meta-Seen': 'yes' })),
  offered('Set Blob Properties', 'PUT', onBlob('comp=properties'), 'w', 200, headers({ 'x-ms-blob-content-type': 'text/plain' })),
  offered('Delete Blob', 'DELETE', onBlob('', 'b.txt'), 'd', 202),
  offered('List Blobs', 'GET', (link) => listUrl(link), 'l', 200),
  offered('Get Container Properties', 'GET', onContainer(''), 'rl', 200),
  offered('Get Container Properties by HEAD', 'HEAD', onContainer(''), 'rl', 200),
  offered('Get Container Metadata', 'GET', onContainer('comp=metadata'), 'rl', 200),
  offered('Get Container Metadata by HEAD', 'HEAD', onContainer('comp=metadata'), 'rl', 200),
  offered('Get Account Information', 'GET', onAccount('restype=account&comp=properties'), '*', 200, { anywhere: true }),
  offered('Get Account Information of a container', 'GET', (link) => `${link}&restype=account&comp=properties`, '*', 200),
  offered('Get Account Information of a blob', 'HEAD', onBlob('restype=account&comp=properties'), '*', 200),
];

const NO = [501, 'NotImplemented'];
const MISMATCH = [403, 'AuthorizationPermissionMismatch'];
const PARAMETER = [400, 'InvalidQueryParameterValue'];
const HEADER = [400, 'UnsupportedHeader'];
const VERB = [405, 'UnsupportedHttpVerb'];
const block = { 'x-ms-blob-type': 'BlockBlob' };

export const REFUSED = [
  refused('Put Blob, append', 'PUT', onBlob(), 400, 'InvalidHeaderValue', headers({ 'x-ms-blob-type': 'AppendBlob' })),
  refused('Put Blob, page', 'PUT', onBlob(), 400, 'InvalidHeaderValue', headers({ 'x-ms-blob-type': 'PageBlob' })),
  refused('Put Blob without a type', 'PUT', onBlob(), 400, 'MissingRequiredHeader', body('x')),
  refused('Append Block', 'PUT', onBlob('comp=appendblock'), ...NO, body('x')),
  refused('Append Blob Seal', 'PUT', onBlob('comp=seal'), ...NO),
  refused('Put Page', 'PUT', onBlob('comp=page'), ...NO, body('x', { 'x-ms-page-write': 'update', 'x-ms-range': 'bytes=0-511' })),
  refused('Clear Page', 'PUT', onBlob('comp=page'), ...NO, headers({ 'x-ms-page-write': 'clear', 'x-ms-range': 'bytes=0-511' })),
  refused('Get Page Ranges', 'GET', onBlob('comp=pagelist'), ...NO),
  refused('Incremental Copy Blob', 'PUT', onBlob('comp=incrementalcopy'), ...NO),
  refused('Resize a page blob', 'PUT', onBlob('comp=properties'), ...HEADER, headers({ 'x-ms-blob-content-length': '0' })),
  refused('Snapshot Blob', 'PUT', onBlob('comp=snapshot'), ...NO),
  refused('Get a snapshot', 'GET', onBlob('snapshot=2026-01-01T00:00:00.0000000Z'), 400, 'UnsupportedQueryParameter'),
  refused('Delete a snapshot', 'DELETE', onBlob('snapshot=2026-01-01T00:00:00.0000000Z'), 400, 'UnsupportedQueryParameter'),
  refused('Get a version', 'GET', onBlob('versionid=2026-01-01T00:00:00.0000000Z'), 400, 'UnsupportedQueryParameter'),
  refused('Delete a version', 'DELETE', onBlob('versionid=2026-01-01T00:00:00.0000000Z'), 400, 'UnsupportedQueryParameter'),
  refused('Delete for ever', 'DELETE', onBlob('deletetype=permanent'), 400, 'UnsupportedQueryParameter'),
  refused('Undelete Blob', 'PUT', onBlob('comp=undelete'), ...NO),
  ...['acquire', 'renew', 'change', 'release', 'break'].map((action) =>
    refused(`Lease Blob, ${action}`, 'PUT', onBlob('comp=lease'), ...NO, headers({ 'x-ms-lease-action': action, 'x-ms-lease-duration': '-1' }))),
  refused('Put Blob under a lease', 'PUT', onBlob(), 412, 'LeaseNotPresentWithBlobOperation', body('x', { ...block, 'x-ms-lease-id': 'a' })),
  refused('Set Blob Tier', 'PUT', onBlob('comp=tier'), ...NO, headers({ 'x-ms-access-tier': 'Archive' })),
  refused('Get Blob Tags', 'GET', onBlob('comp=tags'), ...NO),
  refused('Set Blob Tags', 'PUT', onBlob('comp=tags'), ...NO, body('<Tags/>')),
  refused('Put Blob with tags', 'PUT', onBlob(), ...MISMATCH, body('x', { ...block, 'x-ms-tags': 'k=v' })),
  refused('Put Blob on a tag condition', 'PUT', onBlob(), ...HEADER, body('x', { ...block, 'x-ms-if-tags': 'k=v' })),
  refused('Find Blobs by Tags', 'GET', onAccount('comp=blobs&where=k'), ...NO),
  refused('Find Blobs by Tags in a container', 'GET', onContainer('comp=blobs&where=k'), ...MISMATCH),
  refused('Set Blob Expiry', 'PUT', onBlob('comp=expiry'), ...NO, headers({ 'x-ms-expiry-option': 'RelativeToNow', 'x-ms-expiry-time': '1000' })),
  refused('Set Blob Immutability Policy', 'PUT', onBlob('comp=immutabilityPolicies'), ...NO),
  refused('Delete Blob Immutability Policy', 'DELETE', onBlob('comp=immutabilityPolicies'), ...NO),
  refused('Set Blob Legal Hold', 'PUT', onBlob('comp=legalhold'), ...NO, headers({ 'x-ms-legal-hold-x': 'true' })),
  refused('Put Blob under a legal hold', 'PUT', onBlob(), ...HEADER, body('x', { ...block, 'x-ms-legal-hold': 'true' })),
  refused('Put Blob with an encryption key', 'PUT', onBlob(), ...HEADER, body('x', { ...block, 'x-ms-encryption-key': 'a' })),
  refused('Put Blob in a frame', 'PUT', onBlob(), ...HEADER, body('x', { ...block, 'x-ms-structured-body': 'XSM/1.0; properties=crc64' })),
  refused('Query Blob Contents', 'POST', onBlob('comp=query'), ...NO, body('<QueryRequest/>')),
  refused('Blob Batch', 'POST', onAccount('comp=batch'), ...NO, body('--b--')),
  refused('Blob Batch in a container', 'POST', onContainer('comp=batch'), ...NO, body('--b--')),
  refused('Create Container', 'PUT', onContainer(''), ...MISMATCH),
  refused('Delete Container', 'DELETE', onContainer(''), ...MISMATCH),
  refused('Undelete Container', 'PUT', onContainer('comp=undelete'), ...MISMATCH),
  refused('Rename Container', 'PUT', onContainer('comp=rename'), ...MISMATCH),
  refused('Set Container Metadata', 'PUT', onContainer('comp=metadata'), ...MISMATCH, headers({ 'x-ms-meta-a': 'b' })),
  refused('Get Container ACL', 'GET', onContainer('comp=acl'), ...MISMATCH),
  refused('Set Container ACL', 'PUT', onContainer('comp=acl'), ...MISMATCH, body('<SignedIdentifiers/>')),
  refused('Lease Container', 'PUT', onContainer('comp=lease'), ...MISMATCH, headers({ 'x-ms-lease-action': 'acquire' })),
  refused('List Containers', 'GET', onAccount('comp=list'), ...MISMATCH),
  refused('Get Service Properties', 'GET', onAccount('restype=service&comp=properties'), ...MISMATCH),
  refused('Set Service Properties', 'PUT', onAccount('restype=service&comp=properties'), ...MISMATCH, body('<x/>')),
  refused('Get Service Stats', 'GET', onAccount('restype=service&comp=stats'), ...MISMATCH),
  refused('Get User Delegation Key', 'POST', onAccount('restype=service&comp=userdelegationkey'), ...MISMATCH, body('<KeyInfo/>')),
  refused('Path Create', 'PUT', onBlob('resource=file'), 400, 'MissingRequiredHeader'),
  refused('an unknown comp', 'PUT', onBlob('comp=frobnicate'), ...PARAMETER, body('x', block)),
  refused('a comp in other letters', 'PUT', onBlob('comp=Metadata'), ...PARAMETER),
  refused('Copy Blob on a GET', 'GET', onBlob(), ...HEADER, headers({ 'x-ms-copy-source': COPY })),
  refused('Set Blob Metadata from a source', 'PUT', onBlob('comp=metadata'), ...HEADER, headers({ 'x-ms-copy-source': COPY })),
  ...['POST', 'PATCH', 'MERGE', 'MOVE', 'COPY', 'LOCK', 'PROPFIND', 'MKCOL'].map((verb) =>
    refused(`the verb ${verb}`, verb, onBlob(), ...VERB)),
];

/** Copies and what belongs to them: never an effect without a source that its own link opens. */
export const COPIES = [
  op('Copy Blob', 'PUT', onBlob(), headers({ 'x-ms-copy-source': COPY })),
  op('Copy Blob From URL', 'PUT', onBlob(), headers({ 'x-ms-copy-source': COPY, 'x-ms-requires-sync': 'true' })),
  op('Put Blob From URL', 'PUT', onBlob(), headers({ 'x-ms-copy-source': COPY, ...block })),
  op('Put Block From URL', 'PUT', onBlob(`comp=block&blockid=${ID}`), headers({ 'x-ms-copy-source': COPY })),
  op('Append Block From URL', 'PUT', onBlob('comp=appendblock'), headers({ 'x-ms-copy-source': COPY })),
  op('Put Page From URL', 'PUT', onBlob('comp=page'), headers({ 'x-ms-copy-source': COPY })),
  op('Abort Copy Blob', 'PUT', onBlob('comp=copy&copyid=1'), headers({ 'x-ms-copy-action': 'abort' })),
];

export function runOperation(operation, link) {
  return send(operation.method, operation.url(link), { headers: operation.headers, body: operation.body });
}
