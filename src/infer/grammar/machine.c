/* infer/grammar/machine.c: following a grammar byte by byte, every step computed once.
 *
 *     place 7 = { (node 12, stack 4), (node 31, stack 4), … }  ── class of 'a' ──►  place 9
 *
 * A reading is a node of the network and a stack of nodes to come back to.  Stacks are lists whose equal tails are the same
 * numbers, places are sorted sets of readings, and equal sets are the same place: so the machine is a finite automaton that
 * is built where texts and masks walk (as for regular expressions in Thompson 1968), with a table [place, class of byte].
 *
 * Readings that read nothing are followed at once; kept are those at nodes with bytes.  A step is taken only where the depth
 * that is left suffices to end again (heights.c).  Memory is bounded: gr_make_room starts afresh, a step beyond it fails.
 */
#include <stdlib.h>
#include <string.h>

#include "infer/grammar/matcher.h"

static uint32_t mix(uint32_t a, uint32_t b) {
    uint64_t h = ((uint64_t)a << 32 | b) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(h >> 32) ^ (uint32_t)(h >> 7);
}

/* *array gets room for `need`. */
static ig_status grow(void **array, size_t *cap, size_t need, size_t size, ig_error *err) {
    if (need <= *cap) return IG_OK;
    size_t wanted = *cap ? *cap : 64;
    while (wanted < need) wanted *= 2;
    void *grown = ig_realloc_array(*array, wanted, size);
    if (!grown) return ig_error_nomem(err, wanted * size);
    *array = grown;
    *cap = wanted;
    return IG_OK;
}

static ig_status too_ambiguous(ig_error *err) {
    return ig_error_set(err, IG_E_LIMIT, "the grammar is too ambiguous here: a text has too many readings at once");
}

/* ---- stacks ---- */

static uint32_t frame_hash(const gr_frame *f) { return mix(f->back, f->below); }

static ig_status rehash_frames(gr_machine *m, ig_error *err) {
    size_t size = m->frame_slots.size ? 2 * m->frame_slots.size : 256;
    uint32_t *slot = ig_calloc(size, sizeof *slot);
    if (!slot) return ig_error_nomem(err, size * sizeof *slot);
    for (size_t i = 1; i < m->frames; i++) {
        size_t at = frame_hash(&m->frame[i]) & (size - 1);
        while (slot[at]) at = (at + 1) & (size - 1);
        slot[at] = (uint32_t)i + 1;
    }
    ig_free(m->frame_slots.slot);
    m->frame_slots.slot = slot;
    m->frame_slots.size = size;
    return IG_OK;
}

static ig_status push_frame(gr_machine *m, gr_frame f, uint32_t *out, ig_error *err) {
    if (2 * m->frames >= m->frame_slots.size) IG_TRY(rehash_frames(m, err));
    size_t mask = m->frame_slots.size - 1, at = frame_hash(&f) & mask;
    for (; m->frame_slots.slot[at]; at = (at + 1) & mask) {
        const gr_frame *known = &m->frame[m->frame_slots.slot[at] - 1];
        if (known->back != f.back || known->below != f.below || known->depth != f.depth) continue;
        *out = m->frame_slots.slot[at] - 1;
        return IG_OK;
    }
    if (m->frames * sizeof f > IG_GRAMMAR_CACHE_BYTES_MAX / 4) return too_ambiguous(err);
    IG_TRY(grow((void **)&m->frame, &m->frames_cap, m->frames + 1, sizeof f, err));
    m->frame[m->frames] = f;
    *out = (uint32_t)m->frames++;
    m->frame_slots.slot[at] = *out + 1;
    return IG_OK;
}

/* ---- one step: readings to follow, and those that were ---- */

