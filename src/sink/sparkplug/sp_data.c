/*
 * A batch of samples as DDATA and NDATA. Samples go by device, then by time (Sparkplug 3.0.0, 5.9: values in one message stand in the order
 * of their times, historical ones aside); a message holds at most SP_MESSAGE_METRICS of them.
 *
 * What is history: everything the births have overtaken. A stream's `newest` is the last number that went into a birth or out as current;
 * whatever comes with a number up to it, backlog or repeat, is sent with is_historical and its own time. So are late samples.
 */
#include <stdlib.h>

#include "os/clock.h"
#include "sink/sparkplug/sp_int.h"

#define PUT_ROOM	64u	/* of a message: timestamp, seq, MQTT's header */

/* ---- in order ---- */

static bool
after(const struct sp_ref *a, const struct sp_ref *b)
{
	return a->device != b->device ? a->device > b->device : a->time_ns > b->time_ns;
}

static void
merge(const struct sp_ref *from, struct sp_ref *to, size_t a, size_t b, size_t end)
{
	size_t i = a, j = b;

	for (size_t out = a; out < end; out++)
		to[out] = i < b && (j == end || !after(&from[i], &from[j])) ? from[i++] : from[j++];
}

/* A merge sort from the bottom up: what is equal keeps its order. The result is in k->refs. */
static void
sort(struct sp_sink *k, size_t n)
{
	size_t unsorted = 0;

	for (size_t i = 1; i < n; i++)
		unsorted += after(&k->refs[i - 1], &k->refs[i]);
	for (size_t run = 1; unsorted > 0 && run < n; run *= 2) {
		for (size_t a = 0; a < n; a += 2 * run) {
			size_t b = a + run < n ? a + run : n, end = a + 2 * run < n ? a + 2 * run : n;
			merge(k->refs, k->refs_spare, a, b, end);
		}
		struct sp_ref *t = k->refs;
		k->refs = k->refs_spare;
		k->refs_spare = t;
	}
}

/* ---- a batch ---- */

static size_t
value_room(const struct sample *s)
{
	size_t len = value_has_bytes(s->v.type) ? s->v.len : 0;
	return SP_VALUE_ROOM + (s->v.type == VALUE_TEXT || s->v.type == VALUE_JSON ? 3 * len : len);	/* a byte that is no UTF-8 takes three */
}

/* Can it be sent at all? Else why says what is wrong. */
static bool
fits(const struct sp_sink *k, const struct sp_stream *st, const struct spool_batch *b, char *why, size_t size)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct sample *s = &b->samples[i];
		if (s->tag >= st->s->schema->n) {
			snprintf(why, size, "the batch names a tag that its schema does not have");
			return false;
		}
		const struct sp_metric *m = &k->node.metrics[st->metrics[s->tag]];
		if (s->v.type != VALUE_NULL && s->v.type != m->type) {
			snprintf(why, size, "a value of %.60s has another type than its schema says", m->name);
			return false;
		}
		if (k->max_packet > 0 && value_room(s) + PUT_ROOM + 3 * SP_ID_MAX > k->max_packet) {
			snprintf(why, size, "a value of %u bytes is larger than the broker takes (its Maximum Packet Size is %u): raise it there", s->v.len,
			    k->max_packet);
			return false;
		}
	}
	return true;
}

static size_t
make_refs(struct sp_sink *k, const struct sp_stream *st, const struct spool_batch *b)
{
	bool stored = b->first <= st->newest;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct sample *s = &b->samples[i];
		uint32_t metric = st->metrics[s->tag];
		bool late = (s->flags & SAMPLE_HISTORICAL) != 0 || ((s->flags & SAMPLE_LATE) != 0 && (s->flags & SAMPLE_CLOCK_STEP) == 0);
		k->refs[i] = (struct sp_ref){
			.s = s, .time_ns = sample_time(s).ns, .device = k->node.metrics[metric].device, .metric = metric, .historical = stored || late,
		};
	}
	sort(k, b->n);
	return b->n;
}

static void
remember(struct sp_sink *k, const struct sp_ref *r)
{
	const struct sp_metric *m = &k->node.metrics[r->metric];
	if (!r->historical || !m->known || m->time.ns < r->time_ns)
		sp_node_take(&k->node, r->metric, r->s);
}

/* Values that only repeat what DDEATH has said are taken note of and not sent. Returns how many of refs are left. */
static size_t
leave_out_dead(struct sp_sink *k, struct sp_ref *refs, size_t n)
{
	const struct sp_device *d = &k->node.devices[refs->device];
	size_t left = 0;

	if (d->born || refs->device == 0)
		return n;
	for (size_t i = 0; i < n; i++) {
		if (!refs[i].historical && sp_status_away(refs[i].s->status))
			remember(k, &refs[i]);
		else
			refs[left++] = refs[i];
	}
	return left;
}

/* One message of the first samples of refs, all of one device. Returns how many, or an error. */
static int
send_some(struct sp_sink *k, const struct sp_ref *refs, size_t n, size_t *bytes)
{
	size_t limit = k->max_packet > 0 && k->max_packet < SP_MESSAGE_BYTES ? k->max_packet - PUT_ROOM - 3 * SP_ID_MAX : SP_MESSAGE_BYTES;
	size_t room = 0, i = 0;
	struct sp_msg *m = sp_msg_begin(k, SP_MSG_DATA);

	buf_puts(&m->topic, k->node.devices[refs->device].data_topic);
	for (; i < n && i < SP_MESSAGE_METRICS; i++) {
		const struct sp_metric *metric = &k->node.metrics[refs[i].metric];
		room += value_room(refs[i].s);
		if (i > 0 && room > limit)
			break;
		sp_builder_metric(k->builder, &(struct sp_metric_out){
			.alias = metric->alias, .time = sample_time(refs[i].s), .historical = refs[i].historical, .status = refs[i].s->status,
			.v = &refs[i].s->v, .type = metric->type,
		});
	}
	int err = sp_msg_send(k, m);
	*bytes += err == 0 ? m->payload.len : 0;
	return err != 0 ? err : (int)i;
}

