/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF. One rule for the whole program. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed character at p (1..4), 0 when there is none within len. */
size_t utf8_len(const char *p, size_t len);
bool utf8_valid(const char *p, size_t len);
/* Bytes of the longest beginning of p that has at most max of them and ends with a whole character. */
size_t utf8_cut(const char *p, size_t len, size_t max);
/* Bytes of p without the beginning of a character that its end cuts off. */
size_t utf8_whole(const char *p, size_t len);
/* utf8_cut() by length as UTF-16 counts it (a character past U+FFFF is two), which is how systems of that kind limit their fields. */
size_t utf8_cut16(const char *p, size_t len, size_t max);
/* Length of valid UTF-8 in UTF-16 units. */
size_t utf8_len16(const char *p, size_t len);

#endif
