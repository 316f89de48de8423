/* graph/fuse.c: which nodes run together.
 *
 * Element-wise nodes of the same shape that hang together become one chain: the runner then walks through all of them
 * block by block, and what only the chain itself reads never reaches memory.  A node joins the chain of one of its inputs
 * if that keeps the order right: the chain runs at the place of its last member, so nobody outside may read a member, and
 * nobody may change one of the chain's inputs, before that place.
 */
#include "graph/plan.h"

#include <stdlib.h>
#include <string.h>

ig_var *ig_view_root(ig_var *v) {
    while (ig_node_is_view(v->node)) v = v->node->in[0];
    return v;
}

static bool is_map(const ig_node *n) { return n->op->map >= 0; }
static bool runs(const ig_node *n) { return n->op->forward != NULL; }

typedef struct fuser {
    ig_plan *p;
    int *chain_of;     /* [node id]: step, -1 = none */
    bool *kept;        /* [node id]: an output of the plan, or read through a view */
    int *changed_at;   /* [node id of a leaf]: first position at which it is changed in place; INT32_MAX = never */
} fuser;

/* ---- facts about users ---------------------------------------------------------------------------------------------------- */

static void gather_facts(fuser *f) {
    ig_graph *g = f->p->g;
    for (int i = 0; i < g->count; i++) f->changed_at[i] = INT32_MAX, f->chain_of[i] = -1;
    for (int i = 0; i < g->count; i++) {
        for (int k = 0; k < g->node[i]->nin; k++) {
            ig_node *root = ig_view_root(g->node[i]->in[k])->node;
            if (ig_node_mutates(g->node[i], k) && f->changed_at[root->id] > i) f->changed_at[root->id] = i;
            if (root != g->node[i]->in[k]->node) f->kept[root->id] = true;
        }
    }
    for (int i = 0; i < f->p->outputs; i++) f->kept[ig_view_root(f->p->output[i])->node->id] = true;
}

/* Is the value of `member` read by a node at a position < at that is in neither of the chains c and d? */
static bool read_before(const fuser *f, const ig_node *member, int c, int d, int at) {
    ig_graph *g = f->p->g;
    for (int i = member->id + 1; i < at; i++) {
        if (is_map(g->node[i]) && (f->chain_of[i] == c || f->chain_of[i] == d)) continue;
        for (int k = 0; k < g->node[i]->nin; k++)
            if (ig_view_root(g->node[i]->in[k])->node == member) return true;
    }
    return false;
}

static bool inputs_stable(const fuser *f, const ig_node *member, int at) {
    for (int k = 0; k < member->nin; k++) {
        int changed = f->changed_at[ig_view_root(member->in[k])->node->id];
        if (changed > member->id && changed < at) return false;
    }
    return true;
}

/* ---- building chains ---------------------------------------------------------------------------------------------------------- */

static int member_index(const plan_step *s, const ig_node *n) {
    for (int i = 0; i < s->members; i++)
        if (s->member[i] == n) return i;
    return -1;
}

/* Distinct values that these members together read from outside. */
static int outside_inputs(const plan_step *s) {
    const ig_var *seen[IG_CHAIN_STEPS_MAX * 3];
    int count = 0;
    for (int m = 0; m < s->members; m++) {
        const ig_node *n = s->member[m];
        for (int k = 0; k < n->nin; k++) {
            bool known = member_index(s, n->in[k]->node) >= 0;
            for (int i = 0; i < count && !known; i++) known = seen[i] == n->in[k];
            if (!known) seen[count++] = n->in[k];
        }
    }
    return count;
}

/* May chain c stand at position `at`, chain d (or c again) being part of it by then? */
static bool may_stand_at(const fuser *f, int c, int d, int at) {
    const plan_step *s = &f->p->step[c];
    for (int i = 0; i < s->members; i++)
        if (read_before(f, s->member[i], c, d, at) || !inputs_stable(f, s->member[i], at)) return false;
    return true;
}

static bool contiguous_out(const ig_node *n) { return ig_tensor_is_contiguous(&n->out[0].t); }

static bool may_extend(const fuser *f, int c, ig_node *n) {
    plan_step more = f->p->step[c];
    if (more.members >= IG_CHAIN_STEPS_MAX || !ig_tensor_same_shape(&more.member[0]->out[0].t, &n->out[0].t) || !contiguous_out(n)) return false;
    more.member[more.members++] = n;
    return outside_inputs(&more) <= IG_CHAIN_INPUTS_MAX && may_stand_at(f, c, c, n->id);
}

