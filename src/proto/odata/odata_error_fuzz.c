/* Any body as a failure: short texts without control characters, valid UTF-8. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "proto/odata/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
judge(const char *s)
{
	size_t len = strlen(s);
	if (len > ODATA_ERROR_TEXT_MAX + 4 || !utf8_valid(s, len))
		abort();
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			abort();
}

static void
judge_all(const struct odata_error *e)
{
	char line[200];

	judge(e->code);
	judge(e->text);
	judge(e->target);
	judge(e->transaction);
	for (uint32_t i = 0; i < e->ndetails; i++) {
		judge(e->details[i].code);
		judge(e->details[i].text);
		judge(e->details[i].target);
	}
	judge(odata_error_line(e, line, sizeof line));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct odata_error e;

	odata_error_parse((const char *)data, size, NULL, &a, &e);
	judge_all(&e);
	if (odata_message_parse((const char *)data, size, &a, &e) == 0)
		judge_all(&e);
	arena_fini(&a);
	return 0;
}
