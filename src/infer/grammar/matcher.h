/* infer/grammar/matcher.h: the machine that follows a grammar, shared by a state, its copies and its masks. */
#ifndef INGOT_GRAMMAR_MATCHER_H
#define INGOT_GRAMMAR_MATCHER_H

#include "infer/grammar/grammar.h"

#define GR_DEAD 0u            /* the set of no readings */
#define GR_UNKNOWN UINT32_MAX

/* One place on a stack: where to go on when the rule ends.  Equal stacks have equal numbers; 0 is the bottom. */
typedef struct gr_frame {
    uint32_t back, below;
    uint32_t depth;
} gr_frame;

typedef struct gr_reading {
    uint32_t node, stack;
} gr_reading;

/* A set of readings: all ways in which the grammar explains the text so far. */
typedef struct gr_place {
    uint32_t first, count, hash; /* into reading */
    bool can_end;
    uint32_t *mask;              /* NULL: not computed yet */
} gr_place;

typedef struct gr_slots {        /* open addressing; value + 1, 0 is free */
    uint32_t *slot;
    size_t size, used;
} gr_slots;

typedef struct gr_machine {
    const ig_grammar *g;
    gr_frame *frame;
    size_t frames, frames_cap;
    gr_slots frame_slots;
    gr_place *place;
    uint32_t *next;              /* [places, classes] */
    size_t places, places_cap;
    gr_slots place_slots;
    gr_reading *reading;
    size_t readings, readings_cap;
    gr_reading *work, *seen;     /* of one step: what is to be followed, what was */
    size_t works, works_cap, seens, seens_size;
    gr_reading *kept;
    size_t kepts, kepts_cap;
    const ig_vocab_trie *masks_of;
    size_t mask_bytes;
    ig_grammar_state *states;    /* that share it */
} gr_machine;

struct ig_grammar_state {
    gr_machine *m;
    uint32_t at;
    ig_grammar_state *prev, *next;
};

/* The place after a byte; computed once.  *to is GR_DEAD when the byte may not come. */
ig_status gr_step(gr_machine *m, uint32_t from, uint8_t byte, uint32_t *to, ig_error *err);
/* Forget what no state stands on when half of the room is used: place numbers of states change. */
ig_status gr_make_room(gr_machine *m, ig_error *err);
void gr_forget_masks(gr_machine *m);

#endif
