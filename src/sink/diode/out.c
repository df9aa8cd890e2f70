/*
 * Datagrams on their way out: they wait in the order in which they were made, go no faster than the rate, and when the kernel has taken them the batches in
 * them count as sent. A network that is down makes them wait; only what has left this machine can be lost.
 */
#include <stdlib.h>
#include <string.h>

#include "os/stream.h"
#include "ring/stats.h"
#include "sink/diode/diode_sink.h"

#define OVERHEAD	28u		/* IPv4 and UDP headers, which count for the rate */
#define BURST_NS	(2 * NS_PER_MS)
#define BURST_MIN	(64u << 10)
#define RETRY_NS	NS_PER_S
#define STALL_NS	(2 * NS_PER_S)

static size_t
slot(const struct diode_sink *k)
{
	return k->params.size + DIODE_OVER;
}

void
ds_out(void *arg, const uint8_t *p, size_t len)
{
	struct diode_sink *k = arg;
	struct diode_chunk *c = k->last;

	if (c == NULL || c->n == CHUNK) {
		c = malloc(sizeof *c + CHUNK * slot(k));
		if (c == NULL)
			fatal("out_of_memory", "sink=%s", k->cfg->name);
		c->next = NULL;
		c->n = c->at = 0;
		if (k->last != NULL)
			k->last->next = c;
		else
			k->first = c;
		k->last = c;
	}
	memcpy(c->data + c->n * slot(k), p, len);
	c->len[c->n++] = (uint16_t)len;
	k->waiting += len;
	k->made++;
}

void
ds_drop_all(struct diode_sink *k)
{
	while (k->first != NULL) {
		struct diode_chunk *c = k->first;
		k->first = c->next;
		free(c);
	}
	k->last = NULL;
	k->waiting = 0;
}

static double
rate(const struct diode_sink *k)
{
	return (double)k->cfg->keys[DS_KEY_RATE].i;
}

bool
ds_room(const struct diode_sink *k)
{
	double high = rate(k) * (double)HIGH_NS / 1e9;
	return (double)k->waiting < (high > BURST_MIN ? high : BURST_MIN);
}

static void
fill_bucket(struct diode_sink *k, struct mono now)
{
	double most = rate(k) * (double)BURST_NS / 1e9, passed = (double)mono_diff(now, k->tokens_at) / 1e9;

	most = most > BURST_MIN ? most : BURST_MIN;
	k->tokens += rate(k) * (passed > 0 ? passed : 0);
	k->tokens = k->tokens > most ? most : k->tokens;
	k->tokens_at = now;
}

static void
show(struct diode_sink *k, bool up, const char *text)
{
	if (up && k->shown_up)
		return;
	k->shown_up = up;
	k->host->state(k->host, up, text);
}

/* Batches whose last datagram has gone. */
static void
report_sent(struct diode_sink *k)
{
	for (struct diode_stream *st = k->streams; st != NULL; st = st->next)
		while (st->batches != NULL && st->batches->after <= k->sent) {
			struct diode_batch *b = st->batches;
			st->batches = b->next;
			if (st->batches == NULL)
				st->end = &st->batches;
			k->host->done(k->host, st->s, b->first, b->last);
			free(b);
		}
}

/* Some datagrams of the oldest chunk. Returns how many went; ERR_AGAIN; an error. 0: the rate allows none. */
static int
send_some(struct diode_sink *k)
{
	struct diode_chunk *c = k->first;
	struct udp_datagram v[UDP_BATCH];
	unsigned n = 0;
	double left = k->tokens;
	size_t bytes = 0;

	while (n < UDP_BATCH && c->at + n < c->n && left > 0) {
		v[n] = (struct udp_datagram){ c->data + (c->at + n) * slot(k), c->len[c->at + n] };
		left -= c->len[c->at + n] + (double)OVERHEAD;
		n++;
	}
	int done = n > 0 ? udp_send(k->fd, v, n) : 0;
	for (int i = 0; i < done; i++)
		bytes += v[i].len;
	if (done <= 0)
		return done;
	k->tokens -= (double)bytes + (double)done * OVERHEAD;
	k->waiting -= bytes;
	k->sent += (unsigned)done;
	stat_add((stat_t *)&k->host->stats[STATS_sink_messages], (uint64_t)done);
	stat_add((stat_t *)&k->host->stats[STATS_sink_bytes], bytes);
	c->at += (unsigned)done;
	if (c->at == CHUNK || (c->at == c->n && c == k->last)) {
		k->first = c->next;
		k->last = k->first == NULL ? NULL : k->last;
		free(c);
	}
	return done;
}

static struct mono
later(struct diode_sink *k, struct mono now, const char *why)
{
	unsigned long left_out;

	stream_close(k->fd);
	k->fd = -1;
	k->retry_at = mono_add(now, RETRY_NS);
	if (log_limit_ok(&k->quiet, now, &left_out))
		log_warn("diode_not_sent", "sink=%s cause=\"%s\" note=\"what was not sent waits\" left_out=%lu", k->cfg->name, why, left_out);
	show(k, false, why);
	return k->retry_at;
}

struct mono
ds_pump(struct diode_sink *k, struct mono now)
{
	int n = 1;

	if (k->fd < 0) {
		if (mono_before(now, k->retry_at))
			return k->retry_at;
		int err = udp_send_open((struct sockaddr *)&k->to, k->to_len, &k->fd);
		if (err != 0)
			return later(k, now, err == ERR_CONN ? "no way leads there: check this machine's address and routes" : err_text(err));
	}
	fill_bucket(k, now);
	while (k->first != NULL && (n = send_some(k)) > 0)
		k->stalled_at = MONO_NEVER;
	report_sent(k);
	if (n == ERR_LIMIT)
		return later(k, now, "a datagram is longer than the way takes: lower `datagram` at both ends, or raise the MTU");
	if (n < 0 && n != ERR_AGAIN)
		return later(k, now, err_text(n));
	if (n == ERR_AGAIN) {
		k->stalled_at = k->stalled_at.ns == INT64_MAX ? now : k->stalled_at;
		if (mono_diff(now, k->stalled_at) > STALL_NS)
			show(k, false, "the kernel takes no datagrams: is the interface up, and does the firewall let them out?");
		return mono_add(now, 5 * NS_PER_MS);
	}
	show(k, true, "sending one way: what was sent is not known to have arrived");
	return k->first != NULL ? mono_add(now, NS_PER_MS) : MONO_NEVER;
}
