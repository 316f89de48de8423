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
  return execFileSync(tool, [verb, path, texts, String(Number(special))], { encoding: 'utf8', maxBuffer: 1 << 28 });
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

// ---- models of pieces: text does not come back as it was, so that ids and decoded text are compared with theirs

const template = 4;

function compareDecoded(path, list) {
  const hf = theirs(path), ids = ours(path, list, 0), texts = run('decode', path, list, 0).split('\0').slice(0, -1), whole = ours(path, list, template);
  list.forEach((s, i) => {
    assert.deepEqual(ids[i], hf.encode(s, { add_special_tokens: false }).ids, JSON.stringify(s.slice(0, 80)));
    assert.deepEqual(whole[i], hf.encode(s).ids, JSON.stringify(s.slice(0, 80)));
    if (ids[i].length) assert.equal(texts[i], hf.decode(ids[i]), JSON.stringify(s.slice(0, 80)));
  });
}

function comparePairs(path, list, withTypes = true) {
  const hf = theirs(path), lines = run('pair', path, list, template).split('\n').slice(0, -1);
  for (let i = 0; i + 1 < list.length; i += 2) {
    const want = hf.encode(list[i], { text_pair: list[i + 1], return_token_type_ids: true });
    const [ids, types] = lines[i / 2].split(' | ');
    assert.equal(ids, want.ids.join(' '));
    if (withTypes && want.token_type_ids) assert.equal(types, want.token_type_ids.join(' ')); // theirs has none without a template
  }
}

function data(t, name) {
  const unpack = spawnSync(join(root, 'tools/unpack_data.sh'), [name], { encoding: 'utf8' });
  if (unpack.status === 77) t.skip(unpack.stdout.trim());
  return unpack.status === 77 ? null : unpack.stdout.trim();
}

function convert(kind, source, name) {
  const out = join(folder, `${name}.json`);
  execFileSync(tool, ['convert', kind, source, out]);
  return out;
}

// Texts without what the JavaScript code does otherwise than Unicode says: white space outside of Zs and code points that
// their table of categories lacks.
const plain = strings.filter((s) => !/[\u0000-\u001f\u2000-\u206f\ufffd\u{10ffff}]/u.test(s));

for (const [name, kind] of [['tok-bert-uncased', 'bert'], ['tok-bert-chinese', 'bert-cased']])
  test(`the vocabulary of ${name}, saved by Ingot, gives the same ids`, { skip }, (t) => {
    const from = data(t, name);
    if (!from) return;
    const path = convert(kind, join(from, 'vocab.txt'), name);
    compareDecoded(path, plain);
    comparePairs(path, plain.slice(0, 40));
  });

for (const [name, file] of [['tok-llama', 'tokenizer'], ['tok-spm-zh', 'tokenizers_llama2enzh_tokenizer'], ['tok-spm-zh', 'tokenizers_custom_tokenizer_meng']])
  test(`the SentencePiece model ${file} of ${name}, saved by Ingot, gives the same ids`, { skip }, (t) => {
    const from = data(t, name);
    if (from) compareDecoded(convert('sentencepiece', join(from, `${file}.model`), file), file.includes('meng') ? plain.filter((s) => /^[ -~\u4e00-\u9fff]*$/.test(s) && s.trim()) : plain);
  });

// ---- files made here

