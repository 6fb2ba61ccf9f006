// Raw requests that two readers could understand differently, or that ask for too much. Each must be refused.
const CLOSE = 'Connection: close\r\n';
export const GET = 'GET / HTTP/1.1\r\n';
export const HOST = 'Host: a\r\n';
export const NEXT = `GET /next HTTP/1.1\r\n${HOST}${CLOSE}\r\n`;
export const PUT = `PUT /put/file HTTP/1.1\r\n${HOST}`;
export const BODY = '4\r\nbody\r\n0\r\n\r\n';
export const CHUNKED = 'Transfer-Encoding: chunked\r\n';
export const get = (lines) => `${GET}${lines}${CLOSE}\r\n`;
export const put = (lines, body = 'body') => `${PUT}${CLOSE}${lines}\r\n${body}`;
export const target = (text) => `GET ${text} HTTP/1.1\r\n${HOST}${CLOSE}\r\n`;

/** T56: heads that are ambiguous. */
const AMBIGUOUS = {
  'bare LF line ends': `GET / HTTP/1.1\nHost: a\n\n`,
  'a space before the colon': get('Host : a\r\n'),
  'obs-fold': get(`${HOST}X: a\r\n b\r\n`),
  'obs-fold with a tab': get(`${HOST}X: a\r\n\tb\r\n`),
  'an empty line before an obs-fold': get(`${HOST}X:\r\n chunked\r\n`),
  'NUL in a header value': get(`${HOST}X: a\0b\r\n`),
  'NUL in a header name': get(`${HOST}X\0Y: a\r\n`),
  'no Host': get(''),
  'two Hosts': get(`${HOST}Host: b\r\n`),
  'two equal Hosts': get(`${HOST}${HOST}`),
  'HTTP/0.9': 'GET /\r\n\r\n',
  'bare CR in a header value': get(`${HOST}X: a\rb\r\n`),
  'bare CR as a line end': `GET / HTTP/1.1\rHost: a\r\r`,
  'CR CR LF': `GET / HTTP/1.1\r\r\n${HOST}${CLOSE}\r\n`,
  'LF before the last CR LF': `${GET}${HOST}${CLOSE}\n\r\n`,
  'a control in a header value': get(`${HOST}X: a\x01b\r\n`),
  'DEL in a header value': get(`${HOST}X: a\x7fb\r\n`),
  'a header line without a colon': get(`${HOST}X\r\n`),
  'a header line without a name': get(`${HOST}: a\r\n`),
  'a header name with a space': get(`${HOST}X Y: a\r\n`),
  'a header name with obs-text': get(`${HOST}X\xe4: a\r\n`),
  'white space before the first header': `GET / HTTP/1.1\r\n ${HOST}${CLOSE}\r\n`,
  'a tab before the Host': get('Host:\ta\r\n'),
  'an empty Host': get('Host:\r\n'),
  'a Host with a slash': get('Host: a/b\r\n'),
  'a Host with user info': get('Host: b@a\r\n'),
  'a Host with a space': get('Host: a b\r\n'),
  'a Host with two dots': get('Host: a..b\r\n'),
  'two spaces in the request line': `GET  / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  'a tab in the request line': `GET\t/ HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  'a space behind the version': `GET / HTTP/1.1 \r\n${HOST}${CLOSE}\r\n`,
  'a space before the method': ` GET / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  'HTTP/2.0': `GET / HTTP/2.0\r\n${HOST}${CLOSE}\r\n`,
  'HTTP/1.9': `GET / HTTP/1.9\r\n${HOST}${CLOSE}\r\n`,
  'HTTP/01.1': `GET / HTTP/01.1\r\n${HOST}${CLOSE}\r\n`,
  'http/1.1': `GET / http/1.1\r\n${HOST}${CLOSE}\r\n`,
  'a method in lower case': `get / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  'an unknown method': `BREW / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  TRACE: `TRACE / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  CONNECT: `CONNECT a:443 HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'a method that is no token': `GE(T / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
  'a TLS hello': '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03',
  'the absolute form': target('http://a/'),
  'the absolute form of another host': target('http://b/'),
  'a target without a slash': target('x'),
  'an asterisk': target('*'),
  'a fragment': target('/a#b'),
  'a NUL in the target': target('/a\0b'),
  'raw UTF-8 in the target': target('/\xc3\xa4'),
  'a malformed escape': target('/%zz'),
  'half an escape': target('/a%4'),
  'an escaped NUL': target('/a%00b'),
  'climbing above the root': target('/../etc/passwd'),
  'climbing above the root, escaped': target('/a/%2e%2e/..%2fetc'),
};

/** T58: more than a head may have. */
export const HUGE = {
  'a header line of 60 KB': get(`${HOST}X: ${'a'.repeat(60_000)}\r\n`),
  'a header name of 60 KB': get(`${HOST}${'x'.repeat(60_000)}: a\r\n`),
  '500 headers': get(`${HOST}${Array.from({ length: 500 }, (_, i) => `x${i}: a\r\n`).join('')}`),
  '10,000 headers': get(`${HOST}${'x: a\r\n'.repeat(10_000)}`),
  'a target of 20 KB': target(`/${'a'.repeat(20_000)}`),
  'a method of 20 KB': `${'A'.repeat(20_000)} / HTTP/1.1\r\n${HOST}\r\n`,
  'a line of 1 MB without an end': 'a'.repeat(1_000_000),
};

/** T59: chunked bodies out of form. */
const chunked = (body) => put(CHUNKED, body);
export const CHUNKS = {
  'chunk size 0x4': chunked('0x4\r\nbody\r\n0\r\n\r\n'),
  'a chunk size with a sign': chunked('+4\r\nbody\r\n0\r\n\r\n'),
  'a negative chunk size': chunked('-4\r\nbody\r\n0\r\n\r\n'),
  'an empty chunk size': chunked('\r\nbody\r\n0\r\n\r\n'),
  'a chunk size behind a space': chunked(' 4\r\nbody\r\n0\r\n\r\n'),
  'a chunk size that is no number': chunked('g\r\nbody\r\n0\r\n\r\n'),
  'a chunk size of all ones': chunked('ffffffffffffffff\r\nbody'),
  'a chunk size of 2^63': chunked('8000000000000000\r\nbody'),
  'a chunk size of 2^64': chunked('10000000000000000\r\nbody'),
  'a chunk size of 2^64 + 4': chunked('10000000000000004\r\nbody\r\n0\r\n\r\n'),
  'a chunk size of 17 digits': chunked('00000000000000004\r\nbody\r\n0\r\n\r\n'),
  'a chunk size of 1 MB of zeros': chunked(`${'0'.repeat(1_000_000)}4\r\nbody\r\n0\r\n\r\n`),
  'a chunk without CR LF behind it': chunked('4\r\nbody0\r\n\r\n'),
  'a chunk with LF behind it': chunked('4\r\nbody\n0\r\n\r\n'),
  'a chunk with CR CR LF behind it': chunked('4\r\nbody\r\r\n0\r\n\r\n'),
  'a chunk longer than its size': chunked('4\r\nbodyx\r\n0\r\n\r\n'),
  'bare LF behind a chunk size': chunked('4\nbody\r\n0\r\n\r\n'),
  'bare CR behind a chunk size': chunked('4\rbody\r\n0\r\n\r\n'),
  'bare LF in an extension': chunked('4;a\nb\r\nbody\r\n0\r\n\r\n'),
  'NUL in an extension': chunked('4;a\0b\r\nbody\r\n0\r\n\r\n'),
  'a chunk extension of 1 MB': chunked(`4;${'x'.repeat(1_000_000)}\r\nbody\r\n0\r\n\r\n`),
  'a request among the trailers': chunked(`0\r\n${GET}\r\n`),
  'an obs-fold among the trailers': chunked('0\r\nX: a\r\n b\r\n\r\n'),
  'a trailer without a colon': chunked('0\r\nX\r\n\r\n'),
  'trailers of 1 MB': chunked(`0\r\n${'X: a\r\n'.repeat(170_000)}\r\n`),
  'a last chunk with LF behind it': chunked('4\r\nbody\r\n0\n\r\n'),
};

/** T60: lengths that are none, or more than one. */
const LENGTHS = ['+4', '-1', '-4', '0x4', '4, 4', '4,', ',4', '4 4', '4.0', '4e0', '4L', '٤', '"4"', '',
  '9223372036854775808', '18446744073709551615', '18446744073709551616', '18446744073709551620', '9'.repeat(400), '4;4', '4\x0b', '4\x00'];
export const LENGTH_ROWS = {
  ...Object.fromEntries(LENGTHS.map((value) => [`Content-Length: ${JSON.stringify(value.slice(0, 30))}`,
    put(`Content-Length: ${Buffer.from(value).toString('latin1')}\r\n`)])),
  'two different Content-Lengths': put('Content-Length: 4\r\nContent-Length: 5\r\n'),
  'two equal Content-Lengths': put('Content-Length: 4\r\nContent-Length: 4\r\n'),
  'two Content-Lengths in other letter case': put('Content-Length: 4\r\ncontent-length: 4\r\n'),
  'a tab before the Content-Length': put('Content-Length:\t4\r\n'),
  'a tab behind the Content-Length': put('Content-Length: 4\t\r\n'),
  'a space before the colon of Content-Length': put('Content-Length : 4\r\n'),
  'a folded Content-Length': put('Content-Length:\r\n 4\r\n'),
};

/** T56: spellings of Transfer-Encoding by which one reader is led to see chunks and another not. */
const CODINGS = [
  'xchunked', 'chunkedx', 'x chunked', 'chunked x', 'chunked;q=1', 'chunked;', '"chunked"', "'chunked'", '[chunked]', 'chunke', 'chunked\x00',
  '\x0bchunked', '\x0cchunked', 'chunked\x0b', '\x00chunked', '\x7fchunked', '\xa0chunked', 'chunked\xa0', '\xffchunked', 'chunked\\',
  'chunked, identity', 'identity, chunked', 'identity', 'chunked, chunked', 'chunked,', ',chunked', 'chunked,x', 'gzip, chunked', 'gzip', 'deflate',
  'chunked gzip', '', 'null', 'none', '\\x63hunked', '%63hunked', 'chun ked', 'cow', '\tchunked', 'chunked\t', 'CHUNKED\x01', 'cHuNkEd, x',
].map((coding) => `Transfer-Encoding: ${coding}\r\n`);
const SPELLINGS = [
  ...CODINGS,
  'Transfer-Encoding : chunked\r\n', 'Transfer-Encoding\t: chunked\r\n', 'Transfer-Encoding\x0b: chunked\r\n', ' Transfer-Encoding: chunked\r\n',
  '\tTransfer-Encoding: chunked\r\n', 'Transfer-Encoding:\r\n chunked\r\n', 'Transfer-Encoding:\n chunked\r\n', 'X: a\nTransfer-Encoding: chunked\r\n',
  'X: a\rTransfer-Encoding: chunked\r\n', 'Transfer-Encoding: chunked\n', 'Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', 'Transfer-Encoding: chunked\r\ntransfer-encoding: identity\r\n',
  'Transfer\x00-Encoding: chunked\r\n', 'Transfer-\r\nEncoding: chunked\r\n', 'Transfer Encoding: chunked\r\n', 'Transfer-Encoding; chunked\r\n', 'Transfer-Encoding\r\n: chunked\r\n',
];

const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;
const lengthTo = (text) => `Content-Length: ${text.length}\r\n`;
/** A body that ends at once for who reads chunks and carries a request for who reads the length; and the other way round. */
const END_EARLY = `0\r\n\r\n${SMUGGLED}`;
const END_LATE = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`;

function smuggling() {
  const found = {};
  const legal = [CHUNKED, 'transfer-encoding: CHUNKED\r\n', 'Transfer-Encoding:chunked\r\n'];
  for (const line of [...legal, ...SPELLINGS]) {
    const name = JSON.stringify(line.trimEnd());
    if (!legal.includes(line)) found[`TE.TE ${name}`] = `${PUT}${line}\r\n${BODY}${NEXT}`;
    found[`CL.TE ${name}`] = `${PUT}${lengthTo(END_EARLY)}${line}\r\n${END_EARLY}${NEXT}`;
    found[`TE.CL ${name}`] = `${PUT}${line}${lengthTo(END_LATE.split('\r\n')[0] + '\r\n')}\r\n${END_LATE}${NEXT}`;
  }
  for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PATCH']) {
    const line = `${method} / HTTP/1.1\r\n${HOST}`;
    found[`CL.TE ${method}`] = `${line}${lengthTo(END_EARLY)}${CHUNKED}\r\n${END_EARLY}${NEXT}`;
    found[`TE.CL ${method}`] = `${line}${CHUNKED}Content-Length: 4\r\n\r\n${END_LATE}${NEXT}`;
    found[`CL.CL ${method}`] = `${line}Content-Length: 0\r\n${lengthTo(SMUGGLED)}\r\n${SMUGGLED}${NEXT}`;
  }
  for (const version of ['1.0', '0.9']) found[`chunks in HTTP/${version}`] = `PUT /put/file HTTP/${version}\r\n${HOST}${CHUNKED}\r\n${BODY}`;
  return found;
}

/** T56: all of it. */
export const SMUGGLING = { ...AMBIGUOUS, ...smuggling() };
