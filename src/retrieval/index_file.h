/* retrieval/index_file.h: the layout of an index file, for who writes and who reads it.
 *
 *     magic, 16 bytes
 *     postings  [postings]  document, impact     term after term, documents ascending; impact = tf'·(k1 + 1) / (tf' + k1)
 *     blocks    [blocks]    last, most           of BLOCK postings each, a term begins a new one
 *     terms     [terms]     where its postings, blocks and name begin; one more ends the last
 *     slots     [slots]     term + 1 by the hash of its name, 0 = free; a power of two, linear probing
 *     names     [names]     bytes
 *     tail                  the counts above, checksums of all before it and of itself
 *
 * Little-endian, as the machines are that it is mapped on; every section begins at a multiple of eight.
 */
#ifndef RETRIEVAL_INDEX_FILE_H
#define RETRIEVAL_INDEX_FILE_H

#include "ingot/index.h"
#include "ingot/limits.h"

#define INDEX_MAGIC "ingot index 1\n\0" /* and its NUL: 16 bytes */
#define INDEX_BLOCK 128u
#define INDEX_SEED  0x1d5u

typedef struct index_posting {
    uint32_t document;
    float impact;
} index_posting;

typedef struct index_block {
    uint32_t last; /* document */
    float most;    /* impact */
} index_block;

typedef struct index_term {
    uint64_t posting, block, name;
} index_term;

typedef struct index_tail {
    uint64_t postings, blocks, terms, slots, names;
    uint32_t documents, crc, tail_crc, zero; /* tail_crc: of the tail with tail_crc = 0 */
} index_tail;

struct ig_index {
    ig_map_file file;
    index_tail tail;
    const index_posting *postings;
    const index_block *blocks;
    const index_term *terms;
    const uint32_t *slots;
    const char *names;
};

/* The term's place in x->terms, or NULL. */
const index_term *ig_index_find(const ig_index *x, const char *text, size_t len);
double ig_index_idf(const ig_index *x, const index_term *t);

#endif