const noise = [['▁', -2], ['a', -3], ['b', -3.5], ['▁a', -2.5], ['ab', -4], ['▁ab', -4.5], ['abc', -5], ['c', -6], ['▁the', -3], ['你', -7], ['好', -7], ['你好', -7.5], ['1', -4], ['12', -5], ['.', -3], [',', -3]];
const special = (id, content) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true });
const unigram = (more) => ({
  version: '1.0', truncation: null, padding: null, added_tokens: [special(0, '<s>'), special(1, '</s>'), special(2, '<unk>')],
  normalizer: null, pre_tokenizer: null, post_processor: null, decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
  model: { type: 'Unigram', unk_id: 2, vocab: [['<s>', 0], ['</s>', 0], ['<unk>', 0], ...noise] }, ...more,
});
const small = ['', 'a', 'ab abc', 'the abc, ab.', '你好 ab', ' a', 'a ', 'abcabcabc', 'the zebra xyz', '12 121', 'a  b', 'ABC', 'Áb', 'a.b,c', 'zz'];
const metaspace = (scheme, split) => ({ type: 'Metaspace', replacement: '▁', prepend_scheme: scheme, split });
const variants = {
  'Metaspace always': { pre_tokenizer: metaspace('always', true) },
  'Metaspace never': { pre_tokenizer: metaspace('never', true) },
  'Metaspace first': { pre_tokenizer: metaspace('first', false) },
  'WhitespaceSplit and Metaspace': { pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, metaspace('always', true)] } },
  'Whitespace and Punctuation': { pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Whitespace' }, { type: 'Punctuation', behavior: 'Isolated' }] } },
  'Digits': { pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, metaspace('always', true)] } },
  'Split removed': { pre_tokenizer: { type: 'Split', pattern: { Regex: ' ' }, behavior: 'Removed', invert: false } },
  'Split with previous': { pre_tokenizer: { type: 'Split', pattern: { Regex: '[ab]' }, behavior: 'MergedWithPrevious', invert: false } },
  'Split with next': { pre_tokenizer: { type: 'Split', pattern: { Regex: '[ab]' }, behavior: 'MergedWithNext', invert: false } },
  'Lowercase, NFD, StripAccents': { normalizer: { type: 'Sequence', normalizers: [{ type: 'NFD' }, { type: 'StripAccents' }, { type: 'Lowercase' }] }, pre_tokenizer: metaspace('always', true) },
  'NFKC, Strip, Replace, Prepend': {
    normalizer: { type: 'Sequence', normalizers: [{ type: 'NFKC' }, { type: 'Strip', strip_left: true, strip_right: true }, { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }, { type: 'Prepend', prepend: '▁' }, { type: 'Replace', pattern: { String: ' ' }, content: '▁' }] },
  },
  'a template': {
    pre_tokenizer: metaspace('always', true),
    post_processor: {
      type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
      pair: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }, { SpecialToken: { id: '</s>', type_id: 1 } }],
      special_tokens: { '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] }, '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
    },
  },
  'RobertaProcessing': { pre_tokenizer: metaspace('always', true), post_processor: { type: 'RobertaProcessing', sep: ['</s>', 1], cls: ['<s>', 0], trim_offsets: true, add_prefix_space: false } },
  'BertProcessing': { pre_tokenizer: metaspace('always', true), post_processor: { type: 'BertProcessing', sep: ['</s>', 1], cls: ['<s>', 0] } },
};
for (const [name, more] of Object.entries(variants))
  test(`Unigram with ${name} gives the same ids`, { skip }, () => {
    const path = join(folder, 'unigram.json');
    writeFileSync(path, JSON.stringify(unigram(more)));
    // Where JavaScript differs from Rust, whose ids count: it joins unknown words in a row, not only what is unknown inside of
    // a word, and its RobertaProcessing gives the second text type 1.
    const list = small.filter((s) => !/^(Whitespace and|Split)/.test(name) || !s.includes('z'));
    compareDecoded(path, list);
    comparePairs(path, list.slice(1, 9), name !== 'RobertaProcessing');
  });

test('BPE over characters with byte fallback gives the same ids', { skip }, () => {
  const pieces = ['▁', 'a', 'b', 'c', 'ab', '▁a', '▁ab', 'abc', '你', '好', '你好'], bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
  const vocab = Object.fromEntries(['<unk>', '<s>', '</s>', ...bytes, ...pieces].map((text, id) => [text, id]));
  for (const byteFallback of [true, false]) {
    const path = join(folder, 'llama.json');
    writeFileSync(path, JSON.stringify({
      version: '1.0', truncation: null, padding: null, added_tokens: [special(0, '<unk>'), special(1, '<s>'), special(2, '</s>')],
      normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, { type: 'Replace', pattern: { String: ' ' }, content: '▁' }] },
      pre_tokenizer: null, post_processor: null,
      decoder: { type: 'Sequence', decoders: [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' }, { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }] },
      model: { type: 'BPE', dropout: null, unk_token: '<unk>', continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: true, byte_fallback: byteFallback, vocab, merges: ['▁ a', 'a b', '▁a b', 'ab c', '你 好'] },
    }));
    compareDecoded(path, small.filter((s) => byteFallback || !/[^ abc你好]{2}/.test(s)));
  }
});
