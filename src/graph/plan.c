/* graph/plan.c: memory of a plan, and running it.
 *
 * Every value that reaches memory is alive from the step that writes it to the last that reads it, views included.  Values
 * whose times do not overlap may share bytes of the one arena; which ones is decided once, here, the largest first, each
 * at the lowest offset that is free during its life.  A step may also write its result over an input that nobody needs any
 * more.  After layout a run touches nothing but the arena and the leaves: no allocation, no graph work.
 */
#include "graph/plan.h"

#include <stdlib.h>
#include <string.h>

#define ALIGN_BYTES ((size_t)128) /* two lines: neighbours do not share a pair of prefetched lines */

/* ---- which buffer a variable lives in ------------------------------------------------------------------------------------ */

static int slot_of(const ig_var *v) { return v->node->id * IG_OP_OUT_MAX + v->index; }

static int buffer_of(const ig_plan *p, ig_var *v) { return p->buffer_of[slot_of(ig_view_root(v))]; }

static int settled(const ig_plan *p, int b) {
    while (b >= 0 && p->buffer[b].merged_into >= 0) b = p->buffer[b].merged_into;
    return b;
}

static void make_buffers(ig_plan *p) {
    for (int s = 0; s < p->steps; s++) {
        for (int k = 0; k < p->step[s].outputs; k++) {
            ig_var *v = p->step[s].out_var[k];
            if (ig_node_is_view(v->node)) continue;
            p->buffer_of[slot_of(v)] = p->buffers;
            p->buffer[p->buffers++] = (plan_buffer){.bytes = ig_tensor_bytes(&v->t), .first = s, .last = s, .merged_into = -1};
        }
    }
}

static void find_lives(ig_plan *p) {
    for (int s = 0; s < p->steps; s++) {
        for (int k = 0; k < p->step[s].inputs; k++) {
            int b = buffer_of(p, p->step[s].in_var[k]);
            if (b >= 0 && p->buffer[b].last < s) p->buffer[b].last = s;
        }
    }
    for (int i = 0; i < p->outputs; i++) {
        int b = buffer_of(p, p->output[i]);
        if (b >= 0) p->buffer[b].keep = true, p->buffer[b].last = p->steps;
    }
}

/* ---- results in the place of inputs ---------------------------------------------------------------------------------------- */

/* Can `out`, written by step s, take the memory of `in`, which step s reads for the last time? */
static bool may_replace(const ig_plan *p, int s, ig_var *in, const ig_var *out) {
    int b = settled(p, buffer_of(p, in));
    if (b < 0 || p->buffer[b].keep || p->buffer[b].last != s || p->buffer[b].first == s) return false;
    size_t bytes = ig_tensor_bytes(&in->t);
    return bytes == ig_tensor_bytes(&out->t) && bytes == p->buffer[b].bytes && ig_tensor_is_contiguous(&in->t) && ig_tensor_is_contiguous(&out->t) &&
           in->t.dtype == out->t.dtype;
}

static void replace(ig_plan *p, ig_var *in, const ig_var *out) {
    int b = settled(p, buffer_of(p, in)), o = p->buffer_of[slot_of(out)];
    p->buffer[o].merged_into = b;
    if (p->buffer[b].last < p->buffer[o].last) p->buffer[b].last = p->buffer[o].last;
    p->buffer[b].keep |= p->buffer[o].keep;
}

static bool shares_buffer(const ig_plan *p, ig_var *a, ig_var *b) {
    int ba = settled(p, buffer_of(p, a));
    return ba >= 0 && ba == settled(p, buffer_of(p, b));
}

static void replace_in_op(ig_plan *p, int s) {
    plan_step *st = &p->step[s];
    if (!(st->node->op->flags & IG_OP_IN_PLACE) || st->inputs == 0 || ig_node_is_view(st->node)) return;
    for (int k = 1; k < st->inputs; k++)
        if (shares_buffer(p, st->in_var[0], st->in_var[k])) return;
    if (may_replace(p, s, st->in_var[0], st->out_var[0])) replace(p, st->in_var[0], st->out_var[0]);
}

