/* train/sample_text.c: what the model writes at an evaluation, so that a person sees what the loss means. */
#include "ingot/infer.h"
#include "train/trainer.h"

/* The numbers are those of (seed, step): a resumed run writes the same sample. */
static ig_sampling sampling_of(const trainer *t) {
    uint32_t word[4];
    ig_philox(t->seed, 0x73616d706c65 /* "sample" */, (uint64_t)t->at.step, word);
    return (ig_sampling){.temperature = t->r->evaluate.temperature, .top_k = (int)t->r->evaluate.top_k,
                         .seed = (uint64_t)word[0] << 32 | word[1]};
}

ig_status write_sample(trainer *t, ig_buf *out, ig_error *err) {
    const char *prompt = t->r->evaluate.prompt;
    ig_generate_opts opts = {.sampling = sampling_of(t), .max_tokens = (size_t)t->r->evaluate.sample_tokens};
    ig_session *s = NULL;
    ig_generation g = {0};
    size_t len = 0;
    for (; prompt[len]; len++) continue;
    IG_TRY(ig_session_open(t->model, &(ig_session_opts){.slide = true}, &s, err));
    ig_status status = ig_generate_text(s, prompt, len, &opts, &g, err);
    if (status == IG_OK) {
        ig_buf_puts(out, prompt);
        ig_buf_append(out, g.text.data ? g.text.data : "", g.text.len);
        status = ig_buf_status(out, err);
    }
    ig_generation_fini(&g);
    ig_session_close(s);
    return status;
}
