/* formats/pickle.h: a machine that runs pickles (https://docs.python.org/3/library/pickle.html, opcodes as pickletools lists
 * them) and can make plain values only.
 *
 * A pickle names functions and calls them.  Here a name is nothing until a host has accepted it, and a call is made by the
 * host, which knows a fixed list of them; what it does not know is refused.  Opcodes that make objects of classes in another
 * way are not known to the machine.
 *
 *     pickle_value.c   values and the heap they live in
 *     pickle.c         the opcodes
 */
#ifndef FORMATS_PICKLE_H
#define FORMATS_PICKLE_H

#include "ingot/base.h"
#include "ingot/limits.h"

typedef enum pickle_type {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_REAL,
    PICKLE_TEXT,
    PICKLE_BYTES,
    PICKLE_LONG,   /* an integer of more than 64 bits: its two's complement in `text`, lowest byte first */
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_SET,
    PICKLE_DICT,   /* items are key, value, key, value … */
    PICKLE_NAME,   /* accepted by the host; `integer` is its number */
    PICKLE_OBJECT, /* made by the host; `object` is its own */
    PICKLE_MARK    /* on the stack only */
} pickle_type;

typedef struct pickle_text { /* in the pickle, not NUL-terminated */
    const char *at;
    size_t len;
} pickle_text;

typedef struct pickle_value pickle_value;
struct pickle_value {
    pickle_type type;
    union {
        bool boolean;
        int64_t integer;
        double real;
        pickle_text text;
        struct {
            pickle_value **item;
            size_t count, cap;
        } list;
        struct {
            int kind;
            size_t index;
        } object;
    };
};

const char *pickle_type_name(pickle_type t);
bool pickle_text_is(pickle_text t, const char *s);

/* Owns all values of one or more pickles.  Values and the slots of containers together have a limit. */
typedef struct pickle_heap {
    struct pickle_chunk *chunk;
    size_t spent;
} pickle_heap;

ig_status pickle_new(pickle_heap *h, pickle_type type, pickle_value **out, ig_error *err);
ig_status pickle_append(pickle_heap *h, pickle_value *container, pickle_value *item, ig_error *err);
void pickle_heap_fini(pickle_heap *h);

typedef struct pickle_host {
    void *arg;
    /* Accept module.name and give it a number, or refuse it with an error that names it. */
    ig_status (*name)(void *arg, pickle_text module, pickle_text name, int64_t *number, ig_error *err);
    ig_status (*call)(void *arg, pickle_heap *h, int64_t number, const pickle_value *args, pickle_value **out, ig_error *err);
    ig_status (*persistent)(void *arg, pickle_heap *h, const pickle_value *id, pickle_value **out, ig_error *err);
} pickle_host;

/* Run one pickle at *bytes, of at most `size` bytes and IG_PICKLE_BYTES_MAX.  *used gets its length.  Texts of the values
 * lie in `bytes`, the values in the heap.  Errors name `file` and the byte of the pickle. */
ig_status pickle_run(const char *file, const uint8_t *bytes, size_t size, pickle_heap *h, const pickle_host *host,
                     pickle_value **out, size_t *used, ig_error *err);

#endif
