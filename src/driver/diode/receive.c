/*
 * The thread that receives: it does nothing else than take datagrams from the socket, check and decode them, so that a busy loop costs none. What comes out
 * goes to the loop through a list of bounded size; what has no room there is dropped and counted, and its numbers are missed soon enough.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/diode/diode_int.h"
#include "os/clock.h"
#include "os/stream.h"
#include "os/tcp.h"
#include "os/udp.h"
#include "os/wake.h"
#include "pki/preplaced.h"
#include "site/link.h"

#define ROUNDS	16		/* of UDP_BATCH datagrams, before figures are shown */

struct dd_thread {
	const struct source	*s;
	struct diode_keys	 keys;
	struct udp_in		*in;
	struct diode_recv	*recv;
	struct dd_sessions	 sessions;
	struct log_limit	 quiet;
	int			 wake_fd, stop_fd;
	pthread_t		 id;
	atomic_bool		 stop;
	uint64_t		 overrun, full;	/* the thread's */

	pthread_mutex_t		 lock;		/* for what follows */
	struct dd_event		*first, **end;
	size_t			 bytes;
	struct dd_counts	 counts;
};

/* ---- from the decoder, in the thread ---- */

static void
push(struct dd_thread *t, struct dd_event *e)
{
	size_t bytes = sizeof *e + e->len;

	pthread_mutex_lock(&t->lock);
	bool room = t->bytes + bytes <= QUEUE_BYTES, first = t->first == NULL;
	if (room) {
		*t->end = e;
		t->end = &e->next;
		t->bytes += bytes;
	}
	pthread_mutex_unlock(&t->lock);
	if (!room) {
		t->full += e->kind == DD_RECORD;
		free(e);
	} else if (first)
		wake_set(t->wake_fd);
}

static void
on_record(void *arg, uint64_t session, uint32_t stream, const struct diode_record *r)
{
	struct dd_event *e = malloc(sizeof *e + r->len);

	if (e == NULL)
		fatal("out_of_memory", "what=\"record of a one-way link\" bytes=%u", r->len);
	*e = (struct dd_event){ .kind = DD_RECORD, .session = session, .stream = stream, .record = r->kind, .len = r->len };
	memcpy(e->data, r->p, r->len);
	push(arg, e);
}

static void
on_control(void *arg, uint64_t session, const struct diode_control *c, const bool settled[])
{
	struct dd_event *e = malloc(sizeof *e);

	if (e == NULL)
		fatal("out_of_memory", "what=\"beacon of a one-way link\"");
	*e = (struct dd_event){ .kind = DD_CONTROL, .session = session, .control = *c };
	memcpy(e->settled, settled, sizeof e->settled);
	push(arg, e);
}

static void
on_lost(void *arg, uint64_t session, uint32_t stream, uint64_t from, uint64_t to)
{
	struct dd_thread *t = arg;
	unsigned long left_out;

	/* Which numbers were in them is known when the next batch or beacon comes. */
	if (log_limit_ok(&t->quiet, mono_now(), &left_out))
		log_warn("diode_blocks_lost", "source=\"%s\" session=%016llx stream=%u first=%llu last=%llu left_out=%lu", t->s->name, (unsigned long long)session,
		    stream, (unsigned long long)from, (unsigned long long)to, left_out);
}

static void
on_mismatch(void *arg, const struct diode_params *p)
{
	struct dd_thread *t = arg;
	struct diode_params own = diode_params_of(t->s);
	unsigned long left_out;

	if (log_limit_ok(&t->quiet, mono_now(), &left_out))
		log_error("diode_parameters_differ", "source=\"%s\" here=\"data-symbols %u, repair-symbols %u, interleave %u, datagram %u\" there=\"data-symbols %u, "
		    "repair-symbols %u, interleave %u, datagram %u\" remedy=\"set both ends alike; nothing is taken until then\" left_out=%lu", t->s->name, own.k, own.p,
		    own.depth, own.size + DIODE_OVER, p->k, p->p, p->depth, p->size + DIODE_OVER, left_out);
}

static bool
on_adopt(void *arg, uint64_t session)
{
	return sessions_take(&((struct dd_thread *)arg)->sessions, session);
}

/* ---- the thread ---- */

static void
show(struct dd_thread *t)
{
	pthread_mutex_lock(&t->lock);
	t->counts = (struct dd_counts){ .n = *diode_recv_counts(t->recv), .overrun = t->overrun, .queue_full = t->full, .session = diode_recv_session(t->recv) };
	pthread_mutex_unlock(&t->lock);
}