/* Last member of the chain that reads the memory of v. */
static int last_reader(const ig_plan *p, const plan_step *st, ig_var *v) {
    int last = -1;
    for (int m = 0; m < st->members; m++) {
        for (int k = 0; k < 3; k++) {
            int in = st->program.step[m].in[k];
            if (k < st->member[m]->nin && in >= 0 && shares_buffer(p, st->in_var[in], v)) last = m;
        }
    }
    return last;
}

static void replace_in_chain(ig_plan *p, int s) {
    plan_step *st = &p->step[s];
    for (int m = 0; m < st->members; m++) {
        int o = st->program.step[m].out;
        for (int i = 0; o >= 0 && i < st->inputs; i++) {
            if (!may_replace(p, s, st->in_var[i], st->out_var[o]) || last_reader(p, st, st->in_var[i]) > m) continue;
            replace(p, st->in_var[i], st->out_var[o]);
            break;
        }
    }
}

/* After a replacement the input's buffer lives as long as the result, so a second result of the same step stays away from
 * it.  A result that nobody reads would end in its own step and leave the buffer free for the second: it lives one step
 * longer. */
static void replace_all(ig_plan *p) {
    for (int s = 0; s < p->steps; s++) {
        for (int k = 0; k < p->step[s].outputs; k++) {
            int b = p->buffer_of[slot_of(p->step[s].out_var[k])];
            if (b >= 0 && p->buffer[b].last == s) p->buffer[b].last = s + 1;
        }
        if (p->step[s].node) replace_in_op(p, s);
        else replace_in_chain(p, s);
    }
}

/* ---- offsets ---------------------------------------------------------------------------------------------------------------------- */

static int larger_first(const void *a, const void *b) {
    const plan_buffer *x = *(plan_buffer *const *)a, *y = *(plan_buffer *const *)b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

static bool alive_together(const plan_buffer *a, const plan_buffer *b) { return a->first <= b->last && b->first <= a->last; }

/* The lowest offset at which `b` does not touch any of the placed buffers that live at the same time. */
static size_t free_offset(plan_buffer *const *placed, int count, const plan_buffer *b) {
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < count; i++) {
            const plan_buffer *o = placed[i];
            bool touches = alive_together(o, b) && o->offset < offset + b->bytes && offset < o->offset + o->bytes;
            if (touches) offset = o->offset + o->bytes, moved = true;
        }
    }
    return offset;
}