static ig_status resize_seen(gr_machine *m, size_t size, ig_error *err) {
    gr_reading *seen = ig_calloc(size, sizeof *seen);
    if (!seen) return ig_error_nomem(err, size * sizeof *seen);
    for (size_t i = 0; i < m->seens_size; i++) {
        if (!m->seen[i].node) continue;
        size_t at = mix(m->seen[i].node, m->seen[i].stack) & (size - 1);
        while (seen[at].node) at = (at + 1) & (size - 1);
        seen[at] = m->seen[i];
    }
    ig_free(m->seen);
    m->seen = seen;
    m->seens_size = size;
    return IG_OK;
}

/* Follow this reading too, if its depth allows it to end and it is new.  Node 0 is none. */
static ig_status follow(gr_machine *m, uint32_t node, uint32_t stack, ig_error *err) {
    if (m->frame[stack].depth + m->g->height[node] > m->g->depth_max) return IG_OK;
    if (2 * m->seens >= m->seens_size) IG_TRY(resize_seen(m, m->seens_size ? 2 * m->seens_size : 64, err));
    size_t mask = m->seens_size - 1, at = mix(node, stack) & mask;
    for (; m->seen[at].node; at = (at + 1) & mask)
        if (m->seen[at].node == node && m->seen[at].stack == stack) return IG_OK;
    if (m->seens >= 4 * IG_GRAMMAR_SET_MAX) return too_ambiguous(err);
    m->seen[at] = (gr_reading){node, stack};
    m->seens++;
    IG_TRY(grow((void **)&m->work, &m->works_cap, m->works + 1, sizeof *m->work, err));
    m->work[m->works++] = (gr_reading){node, stack};
    return IG_OK;
}

static ig_status call(gr_machine *m, const gr_arc *a, uint32_t stack, ig_error *err) {
    const ig_grammar *g = m->g;
    uint32_t depth = m->frame[stack].depth;
    if (a->tail) return follow(m, a->start, stack, err);
    if (depth + g->height[a->to] > g->depth_max || depth + a->nest + g->height[a->start] > g->depth_max) return IG_OK;
    uint32_t above;
    IG_TRY(push_frame(m, (gr_frame){a->to, stack, depth + a->nest}, &above, err));
    return follow(m, a->start, above, err);
}

/* Everything that can be done at one reading without a byte. */
static ig_status expand(gr_machine *m, gr_reading r, bool *can_end, ig_error *err) {
    const ig_grammar *g = m->g;
    bool reads = false;
    if (g->end[r.node]) {
        if (r.stack == 0) *can_end = true;
        else IG_TRY(follow(m, m->frame[r.stack].back, m->frame[r.stack].below, err));
    }
    for (uint32_t k = g->first[r.node]; k < g->first[r.node + 1]; k++) {
        const gr_arc *a = &g->arc[k];
        if (a->kind == GR_BYTES) reads = true;
        else if (a->kind == GR_CALL) IG_TRY(call(m, a, r.stack, err));
        else IG_TRY(follow(m, a->to, r.stack, err));
    }
    if (!reads) return IG_OK;
    if (m->kepts == IG_GRAMMAR_SET_MAX) return too_ambiguous(err);
    IG_TRY(grow((void **)&m->kept, &m->kepts_cap, m->kepts + 1, sizeof *m->kept, err));
    m->kept[m->kepts++] = r;
    return IG_OK;
}

static void begin_step(gr_machine *m) {
    if (m->seens_size > 4096) { /* once large, not cleared at every step */
        ig_free(m->seen);
        m->seen = NULL;
        m->seens_size = 0;
    }
    if (m->seen && m->seens) memset(m->seen, 0, m->seens_size * sizeof *m->seen);
    m->seens = m->works = m->kepts = 0;
}

/* ---- places ---- */

static int by_node_and_stack(const void *x, const void *y) {
    const gr_reading *a = x, *b = y;
    if (a->node != b->node) return a->node < b->node ? -1 : 1;
    return (a->stack > b->stack) - (a->stack < b->stack);
}

