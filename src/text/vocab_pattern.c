/* text/vocab_pattern.c: the pre-tokenizers that GGUF files name in tokenizer.ggml.pre, as patterns.
 *
 * Each row is what the model's own tokenizer.json has, in stages of Split.  A stage without text is GPT-2's own pattern.
 * Cased letters are \p{L&}: the one model family that lists them range by range (DeepSeek) lists these.
 */
#include <string.h>

#include "text/tokenizer_impl.h"

#define GPT2     ""
#define ENDINGS  "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define REST     "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define LLAMA3   ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" REST
#define QWEN2    ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" REST
#define UPPER    "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER    "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(e) "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" e "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" e "|"
#define SLASHES  "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" REST
#define GPT4O    CASED(ENDINGS "?") "\\p{N}{1,3}" SLASHES
#define TEKKEN   CASED("") "\\p{N}" SLASHES
#define CJK      "[一-龥ࠀ-一가-퟿]+"
#define MARKS    "!-/:-~"
#define BLOOM    " ?[^(\\s|.,!?…。，、।۔،)]+"

typedef struct row {
    const char *names; /* each followed by a space */
    bool ignore_merges;
    const char *stage[8];
} row;

static const row rows[] = {
    {"gpt-2 phi-2 mpt olmo jais jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe gigachat gpt-neox ",
     false,
     {GPT2}},
    {"default ", false, {"[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
    {"llama3 llama-v3 llama-bpe falcon3 falcon-h1 ", true, {LLAMA3}},
    {"dbrx smaug-bpe glm4 chatglm-bpe ", false, {LLAMA3}},
    {"qwen2 stablelm2 deepseek-r1-qwen hunyuan megrez ", false, {QWEN2}},
    {"gpt-4o llama4 ", false, {GPT4O}},
    {"tekken ", true, {TEKKEN}},
    {"starcoder refact command-r smollm codeshell exaone minerva-7b ", false, {"\\p{N}", GPT2}},
    {"falcon ", false, {"[\\p{P}$+<=>^~|`]+", GPT2, "[0-9][0-9][0-9]"}},
    {"deepseek-llm ", false, {"[\\r\\n]", "\\s?\\p{L&}+", "\\s?[" MARKS "！-／：-～‘-‟　-。]+", "\\s+$", CJK, "\\p{N}+"}},
    {"deepseek-coder ", false, {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", CJK, "\\p{N}"}},
    {"deepseek-v3 ",
     false,
     {"\\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
      "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
      "?[\\p{P}\\p{S}]+[\\r\\n]*|" REST}},
    {"bloom poro-chat gpt3-finnish ", false, {BLOOM}},
    {"viking ", false, {BLOOM, "\\p{N}"}},
};

static const row *find(const char *pre) {
    size_t n = strlen(pre);
    for (size_t i = 0; n && !strchr(pre, ' ') && i < sizeof rows / sizeof *rows; i++)
        for (const char *at = rows[i].names; (at = strstr(at, pre)); at += n)
            if (at[n] == ' ' && (at == rows[i].names || at[-1] == ' ')) return &rows[i];
    return NULL;
}

ig_status ig_tok_vocab_pattern(const char *name, const char *pre, tok_split *s, bool *ignore_merges, ig_error *err) {
    const row *r = find(pre);
    if (!r)
        return ig_error_at(err, IG_E_UNSUPPORTED, name, 0,
                           "the pre-tokenizer \"%.60s\" is not known: use the model's tokenizer.json instead", pre);
    *ignore_merges = r->ignore_merges;
    for (size_t i = 0; i < sizeof r->stage / sizeof *r->stage && r->stage[i]; i++)
        IG_TRY(ig_tok_split_add(s, *r->stage[i] ? r->stage[i] : NULL, err));
    return IG_OK;
}

static bool same_stage(const tok_stage *s, const char *pattern) {
    return s->kind == TOK_STAGE_PATTERN && s->cut == TOK_CUT_ISOLATED && !s->literal && s->pattern && strcmp(s->pattern, pattern) == 0;
}

static bool same_stages(const tok_split *s, const row *r) {
    size_t n = 0;
    for (; n < sizeof r->stage / sizeof *r->stage && r->stage[n]; n++) {
        if (n >= s->count || !same_stage(&s->stage[n], *r->stage[n] ? r->stage[n] : ig_tok_gpt2_pattern)) return false;
    }
    return n == s->count;
}

const char *ig_tok_vocab_pattern_name(const tok_split *s) {
    static const char *const names[] = {"gpt-2", "default", "llama-bpe", "qwen2", "gpt-4o", "tekken", "starcoder", "falcon",
                                        "deepseek-llm", "deepseek-coder", "deepseek-v3", "bloom", "viking"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (same_stages(s, find(names[i]))) return names[i];
    return NULL;
}
