/*
 * Paths of the equipment hierarchy: names joined by '/', the tag's own name last ("Packaging/Line 3/Filler/speed").
 * A pattern may hold '*' (any run of characters within one name), '?' (one character) and '**' (any number of whole names,
 * also none).
 */
#ifndef MODEL_PATH_H
#define MODEL_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define PATH_DEPTH_MAX	16u
#define PATH_LEN_MAX	512u

bool path_match(const char *pattern, const char *path);
/* Is a path well formed: no empty name, no '*' or '?', no control bytes, valid UTF-8, within the limits? NULL or why not. */
const char *path_fault(const char *path, size_t len);

#endif
