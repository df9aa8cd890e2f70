/* Base64 as RFC 4648, 4 has it: the standard alphabet, padded, no line breaks. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

void base64_put(struct buf *out, const void *p, size_t len);
/* Text to bytes; out has room for BASE64_BYTES(len). 0, or ERR_SYNTAX for what is no base64 or not the shortest padding. */
#define BASE64_BYTES(len) ((len) / 4 * 3 + 3)
int base64_get(const char *s, size_t len, uint8_t *out, size_t *nout);

#endif
