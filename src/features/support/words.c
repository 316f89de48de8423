/* features/support/words.c: what the desk says of its own, in both languages. */
#include <string.h>

#include "features/support/support.h"

static const char *const said[SUPPORT_SAYS_COUNT][2] = {
    [SUPPORT_SAYS_UNKNOWN] = {"I do not know the answer to this.", "这个问题我还不知道答案。"},
    [SUPPORT_SAYS_PERSON] = {"Would you like to ask a person?", "需要转人工客服吗？"},
    [SUPPORT_SAYS_OTHER_LANGUAGE] = {"There is a page about this in Chinese only:", "关于这个问题目前只有英文页面："},
};

const char *support_says(support_saying what, const char *language) {
    return said[what][!strcmp(language, "zh")];
}

void support_unknown(const ig_tree *settings, const char *language, ig_buf *out) {
    bool zh = !strcmp(language, "zh");
    const char *own = ig_tree_text(settings, zh ? "unknown_zh" : "unknown_en", "");
    ig_buf_puts(out, *own ? own : support_says(SUPPORT_SAYS_UNKNOWN, language));
    if (!ig_tree_bool(settings, "person", true)) return;
    if (!zh) ig_buf_putc(out, ' ');
    ig_buf_puts(out, support_says(SUPPORT_SAYS_PERSON, language));
}
