/* The listening socket, one connection at a time, and who may have it: the node that peer: names, by its certificate. */
#include <stdio.h>
#include <string.h>

#include "driver/link/link_int.h"
#include "os/clock.h"
#include "os/stream.h"
#include "os/tcp.h"
#include "os/timer.h"
#include "os/watch.h"
#include "site/link.h"

static const char *
own_name(const struct linkd *d)
{
	return d->s->keys[LINK_KEY_NAME].set ? d->s->keys[LINK_KEY_NAME].s : pki_host();
}

/* Our certificate, made if there is none, read anew when it was renewed. */
static int
own_load(struct linkd *d)
{
	if (d->own.cert != NULL && d->own.generation == pki_own_generation(d->pki))
		return 0;
	pki_own_fini(&d->own);
	return pki_node_own(d->pki, own_name(d), driver_site(), wall_now(), &d->own);
}

static int
do_listen(struct linkd *d)
{
	struct sockaddr_storage a;
	socklen_t len;
	struct endpoint e;
	const char *path;
	char why[160];

	int err = endpoint_parse_url(d->s->endpoint, "link", &e, &path, why, sizeof why);
	if (err == 0)
		err = tcp_numeric(e.host, e.port, &a, &len);
	if (err == 0)
		err = tcp_listen((struct sockaddr *)&a, len, &d->listen_fd);
	if (err == 0)
		err = watch_set(d->watch, d->listen_fd, true, false);
	return err;
}

int
way_open(struct linkd *d, struct wall wall)
{
	char why[300];
	const char *state = d->s->keys[LINK_KEY_PKI].set ? d->s->keys[LINK_KEY_PKI].s : driver_state();

	(void)wall;
	int err = d->pki != NULL ? 0 : pki_open(state, PKI_OT, NULL, &d->pki);
	if (err == 0)
		err = own_load(d);
	if (err != 0)
		snprintf(why, sizeof why, "no certificate to show: %.200s", d->pki != NULL ? pki_why(d->pki) : "out of memory");
	else if ((err = do_listen(d)) != 0)
		snprintf(why, sizeof why, "cannot listen on %.100s: %s; it must be an address of this machine, and nobody else's port", d->s->endpoint,
		    err_text(err));
	if (err == 0)
		snprintf(why, sizeof why, "waits for node %.100s", d->s->keys[LINK_KEY_PEER].s);
	d->h->reach(d->h, 0, false, why);
	d->listen_at = err == 0 ? MONO_NEVER : mono_add(mono_now(), 5 * NS_PER_S);
	return err;
}

/* ---- who it is ---- */

static bool
judge(void *arg, const uint8_t *chain, size_t len)
{
	struct linkd *d = arg;
	struct pki_verdict v;
	struct pki_peer peer = { .chain = chain, .len = len, .role = PKI_CLIENT, .from = d->from, .host = d->s->keys[LINK_KEY_PEER].s,
	    .crl_optional = true, .ca_as_peer = true, .now = wall_now() };
	unsigned long left_out;

	if (pki_verify(d->pki, &peer, &v) == 0)
		return true;
	if (log_limit_ok(&d->quiet, mono_now(), &left_out))
		log_warn("link_peer_refused", "source=\"%s\" from=%s status=%s subject=\"%s\" sha1=%s why=\"%s\" left_out=%lu", d->s->name, d->from,
		    pki_status_name(v.status), v.subject, v.sha1, v.text, left_out);
	return false;
}

void
way_lost(struct linkd *d, const char *why)
{
	if (d->fd < 0)
		return;
	if (d->broken && link_tls_ready(d->c.tls)) {
		link_put_close(&d->c.out, why);
		link_conn_flush(&d->c, mono_now());
	}
	watch_set(d->watch, d->fd, false, false);
	link_conn_fini(&d->c);
	stream_close(d->fd);
	d->fd = -1;
	d->greeted = d->broken = false;
	memset(d->streams, 0, sizeof d->streams);
	d->h->reach(d->h, 0, false, why);
}

static ssize_t io_read(int fd, void *p, size_t len) { return stream_read(fd, p, len); }
static ssize_t io_write(int fd, const void *p, size_t len) { return stream_write(fd, p, len); }

static void
begin(struct linkd *d, int fd, struct mono now)
{
	struct link_io io = { .read = io_read, .write = io_write, .frame = linkd_frame, .arg = d, .silence_ns = d->s->keys[LINK_KEY_TIMEOUT].i };
	struct link_tls *tls = NULL;
	int err = own_load(d);

	if (err == 0) {
		struct link_tls_conf conf = { .server = true, .chain = d->own.chain, .chain_len = d->own.chain_len, .key = d->own.key,
		    .key_len = d->own.key_len, .judge = judge, .arg = d };
		err = link_tls_new(&conf, &tls);
	}
	if (err != 0) {
		log_error("link_certificate", "source=\"%s\" error=\"%s\" why=\"%s\"", d->s->name, err_text(err), pki_why(d->pki));
		stream_close(fd);
		return;
	}
	d->fd = fd;
	d->began = now;
	d->serial++;
	link_conn_init(&d->c, fd, tls, &io, now);
	link_put_hello(&d->c.out, own_name(d), WINDOW);
}

/*
 * A new connection takes the place of one that is not heard: its far end may have been restarted, and the old one be half open. One that has
 * spoken within half of its time is not disturbed, since pings come at a third of it.
 */
static void
accept_one(struct linkd *d, struct mono now)
{
	struct sockaddr_storage a;
	socklen_t len;
	int fd = tcp_accept(d->listen_fd, &a, &len);

	if (fd < 0)
		return;
	if (d->fd >= 0 && mono_diff(now, d->c.heard) < d->c.io.silence_ns / 2) {
		stream_close(fd);	/* it comes again */
		return;
	}
	way_lost(d, "the other node has connected anew");
	tcp_format((struct sockaddr *)&a, len, d->from);
	begin(d, fd, now);
}

void
way_step(struct linkd *d, struct mono now, struct wall wall)
{
	if (d->listen_fd < 0 && !mono_before(now, d->listen_at))
		way_open(d, wall);
	if (d->listen_fd >= 0)
		accept_one(d, now);
	if (d->fd < 0)
		return;
	bool greeted = d->greeted;
	int err = link_conn_step(&d->c, now);
	if (err == 0 && !d->greeted && mono_diff(now, d->began) > GREET_NS)
		linkd_fail(d, "%s did not say who it is in time", d->from);
	if (err == 0 && !d->broken) {
		if (d->greeted && !greeted)
			d->h->reach(d->h, 0, true, d->from);
		watch_set(d->watch, d->fd, !d->c.hold, d->c.blocked);
		return;
	}
	char why[600];
	snprintf(why, sizeof why, "%s", d->broken ? d->why : d->c.why);
	way_lost(d, why);
}

void
way_close(struct linkd *d)
{
	if (d->fd >= 0) {
		link_tls_end(d->c.tls);
		link_conn_flush(&d->c, mono_now());
		link_conn_fini(&d->c);
	}
	stream_close(d->fd);
	stream_close(d->listen_fd);
	d->fd = d->listen_fd = -1;
	pki_own_fini(&d->own);
	memset(&d->own, 0, sizeof d->own);
	pki_close(d->pki);
	d->pki = NULL;
}