/* Integers compute in double: a chain must not mix them with f32 arithmetic, or fusing would change results. */
static bool computes_in_f64(const ig_node *n) {
    for (int k = 0; k < n->nin; k++) {
        if (n->op->map == IG_MAP_dropout && k == 1) continue;
        ig_dtype d = n->in[k]->t.dtype;
        if (d == IG_DTYPE_F64 || d == IG_DTYPE_I32 || d == IG_DTYPE_I64) return true;
    }
    ig_dtype d = n->out[0].t.dtype;
    return d == IG_DTYPE_F64 || d == IG_DTYPE_I32 || d == IG_DTYPE_I64;
}

/* A value that is rounded on its way to memory (bf16, bool, …) must be read back as rounded: no chaining through it,
 * except for bool, whose 0 and 1 are exact. */
static bool exact_result(const ig_node *n) {
    ig_dtype d = n->out[0].t.dtype;
    return d == IG_DTYPE_F32 || d == IG_DTYPE_F64 || (d == IG_DTYPE_BOOL && n->op->map >= IG_MAP_eq && n->op->map <= IG_MAP_ge);
}

static int find_chain(const fuser *f, ig_node *n) {
    int best = -1;
    for (int k = 0; k < n->nin; k++) {
        const ig_node *from = n->in[k]->node;
        int c = f->chain_of[from->id];
        if (c < 0 || !exact_result(from) || c <= best) continue;
        if (computes_in_f64(f->p->step[c].member[0]) == computes_in_f64(n) && may_extend(f, c, n)) best = c;
    }
    /* every member that n reads must be readable inside the chain as exactly what memory would hold */
    for (int k = 0; best >= 0 && k < n->nin; k++) {
        const ig_node *from = n->in[k]->node;
        if (f->chain_of[from->id] == best && !exact_result(from)) return -1;
    }
    return best;
}

/* Both chains in one, members in recording order; false when that does not go. */
static bool join(const plan_step *a, const plan_step *b, plan_step *out) {
    if (a->members + b->members > IG_CHAIN_STEPS_MAX || !ig_tensor_same_shape(&a->member[0]->out[0].t, &b->member[0]->out[0].t)) return false;
    if (computes_in_f64(a->member[0]) != computes_in_f64(b->member[0])) return false;
    memset(out, 0, sizeof *out);
    for (int i = 0, j = 0; i < a->members || j < b->members;) {
        bool from_a = j >= b->members || (i < a->members && a->member[i]->id < b->member[j]->id);
        out->member[out->members++] = from_a ? a->member[i++] : b->member[j++];
    }
    for (int m = 0; m < out->members; m++) /* values that memory would round stay outside of chains */
        for (int k = 0; k < out->member[m]->nin; k++)
            if (member_index(out, out->member[m]->in[k]->node) >= 0 && !exact_result(out->member[m]->in[k]->node)) return false;
    return outside_inputs(out) <= IG_CHAIN_INPUTS_MAX;
}

/* n, now the last member of chain c, may also read other chains: take them in. */
static void absorb(fuser *f, int c, const ig_node *n) {
    for (int k = 0; k < n->nin; k++) {
        plan_step both;
        int d = f->chain_of[n->in[k]->node->id];
        if (d < 0 || d == c || !may_stand_at(f, d, c, n->id) || !join(&f->p->step[d], &f->p->step[c], &both)) continue;
        f->p->step[c] = both;
        f->p->step[d].members = 0;
        for (int m = 0; m < both.members; m++) f->chain_of[both.member[m]->id] = c;
    }
}

/* Absorbed chains leave empty steps behind. */
static void drop_empty(ig_plan *p) {
    int kept = 0;
    for (int i = 0; i < p->steps; i++)
        if (p->step[i].node || p->step[i].members) p->step[kept++] = p->step[i];
    p->steps = kept;
}

static void place(fuser *f, ig_node *n, bool fusion) {
    ig_plan *p = f->p;
    int c = fusion && is_map(n) ? find_chain(f, n) : -1;
    if (c < 0) {
        c = p->steps++;
        memset(&p->step[c], 0, sizeof p->step[c]);
        if (!is_map(n)) p->step[c].node = n;
    }
    if (is_map(n)) {
        p->step[c].member[p->step[c].members++] = n;
        f->chain_of[n->id] = c;
        if (fusion) absorb(f, c, n);
    }
}

/* ---- order, and what each step reads and writes ----------------------------------------------------------------------------------- */

static int position(const plan_step *s) { return s->node ? s->node->id : s->member[s->members - 1]->id; }

static int by_position(const void *a, const void *b) { return position(a) - position(b); }