static ig_status place_buffers(ig_plan *p, plan_buffer *all, int count, size_t *arena, ig_error *err) {
    plan_buffer **order = ig_calloc((size_t)count + 1, sizeof *order);
    int n = 0;
    if (!order) return ig_error_nomem(err, (size_t)count * sizeof *order);
    for (int i = 0; i < count; i++) {
        if (all[i].merged_into >= 0) continue;
        all[i].bytes = (all[i].bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
        p->stats.unshared_bytes += all[i].bytes;
        if (all[i].bytes) order[n++] = &all[i];
    }
    qsort(order, (size_t)n, sizeof *order, larger_first);
    *arena = 0;
    for (int i = 0; i < n; i++) {
        order[i]->offset = free_offset(order, i, order[i]);
        if (order[i]->offset + order[i]->bytes > *arena) *arena = order[i]->offset + order[i]->bytes;
    }
    ig_free(order);
    return IG_OK;
}

/* Scratch memory of a step is a buffer that lives for that step. */
static void add_scratch(ig_plan *p) {
    for (int s = 0; s < p->steps; s++) {
        const ig_node *n = p->step[s].node;
        size_t bytes = n && n->op->scratch ? n->op->scratch(p->ctx, n) : 0;
        p->step[s].scratch_bytes = bytes;
        if (bytes) p->buffer[p->buffers++] = (plan_buffer){.bytes = bytes, .first = s, .last = s, .merged_into = -1};
    }
}

static void take_scratch(ig_plan *p, int first_scratch) {
    for (int s = 0, b = first_scratch; s < p->steps; s++)
        if (p->step[s].scratch_bytes) p->step[s].scratch_offset = p->buffer[b++].offset;
}

/* ---- tensors ------------------------------------------------------------------------------------------------------------------------ */

static void resolve(ig_plan *p) {
    for (int i = 0; i < p->g->count; i++) {
        ig_node *n = p->g->node[i];
        for (int k = 0; k < n->nout; k++) {
            ig_tensor *t = &n->out[k].t;
            int b = settled(p, p->buffer_of[i * IG_OP_OUT_MAX + k]);
            if (ig_node_is_view(n)) {
                size_t offset = n->op->view ? n->op->view(n, k) : 0;
                t->data = (char *)n->in[0]->t.data + offset * ig_dtype_size(t->dtype);
            } else if (b >= 0) {
                t->data = (char *)p->arena.data + p->buffer[b].offset;
            }
        }
    }
    for (int s = 0; s < p->steps; s++) {
        for (int k = 0; k < p->step[s].inputs; k++) p->step[s].in[k] = &p->step[s].in_var[k]->t;
        for (int k = 0; k < p->step[s].outputs; k++) p->step[s].out[k] = &p->step[s].out_var[k]->t;
    }
}

static ig_status prepare(ig_plan *p, ig_error *err) {
    for (int s = 0; s < p->steps; s++) {
        ig_node *n = p->step[s].node;
        if (n && n->op->prepare) IG_TRY(n->op->prepare(p->ctx, n, err));
    }
    return IG_OK;
}

static void count_work(ig_plan *p) {
    p->stats.steps = p->steps;
    for (int i = 0; i < p->g->count; i++) {
        const ig_node *n = p->g->node[i];
        if (n->op->forward) p->stats.ops++;
        if (n->op->flops) p->stats.flops += n->op->flops(n);
    }
}

ig_status ig_plan_layout(ig_plan *p, ig_error *err) {
    size_t slots = (size_t)p->g->count * IG_OP_OUT_MAX + 1, arena = 0;
    p->buffer_of = ig_realloc_array(NULL, slots, sizeof *p->buffer_of);
    p->buffer = ig_calloc(slots + (size_t)p->steps, sizeof *p->buffer);
    if (!p->buffer_of || !p->buffer) return ig_error_nomem(err, slots * sizeof *p->buffer);
    for (size_t i = 0; i < slots; i++) p->buffer_of[i] = -1;
    make_buffers(p);
    find_lives(p);
    replace_all(p);
    int first_scratch = p->buffers;
    add_scratch(p);
    IG_TRY(place_buffers(p, p->buffer, p->buffers, &arena, err));
    take_scratch(p, first_scratch);
    int64_t bytes = (int64_t)arena;
    IG_TRY(ig_tensor_zeros(p->ctx, IG_DTYPE_U8, 1, &bytes, &p->arena, err)); /* zeroing also faults the pages in, before the first step */
    p->stats.arena_bytes = arena;
    resolve(p);
    count_work(p);
    return prepare(p, err);
}

/* ---- running --------------------------------------------------------------------------------------------------------------------------- */

ig_status ig_plan_run_step(const ig_plan *p, int i, ig_error *err) {
    const plan_step *s = &p->step[i];
    if (!s->node) {
        ig_map_run(p->ctx, &s->program, s->in, s->out);
        return IG_OK;
    }
    ig_run r = {.ctx = p->ctx, .k = ig_kernels_of(p->ctx), .node = s->node, .in = s->in, .out = s->out,
                .scratch = (char *)p->arena.data + s->scratch_offset};
    return s->node->op->forward(&r, err);
}

ig_status ig_plan_run(ig_plan *p, ig_error *err) {
    for (int i = 0; i < p->steps; i++) IG_TRY(ig_plan_run_step(p, i, err));
    return IG_OK;
}

const ig_tensor *ig_plan_output(const ig_plan *p, int i) { return i >= 0 && i < p->outputs ? &p->output[i]->t : NULL; }

void ig_plan_stats_get(const ig_plan *p, ig_plan_stats *out) { *out = p->stats; }

static void free_step(plan_step *s) {
    ig_free(s->in_var);
    ig_free(s->out_var);
    ig_free(s->in);
    ig_free(s->out);
    if (s->node && s->node->prepared && s->node->op->release) s->node->op->release(s->node);
}

void ig_plan_free(ig_plan *p) {
    if (!p) return;
    for (int s = 0; s < p->steps; s++) free_step(&p->step[s]);
    ig_free(p->step);
    ig_free(p->step_of);
    ig_free(p->buffer);
    ig_free(p->buffer_of);
    ig_free(p->output);
    ig_graph_free(p->g);
    ig_tensor_unref(&p->arena);
    ig_free(p);
}
