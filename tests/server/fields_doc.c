/* tests/server/fields_doc.c: docs/OPENAI.md from the tables of routes and fields.
 *
 *     test_server_fields_doc docs/OPENAI.md            the file must be what the tables say
 *     test_server_fields_doc --write docs/OPENAI.md    make it so
 */
#include <stdio.h>
#include <string.h>

#include "server/server.h"

static const char intro[] =
    "# The HTTP interface\n"
    "\n"
    "`ingot serve` speaks OpenAI's HTTP interface. This page is made from the tables of routes and fields (`src/server/routes.c`,\n"
    "`src/server/field_tables.c`): `build/tests/server/test_server_fields_doc --write docs/OPENAI.md`; a test keeps them the same.\n"
    "\n"
    "- A key goes into the header `Authorization: Bearer KEY`; `ingot key new` makes one. Its role must be at least that of the route.\n"
    "- Errors are `{\"error\": {\"message\", \"type\", \"param\", \"code\"}}`. Every answer has the header `x-request-id`, under which the log knows it.\n"
    "- A field that is known to OpenAI and not supported is refused with 400 and its name, and so is one that nobody knows. `null` stands\n"
    "  for a field that is left out.\n"
    "- 429 comes with `Retry-After`. A prompt that is too long is refused with both numbers (`context_length_exceeded`).\n"
    "- [ERRORS.md](ERRORS.md) has every code with its cause and its cure.\n";

static void put_cell(ig_buf *b, const char *s) {
    for (; *s; s++) {
        if (*s == '|') ig_buf_putc(b, '\\');
        ig_buf_putc(b, *s);
    }
}

static void put_types(ig_buf *b, unsigned types) {
    static const struct { unsigned bit; const char *word; } words[] = {{F_BOOL, "boolean"}, {F_INT, "integer"}, {F_REAL, "number"},
        {F_TEXT, "text"}, {F_LIST, "list"}, {F_MAP, "object"}};
    bool some = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (types & words[i].bit) ig_buf_printf(b, "%s%s", some ? ", " : "", words[i].word), some = true;
}

static void put_field(ig_buf *b, const field *f) {
    ig_buf_printf(b, "| `%s`%s | ", f->name, f->required ? " (needed)" : "");
    put_types(b, f->types);
    ig_buf_puts(b, " | ");
    if (f->max > f->min) ig_buf_printf(b, "%.17g … %.17g", f->min, f->max);
    else if (f->choices) put_cell(b, f->choices);
    ig_buf_printf(b, " | %s | ", f->use == FIELD_USED ? "" : f->use == FIELD_IGNORED ? "taken, no effect" : "refused");
    put_cell(b, f->doc);
    ig_buf_puts(b, " |\n");
}

static void make(ig_buf *b) {
    ig_buf_puts(b, intro);
    ig_buf_puts(b, "\n## Routes\n\n| route | role | what it does |\n| --- | --- | --- |\n");
    for (const route *r = server_routes; r->method; r++)
        ig_buf_printf(b, "| `%s %s` | %s | %s |\n", r->method, r->path, r->role < 0 ? "anybody" : ig_store_role_name((ig_store_role)r->role), r->doc);
    for (const endpoint *e = server_endpoints; e->path; e++) {
        ig_buf_printf(b, "\n## POST %s\n\n%s\n\n| field | type | values | | |\n| --- | --- | --- | --- | --- |\n", e->path, e->doc);
        for (const field *f = e->fields; f->name; f++) put_field(b, f);
    }
}

int main(int argc, char **argv) {
    bool write = argc == 3 && strcmp(argv[1], "--write") == 0;
    const char *path = argc > 1 ? argv[argc - 1] : "docs/OPENAI.md";
    ig_buf wanted = {.max = 1 << 20}, there = {.max = 1 << 20};
    ig_error err = {0};
    make(&wanted);
    ig_status s = ig_buf_status(&wanted, &err);
    if (s == IG_OK) s = write ? ig_file_write(path, wanted.data, wanted.len, &err) : ig_file_read(path, 1 << 20, &there, &err);
    bool same = write || (s == IG_OK && there.len == wanted.len && memcmp(there.data, wanted.data, wanted.len) == 0);
    if (s != IG_OK) fprintf(stderr, "%s\n", err.message);
    else if (!same) fprintf(stderr, "%s is not what the tables say; run this program with --write\n", path);
    ig_buf_fini(&wanted);
    ig_buf_fini(&there);
    return s == IG_OK && same ? 0 : 1;
}
