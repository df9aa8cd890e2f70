/* Any event that is JSON, any field, any value ("field\nvalue\nevent"): what comes out is JSON again, or nothing does. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "outbox/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf all = { 0 }, out = { .max = 4 * OUTBOX_BODY_MAX }, before = { .max = 4 * OUTBOX_BODY_MAX };

	buf_put(&all, data, size);
	char *field = all.p, *value = field != NULL ? strchr(field, '\n') : NULL, *body = value != NULL ? strchr(value + 1, '\n') : NULL;
	if (body != NULL) {
		*value++ = *body++ = '\0';
		size_t len = strlen(body);
		if (len <= OUTBOX_BODY_MAX && json_valid(body, len) && edit_field(body, len, field, value, &out, &before) == 0 &&
		    !json_valid(out.p, out.len))
			abort();
	}
	buf_fini(&all);
	buf_fini(&out);
	buf_fini(&before);
	return 0;
}
