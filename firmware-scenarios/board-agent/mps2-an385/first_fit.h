/*
 * An allocator of a firmware's own, behind malloc(): first fit over a list of holes in address order, with headers of
 * 8 bytes. It places as heapsoak's `first-fit` does by default, and `heapsoak board validate` compares the two.
 */
#ifndef FIRST_FIT_H
#define FIRST_FIT_H

#include <stddef.h>

/* Takes the bytes from `low` up to `end`, of which `low` is 8-aligned. To be called before the first request. */
void first_fit_start(void *low, void *end);

/* The block's payload, 8-aligned, or NULL: for a request of 0, and where no hole is large enough. */
void *first_fit_allocate(size_t request_bytes);

/* Gives a block back. NULL, and what is no live block, is ignored. */
void first_fit_release(void *payload);

/* Bytes of all holes, and of the largest, headers included. */
void first_fit_measure(size_t *free_bytes, size_t *largest_bytes);

#endif
