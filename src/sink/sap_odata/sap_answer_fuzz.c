/*
 * Any answer: status, Retry-After, Content-Type and sap-message in a line each, then the body. The verdict never lets something be repeated unasked that
 * may have been carried out, pauses are bounded, and texts are there. The body is read as an event and as an entity to be filled in, too.
 */
#include <stdlib.h>
#include <string.h>

#include "sink/sap_odata/classify.h"
#include "sink/sap_odata/event.h"
#include "sink/sap_odata/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
line(struct arena *a, const char **p, const char *end)
{
	const char *nl = memchr(*p, '\n', (size_t)(end - *p));
	const char *stop = nl != NULL ? nl : end, *text = arena_strndup(a, *p, (size_t)(stop - *p));

	*p = nl != NULL ? nl + 1 : end;
	return text;
}

/* An update that is held against the answer. */
static const char body[] = "{\"ManufactureDate\":\"/Date(1795132800000)/\",\"Supplier\":\"17300001\"}";
static const struct message sent = { .body = body, .len = sizeof body - 1 };

static const struct mapping *
updating(void)
{
	static struct mapping_set *set;
	char why[300];

	if (set == NULL && mapping_load_quiet(NULL, &set, why, sizeof why) != 0)
		abort();
	return mapping_find(set, "batch-dates");
}

static void
check(const struct sap_answer *x, enum asked asked, const struct outbox_verdict *v)
{
	bool repeat = v->kind == OUTBOX_IS_DOWN || v->kind == OUTBOX_IS_BUSY;
	int s = x->status;

	if (v->code == NULL || v->text == NULL || v->after_ns < 0 || v->after_ns > 3600 * NS_PER_S)
		abort();
	if (v->kind == OUTBOX_IS_ABSENT && (asked != ASKED_LOOKUP || s != 404))
		abort();
	if (asked == ASKED_POST && repeat && ((s >= 200 && s < 300) || s == 500 || s == 502 || s == 504 || s == 408 || s == 409))
		abort();
	if (asked == ASKED_POST && v->kind == OUTBOX_IS_DONE && s / 100 != 2)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct outbox_verdict v;
	struct sap_event e;
	char why[200];
	const char *p = (const char *)data, *end = p + size;
	const struct wall now = { 1763769600 * NS_PER_S };

	if (size == 0)
		return 0;
	struct sap_answer x = { .stage = FAR_CALL, .end = HTTP_ANSWERED };
	x.status = atoi(line(&a, &p, end)) % 1000;
	x.retry_after = line(&a, &p, end);
	x.type = line(&a, &p, end);
	x.message = line(&a, &p, end);
	x.body = p;
	x.len = (size_t)(end - p);
	for (int asked = ASKED_POST; asked <= ASKED_LIST; asked++)
		for (int by_key = 0; by_key < 2; by_key++) {
			sap_judge((enum asked)asked, by_key, &x, now, &a, &v);
			check(&x, (enum asked)asked, &v);
		}
	struct fill f;
	if (message_fill(updating(), &sent, x.body, x.len, &a, &f) == 0 && f.etag != NULL && strpbrk(f.etag, "\r\n") != NULL)
		abort();
	(void)sap_event_read(x.body, x.len, &a, &e, why, sizeof why);
	arena_fini(&a);
	return 0;
}
