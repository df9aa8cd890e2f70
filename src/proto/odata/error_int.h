/* Inside error: what is not JSON. */
#ifndef PROTO_ODATA_ERROR_INT_H
#define PROTO_ODATA_ERROR_INT_H

#include <stddef.h>

#include "proto/odata/error.h"

/* One line of at most ODATA_ERROR_TEXT_MAX bytes, valid UTF-8, without control characters; in the arena. */
const char *error_clean(const char *s, size_t len, struct arena *a);
/* A page of HTML, or an error in XML as version 2 writes it. */
void error_markup(const char *s, size_t len, struct arena *a, struct odata_error *out);
void error_plain(const char *s, size_t len, struct arena *a, struct odata_error *out);

#endif