static ig_status rehash_places(gr_machine *m, ig_error *err) {
    size_t size = m->place_slots.size ? 2 * m->place_slots.size : 256;
    uint32_t *slot = ig_calloc(size, sizeof *slot);
    if (!slot) return ig_error_nomem(err, size * sizeof *slot);
    for (size_t i = 0; i < m->places; i++) {
        size_t at = m->place[i].hash & (size - 1);
        while (slot[at]) at = (at + 1) & (size - 1);
        slot[at] = (uint32_t)i + 1;
    }
    ig_free(m->place_slots.slot);
    m->place_slots.slot = slot;
    m->place_slots.size = size;
    return IG_OK;
}

static size_t bytes_in_use(const gr_machine *m) {
    return m->readings * sizeof *m->reading + m->places * (m->g->classes * sizeof *m->next + sizeof *m->place)
           + 2 * m->frames * sizeof *m->frame;
}

static bool is_kept_set(const gr_machine *m, const gr_place *p, bool can_end) {
    return p->count == m->kepts && p->can_end == can_end
           && (m->kepts == 0 || memcmp(m->reading + p->first, m->kept, m->kepts * sizeof *m->kept) == 0);
}

static ig_status add_place(gr_machine *m, uint32_t hash, bool can_end, ig_error *err) {
    size_t classes = m->g->classes, cap = m->places_cap;
    if (bytes_in_use(m) > IG_GRAMMAR_CACHE_BYTES_MAX) return too_ambiguous(err);
    IG_TRY(grow((void **)&m->reading, &m->readings_cap, m->readings + m->kepts, sizeof *m->reading, err));
    IG_TRY(grow((void **)&m->next, &cap, m->places + 1, classes * sizeof *m->next, err));
    cap = m->places_cap;
    IG_TRY(grow((void **)&m->place, &cap, m->places + 1, sizeof *m->place, err));
    m->places_cap = cap;
    if (m->kepts) memcpy(m->reading + m->readings, m->kept, m->kepts * sizeof *m->kept);
    m->place[m->places] = (gr_place){.first = (uint32_t)m->readings, .count = (uint32_t)m->kepts, .hash = hash,
                                     .can_end = can_end};
    memset(m->next + m->places * classes, 0xFF, classes * sizeof *m->next);
    m->readings += m->kepts;
    m->places++;
    return IG_OK;
}

/* Follow all work, and number the set of readings that is kept. */
static ig_status settle(gr_machine *m, uint32_t *out, ig_error *err) {
    bool can_end = false;
    while (m->works) IG_TRY(expand(m, m->work[--m->works], &can_end, err));
    if (m->kepts) qsort(m->kept, m->kepts, sizeof *m->kept, by_node_and_stack);
    uint32_t hash = can_end;
    for (size_t i = 0; i < m->kepts; i++) hash = mix(hash ^ m->kept[i].node, m->kept[i].stack + (hash << 5));
    if (2 * m->places >= m->place_slots.size) IG_TRY(rehash_places(m, err));
    size_t mask = m->place_slots.size - 1, at = hash & mask;
    for (; m->place_slots.slot[at]; at = (at + 1) & mask)
        if (is_kept_set(m, &m->place[m->place_slots.slot[at] - 1], can_end)) {
            *out = m->place_slots.slot[at] - 1;
            return IG_OK;
        }
    IG_TRY(add_place(m, hash, can_end, err));
    *out = (uint32_t)m->places - 1;
    m->place_slots.slot[at] = *out + 1;
    return IG_OK;
}

static ig_status compute(gr_machine *m, uint32_t from, uint8_t class, ig_error *err) {
    const ig_grammar *g = m->g;
    uint8_t byte = g->byte_of[class];
    uint32_t to;
    begin_step(m);
    for (uint32_t i = 0; i < m->place[from].count; i++) {
        gr_reading r = m->reading[m->place[from].first + i];
        for (uint32_t k = g->first[r.node]; k < g->first[r.node + 1]; k++)
            if (g->arc[k].kind == GR_BYTES && g->arc[k].lo <= byte && byte <= g->arc[k].hi)
                IG_TRY(follow(m, g->arc[k].to, r.stack, err));
    }
    IG_TRY(settle(m, &to, err));
    m->next[(size_t)from * g->classes + class] = to;
    return IG_OK;
}

