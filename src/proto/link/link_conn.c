/* See link_conn.h. */
#include "proto/link/link_conn.h"

#include <stdio.h>

#define READ_ONCE	(64u << 10)	/* of plain text */
#define READS_A_STEP	16u		/* of cipher text, 128 KiB each at most; then others on this loop get their turn */
#define RECORD		(16u << 10)	/* the longest of TLS: RFC 8446, 5.1 */
#define PIECE		(256u << 10)	/* made into cipher text and sent before the next: all of it stays near the processor */

/* For TLS: what comes, as much of it as is this step's. */
static ssize_t
source(void *arg, void *p, size_t len)
{
	struct link_conn *c = arg;

	if (c->reads == 0)
		return ERR_AGAIN;
	c->reads--;
	ssize_t n = c->io.read(c->fd, p, len);
	if (n > 0) {
		c->heard = c->now;
		c->bytes_in += (uint64_t)n;
	}
	return n;
}

void
link_conn_init(struct link_conn *c, int fd, struct link_tls *tls, const struct link_io *io, struct mono now)
{
	*c = (struct link_conn){ .io = *io, .fd = fd, .tls = tls, .now = now, .heard = now, .said = now };
	link_tls_source(tls, source, c);
	if (c->io.frame_max == 0)
		c->io.frame_max = LINK_FRAME_MAX;
	c->in.max = c->io.frame_max + 4 + READ_ONCE;
	c->out.max = 4 * LINK_FRAME_MAX;
}

void
link_conn_fini(struct link_conn *c)
{
	link_tls_free(c->tls);
	buf_fini(&c->in);
	buf_fini(&c->out);
	c->tls = NULL;
}

static int
over(struct link_conn *c, int err, const char *what)
{
	if (c->why[0] == '\0')
		snprintf(c->why, sizeof c->why, "%s: %s%s%s", what, err_text(err), link_tls_why(c->tls)[0] != '\0' ? "; " : "", link_tls_why(c->tls));
	return err;
}

/* Hand on all whole frames and keep the rest. */
static int
frames(struct link_conn *c)
{
	size_t at = 0;
	int err = 0;

	while (err == 0 && !c->hold) {	/* ends: each frame takes five bytes at least */
		const uint8_t *p = (const uint8_t *)c->in.p + at;
		long len = link_frame_length(p, c->in.len - at);
		struct link_frame f;
		if (len > 4 + (long)c->io.frame_max)
			len = ERR_LIMIT;
		if (len == 0 || (len > 0 && (size_t)len > c->in.len - at))
			break;
		err = len < 0 ? (int)len : link_frame_parse(p, (size_t)len, &f);
		if (err == 0 && f.kind == LINK_CLOSE) {
			snprintf(c->why, sizeof c->why, "the other node ended it: %s", f.why);
			err = ERR_CONN;
		}
		if (err == 0 && f.kind != LINK_PING)
			err = c->io.frame(c->io.arg, &f);
		at += len > 0 ? (size_t)len : 0;
	}
	if (at > 0) {
		memmove(c->in.p, c->in.p + at, c->in.len - at);
		c->in.len -= at;
	}
	return err != 0 ? over(c, err, "the other node's message") : 0;
}

/* What has come. 0, also when there is more of it for another step. */
static int
plain(struct link_conn *c)
{
	int err = frames(c);	/* what was held */

	if (err != 0)
		return err;
	while (!c->hold) {	/* ends: the source gives so much a step */
		char *room = buf_room(&c->in, READ_ONCE);
		if (room == NULL)
			return over(c, ERR_LIMIT, "a message");
		ssize_t n = link_tls_read(c->tls, room, READ_ONCE);
		if (n == ERR_AGAIN)
			return 0;
		if (n < 0)
			return over(c, n == ERR_END ? ERR_CONN : (int)n, n == ERR_DENIED ? "certificates" : "the connection");
		c->in.len += (size_t)n;
		err = frames(c);
		if (err != 0)
			return err;
	}
	return 0;
}