static bool read_outside(const ig_plan *p, const fuser *f, const ig_node *n, int c) {
    if (f->kept[n->id]) return true;
    for (int i = n->id + 1; i < p->g->count; i++)
        for (int k = 0; k < p->g->node[i]->nin; k++)
            if (p->g->node[i]->in[k]->node == n && p->step_of[i] != c) return true;
    return false;
}

static int input_index(plan_step *s, ig_var *v) {
    for (int i = 0; i < s->inputs; i++)
        if (s->in_var[i] == v) return i;
    s->in_var[s->inputs] = v;
    return s->inputs++;
}

static int operand(plan_step *s, ig_var *v) {
    int m = member_index(s, v->node);
    return m >= 0 ? -(m + 1) : input_index(s, v);
}

static void chain_program(const ig_plan *p, const fuser *f, plan_step *s, int c) {
    for (int m = 0; m < s->members; m++) {
        ig_node *n = s->member[m];
        ig_map_step *st = &s->program.step[m];
        int operands = n->op->map == IG_MAP_dropout ? 1 : n->nin;
        *st = (ig_map_step){.map = (ig_map)n->op->map, .key = -1, .out = -1, .f = {n->attrs.f[0], n->attrs.f[1]}, .stream = (uint64_t)n->attrs.i[0]};
        for (int k = 0; k < operands; k++) st->in[k] = operand(s, n->in[k]);
        if (operands < n->nin) st->key = input_index(s, n->in[operands]);
        if (m == s->members - 1 || read_outside(p, f, n, c)) {
            st->out = s->outputs;
            s->out_var[s->outputs++] = &n->out[0];
        }
    }
    s->program.steps = s->members, s->program.inputs = s->inputs, s->program.outputs = s->outputs;
}

static ig_status describe_step(ig_plan *p, const fuser *f, int c, ig_error *err) {
    plan_step *s = &p->step[c];
    int inputs = s->node ? s->node->nin : IG_CHAIN_INPUTS_MAX, outputs = s->node ? s->node->nout : s->members;
    s->in_var = ig_calloc((size_t)inputs + 1, sizeof *s->in_var);
    s->out_var = ig_calloc((size_t)outputs + 1, sizeof *s->out_var);
    s->in = ig_calloc((size_t)inputs + 1, sizeof *s->in);
    s->out = ig_calloc((size_t)outputs + 1, sizeof *s->out);
    if (!s->in_var || !s->out_var || !s->in || !s->out) return ig_error_nomem(err, (size_t)inputs * sizeof *s->in);
    if (!s->node) {
        chain_program(p, f, s, c);
        return IG_OK;
    }
    for (int k = 0; k < s->node->nin; k++) s->in_var[s->inputs++] = s->node->in[k];
    for (int k = 0; k < s->node->nout; k++) s->out_var[s->outputs++] = &s->node->out[k];
    return IG_OK;
}

static ig_status make_steps(fuser *f, bool fusion, ig_error *err) {
    ig_plan *p = f->p;
    gather_facts(f);
    for (int i = 0; i < p->g->count; i++)
        if (runs(p->g->node[i])) place(f, p->g->node[i], fusion);
    drop_empty(p);
    qsort(p->step, (size_t)p->steps, sizeof *p->step, by_position);
    for (int i = 0; i < p->g->count; i++) p->step_of[i] = -1;
    for (int c = 0; c < p->steps; c++) {
        if (p->step[c].node) p->step_of[p->step[c].node->id] = c;
        for (int m = 0; m < p->step[c].members; m++) p->step_of[p->step[c].member[m]->id] = c;
    }
    for (int c = 0; c < p->steps; c++) IG_TRY(describe_step(p, f, c, err));
    return IG_OK;
}

ig_status ig_plan_fuse(ig_plan *p, bool fusion, ig_error *err) {
    size_t n = (size_t)p->g->count + 1;
    fuser f = {.p = p, .chain_of = ig_calloc(n, sizeof *f.chain_of), .kept = ig_calloc(n, sizeof *f.kept),
               .changed_at = ig_calloc(n, sizeof *f.changed_at)};
    p->step = ig_calloc(n, sizeof *p->step);
    p->step_of = ig_calloc(n, sizeof *p->step_of);
    bool have = f.chain_of && f.kept && f.changed_at && p->step && p->step_of;
    ig_status s = have ? make_steps(&f, fusion, err) : ig_error_nomem(err, n * sizeof *p->step);
    ig_free(f.chain_of);
    ig_free(f.kept);
    ig_free(f.changed_at);
    return s;
}