ig_status gr_step(gr_machine *m, uint32_t from, uint8_t byte, uint32_t *to, ig_error *err) {
    size_t at = (size_t)from * m->g->classes + m->g->class_of[byte];
    if (m->next[at] == GR_UNKNOWN) IG_TRY(compute(m, from, m->g->class_of[byte], err));
    *to = m->next[at];
    return IG_OK;
}

/* ---- the machine as a whole ---- */

void gr_forget_masks(gr_machine *m) {
    for (size_t i = 0; i < m->places; i++) {
        ig_free(m->place[i].mask);
        m->place[i].mask = NULL;
    }
    m->mask_bytes = 0;
}

static void machine_fini(gr_machine *m) {
    gr_forget_masks(m);
    ig_free(m->frame);
    ig_free(m->frame_slots.slot);
    ig_free(m->place);
    ig_free(m->next);
    ig_free(m->place_slots.slot);
    ig_free(m->reading);
    ig_free(m->work);
    ig_free(m->seen);
    ig_free(m->kept);
}

/* Only the bottom of all stacks, and the place of no readings. */
static ig_status machine_init(gr_machine *m, const ig_grammar *g, ig_error *err) {
    uint32_t dead;
    *m = (gr_machine){.g = g};
    IG_TRY(grow((void **)&m->frame, &m->frames_cap, 1, sizeof *m->frame, err));
    m->frame[m->frames++] = (gr_frame){0, 0, 0};
    begin_step(m);
    return settle(m, &dead, err);
}

/* The number in `m` of a stack of `old`, from the bottom up. */
static ig_status move_stack(gr_machine *m, const gr_machine *old, uint32_t stack, uint32_t *out, ig_error *err) {
    ig_status s = IG_OK;
    size_t height = 0;
    for (uint32_t f = stack; f; f = old->frame[f].below) height++;
    uint32_t *path = ig_calloc(height + 1, sizeof *path);
    if (!path) return ig_error_nomem(err, height * sizeof *path);
    for (uint32_t f = stack, i = 0; f; f = old->frame[f].below) path[i++] = f;
    for (*out = 0; height > 0 && s == IG_OK; height--) {
        const gr_frame *f = &old->frame[path[height - 1]];
        s = push_frame(m, (gr_frame){f->back, *out, f->depth}, out, err);
    }
    ig_free(path);
    return s;
}

static ig_status move_place(gr_machine *m, const gr_machine *old, uint32_t at, uint32_t *out, ig_error *err) {
    const gr_place *p = &old->place[at];
    uint32_t hash = mix(at, 0x5EED), stack;
    begin_step(m);
    for (uint32_t i = 0; i < p->count; i++) {
        gr_reading r = old->reading[p->first + i];
        IG_TRY(move_stack(m, old, r.stack, &stack, err));
        IG_TRY(grow((void **)&m->kept, &m->kepts_cap, m->kepts + 1, sizeof *m->kept, err));
        m->kept[m->kepts++] = (gr_reading){r.node, stack};
    }
    IG_TRY(add_place(m, hash, p->can_end, err)); /* not found by later steps: at most one place per state exists twice */
    *out = (uint32_t)m->places - 1;
    return IG_OK;
}

static ig_status rebuild(gr_machine *m, gr_machine *fresh, uint32_t *moved, ig_error *err) {
    IG_TRY(machine_init(fresh, m->g, err));
    size_t i = 0;
    for (ig_grammar_state *s = m->states; s; s = s->next, i++) IG_TRY(move_place(fresh, m, s->at, &moved[i], err));
    return IG_OK;
}

