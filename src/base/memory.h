/* base/memory.h: what the files of the allocator share. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Count one allocation for ig_alloc_fail_at; true when this one must fail. */
bool ig_alloc_injected(void);

#endif