static int
send_device(struct sp_sink *k, struct sp_ref *refs, size_t n, size_t *bytes)
{
	uint32_t device = refs->device;
	struct sp_device *d = &k->node.devices[device];
	bool history = false;
	int err = 0, took;

	n = leave_out_dead(k, refs, n);
	if (n > 0 && !d->born && device > 0)
		err = sp_birth_device(k, device);
	for (size_t at = 0; err == 0 && at < n; at += (size_t)took) {
		took = send_some(k, refs + at, n - at, bytes);
		err = took < 0 ? took : 0;
		for (size_t i = at; err == 0 && i < at + (size_t)took; i++) {
			remember(k, &refs[i]);
			history = history || refs[i].historical;
		}
	}
	if (history)
		d->history = mono_now();
	if (err == 0)
		sp_settle_device(k, device);
	return err;
}

/* Has the broker hung up on this batch too often? */
static bool
condemned(struct sp_sink *k, const struct sp_stream *st, const struct spool_batch *b, char *why, size_t size)
{
	unsigned strikes = suspects_take(&k->suspects, st->s, b->first, b->first + b->n - 1);

	if (strikes > 0)
		snprintf(why, size, "the broker closed the connection %u times in a row when it was sent this batch alone; the last time: %.100s",
		    strikes, k->last_fall);
	return strikes > 0;
}

int
sp_data_send(struct sp_sink *k, struct sp_stream *st, const struct spool_batch *b)
{
	struct sp_job j = { .s = st->s, .first = b->first, .last = b->first + b->n - 1, .from = k->serial };
	int err = 0;

	if (b->n > SPOOL_BATCH_MAX || !fits(k, st, b, j.why, sizeof j.why)) {
		k->host->refused(k->host, st->s, j.first, j.last, j.why[0] != '\0' ? j.why : "the batch is larger than a batch can be");
		return 0;
	}
	if (condemned(k, st, b, j.why, sizeof j.why)) {
		k->host->refused(k->host, st->s, j.first, j.last, j.why);
		return 0;
	}
	size_t n = make_refs(k, st, b), end;
	for (size_t at = 0; err == 0 && at < n; at = end) {
		for (end = at + 1; end < n && k->refs[end].device == k->refs[at].device; end++)
			;
		err = send_device(k, k->refs + at, end - at, &j.bytes);
	}
	if (err != 0)
		return err;
	if (j.last > st->newest)
		st->newest = j.last;
	j.upto = k->serial;
	sp_job_add(k, &j);
	sp_settle(k);
	return 0;
}

/* ---- present values ---- */

struct look {
	struct sp_sink		*k;
	struct sp_stream	*st;
};

static void
on_newest(void *arg, const struct spool_batch *b)
{
	struct look *l = arg;
	struct sp_node *n = &l->k->node;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct sample *s = &b->samples[i];
		if (s->tag >= l->st->s->schema->n)
			continue;
		uint32_t metric = l->st->metrics[s->tag];
		const struct sp_metric *m = &n->metrics[metric];
		bool newer = !m->known || sample_time(s).ns >= m->time.ns || (s->flags & SAMPLE_CLOCK_STEP) != 0;
		if (newer && (s->v.type == VALUE_NULL || s->v.type == m->type))
			sp_node_take(n, metric, s);
	}
	if (b->first + b->n - 1 > l->st->newest)
		l->st->newest = b->first + b->n - 1;
}

void
sp_data_newest(struct sp_sink *k, struct sp_stream *st)
{
	struct look look = { k, st };
	int err = k->host->newest(k->host, st->s, st->newest + 1, on_newest, &look);

	if (err != 0 && err != ERR_NOTFOUND)
		log_warn("sparkplug_births_from_memory", "sink=%s flow=\"%s\" error=\"%s\" why=\"the newest values cannot be read from the spool\"", k->name,
		    st->s->flow, err_text(err));
	st->read = true;
}

/* ---- for people ---- */

int
sp_data_preview(struct sp_sink *k, struct sp_stream *st, const struct spool_batch *b, struct buf *out)
{
	char why[320], when[WALL_TEXT];
	uint32_t device = UINT32_MAX;

	if (b->n > SPOOL_BATCH_MAX || !fits(k, st, b, why, sizeof why))
		return ERR_PROTO;
	size_t n = make_refs(k, st, b);
	for (size_t i = 0; i < n; i++) {
		const struct sp_ref *r = &k->refs[i];
		if (r->device != device)
			buf_printf(out, "topic %s\n", k->node.devices[r->device].data_topic);
		device = r->device;
		buf_printf(out, "  %s  %s  %s%s  ", wall_format(sample_time(r->s), 3, when), k->node.metrics[r->metric].name, status_name(r->s->status),
		    r->historical ? "  historical" : "");
		value_print(out, &r->s->v);
		buf_putc(out, '\n');
	}
	return out->err;
}
