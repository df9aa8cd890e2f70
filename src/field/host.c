/* What a driver sees of the engine. Nothing here calls a driver; what is to follow is noted for link_leave(). */
#include <string.h>

#include "base/log.h"
#include "field/ask.h"
#include "field/feed.h"
#include "field/link.h"
#include "field/order.h"

static struct link *
of(struct driver_host *h)
{
	return (struct link *)(void *)h;
}

static struct feed *
feed_at(struct link *l, uint32_t src)
{
	if (src >= l->sources.n)
		fatal("driver_broken", "driver=%s link=\"%s\" source=%u of=%u", l->driver->info.name, l->name, src,
		    l->sources.n);
	return l->feeds[src];
}

static int
host_send(struct driver_host *h, const void *p, size_t len)
{
	return link_send(of(h), p, len);
}

static void
host_sample(struct driver_host *h, uint32_t src, uint32_t tag, uint32_t status, const struct value *v,
    struct wall source_time,
    struct wall server_time, struct wall arrival, uint8_t flags)
{
	struct feed *f = feed_at(of(h), src);
	struct sample s = { .tag = tag, .status = status, .source = source_time, .server = server_time,
	    .arrival = arrival, .flags = flags };

	if (tag >= f->source->ntags)
		fatal("driver_broken", "driver=%s source=\"%s\" tag=%u of=%u", of(h)->driver->info.name,
		    f->source->name, tag, f->source->ntags);
	if (v != NULL)
		s.v = *v;
	if (s.v.type == VALUE_NULL && status_is_good(status))	/* never pass on a good nothing */
		s.status = (uint32_t)STATUS_BadInternalError;
	feed_sample(f, &s);
	if ((flags & SAMPLE_REREAD) != 0) {
		ask_sample(f, &s);
		order_sample(f, &s);
	}
}

static void
host_scan_done(struct driver_host *h, uint32_t src, uint32_t scan_class)
{
	feed_scan_done(feed_at(of(h), src), scan_class, of(h)->field->now);
}

static void
host_outcome(struct driver_host *h, uint32_t src, enum outcome o, int64_t rtt_ns, int64_t busy_ns)
{
	(void)rtt_ns;
	feed_outcome(feed_at(of(h), src), o, busy_ns, of(h)->field->now);
}

static void
host_frame(struct driver_host *h, uint32_t src, bool out, const void *p, size_t len, const char *note)
{
	ask_frame(feed_at(of(h), src), out, p, len, note);
}

static void
host_done(struct driver_host *h, uint32_t id, int err, const char *why)
{
	if (!order_done(of(h)->field, id, err, why))
		ask_done(of(h)->field, id, err, why);
}

static struct mono
host_deadline(struct driver_host *h, uint32_t id)
{
	return order_deadline(of(h)->field, id);
}

static void
host_result(struct driver_host *h, uint32_t id, uint32_t i, const struct value *v)
{
	order_result(of(h)->field, id, i, v);
}

static void
host_reset(struct driver_host *h, const char *why)
{
	link_break(of(h), why, -1);
}

static void
host_reach(struct driver_host *h, uint32_t src, bool reached, const char *text)
{
	feed_at(of(h), src);
	link_own_reach(of(h), src, reached, text);
}

static void
host_numbered(struct driver_host *h, uint32_t src, const struct sample *v, uint32_t n, const struct driver_numbers *no)
{
	feed_numbered(feed_at(of(h), src), v, n, no);
}

static void
host_left(struct driver_host *h)
{
	link_own_left(of(h));
}

void
link_host_init(struct driver_host *h)
{
	*h = (struct driver_host){ .send = host_send, .sample = host_sample, .scan_done = host_scan_done,
		.outcome = host_outcome, .frame = host_frame, .done = host_done, .deadline = host_deadline, .result = host_result, .reset = host_reset,
		.reach = host_reach, .numbered = host_numbered, .left = host_left };
}
