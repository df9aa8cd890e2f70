/* The connection to the other node: looked up, opened, judged by certificate, kept alive, tried again with pauses for ever. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/stream.h"
#include "os/tcp.h"
#include "sink/link/link_sink.h"

#define OPEN_NS		(10 * NS_PER_S)	/* for the TCP connection, and again until HELLO */

static void on_timer(uv_timer_t *t);
static void on_poll(uv_poll_t *h, int status, int events);

const char *
ls_own_name(const struct link_sink *k)
{
	return k->cfg->keys[LS_KEY_NAME].set ? k->cfg->keys[LS_KEY_NAME].s : pki_host();
}

static void
wake_at(struct link_sink *k, struct mono at)
{
	int64_t ns = mono_diff(at, mono_now());

	uv_update_time(k->host->loop);
	uv_timer_start(&k->timer, on_timer, ns <= 0 ? 0 : (uint64_t)(ns / NS_PER_MS) + 1, 0);
}

static void
free_handle(uv_handle_t *h)
{
	free(h);
}

static void
drop_socket(struct link_sink *k)
{
	if (k->state == LS_GREETING || k->state == LS_UP)
		link_conn_fini(&k->c);
	if (k->poll != NULL) {
		uv_poll_stop(k->poll);
		uv_close((uv_handle_t *)k->poll, free_handle);
		k->poll = NULL;
	}
	stream_close(k->fd);
	k->fd = -1;
}

void
ls_lost(struct link_sink *k, const char *why)
{
	unsigned long left_out;
	bool was_up = k->state == LS_UP;
	char text[800];

	snprintf(text, sizeof text, "%s%s%s", why, k->refused[0] != '\0' ? ": " : "", k->refused);
	drop_socket(k);
	k->state = LS_WAITING;
	k->in_flight = 0;
	for (struct link_stream *st = k->streams; st != NULL; st = st->next)
		st->ready = false;
	if (log_limit_ok(&k->quiet, mono_now(), &left_out))
		log_warn(was_up ? "link_lost" : "link_failed", "sink=%s to=%s:%d cause=\"%s\" left_out=%lu", k->cfg->name, k->to.host, k->to.port, text,
		    left_out);
	k->host->state(k->host, false, text);
	wake_at(k, mono_add(mono_now(), backoff_next(&k->pause)));
	if (was_up)
		k->host->lost(k->host, text);
}

static bool
judge(void *arg, const uint8_t *chain, size_t len)
{
	struct link_sink *k = arg;
	struct pki_verdict v;
	char from[300];
	struct pki_peer peer = { .chain = chain, .len = len, .role = PKI_SERVER, .from = from, .host = k->cfg->keys[LS_KEY_PEER].s, .crl_optional = true,
	    .ca_as_peer = true, .now = wall_now() };

	snprintf(from, sizeof from, "%.200s:%d", k->to.host, k->to.port);
	k->refused[0] = '\0';
	if (pki_verify(k->pki, &peer, &v) == 0)
		return true;
	snprintf(k->refused, sizeof k->refused, "%s: %.600s", pki_status_name(v.status), v.text);
	return false;
}

static int
own_load(struct link_sink *k)
{
	if (k->own.cert != NULL && k->own.generation == pki_own_generation(k->pki))
		return 0;
	pki_own_fini(&k->own);
	return pki_node_own(k->pki, ls_own_name(k), k->site, wall_now(), &k->own);
}

static ssize_t io_read(int fd, void *p, size_t len) { return stream_read(fd, p, len); }
static ssize_t io_write(int fd, const void *p, size_t len) { return stream_write(fd, p, len); }

static void
greet(struct link_sink *k)
{
	struct link_io io = { .read = io_read, .write = io_write, .frame = ls_frame, .arg = k, .silence_ns = k->cfg->keys[LS_KEY_TIMEOUT].i };
	struct link_tls *tls = NULL;
	struct mono now = mono_now();
	int err = own_load(k);

	if (err == 0) {
		struct link_tls_conf conf = { .chain = k->own.chain, .chain_len = k->own.chain_len, .key = k->own.key, .key_len = k->own.key_len,
		    .judge = judge, .arg = k };
		err = link_tls_new(&conf, &tls);
	}
	if (err != 0) {
		ls_lost(k, pki_why(k->pki));
		return;
	}
	link_conn_init(&k->c, k->fd, tls, &io, now);
	k->state = LS_GREETING;
	k->began = now;
	k->refused[0] = '\0';
	link_put_hello(&k->c.out, ls_own_name(k), 0);
	ls_flush(k);
}

