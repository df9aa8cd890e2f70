/* See lobby.h. The thread is run(); its user speaks with it through what the lock guards. */
#include "link/lobby.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "link/lobby_int.h"
#include "os/clock.h"
#include "os/lookup.h"
#include "os/stream.h"
#include "os/tcp.h"
#include "os/wake.h"

#define PAUSE_MIN_NS	(200 * NS_PER_MS)
#define PAUSE_MAX_NS	(10 * NS_PER_S)
#define LISTEN_NS	(5 * NS_PER_S)	/* until listening is tried again */
#define ADDRESSES	4u
#define STACK_BYTES	(512u << 10)

_Static_assert(LOBBY_HALF_MAX + 2 <= WAIT_FDS_MAX, "all are waited for at once");

/* ---- between user and thread ---- */

void
lobby_say(struct lobby *d, int err, const char *text)
{
	pthread_mutex_lock(&d->lock);
	snprintf(d->text, sizeof d->text, "%s", text);
	d->err = err;
	pthread_mutex_unlock(&d->lock);
	wake_set(d->wake);
	if (d->conf.connect && err != 0)
		d->next = mono_add(mono_now(), backoff_next(&d->pause));
}

void
lobby_hand_over(struct lobby *d, struct lobby_conn *n)
{
	pthread_mutex_lock(&d->lock);
	struct lobby_conn *before = d->ready;
	d->ready = n;
	d->text[0] = '\0';
	pthread_mutex_unlock(&d->lock);
	lobby_conn_free(before);		/* of the same node, which has connected again since */
	d->wanted = false;
	wake_set(d->wake);
}

struct lobby_conn *
lobby_take(struct lobby *d, char *text, int *err)
{
	wake_clear(d->wake);
	pthread_mutex_lock(&d->lock);
	struct lobby_conn *n = d->ready;
	d->ready = NULL;
	snprintf(text, LOBBY_TEXT, "%s", d->text);
	*err = d->err;
	d->text[0] = '\0';
	d->err = 0;
	pthread_mutex_unlock(&d->lock);
	return n;
}

void
lobby_again(struct lobby *d, bool worked)
{
	pthread_mutex_lock(&d->lock);
	d->again = true;
	d->worked = worked;
	pthread_mutex_unlock(&d->lock);
	wake_set(d->inner);
}

int
lobby_wake(const struct lobby *d)
{
	return d->wake;
}

/* What the user has asked for. False: to end. */
static bool
asked(struct lobby *d, struct mono now)
{
	wake_clear(d->inner);
	pthread_mutex_lock(&d->lock);
	bool stop = d->stop;
	if (d->again && d->conf.connect) {
		if (d->worked)
			backoff_reset(&d->pause);
		d->wanted = true;
		d->next = mono_add(now, backoff_next(&d->pause));
	}
	d->again = false;
	pthread_mutex_unlock(&d->lock);
	return !stop;
}

