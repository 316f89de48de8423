/* tests/text/template_tool.c: a template and its variables to text, for comparisons by hand:
 *
 *     template_tool TEMPLATE.jinja VARIABLES.json
 */
#include <stdio.h>

#include "ingot/template.h"

static ig_status run(const char *template_path, const char *variables_path, ig_buf *out, ig_error *err) {
    ig_buf text = {.max = 1 << 20};
    ig_template *t = NULL;
    ig_doc *doc = NULL;
    ig_status status = ig_file_read(template_path, text.max, &text, err);
    if (status == IG_OK) status = ig_template_parse(template_path, text.data, text.len, &t, err);
    if (status == IG_OK) status = ig_doc_load(variables_path, 64 << 20, &doc, err);
    if (status == IG_OK) status = ig_template_render(t, ig_doc_root(doc), NULL, out, err);
    ig_doc_free(doc);
    ig_template_free(t);
    ig_buf_fini(&text);
    return status;
}

int main(int argc, char **argv) {
    ig_buf out = {.max = 64 << 20};
    ig_error err;
    char text[1200];
    if (argc != 3) return 2;
    ig_status status = run(argv[1], argv[2], &out, &err);
    if (status == IG_OK)
        fwrite(out.data, 1, out.len, stdout);
    else
        fprintf(stderr, "%s: %s\n", ig_status_name(status), ig_error_format(&err, text, sizeof text));
    ig_buf_fini(&out);
    return status != IG_OK;
}
