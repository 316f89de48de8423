/* store/item_rows.h: rows of content on their way to a caller's function. */
#ifndef STORE_ITEM_ROWS_H
#define STORE_ITEM_ROWS_H

#include "store/store.h"

typedef struct store_items_to {
    ig_store_item_fn *fn;
    void *arg;
    int64_t count; /* of rows that were given */
} store_items_to;

ig_status store_give_item(void *arg, const store_value *v, ig_error *err); /* arg: store_items_to; v: ITEM columns */

#endif
