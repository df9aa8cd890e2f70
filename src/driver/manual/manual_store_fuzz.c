/* The file of entered values takes any bytes, as they are and with a checksum that fits. */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "driver/manual/manual_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try(const uint8_t *data, size_t size)
{
	struct manual_store s = { 0 };

	manual_store_parse(&s, data, size);
	for (uint32_t i = 0; i < s.n; i++)
		if (s.v[i].v.len > MANUAL_TEXT_MAX || manual_store_get(&s, s.v[i].name) == NULL)
			abort();
	manual_store_close(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try(data, size);
	if (size < 4 || size > 1u << 20)
		return 0;
	uint8_t *copy = malloc(size);
	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	uint32_t sum = crc32c(0, copy, size - 4);
	for (size_t i = 0; i < 4; i++)
		copy[size - 4 + i] = (uint8_t)(sum >> 8 * i);
	try(copy, size);
	free(copy);
	return 0;
}
