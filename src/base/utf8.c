/* See utf8.h; RFC 3629 section 4, the UTF8-octets grammar as a table of lead ranges. */
#include "base/utf8.h"

static const struct { unsigned char first, last, second_min, second_max, len; } leads[] = {
	{ 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t
utf8_len(const char *p, size_t len)
{
	const unsigned char *b = (const unsigned char *)p;

	if (len == 0)
		return 0;
	for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++) {
		if (b[0] < leads[i].first || b[0] > leads[i].last)
			continue;
		if (len < leads[i].len || (leads[i].len > 1 && (b[1] < leads[i].second_min || b[1] > leads[i].second_max)))
			return 0;
		for (size_t k = 2; k < leads[i].len; k++)
			if (b[k] < 0x80 || b[k] > 0xbf)
				return 0;
		return leads[i].len;
	}
	return 0;
}

bool
utf8_valid(const char *p, size_t len)
{
	while (len > 0) {
		size_t n = utf8_len(p, len);
		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

size_t
utf8_cut(const char *p, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && ((unsigned char)p[max] & 0xc0) == 0x80)
		max--;
	return max;
}

size_t
utf8_whole(const char *p, size_t len)
{
	size_t i = len;

	while (i > 0 && len - i < 3 && ((unsigned char)p[i - 1] & 0xc0) == 0x80)
		i--;
	return i > 0 && (unsigned char)p[i - 1] >= 0xc0 && utf8_len(p + i - 1, len - i + 1) == 0 ? i - 1 : len;
}

size_t
utf8_cut16(const char *p, size_t len, size_t max)
{
	size_t units = 0, i = 0;

	/* Ends: each round takes a byte or more. */
	while (i < len) {
		size_t n = utf8_len(p + i, len - i);
		units += n == 4 ? 2 : 1;
		if (units > max)
			break;
		i += n > 0 ? n : 1;
	}
	return i;
}

size_t
utf8_len16(const char *p, size_t len)
{
	size_t units = 0;
	for (size_t i = 0; i < len; i++)
		units += ((unsigned char)p[i] & 0xc0) != 0x80 ? (unsigned char)p[i] >= 0xf0 ? 2 : 1 : 0;
	return units;
}