static void *
thread_main(void *arg)
{
	struct dd_thread *t = arg;
	struct udp_datagram v[UDP_BATCH];
	struct wait_fd w[2] = { { .fd = udp_in_fd(t->in), .in = true }, { .fd = t->stop_fd, .in = true } };
	struct mono next = MONO_NEVER;

	while (!atomic_load(&t->stop)) {
		struct mono now = mono_now();
		int64_t ns = next.ns == INT64_MAX ? NS_PER_S : mono_diff(next, now);
		wait_fds(w, 2, ns < 0 ? 0 : ns > NS_PER_S ? NS_PER_S : ns);
		for (int i = 0, n = 1; i < ROUNDS && n > 0; i++) {
			n = udp_in_receive(t->in, v, &t->overrun);
			now = mono_now();
			for (int k = 0; k < n; k++)
				diode_recv_datagram(t->recv, v[k].p, v[k].len, now);
		}
		next = diode_recv_tick(t->recv, mono_now());
		show(t);
	}
	return NULL;
}

static void
release(struct dd_thread *t)
{
	while (t->first != NULL) {
		struct dd_event *e = t->first;
		t->first = e->next;
		free(e);
	}
	diode_recv_free(t->recv);
	udp_in_close(t->in);
	diode_keys_fini(&t->keys);
	stream_close(t->stop_fd);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static int
bind_to(struct dd_thread *t, char *why, size_t size)
{
	size_t want = (size_t)t->s->keys[DD_KEY_BUFFER].i, got = 0;
	struct sockaddr_storage a;
	socklen_t len;
	struct endpoint e;
	const char *path;
	char text[160];

	int err = endpoint_parse_url(t->s->endpoint, "diode", &e, &path, text, sizeof text);
	if (err == 0)
		err = tcp_numeric(e.host, e.port != 0 ? e.port : 7434, &a, &len);
	if (err == 0)
		err = udp_in_open((struct sockaddr *)&a, len, want, diode_params_of(t->s).size + DIODE_OVER, &t->in, &got);
	if (err != 0)
		snprintf(why, size, "cannot bind to %.100s: %s; it must be an address of this machine, and nobody else's port", t->s->endpoint, err_text(err));
	else if (got < want)
		log_warn("diode_buffer_small", "source=\"%s\" wanted=%zu got=%zu effect=\"a pause of this machine loses datagrams sooner\" "
		    "remedy=\"sysctl -w net.core.rmem_max=%zu\"", t->s->name, want, got, want);
	return err;
}

int
dd_thread_start(const struct source *s, const char *dir, int wake_fd, struct dd_thread **out, char *why, size_t size)
{
	struct dd_thread *t = calloc(1, sizeof *t);

	*out = NULL;
	if (t == NULL)
		return ERR_NOMEM;
	t->s = s;
	t->wake_fd = wake_fd;
	t->stop_fd = -1;
	t->end = &t->first;
	t->quiet = (struct log_limit){ .burst = 10, .period_ms = 60000 };
	pthread_mutex_init(&t->lock, NULL);
	int err = preplaced_read(s->keys[DD_KEY_KEY].s, &t->keys, why, size);
	if (err == 0 && (err = sessions_open(&t->sessions, dir)) != 0)
		snprintf(why, size, "%.300s: %s; keep a copy of it and remove it", t->sessions.path, err_text(err));
	if (err == 0)
		err = bind_to(t, why, size);
	if (err == 0 && (err = wake_open(&t->stop_fd)) != 0)
		snprintf(why, size, "%s", err_text(err));
	struct diode_recv_conf c = { .params = diode_params_of(s), .keys = &t->keys, .memory = (size_t)s->keys[DD_KEY_MEMORY].i,
	    .hold_ns = s->keys[DD_KEY_HOLD].i, .inversions_per_s = INVERSIONS, .adopt = on_adopt, .record = on_record, .lost = on_lost, .control = on_control,
	    .mismatch = on_mismatch, .arg = t };
	if (err == 0 && (t->recv = diode_recv_new(&c)) == NULL) {
		snprintf(why, size, "out of memory");
		err = ERR_NOMEM;
	}
	if (err == 0 && pthread_create(&t->id, NULL, thread_main, t) != 0) {
		snprintf(why, size, "no thread can be started");
		err = ERR_NOMEM;
	}
	if (err != 0)
		release(t);
	else
		*out = t;
	return err;
}

void
dd_thread_stop(struct dd_thread *t)
{
	if (t == NULL)
		return;
	atomic_store(&t->stop, true);
	wake_set(t->stop_fd);
	pthread_join(t->id, NULL);
	release(t);
}

struct dd_event *
dd_thread_take(struct dd_thread *t)
{
	pthread_mutex_lock(&t->lock);
	struct dd_event *e = t->first;
	if (e != NULL) {
		t->first = e->next;
		if (t->first == NULL)
			t->end = &t->first;
		t->bytes -= sizeof *e + e->len;
		e->next = NULL;
	}
	pthread_mutex_unlock(&t->lock);
	return e;
}

struct dd_counts
dd_thread_counts(struct dd_thread *t)
{
	pthread_mutex_lock(&t->lock);
	struct dd_counts c = t->counts;
	pthread_mutex_unlock(&t->lock);
	return c;
}