static void
drop(struct lobby *d)
{
	if (atomic_fetch_sub(&d->owners, 1) != 1)
		return;
	lobby_conn_free(d->ready);
	stream_close(d->wake);
	stream_close(d->inner);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

void
lobby_close(struct lobby *d)
{
	if (d == NULL)
		return;
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_mutex_unlock(&d->lock);
	wake_set(d->inner);
	drop(d);
}

/* ---- the thread ---- */

static void
try_listen(struct lobby *d, struct mono now)
{
	struct sockaddr_storage a;
	socklen_t len;
	char why[700];
	int err = own_load(d);

	if (err != 0)
		snprintf(why, sizeof why, "no certificate to show: %.600s", d->pki != NULL ? pki_why(d->pki) : err_text(err));
	else if ((err = tcp_numeric(d->conf.host, d->conf.port, &a, &len)) != 0 ||
	    (err = tcp_listen((struct sockaddr *)&a, len, &d->listen_fd)) != 0)
		snprintf(why, sizeof why, "cannot listen on %.200s port %d: %s; it must be an address of this machine, and nobody else's port",
		    d->conf.host, d->conf.port, err_text(err));
	else
		snprintf(why, sizeof why, "waits for node %.200s", d->conf.peer);
	d->next = err == 0 ? MONO_NEVER : mono_add(now, LISTEN_NS);
	lobby_say(d, err, why);
}

static void
try_connect(struct lobby *d, struct mono now)
{
	struct lookup_address a[ADDRESSES];
	char why[700] = "", from[TCP_ADDR_TEXT];

	if (own_load(d) == ERR_EXPIRED) {	/* it would be refused: say so here, where it can be mended */
		lobby_say(d, ERR_EXPIRED, pki_why(d->pki));
		return;
	}
	unsigned n = lookup_host(d->conf.host, d->conf.port, a, ADDRESSES, why, sizeof why);
	int fd = -1, err = ERR_CONN;

	d->next = MONO_NEVER;
	for (unsigned i = 0; i < n && err != 0; i++) {
		err = tcp_connect((struct sockaddr *)&a[i].a, a[i].len, &fd);
		if (err != 0)
			snprintf(why, sizeof why, "%s", tcp_cause(errno));
		else
			half_begin(d, fd, tcp_format((struct sockaddr *)&a[i].a, a[i].len, from), true, now);
	}
	if (err != 0)
		lobby_say(d, err, why);
}

static void
take_in(struct lobby *d, struct mono now)
{
	struct sockaddr_storage a;
	socklen_t len;
	char from[TCP_ADDR_TEXT];

	for (unsigned i = 0; i < LOBBY_HALF_MAX; i++) {
		int fd = tcp_accept(d->listen_fd, &a, &len);
		if (fd < 0)
			return;
		half_begin(d, fd, tcp_format((struct sockaddr *)&a, len, from), false, now);
	}
}

/* Wait until there is something to do. Fills in w: first who wakes us, then those on their way, last the listening socket. */
static void
wait_all(struct lobby *d, struct wait_fd w[WAIT_FDS_MAX], struct mono now)
{
	struct mono until = d->conf.connect && !d->wanted ? MONO_NEVER : d->nhalves > 0 && d->conf.connect ? MONO_NEVER : d->next;
	unsigned n = 0;

	w[n++] = (struct wait_fd){ .fd = d->inner, .in = true };
	for (unsigned i = 0; i < d->nhalves; i++) {
		const struct half *h = d->halves[i];
		bool tcp = h->n == NULL;
		w[n++] = (struct wait_fd){ .fd = tcp ? h->fd : h->n->c.fd, .in = !tcp, .out = tcp || h->n->c.blocked };
		until = mono_min(until, half_deadline(h));
	}
	if (d->listen_fd >= 0)
		w[n++] = (struct wait_fd){ .fd = d->listen_fd, .in = true };
	wait_fds(w, n, until.ns == MONO_NEVER.ns ? -1 : mono_diff(until, now) > 0 ? mono_diff(until, now) : 0);
}

static void
turn(struct lobby *d)
{
	struct wait_fd w[WAIT_FDS_MAX];
	struct half *was[LOBBY_HALF_MAX];
	unsigned n = d->nhalves;
	struct mono now = mono_now();

	if (d->conf.connect ? d->wanted && n == 0 && !mono_before(now, d->next) : d->listen_fd < 0 && !mono_before(now, d->next)) {
		(d->conf.connect ? try_connect : try_listen)(d, now);
		n = d->nhalves;
		now = mono_now();
	}
	bool listening = d->listen_fd >= 0;
	memcpy(was, d->halves, sizeof was);
	wait_all(d, w, now);
	now = mono_now();
	for (unsigned i = 0; i < n; i++) {	/* a step removes at most the one that steps */
		bool late = !mono_before(now, half_deadline(was[i]));
		if (late && was[i]->n == NULL) {
			half_drop(was[i]);
			lobby_say(d, ERR_TIMEOUT, "no answer: is the other node up, and is the way open in the firewall?");
		} else if (late || w[1 + i].can_in || w[1 + i].can_out)
			half_step(was[i], now);
	}
	if (listening && w[1 + n].can_in)
		take_in(d, now);
}

static void *
run(void *arg)
{
	struct lobby *d = arg;

	while (asked(d, mono_now()))
		turn(d);
	while (d->nhalves > 0)
		half_drop(d->halves[0]);
	stream_close(d->listen_fd);
	pki_own_fini(&d->own);
	pki_close(d->pki);
	drop(d);
	return NULL;
}

static int
start(struct lobby *d)
{
	pthread_attr_t attr;
	pthread_t id;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	int err = pthread_create(&id, &attr, run, d);
	pthread_attr_destroy(&attr);
	return err == 0 ? 0 : ERR_NOMEM;
}

static const char *
keep(struct lobby *d, unsigned i, const char *text)
{
	if (text != NULL)
		snprintf(d->texts[i], sizeof d->texts[i], "%s", text);
	return text != NULL ? d->texts[i] : NULL;
}

int
lobby_open(const struct lobby_conf *conf, struct lobby **out)
{
	struct lobby *d = calloc(1, sizeof *d);
	uint64_t seed;

	if (d == NULL)
		return ERR_NOMEM;
	d->conf = *conf;
	d->conf.host = keep(d, 0, conf->host);
	d->conf.peer = keep(d, 1, conf->peer);
	d->conf.name = keep(d, 2, conf->name);
	d->conf.site = keep(d, 3, conf->site);
	d->conf.state = keep(d, 4, conf->state);
	snprintf(d->what, sizeof d->what, "%s", conf->what);
	d->wake = d->inner = d->listen_fd = -1;
	d->wanted = conf->connect;
	d->next = mono_now();
	d->quiet = (struct log_limit){ .burst = 5, .period_ms = 60000 };
	seed = (uint64_t)mono_now().ns ^ (uint64_t)(uintptr_t)d;
	backoff_init(&d->pause, PAUSE_MIN_NS, PAUSE_MAX_NS, seed);
	pthread_mutex_init(&d->lock, NULL);
	atomic_init(&d->owners, 2);
	int err = wake_open(&d->wake);
	if (err == 0)
		err = wake_open(&d->inner);
	if (err == 0)
		err = start(d);
	if (err != 0) {
		atomic_store(&d->owners, 1);
		drop(d);
		return err;
	}
	*out = d;
	return 0;
}
