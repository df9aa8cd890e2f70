/* Any bytes as frames of a link, one behind the other; what can be parsed can be walked. */
#include <stddef.h>
#include <stdint.h>

#include "proto/link/link_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct link_frame f;
	long n;

	/* Ends: a frame takes five bytes at least. */
	while ((n = link_frame_length(p, len)) > 0 && (size_t)n <= len) {
		if (link_frame_parse(p, (size_t)n, &f) == 0 && f.kind == LINK_HAVE)
			for (uint32_t i = 0; i < f.count; i++)
				(void)link_have_at(&f, i);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
