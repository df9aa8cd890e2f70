/* Any bytes as an event and as an answer, through every ready mapping: a fault in words, or a body that is JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sink/sap_odata/map.h"
#include "sink/sap_odata/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct zone_offset zones[] = { { { 0 }, 3600 } };
static const struct message_setting settings[] = { { "plant", "1010" }, { "decision-set", "S" } };
static const struct message_env env = { zones, 1, settings, 2 };
static struct mapping_set *set;

static void
on_row(void *arg, const struct read_row *r)
{
	(void)arg, (void)r;
}

static void
use(const struct mapping *m, const char *s, size_t len)
{
	struct arena a = { 0 };
	struct message msg = { .body = "" };
	struct fault why;
	struct read_page page;
	char text[200];

	if (m->reading != NULL)
		read_rows(m, s, len, on_row, NULL, &page);
	else {
		int err = message_build(m, NULL, &env, s, len, &a, &msg, &why);
		if (err == 0 ? !json_valid(msg.body, msg.len) : why.code[0] == '\0' || why.text[0] == '\0')
			abort();
		message_lane(m, s, len, text, sizeof text, &why);
		message_document(m, &msg, s, len, text, sizeof text, NULL);
		message_created(m, &msg, s, len, text, sizeof text);
		message_follow(m, s, len, text, sizeof text);
		if (m->follow_nav != NULL)
			message_follow_judge(m, 1, s, len, text, sizeof text);
	}
	arena_fini(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[300];
	size_t n;

	if (set == NULL && mapping_load_quiet(NULL, &set, why, sizeof why) != 0)
		abort();
	const struct mapping *const *v = mapping_all(set, &n);
	for (size_t i = 0; i < n; i++)
		use(v[i], (const char *)data, size);
	return 0;
}
