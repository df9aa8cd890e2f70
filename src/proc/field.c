/*
 * The OT side of the gateway: the scan engine between the devices of one zone and the ring that this process writes.
 * It knows its zone's sources and nothing of what lies above.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "driver/driver.h"
#include "field/ask.h"
#include "field/field.h"
#include "os/clock.h"
#include "proc/child.h"
#include "proc/notes.h"
#include "proc/orders.h"

/* Of samples that a ring holds, at least half of that: as long may a reader be held up. */
#define RING_SECONDS	2
#define RING_LEAST	(1u << 20)
#define RING_MOST	(64u << 20)

struct field_proc {
	struct child		*child;
	const char		*state_dir;
	struct field		*field;
	struct ring_writer	*ring;
	size_t			 ring_size;
	struct orders_in	*orders;	/* from gate */
};

static struct field_proc proc;

static void
on_batch(void *arg, const struct batch_head *head, const struct sample *samples, const void *blob)
{
	struct field_proc *p = arg;
	size_t len = batch_size(head->n, head->blob_len);
	void *to = ring_reserve(p->ring, len);

	if (to == NULL)		/* batch_max sees to it that every batch fits */
		fatal("batch_too_long", "bytes=%zu ring=%zu", len, p->ring_size);
	ring_commit(p->ring, batch_pack(head, samples, blob, to), head->n);
	child_signal(p->child);
}

/* Bytes of samples that a plan brings in RING_SECONDS. */
static size_t
wanted_ring(const struct plan *plan)
{
	double bytes = 0;

	for (uint32_t i = 0; i < plan->ntags; i++) {
		const struct tag *t = &plan->tags[i];
		if (t->scan_ns > 0)
			bytes += (double)(BATCH_PACKED_SAMPLE + (value_has_bytes(t->type) ? 64 :
			    0)) * (double)NS_PER_S / (double)t->scan_ns;
	}
	bytes *= RING_SECONDS;
	for (uint32_t i = 0; i < plan->nsources; i++) {
		const struct driver *d = driver_find(plan->sources[i].driver);
		bytes += d != NULL ? d->info.ring_bytes : 0;
	}
	/* Rings are powers of two; rounded down, since every page of it is touched in the end and counts as memory. */
	size_t size = RING_LEAST;
	while (size < RING_MOST && (double)size * 2 <= bytes)
		size *= 2;
	return size;
}

/* Changes of the store of certificates. */
static int
send_changed(const void *p, size_t len)
{
	return orders_in_changed(proc.orders, p, len);
}

static int
on_plan(void *arg, struct plan *plan)
{
	struct field_proc *p = arg;
	int err = child_ring(p->child, wanted_ring(plan), &p->ring, &p->ring_size);

	if (err == 0 && p->field == NULL) {
		notes_open(p->child->loop, send_changed);
		struct field_config config = { .loop = p->child->loop, .out = { .arg = p, .batch = on_batch },
		    .stats = p->child->stats };
		err = field_new(&config, &p->field);
	}
	if (err != 0) {
		plan_free(plan);
		return err;
	}
	field_set_batch_max(p->field, p->ring_size / 4);
	driver_set_home(p->state_dir, plan->site);
	return field_apply(p->field, plan);
}

static bool
to_client(void *arg, const char *text, size_t len)
{
	return client_reply(arg, text, len);
}

static void
end_client(void *arg)
{
	client_end(arg);
}

static void
client_gone(void *arg)
{
	ask_gone(proc.field, arg);
}

static void
on_client(void *arg, struct client *c, const char *verb, int argc, const char *const *argv)
{
	static const struct { const char *verb; void (*ask)(struct field *, const struct ask_to *, int,
	    const char *const *); } rows[] = {
		{ "read", ask_read }, { "why", ask_why }, { "trace", ask_trace },
	};
	static const char no[] = "{\"error\":\"this is not a request for the field side\"}\n";
	struct field_proc *p = arg;
	struct ask_to to = { .arg = c, .line = to_client, .end = end_client };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0] && p->field != NULL; i++)
		if (strcmp(rows[i].verb, verb) == 0) {
			client_on_gone(c, client_gone, c);
			rows[i].ask(p->field, &to, argc, argv);
			return;
		}
	client_reply(c, no, sizeof no - 1);
	client_end(c);
}

static void
on_peer(void *arg, const char *zone, int fd)
{
	struct field_proc *p = arg;
	(void)zone;

	orders_in_close(p->orders);
	p->orders = orders_in_open(p->child->loop, fd, &p->field);
}

static void
on_stopped(void *arg)
{
	struct field_proc *p = arg;
	child_stopped(p->child);
}

static void
on_stop(void *arg, struct mono deadline)
{
	struct field_proc *p = arg;

	if (p->field == NULL)
		child_stopped(p->child);
	else
		field_stop(p->field, mono_diff(deadline, mono_now()), on_stopped, p);
}

int
field_main(const char *name, const char *state_dir)
{
	static const struct child_ops ops = { .plan = on_plan, .peer_field = on_peer, .client = on_client,
	    .stop = on_stop };

	log_open(name, LOG_LEVEL_INFO);
	proc.state_dir = state_dir;
	int status = child_main(ROLE_FIELD, name, state_dir, &ops, &proc, &proc.child);

	notes_close();
	field_free(proc.field);
	ring_writer_free(proc.ring);
	return status;
}
