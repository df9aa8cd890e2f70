/*
 * JSON that a server sent: parsed with a bound on what it costs in memory, and out of its envelope ({"d":{...}},
 * {"d":{"results":[...]}} of version 2, {"value":[...]} of version 4, a function's result wrapped in its own name).
 */
#ifndef PROTO_ODATA_ANSWER_H
#define PROTO_ODATA_ANSWER_H

#include <stddef.h>

struct json_t;			/* of jansson */

#define ANSWER_BYTES_MAX	(32u << 20)
#define ANSWER_VALUES_MAX	2000000u	/* values in all; each costs some tens of bytes */
#define ANSWER_BRACKETS_MAX	200000u		/* objects and lists; each costs some hundred bytes */
#define ANSWER_WHY_MAX		200u

/*
 * Given: json_decref() it. NULL with why: not JSON, too long, too deep (JSON_NESTING_MAX), too many values. Whole
 * numbers past 64 bits become reals.
 */
struct json_t *odata_json(const char *text, size_t len, char *why);

/*
 * What an answer is about, borrowed from it: the rows of a list (*list is the array), or one entity (*one). Both NULL:
 * neither. next: the link to the rest of a list, NULL if none.
 */
void odata_unwrap(const struct json_t *answer, const struct json_t **list, const struct json_t **one,
    const char **next);

#endif
