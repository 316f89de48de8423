/* formats/pickle.c: the opcodes of pickles that hold plain values, as a table of small functions.
 *
 * The machine has a stack, on which marks separate groups of values, and a memo.  Every opcode takes at most its own bytes
 * and what it finds above the last mark, so that time and memory are linear in the pickle's length; what a host makes is
 * counted by the heap.  Protocols 2 to 5; the text opcodes of protocols 0 and 1 are in no checkpoint of PyTorch.
 */
#include <string.h>

#include "formats/pickle.h"

typedef struct machine {
    const char *file;
    const uint8_t *begin, *op, *at, *end; /* op: the opcode that runs */
    pickle_heap *heap;
    const pickle_host *host;
    pickle_value **stack, **memo;
    size_t depth, stack_cap, memo_count, memo_used;
    bool stopped;
} machine;

typedef ig_status op_fn(machine *m, ig_error *err);

#define FAIL(code, ...) return fail(m, err, code, __VA_ARGS__)

static ig_status fail(const machine *m, ig_error *err, ig_status code, const char *fmt, ...) IG_PRINTF(4, 5);
static ig_status fail(const machine *m, ig_error *err, ig_status code, const char *fmt, ...) {
    char text[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return ig_error_at(err, code, m->file, 0, "byte %zu of the pickle: %s", (size_t)(m->op - m->begin), text);
}

/* An error of the host or the heap, which know no place. */
static ig_status pass_on(const machine *m, ig_status status, const ig_error *why, ig_error *err) {
    if (status == IG_OK) return IG_OK;
    return status == IG_E_NOMEM ? ig_error_set(err, status, "%s", why->message) : fail(m, err, status, "%s", why->message);
}

/* The one mark, known by its address; nobody writes to it. */
static pickle_value the_mark = {.type = PICKLE_MARK};
#define MARK_VALUE (&the_mark)

/* ---- the stack ---------------------------------------------------------------------------------------------------------- */

static ig_status grow(pickle_value ***array, size_t *cap, size_t needed, ig_error *err) {
    size_t more = *cap ? *cap : 64;
    while (more < needed) more *= 2;
    pickle_value **a = ig_realloc_array(*array, more, sizeof *a);
    if (!a) return ig_error_nomem(err, more * sizeof *a);
    memset(a + *cap, 0, (more - *cap) * sizeof *a);
    *array = a;
    *cap = more;
    return IG_OK;
}

static ig_status push(machine *m, pickle_value *v, ig_error *err) {
    if (m->depth >= IG_PICKLE_VALUES_MAX) FAIL(IG_E_LIMIT, "more than %u values on the stack", IG_PICKLE_VALUES_MAX);
    if (m->depth == m->stack_cap) IG_TRY(grow(&m->stack, &m->stack_cap, m->depth + 1, err));
    m->stack[m->depth++] = v;
    return IG_OK;
}

static ig_status push_new(machine *m, pickle_type type, pickle_value **out, ig_error *err) {
    ig_error why;
    ig_status status = pickle_new(m->heap, type, out, &why);
    return status == IG_OK ? push(m, *out, err) : pass_on(m, status, &why, err);
}

static ig_status append(machine *m, pickle_value *container, pickle_value *item, ig_error *err) {
    ig_error why;
    ig_status status = pickle_append(m->heap, container, item, &why);
    return status == IG_OK ? IG_OK : pass_on(m, status, &why, err);
}

static ig_status top(const machine *m, pickle_value **out, ig_error *err) {
    *out = NULL;
    if (!m->depth || m->stack[m->depth - 1] == MARK_VALUE) FAIL(IG_E_FORMAT, "a value is missing on the stack");
    *out = m->stack[m->depth - 1];
    return IG_OK;
}

static ig_status pop(machine *m, pickle_value **out, ig_error *err) {
    IG_TRY(top(m, out, err));
    m->depth--;
    return IG_OK;
}

/* Index of the first value above the last mark. */
static ig_status last_group(const machine *m, size_t *first, ig_error *err) {
    size_t i = m->depth;
    *first = 0;
    while (i > 0 && m->stack[i - 1] != MARK_VALUE) i--;
    if (!i) FAIL(IG_E_FORMAT, "there is no mark on the stack");
    *first = i;
    return IG_OK;
}

/* The values above the last mark go into a container; they and the mark leave the stack. */
static ig_status gather(machine *m, pickle_value *container, size_t first, ig_error *err) {
    if (container->type == PICKLE_DICT && (m->depth - first) % 2) FAIL(IG_E_FORMAT, "a key without a value");
    for (size_t i = first; i < m->depth; i++) IG_TRY(append(m, container, m->stack[i], err));
    m->depth = first - 1;
    return IG_OK;
}

/* ---- bytes of the pickle ----------------------------------------------------------------------------------------- */

static ig_status take(machine *m, uint64_t n, const uint8_t **out, ig_error *err) {
    *out = m->at;
    if (n > (uint64_t)(m->end - m->at))
        FAIL(IG_E_FORMAT, "%llu bytes are needed, %zu are left: the file is cut short or damaged", (unsigned long long)n,
             (size_t)(m->end - m->at));
    m->at += n;
    return IG_OK;
}

static ig_status take_number(machine *m, size_t n, uint64_t *out, ig_error *err) {
    const uint8_t *b;
    *out = 0;
    IG_TRY(take(m, n, &b, err));
    memcpy(out, b, n); /* little-endian */
    return IG_OK;
}

static ig_status take_line(machine *m, pickle_text *out, ig_error *err) {
    const uint8_t *end = memchr(m->at, '\n', (size_t)(m->end - m->at));
    *out = (pickle_text){0};
    if (!end) FAIL(IG_E_FORMAT, "a name without an end: the file is cut short or damaged");
    *out = (pickle_text){(const char *)m->at, (size_t)(end - m->at)};
    m->at = end + 1;
    return IG_OK;
}

/* ---- control ----------------------------------------------------------------------------------------------------- */

static ig_status op_proto(machine *m, ig_error *err) {
    uint64_t version;
    IG_TRY(take_number(m, 1, &version, err));
    if (version < 2 || version > 5) FAIL(IG_E_UNSUPPORTED, "pickle protocol %d; 2 to 5 are read", (int)version);
    return IG_OK;
}

static ig_status op_frame(machine *m, ig_error *err) {
    uint64_t length;
    return take_number(m, 8, &length, err); /* a hint for buffering */
}

static ig_status op_stop(machine *m, ig_error *err) {
    pickle_value *v;
    IG_TRY(top(m, &v, err));
    if (m->depth != 1) FAIL(IG_E_FORMAT, "the pickle ends with %zu values instead of one", m->depth);
    m->stopped = true;
    return IG_OK;
}

static ig_status op_mark(machine *m, ig_error *err) { return push(m, MARK_VALUE, err); }

static ig_status op_pop(machine *m, ig_error *err) {
    if (!m->depth) FAIL(IG_E_FORMAT, "the stack is empty");
    m->depth--;
    return IG_OK;
}

static ig_status op_pop_mark(machine *m, ig_error *err) {
    size_t first;
    IG_TRY(last_group(m, &first, err));
    m->depth = first - 1;
    return IG_OK;
}

static ig_status op_dup(machine *m, ig_error *err) {
    pickle_value *v;
    IG_TRY(top(m, &v, err));
    return push(m, v, err);
}

/* ---- the memo ---------------------------------------------------------------------------------------------------- */

static ig_status remember(machine *m, uint64_t slot, ig_error *err) {
    pickle_value *v;
    IG_TRY(top(m, &v, err));
    if (slot >= IG_PICKLE_VALUES_MAX)
        FAIL(IG_E_LIMIT, "slot %llu of the memo, %u are allowed", (unsigned long long)slot, IG_PICKLE_VALUES_MAX);
    if (slot >= m->memo_count) IG_TRY(grow(&m->memo, &m->memo_count, (size_t)slot + 1, err));
    m->memo[slot] = v;
    if (slot >= m->memo_used) m->memo_used = (size_t)slot + 1;
    return IG_OK;
}

static ig_status recall(machine *m, size_t bytes, ig_error *err) {
    uint64_t slot;
    IG_TRY(take_number(m, bytes, &slot, err));
    if (slot >= m->memo_count || !m->memo[slot]) FAIL(IG_E_FORMAT, "slot %llu of the memo is empty", (unsigned long long)slot);
    return push(m, m->memo[slot], err);
}

static ig_status op_put(machine *m, ig_error *err) {
    uint64_t slot;
    IG_TRY(take_number(m, *m->op == 'q' ? 1 : 4, &slot, err));
    return remember(m, slot, err);
}

static ig_status op_get1(machine *m, ig_error *err) { return recall(m, 1, err); }
static ig_status op_get4(machine *m, ig_error *err) { return recall(m, 4, err); }

/* Into the slot after the last one that was filled. */
static ig_status op_memoize(machine *m, ig_error *err) {
    return remember(m, m->memo_used, err);
}

/* ---- numbers and texts ------------------------------------------------------------------------------------------- */

static ig_status op_none(machine *m, ig_error *err) {
    pickle_value *v;
    return push_new(m, PICKLE_NONE, &v, err);
}

static ig_status op_bool(machine *m, ig_error *err) {
    pickle_value *v;
    IG_TRY(push_new(m, PICKLE_BOOL, &v, err));
    v->boolean = *m->op == 0x88;
    return IG_OK;
}

static ig_status op_int(machine *m, ig_error *err) {
    pickle_value *v;
    uint64_t n;
    IG_TRY(take_number(m, *m->op == 'K' ? 1 : *m->op == 'M' ? 2 : 4, &n, err));
    IG_TRY(push_new(m, PICKLE_INT, &v, err));
    v->integer = *m->op == 'J' ? (int32_t)n : (int64_t)n;
    return IG_OK;
}

static ig_status op_long(machine *m, ig_error *err) {
    pickle_value *v;
    const uint8_t *b;
    uint64_t n, bits = 0;
    IG_TRY(take_number(m, *m->op == 0x8a ? 1 : 4, &n, err));
    IG_TRY(take(m, n, &b, err));
    IG_TRY(push_new(m, n <= 8 ? PICKLE_INT : PICKLE_LONG, &v, err));
    if (n > 8) {
        v->text = (pickle_text){(const char *)b, (size_t)n};
        return IG_OK;
    }
    if (n) memset(&bits, b[n - 1] & 0x80 ? 0xff : 0, sizeof bits);
    if (n) memcpy(&bits, b, n);
    v->integer = (int64_t)bits;
    return IG_OK;
}

static ig_status op_real(machine *m, ig_error *err) {
    pickle_value *v;
    uint64_t bits;
    IG_TRY(take_number(m, 8, &bits, err));
    IG_TRY(push_new(m, PICKLE_REAL, &v, err));
    bits = __builtin_bswap64(bits); /* the only big-endian number of the format */
    memcpy(&v->real, &bits, sizeof bits);
    return IG_OK;
}

static ig_status text_of(machine *m, pickle_type type, size_t length_bytes, ig_error *err) {
    pickle_value *v;
    const uint8_t *b;
    uint64_t n;
    IG_TRY(take_number(m, length_bytes, &n, err));
    IG_TRY(take(m, n, &b, err));
    IG_TRY(push_new(m, type, &v, err));
    v->text = (pickle_text){(const char *)b, (size_t)n};
    return IG_OK;
}

static ig_status op_text1(machine *m, ig_error *err) { return text_of(m, PICKLE_TEXT, 1, err); }
static ig_status op_text4(machine *m, ig_error *err) { return text_of(m, PICKLE_TEXT, 4, err); }
static ig_status op_text8(machine *m, ig_error *err) { return text_of(m, PICKLE_TEXT, 8, err); }
static ig_status op_bytes1(machine *m, ig_error *err) { return text_of(m, PICKLE_BYTES, 1, err); }
static ig_status op_bytes4(machine *m, ig_error *err) { return text_of(m, PICKLE_BYTES, 4, err); }
static ig_status op_bytes8(machine *m, ig_error *err) { return text_of(m, PICKLE_BYTES, 8, err); }

/* ---- containers -------------------------------------------------------------------------------------------------- */

static ig_status op_empty(machine *m, ig_error *err) {
    pickle_value *v;
    pickle_type type = *m->op == ']' ? PICKLE_LIST : *m->op == ')' ? PICKLE_TUPLE : *m->op == '}' ? PICKLE_DICT : PICKLE_SET;
    return push_new(m, type, &v, err);
}

/* A new container of all above the mark. */
static ig_status op_gather(machine *m, ig_error *err) {
    pickle_value *v;
    size_t first;
    pickle_type type = *m->op == 'l' ? PICKLE_LIST : *m->op == 't' ? PICKLE_TUPLE : *m->op == 'd' ? PICKLE_DICT : PICKLE_SET;
    IG_TRY(last_group(m, &first, err));
    IG_TRY(push_new(m, type, &v, err));
    m->depth--;
    IG_TRY(gather(m, v, first, err));
    return push(m, v, err);
}

static ig_status op_tuple_n(machine *m, ig_error *err) {
    pickle_value *v, *item[3] = {0};
    size_t n = *m->op - 0x84u;
    for (size_t i = n; i-- > 0;) IG_TRY(pop(m, &item[i], err));
    IG_TRY(push_new(m, PICKLE_TUPLE, &v, err));
    for (size_t i = 0; i < n; i++) IG_TRY(append(m, v, item[i], err));
    return IG_OK;
}

static ig_status check_is(const machine *m, const pickle_value *v, pickle_type type, ig_error *err) {
    if (v->type != type) FAIL(IG_E_FORMAT, "%s where %s was expected", pickle_type_name(v->type), pickle_type_name(type));
    return IG_OK;
}

static ig_status op_append(machine *m, ig_error *err) {
    pickle_value *item, *list;
    IG_TRY(pop(m, &item, err));
    IG_TRY(top(m, &list, err));
    IG_TRY(check_is(m, list, PICKLE_LIST, err));
    return append(m, list, item, err);
}

static ig_status op_setitem(machine *m, ig_error *err) {
    pickle_value *key, *value, *dict;
    IG_TRY(pop(m, &value, err));
    IG_TRY(pop(m, &key, err));
    IG_TRY(top(m, &dict, err));
    IG_TRY(check_is(m, dict, PICKLE_DICT, err));
    IG_TRY(append(m, dict, key, err));
    return append(m, dict, value, err);
}

/* All above the mark into the container below it. */
static ig_status op_extend(machine *m, ig_error *err) {
    size_t first;
    IG_TRY(last_group(m, &first, err));
    if (first < 2 || m->stack[first - 2] == MARK_VALUE) FAIL(IG_E_FORMAT, "a container is missing on the stack");
    pickle_value *container = m->stack[first - 2];
    IG_TRY(check_is(m, container, *m->op == 'e' ? PICKLE_LIST : *m->op == 'u' ? PICKLE_DICT : PICKLE_SET, err));
    return gather(m, container, first, err);
}

/* ---- names and calls --------------------------------------------------------------------------------------------- */

static ig_status accept_name(machine *m, pickle_text module, pickle_text name, ig_error *err) {
    pickle_value *v;
    ig_error why;
    int64_t number = 0;
    IG_TRY(pass_on(m, m->host->name(m->host->arg, module, name, &number, &why), &why, err));
    IG_TRY(push_new(m, PICKLE_NAME, &v, err));
    v->integer = number;
    return IG_OK;
}

static ig_status op_global(machine *m, ig_error *err) {
    pickle_text module, name;
    IG_TRY(take_line(m, &module, err));
    IG_TRY(take_line(m, &name, err));
    return accept_name(m, module, name, err);
}

static ig_status op_stack_global(machine *m, ig_error *err) {
    pickle_value *name, *module;
    IG_TRY(pop(m, &name, err));
    IG_TRY(pop(m, &module, err));
    IG_TRY(check_is(m, name, PICKLE_TEXT, err));
    IG_TRY(check_is(m, module, PICKLE_TEXT, err));
    return accept_name(m, module->text, name->text, err);
}

static ig_status op_reduce(machine *m, ig_error *err) {
    pickle_value *args, *name, *result = NULL;
    ig_error why;
    IG_TRY(pop(m, &args, err));
    IG_TRY(pop(m, &name, err));
    IG_TRY(check_is(m, name, PICKLE_NAME, err));
    IG_TRY(check_is(m, args, PICKLE_TUPLE, err));
    IG_TRY(pass_on(m, m->host->call(m->host->arg, m->heap, name->integer, args, &result, &why), &why, err));
    return push(m, result, err);
}

static ig_status op_persistent(machine *m, ig_error *err) {
    pickle_value *id, *result = NULL;
    ig_error why;
    IG_TRY(pop(m, &id, err));
    IG_TRY(pass_on(m, m->host->persistent(m->host->arg, m->heap, id, &result, &why), &why, err));
    return push(m, result, err);
}

/* Attributes of an object.  Ordered dictionaries of modules carry their versions there, which nobody needs. */
static ig_status op_build(machine *m, ig_error *err) {
    pickle_value *attributes, *object;
    IG_TRY(pop(m, &attributes, err));
    IG_TRY(top(m, &object, err));
    if (object->type != PICKLE_DICT) FAIL(IG_E_UNSUPPORTED, "%s with attributes", pickle_type_name(object->type));
    return IG_OK;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static op_fn *const ops[256] = {
    [0x80] = op_proto,  [0x95] = op_frame,   ['.'] = op_stop,    ['('] = op_mark,    ['0'] = op_pop,      ['1'] = op_pop_mark,
    ['2'] = op_dup,     ['q'] = op_put,      ['r'] = op_put,     ['h'] = op_get1,    ['j'] = op_get4,     [0x94] = op_memoize,
    ['N'] = op_none,    [0x88] = op_bool,    [0x89] = op_bool,   ['J'] = op_int,     ['K'] = op_int,      ['M'] = op_int,
    [0x8a] = op_long,   [0x8b] = op_long,    ['G'] = op_real,    [0x8c] = op_text1,  ['U'] = op_text1,    ['X'] = op_text4,
    ['T'] = op_text4,   [0x8d] = op_text8,   ['C'] = op_bytes1,  ['B'] = op_bytes4,  [0x8e] = op_bytes8,  [']'] = op_empty,
    [')'] = op_empty,   ['}'] = op_empty,    [0x8f] = op_empty,  ['l'] = op_gather,  ['t'] = op_gather,   ['d'] = op_gather,
    [0x91] = op_gather, [0x85] = op_tuple_n, [0x86] = op_tuple_n, [0x87] = op_tuple_n, ['a'] = op_append, ['s'] = op_setitem,
    ['e'] = op_extend,  ['u'] = op_extend,   [0x90] = op_extend, ['c'] = op_global,  [0x93] = op_stack_global,
    ['R'] = op_reduce,  ['Q'] = op_persistent, ['b'] = op_build,
};

static ig_status run(machine *m, ig_error *err) {
    while (!m->stopped) {
        m->op = m->at;
        if (m->at == m->end) FAIL(IG_E_FORMAT, "it has no end: the file is cut short or damaged");
        op_fn *op = ops[*m->at++];
        if (!op) FAIL(IG_E_UNSUPPORTED, "the opcode 0x%02x, which no plain checkpoint has", *m->op);
        IG_TRY(op(m, err));
    }
    return IG_OK;
}

ig_status pickle_run(const char *file, const uint8_t *bytes, size_t size, pickle_heap *h, const pickle_host *host,
                     pickle_value **out, size_t *used, ig_error *err) {
    size_t most = size < IG_PICKLE_BYTES_MAX ? size : IG_PICKLE_BYTES_MAX;
    machine m = {.file = file, .begin = bytes, .op = bytes, .at = bytes, .end = bytes + most, .heap = h, .host = host};
    ig_status status = run(&m, err);
    if (status == IG_OK) *out = m.stack[0], *used = (size_t)(m.at - bytes);
    ig_free(m.stack);
    ig_free(m.memo);
    return status;
}
