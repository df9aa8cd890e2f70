/* See crc32c.h. Eight bytes an instruction where the processor has it, a table of 256 otherwise. */
#include "base/crc32c.h"

#include <stdbool.h>
#include <string.h>

static uint32_t	table[256];

__attribute__((constructor)) static void
make_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
		table[i] = c;
	}
}

static uint32_t
by_table(uint32_t crc, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		crc = crc >> 8 ^ table[(crc ^ b[i]) & 0xff];
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, const uint8_t *b, size_t len)
{
	uint64_t c = crc;
	for (; len >= 8; b += 8, len -= 8) {
		uint64_t v;
		memcpy(&v, b, 8);
		c = __builtin_ia32_crc32di(c, v);
	}
	crc = (uint32_t)c;
	for (; len > 0; b++, len--)
		crc = __builtin_ia32_crc32qi(crc, *b);
	return crc;
}
#endif

uint32_t
crc32c(uint32_t crc, const void *p, size_t len)
{
	crc = ~crc;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~by_instruction(crc, p, len);
#endif
	return ~by_table(crc, p, len);
}
