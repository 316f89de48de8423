// The Hugging Face tokenizers for JavaScript load a tokenizer.json that Ingot wrote and give the same ids and text.
//
// `npm ci` in tests/node installs them; without that the tests are skipped by name.  INGOT_ROOT is the project's folder and
// TOKENIZER_TOOL the program built from tokenizer_tool.c.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const root = process.env.INGOT_ROOT ?? process.cwd();
const tool = process.env.TOKENIZER_TOOL;
const folder = mkdtempSync(join(tmpdir(), 'ingot-tokenizers-'));
after(() => rmSync(folder, { recursive: true }));

let Tokenizer, skip;
try {
  ({ Tokenizer } = createRequire(join(root, 'tests/node/package.json'))('@huggingface/tokenizers'));
} catch {
  skip = 'SKIP @huggingface/tokenizers: run "npm ci" in tests/node';
  console.log(skip);
}

const corpus = `The quick brown fox jumps over the lazy dog, and the dog doesn't mind. They're friends; we've seen it.
To be, or not to be: that is the question. 12345 67 8 9.5%   three spaces\t\ttabs
你好，世界。今天天气很好，我们去公园吧。你好吗？我很好，谢谢你。
café naïve Ωμέγα Привет мир 😀😀 👨‍👩‍👧‍👦 🇨🇳 日本語のテキスト 한국어
`.repeat(5);

const strings = [
  'Hello, world!', ' leading', 'trailing ', '  two  spaces  ', '\n\n\nlines\n', 'tab\tand\r\nreturn', "I'll they're we've isn't I'M",
  '你好，世界！', '退款多久到账？', '繁體中文與简体', '😀', '👨‍👩‍👧‍👦 family', '🇨🇳🇫🇷', 'e\u0301 combining', 'ﬁ ligature', '١٢٣ ٤', 'Ⅷ ½ ²', 'x'.repeat(300), ' '.repeat(300),
  'a'.repeat(100) + ' ' + 'b'.repeat(100), '\u00a0nbsp\u3000wide\u2003em', 'null-ish \u0001\u001f', '𝔘𝔫𝔦𝔠𝔬𝔡𝔢', 'مرحبا بالعالم', 'नमस्ते दुनिया', 'ไทยไม่มีช่องว่าง',
  'mixed中文and English混排', '{"json": [1, 2.5e-3, null]}', 'https://example.com/?q=a+b&c=%20', 'if (x<y) { return x?.y ?? "z"; }', '\u{10ffff}', '\ufffd', '0', '.', 'Ġ', '<0x41>', corpus,
];

// Deterministic strings from all over Unicode.  Left out: NUL (it ends the tool's strings), surrogates, U+FEFF and U+0085
// (JavaScript's \s differs from White_Space there), and code points that Unicode 14 does not have yet.
let seed = 12345;
const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
const ranges = [[0x20, 0x7e], [0x9, 0xd], [0xa0, 0x17f], [0x391, 0x3c9], [0x410, 0x44f], [0x4e00, 0x4fff], [0x1f600, 0x1f64f], [0x2000, 0x203c], [0x20, 0x20]];
for (let i = 0; i < 400; i++) {
  let s = '';
  for (let n = random(60); n >= 0; n--) {
    const [low, high] = ranges[random(ranges.length)];
    s += String.fromCodePoint(low + random(high - low + 1));
  }
  strings.push(s);
}

function train(name, kind, size, fallback, text, ...special) {
  const source = join(folder, `${name}.txt`), out = join(folder, `${name}.json`);
  writeFileSync(source, text);
  execFileSync(tool, ['train', kind, String(size), fallback ? '1' : '0', source, out, ...special]);
  return out;
}

function run(verb, path, list, special) {
  const texts = join(folder, 'texts');
  writeFileSync(texts, list.map((s) => s + '\0').join(''));
  return execFileSync(tool, [verb, path, texts, special ? '1' : '0'], { encoding: 'utf8', maxBuffer: 1 << 28 });
}

const ours = (path, list, special) => run('encode', path, list, special).split('\n').slice(0, -1).map((line) => (line ? line.split(' ').map(Number) : []));
const theirs = (path) => new Tokenizer(JSON.parse(readFileSync(path, 'utf8')), { clean_up_tokenization_spaces: false });

function compare(path, list, special = false) {
  const hf = theirs(path);
  const ids = ours(path, list, special), texts = run('decode', path, list, special).split('\0').slice(0, -1);
  assert.equal(ids.length, list.length);
  list.forEach((s, i) => {
    assert.deepEqual(ids[i], hf.encode(s).ids, JSON.stringify(s.slice(0, 80)));
    assert.equal(texts[i], s);
    if (ids[i].length) assert.equal(hf.decode(ids[i]), s);
  });
}

test('byte-level BPE gives the same ids and the same text', { skip }, () => {
  compare(train('bpe', 'bpe', 700, false, corpus), strings);
});

test('byte-level BPE with special tokens gives the same ids', { skip }, () => {
  const path = train('bpe-special', 'bpe', 600, false, `${corpus}<|endoftext|>${corpus}`, '<|endoftext|>', '<|end|>');
  const list = ['<|endoftext|>', 'a<|endoftext|>b', '<|end<|end|>', ' <|end|> <|endoftext|><|endoftext|>', '<|endoftext', '你好<|end|>世界'];
  compare(path, list, true);
  for (const ids of ours(path, list, false)) assert.ok(ids.every((id) => id > 1), 'user text makes no special token');
});

test('characters with byte fallback give the same ids and the same text', { skip }, () => {
  compare(train('char-bytes', 'char', 0, true, corpus), strings.filter((s) => s !== '<0x41>'));
});

test('few characters with byte fallback give the same ids', { skip }, () => {
  compare(train('char-few', 'char', 280, true, corpus, '<|endoftext|>'), strings.filter((s) => s !== '<0x41>'));
});

test('characters without byte fallback give the same ids and the same text', { skip }, () => {
  const all = [...new Set(strings.join(''))].join('');
  compare(train('char', 'char', 0, false, all), strings);
});

test('the vocabulary of GPT-2, saved by Ingot, gives the same ids', { skip }, (t) => {
  const unpack = spawnSync(join(root, 'tools/unpack_data.sh'), ['tok-gpt2'], { encoding: 'utf8' });
  if (unpack.status === 77) return t.skip(unpack.stdout.trim());
  const data = unpack.stdout.trim();
  const encoder = JSON.parse(readFileSync(join(data, 'encoder.json'), 'utf8'));
  const merges = readFileSync(join(data, 'vocab.bpe'), 'utf8').split('\n').slice(1).filter(Boolean);
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const path = join(folder, 'gpt2.json');
  writeFileSync(path, JSON.stringify({
    version: '1.0', truncation: null, padding: null, normalizer: null, pre_tokenizer: byteLevel, post_processor: byteLevel, decoder: byteLevel,
    added_tokens: [{ id: 50256, content: '<|endoftext|>', single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }],
    model: { type: 'BPE', dropout: null, unk_token: '<|endoftext|>', continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false, vocab: encoder, merges },
  }));
  compare(path, [...strings, 'a<|endoftext|>b'], true);
});
