/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF. One rule for the whole program. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed character at p (1..4), 0 when there is none within len. */
size_t utf8_len(const char *p, size_t len);
bool utf8_valid(const char *p, size_t len);

#endif