/* Cipher text that waits. */
static int
push(struct link_conn *c, struct mono now)
{
	const void *p;
	size_t len;

	c->blocked = false;
	while ((len = link_tls_out(c->tls, &p)) > 0) {	/* ends: each write takes bytes */
		ssize_t n = c->io.write(c->fd, p, len);
		if (n == ERR_AGAIN) {
			c->blocked = true;
			return 0;
		}
		if (n < 0)
			return over(c, (int)n, "sending");
		link_tls_sent(c->tls, (size_t)n);
		c->bytes_out += (uint64_t)n;
		c->said = now;
	}
	return 0;
}

/* Forget what has been made into cipher text. */
static void
drop_sent(struct link_conn *c)
{
	if (c->out_at == c->out.len) {
		buf_reset(&c->out);
		c->out_at = 0;
	} else if (c->out_at > c->out.len / 2) {
		memmove(c->out.p, c->out.p + c->out_at, c->out.len - c->out_at);
		c->out.len -= c->out_at;
		c->out_at = 0;
	}
}

int
link_conn_flush(struct link_conn *c, struct mono now)
{
	if (c->out.err != 0)
		return over(c, c->out.err, "what is to be sent");
	int err = push(c, now);
	while (err == 0 && !c->blocked && c->out_at < c->out.len && link_tls_ready(c->tls)) {
		size_t n = c->out.len - c->out_at < PIECE ? c->out.len - c->out_at : PIECE;
		err = link_tls_write(c->tls, c->out.p + c->out_at, n);
		if (err != 0)
			return over(c, err, "sending");
		c->out_at += n;
		err = push(c, now);
	}
	drop_sent(c);
	return err;
}

/*
 * A large batch becomes cipher text where it lies when nothing waits before it: its first part goes with the frame's head in one record of TLS, the
 * rest without being copied. Small ones are gathered, so that they share records.
 */
void
link_conn_batch(struct link_conn *c, uint32_t stream, const uint8_t rec[LINK_REC], const void *payload, size_t len)
{
	if (c->out.len > 0 || len < RECORD || !link_tls_ready(c->tls) || link_conn_waiting(c) > PIECE) {
		link_put_batch(&c->out, stream, rec, payload, len);
		return;
	}
	link_put_batch_head(&c->out, stream, rec, len);
	size_t first = c->out.len < RECORD ? RECORD - c->out.len : 0;
	buf_put(&c->out, payload, first);
	if (c->out.err != 0)
		return;		/* link_conn_flush() tells it */
	int err = link_tls_write(c->tls, c->out.p, c->out.len);
	if (err == 0)
		err = link_tls_write(c->tls, (const uint8_t *)payload + first, len - first);
	buf_reset(&c->out);
	c->out.err = err;
}

int
link_conn_step(struct link_conn *c, struct mono now)
{
	c->now = now;
	c->reads = READS_A_STEP;
	int err = plain(c);	/* drives a handshake that we begin, too */
	if (c->hold)		/* it is we who do not listen */
		c->heard = now;
	if (err == 0 && mono_diff(now, c->heard) > c->io.silence_ns) {
		snprintf(c->why, sizeof c->why, "nothing was heard for %lld s: the way is cut, or the other node hangs",
		    (long long)(c->io.silence_ns / NS_PER_S));
		return ERR_TIMEOUT;
	}
	if (err == 0 && link_tls_ready(c->tls) && mono_diff(now, c->said) > c->io.silence_ns / 3)
		link_put_ping(&c->out);
	/* Also after a failure: a TLS alert tells the other side why. */
	int sent = link_conn_flush(c, now);
	return err != 0 ? err : sent;
}

size_t
link_conn_waiting(const struct link_conn *c)
{
	const void *p;
	return c->out.len - c->out_at + link_tls_out(c->tls, &p);
}

struct mono
link_conn_next(const struct link_conn *c)
{
	return mono_min(mono_add(c->said, c->io.silence_ns / 3 + NS_PER_MS), mono_add(c->heard, c->io.silence_ns + NS_PER_MS));
}