/* Let the connection work, and look what it waits for. */
static void
step(struct link_sink *k)
{
	struct mono now = mono_now();
	int err = link_conn_step(&k->c, now);

	if (err == 0 && k->state == LS_GREETING && mono_diff(now, k->began) > OPEN_NS) {
		snprintf(k->c.why, sizeof k->c.why, "the other node did not say who it is in time");
		err = ERR_TIMEOUT;
	}
	if (err != 0) {
		char why[600];
		snprintf(why, sizeof why, "%s", k->c.why);
		ls_lost(k, why);
		return;
	}
	uv_poll_start(k->poll, UV_READABLE | (k->c.blocked ? UV_WRITABLE : 0), on_poll);
	wake_at(k, link_conn_next(&k->c));
	if (k->state == LS_UP && (k->want_ready || (k->want_out && link_conn_waiting(&k->c) < LINK_OUT_HIGH))) {
		k->want_ready = k->want_out = false;
		k->host->ready(k->host);
	}
}

void
ls_flush(struct link_sink *k)
{
	if (k->state != LS_GREETING && k->state != LS_UP)
		return;
	wake_at(k, mono_now());
}

static void
on_poll(uv_poll_t *h, int status, int events)
{
	struct link_sink *k = h->data;
	(void)events;

	if (k->state == LS_CONNECTING) {
		int errnum = tcp_result(k->fd);
		if (status < 0 || errnum != 0)
			ls_lost(k, tcp_cause(errnum));
		else
			greet(k);
		return;
	}
	if (k->state == LS_GREETING || k->state == LS_UP)
		step(k);
}

static void
dial(struct link_sink *k, const struct sockaddr *a, socklen_t len)
{
	int err = tcp_connect(a, len, &k->fd);

	k->poll = err == 0 ? malloc(sizeof *k->poll) : NULL;
	if (err == 0 && (k->poll == NULL || uv_poll_init(k->host->loop, k->poll, k->fd) != 0))
		fatal("out_of_memory", "sink=%s what=connection", k->cfg->name);
	if (err != 0) {
		ls_lost(k, err_text(err));
		return;
	}
	k->poll->data = k;
	k->state = LS_CONNECTING;
	uv_poll_start(k->poll, UV_WRITABLE, on_poll);
	wake_at(k, mono_add(mono_now(), OPEN_NS));
}

static void
on_looked_up(uv_getaddrinfo_t *r, int status, struct addrinfo *found)
{
	struct link_sink *k = r->data;
	char why[200];

	k->looking = false;
	if (k->state == LS_STOPPED) {
		uv_freeaddrinfo(found);
		ls_finish(k);
		return;
	}
	if (status != 0 || found == NULL) {
		snprintf(why, sizeof why, "the name %.100s is not known: %s", k->to.host, status != 0 ? uv_strerror(status) : "no address");
		ls_lost(k, why);
	} else
		dial(k, found->ai_addr, found->ai_addrlen);
	uv_freeaddrinfo(found);
}

void
ls_start(struct link_sink *k)
{
	struct sockaddr_storage a;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	socklen_t len;
	char port[16];

	if (tcp_numeric(k->to.host, k->to.port, &a, &len) == 0) {
		dial(k, (struct sockaddr *)&a, len);
		return;
	}
	snprintf(port, sizeof port, "%d", k->to.port);
	k->state = LS_LOOKUP;
	k->looking = true;
	k->lookup.data = k;
	if (uv_getaddrinfo(k->host->loop, &k->lookup, on_looked_up, k->to.host, port, &hints) != 0) {
		k->looking = false;
		ls_lost(k, "names cannot be looked up");
	}
}

static void
on_timer(uv_timer_t *t)
{
	struct link_sink *k = t->data;

	switch (k->state) {
	case LS_WAITING:
		ls_start(k);
		break;
	case LS_CONNECTING:
		ls_lost(k, "no answer: is the other node up, and is the way open in the firewall?");
		break;
	case LS_GREETING:
	case LS_UP:
		step(k);
		break;
	case LS_LOOKUP:
	case LS_STOPPED:
		break;
	}
}

static void
on_closed(uv_handle_t *h)
{
	struct link_sink *k = h->data;

	k->timer_closed = true;
	ls_finish(k);
}

/* Called again as each part is gone. */
void
ls_finish(struct link_sink *k)
{
	if (k->state != LS_STOPPED) {
		if (k->state == LS_UP) {
			link_put_close(&k->c.out, "the node is being stopped");
			link_conn_flush(&k->c, mono_now());
		}
		drop_socket(k);
		k->state = LS_STOPPED;
		if (k->looking)
			uv_cancel((uv_req_t *)&k->lookup);
	}
	if (!k->closing) {
		k->closing = true;
		uv_close((uv_handle_t *)&k->timer, on_closed);
	}
	if (!k->looking && k->timer_closed && k->stopped != NULL) {
		void (*stopped)(void *) = k->stopped;
		k->stopped = NULL;
		stopped(k->stopped_arg);
	}
}