ig_status gr_make_room(gr_machine *m, ig_error *err) {
    if (bytes_in_use(m) < IG_GRAMMAR_CACHE_BYTES_MAX / 2) return IG_OK;
    size_t states = 0, i = 0;
    for (const ig_grammar_state *s = m->states; s; s = s->next) states++;
    uint32_t *moved = ig_calloc(states, sizeof *moved);
    if (!moved) return ig_error_nomem(err, states * sizeof *moved);
    gr_machine fresh;
    ig_status status = rebuild(m, &fresh, moved, err);
    if (status == IG_OK) {
        for (ig_grammar_state *s = m->states; s; s = s->next) s->at = moved[i++];
        fresh.masks_of = m->masks_of;
        fresh.states = m->states;
    }
    machine_fini(status == IG_OK ? m : &fresh);
    if (status == IG_OK) *m = fresh;
    ig_free(moved);
    return status;
}

/* ---- states ---- */

static void join(ig_grammar_state *s, gr_machine *m, uint32_t at) {
    *s = (ig_grammar_state){.m = m, .at = at, .next = m->states};
    if (m->states) m->states->prev = s;
    m->states = s;
}

static void part(ig_grammar_state *s) {
    if (s->prev) s->prev->next = s->next;
    else s->m->states = s->next;
    if (s->next) s->next->prev = s->prev;
}

static ig_status start_machine(gr_machine *m, const ig_grammar *g, uint32_t *at, ig_error *err) {
    IG_TRY(machine_init(m, g, err));
    begin_step(m);
    IG_TRY(follow(m, g->start, 0, err));
    return settle(m, at, err);
}

ig_status ig_grammar_state_new(const ig_grammar *g, ig_grammar_state **out, ig_error *err) {
    uint32_t at;
    *out = NULL;
    ig_grammar_state *s = ig_calloc(1, sizeof *s);
    gr_machine *m = s ? ig_calloc(1, sizeof *m) : NULL;
    ig_status status = m ? start_machine(m, g, &at, err) : ig_error_nomem(err, sizeof *m);
    if (status == IG_OK) {
        join(s, m, at);
        *out = s;
        return IG_OK;
    }
    if (m) machine_fini(m);
    ig_free(m);
    ig_free(s);
    return status;
}

ig_status ig_grammar_state_copy(const ig_grammar_state *s, ig_grammar_state **out, ig_error *err) {
    *out = ig_calloc(1, sizeof **out);
    if (!*out) return ig_error_nomem(err, sizeof **out);
    join(*out, s->m, s->at);
    return IG_OK;
}

void ig_grammar_state_free(ig_grammar_state *s) {
    if (!s) return;
    part(s);
    if (!s->m->states) {
        machine_fini(s->m);
        ig_free(s->m);
    }
    ig_free(s);
}

ig_status ig_grammar_accept(ig_grammar_state *s, const void *bytes, size_t n, bool *fits, ig_error *err) {
    ig_grammar_state ahead; /* joins the others, so that it is moved with them when room is made */
    ig_status status = IG_OK;
    *fits = true;
    join(&ahead, s->m, s->at);
    for (size_t i = 0; i < n && status == IG_OK && *fits; i++) {
        status = gr_make_room(s->m, err);
        if (status == IG_OK) status = gr_step(s->m, ahead.at, ((const uint8_t *)bytes)[i], &ahead.at, err);
        *fits = status == IG_OK && ahead.at != GR_DEAD;
    }
    if (*fits) s->at = ahead.at;
    part(&ahead);
    return status;
}

bool ig_grammar_can_end(const ig_grammar_state *s) { return s->m->place[s->at].can_end; }

bool ig_grammar_is_complete(const ig_grammar_state *s) {
    const gr_place *p = &s->m->place[s->at];
    return p->can_end && p->count == 0;
}
