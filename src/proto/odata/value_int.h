/* Inside value: reading from a run of characters. */
#ifndef PROTO_ODATA_VALUE_INT_H
#define PROTO_ODATA_VALUE_INT_H

#include "proto/odata/value.h"

struct scan { const char *p, *end; };

/* Read all of s as out->type. 0, ERR_TYPE or ERR_RANGE. */
int edm_read_scan(struct scan s, struct arena *a, struct edm_value *out);
int edm_read_guid(struct scan s, struct arena *a, struct edm_value *out);
int edm_check_whole(enum edm_type t, int64_t v);

#endif
