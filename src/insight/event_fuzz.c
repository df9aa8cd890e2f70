/* The journal of events takes any bytes: memories, waiting events and counts stay within bounds, and what is read can
 * be written again. */
#include <stdint.h>

#include "insight/event_journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try(const uint8_t *data, size_t size)
{
	struct events ev = { .fd = -1 };
	struct buf out = { 0 };
	size_t good = 0;

	int err = journal_read(&ev, data, size, &good);
	if (good > size)
		__builtin_trap();
	journal_begin(&out, ev.frame + 1);
	for (const struct event_stream *s = ev.streams; s != NULL; s = s->next) {
		journal_put_stream(&out, s);
		for (const struct event_wait *w = s->first; w != NULL; w = w->next)
			if (w->no <= s->confirmed)
				__builtin_trap();
	}
	for (const struct event_memory *m = ev.memories; m != NULL; m = m->next)
		journal_put_memory(&out, m);
	if (err == 0 && journal_end(&out) == 0) {	/* of a damaged one nothing is ever written */
		struct events again = { .fd = -1 };
		if (journal_read(&again, (const uint8_t *)out.p, out.len, &good) != 0 || good != out.len)
			__builtin_trap();
		events_free(&again);
	}
	buf_fini(&out);
	events_free(&ev);
}

/* Once as it is, and once as the body of a frame whose checksum is right. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf frame = { 0 };

	try(data, size);
	journal_begin(&frame, 1);
	buf_put(&frame, data, size);
	if (journal_end(&frame) == 0)
		try((const uint8_t *)frame.p, frame.len);
	buf_fini(&frame);
	return 0;
}
