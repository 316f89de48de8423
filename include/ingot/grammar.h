/* ingot/grammar.h: generation that keeps to a form: a GBNF grammar, a JSON schema, a tool call.
 *
 *     GBNF text ──┐
 *     JSON schema ┼─► ig_grammar ─► ig_grammar_state ── bytes accepted so far ──► which tokens may come next
 *     tools ──────┘   (immutable)   (one per text)         ▲                            (ig_grammar_mask)
 *                                                          └── ig_vocab_trie: the vocabulary, by bytes
 *
 * A grammar and a trie never change after they were made and may be used by many threads at once; a state together with
 * its copies belongs to one thread at a time.
 *
 * A state never runs into a dead end: whatever was accepted can be completed within the depth that is allowed.  (A
 * vocabulary that lacks a byte can still have no token for it: then the mask is empty.)
 */
#ifndef INGOT_GRAMMAR_H
#define INGOT_GRAMMAR_H

#include "ingot/text.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* ---- grammars ---------------------------------------------------------------------------------------------------------- */

typedef struct ig_grammar ig_grammar;

/* A grammar in llama.cpp's notation (GBNF): `name ::= alternatives`, "literal", [class], [^class], `.` for any character,
 * groups, * + ? {m} {m,} {,n} {m,n}, # comments, the escapes \n \r \t \\ \" \[ \] \- \^ \xHH \uHHHH \UHHHHHHHH.  The text
 * starts from the rule `root`.  Left recursion is refused with the name of the rule, a rule that can never end too.  `name`
 * stands for the file. */
ig_status ig_grammar_parse(const char *name, const char *gbnf, size_t len, ig_grammar **out, ig_error *err);

typedef struct ig_grammar_json_opts {
    bool spaces; /* allow a space, or a line break and up to 32 spaces, where JSON allows white space; else there is none */
} ig_grammar_json_opts;

/* All values that a JSON schema describes (or some, never others): the keys of an object in the order of `properties`.
 *
 * type, nullable, enum, const, anyOf, oneOf (as anyOf), allOf of objects, $ref within the schema, recursion too;
 * properties, required, additionalProperties (absent: none beside `properties`), items, prefixItems, minItems, maxItems,
 * minLength, maxLength, pattern, format (date, time, date-time, duration, email, hostname, ipv4, ipv6, uuid), minimum,
 * maximum, exclusiveMinimum, exclusiveMaximum (whole numbers).  Titles, descriptions, defaults and examples mean nothing;
 * every other keyword is refused (IG_E_UNSUPPORTED) with its name and place.  opts may be NULL.
 *
 * Integers keep to 64 bits.  Nesting keeps to what ig_json_parse takes.  The names of additional properties differ from those
 * in `properties`; that they differ from each other a grammar cannot tell. */
ig_status ig_grammar_from_schema(const char *name, const char *json, size_t len, const ig_grammar_json_opts *opts,
                                 ig_grammar **out, ig_error *err);
/* Any JSON object. */
ig_status ig_grammar_json_object(const ig_grammar_json_opts *opts, ig_grammar **out, ig_error *err);
void ig_grammar_free(ig_grammar *g);

/* ---- where a text stands ------------------------------------------------------------------------------------------------ */

typedef struct ig_grammar_state ig_grammar_state;
/* At the start of the grammar, which must outlive it. */
ig_status ig_grammar_state_new(const ig_grammar *g, ig_grammar_state **out, ig_error *err);
/* Another state at the same place; what one of them learns about the grammar the other knows too. */
ig_status ig_grammar_state_copy(const ig_grammar_state *s, ig_grammar_state **out, ig_error *err);
void ig_grammar_state_free(ig_grammar_state *s);
/* *fits: whether the bytes may come next; if so they are taken, otherwise (and on an error) the state stays where it is.
 * Bytes may end within a UTF-8 sequence.  IG_E_LIMIT is a grammar too ambiguous to be followed. */
ig_status ig_grammar_accept(ig_grammar_state *s, const void *bytes, size_t n, bool *fits, ig_error *err);
bool ig_grammar_can_end(const ig_grammar_state *s);
bool ig_grammar_is_complete(const ig_grammar_state *s); /* it can end, and nothing else may follow */

/* ---- which tokens may come next ------------------------------------------------------------------------------------------ */

typedef struct ig_vocab_trie ig_vocab_trie;
/* The tokens of a tokenizer, for masks of `vocab` bits.  Special tokens are left out; end tokens stand for the end only. */
ig_status ig_vocab_trie_new(const ig_tokenizer *t, size_t vocab, const int32_t *end_ids, size_t end_count, ig_vocab_trie **out,
                            ig_error *err);
void ig_vocab_trie_free(ig_vocab_trie *v);
size_t ig_vocab_trie_vocab(const ig_vocab_trie *v); /* bits of its masks */
bool ig_vocab_trie_ends(const ig_vocab_trie *v, int32_t id); /* is it one of the end tokens? */
/* Words of 32 bits that a mask of this many tokens takes. */
static inline size_t ig_mask_words(size_t vocab) { return (vocab + 31) / 32; }
/* Bit id%32 of bits[id/32] tells whether the token may come next: bits [ig_mask_words(vocab)].  A mask is remembered with the
 * place in the grammar, so that it is computed once; the trie must outlive the state. */
ig_status ig_grammar_mask(ig_grammar_state *s, const ig_vocab_trie *v, uint32_t *bits, ig_error *err);

/* ---- tool calls ---------------------------------------------------------------------------------------------------------- */

typedef enum ig_tool_mode {
    IG_TOOL_AUTO,     /* text, then calls or none */
    IG_TOOL_REQUIRED, /* calls only, at least one */
    IG_TOOL_NAMED     /* one call, of the tool that is named */
} ig_tool_mode;

/* How a call is written. */
typedef enum ig_tool_style {
    IG_TOOL_STYLE_HERMES /* <tool_call>\n{"name": "…", "arguments": {…}}\n</tool_call>, as Hermes and Qwen write it */
} ig_tool_style;

/* A grammar for an answer with calls.  tools_json is a list as in OpenAI's requests:
 * [{"type": "function", "function": {"name": …, "parameters": SCHEMA}}, …]; no parameters is an empty object.
 * `named` is read in the mode NAMED.  IG_E_NOT_FOUND names a tool that is not in the list. */
ig_status ig_tool_grammar(const char *tools_json, size_t len, ig_tool_mode mode, const char *named, ig_tool_style style,
                          ig_grammar **out, ig_error *err);

typedef struct ig_tool_call {
    char *name;
    char *arguments; /* JSON of one line */
} ig_tool_call;

/* Filled anew by each call of ig_tool_calls_parse; fini frees, after an error too. */
typedef struct ig_tool_calls {
    ig_tool_call *call;
    size_t count;
    ig_buf content; /* the text without the calls and the line breaks around them; what is no whole call stays in it */
} ig_tool_calls;
ig_status ig_tool_calls_parse(const char *text, size_t len, ig_tool_style style, ig_tool_calls *out, ig_error *err);
void ig_tool_calls_fini(ig_tool_calls *c);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
