// Names of blobs: of every kind that is allowed, and as many as a test wants.
import assert from 'node:assert/strict';

const CHARS_MAX = 1024;

const charsOf = (text) => [...text].length;

/** A name of exactly as many characters as there may be, in segments that a file system takes: each unit so many times. */
function longName(directory, unit, perSegment) {
  let name = directory;
  for (let left = CHARS_MAX - charsOf(name); left > 0; left = CHARS_MAX - charsOf(name)) {
    const count = Math.min(perSegment, Math.floor((left - 1) / charsOf(unit)));
    name += count > 0 ? `/${unit.repeat(count)}` : 'x';
  }
  assert.equal(charsOf(name), CHARS_MAX);
  return name;
}

/** Names of every allowed kind, no two of them twins, which can stand together as one tree of files. */
export function oddNames() {
  const names = [];
  for (let code = 0x20; code < 0x7f; code++) {
    const char = String.fromCharCode(code);
    if (char !== '/' && char !== '\\') names.push(`ascii/${code.toString(16)}-${char}`, `ascii/${code.toString(16)}-${char}-`);
  }
  return [
    ...names,
    'slashes/a/b/c/d/e/f/g/h', '.hidden', '...', 'spaces/ before, between  and after ', 'tab\there', 'tabs/\t',
    'accents/caf\u00e9.txt', 'accents/\u00c5ngstr\u00f6m', 'CJK/漢字かな交じり文.csv', 'CJK/한글', 'emoji/😀🧬', 'emoji/👩\u200d🔬', 'right to left/שלום', 'سلام',
    '%', '%41', '%2F', '%00', 'plus+', 'q?a=b&c=d#e', '<&>"\'', '{"json":[1]}', '--option', '~', '$(id)', 'con.', 'x'.repeat(255),
    longName('long/ascii', 'a', 255), longName('long/CJK', '漢', 85), longName('long/emoji', '😀a', 50),
  ];
}

/** count names: the odd ones, and ordinary ones in a hundred directories. */
export function manyNames(count) {
  const names = oddNames();
  for (let i = 0; names.length < count; i++) names.push(`set ${String(i % 100).padStart(2, '0')}/file ${i}.csv`);
  return names;
}

/** Text of XML with its entities resolved. */
export function xmlText(text) {
  const entities = { amp: '&', lt: '<', gt: '>', quot: '"', apos: '\'' };
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (_, hex, decimal, word) => {
    if (word) return entities[word];
    return String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal));
  });
}
