/* One on its way through the lobby: TCP, TLS with both certificates, HELLO. All in the lobby's thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "link/lobby_int.h"
#include "os/clock.h"
#include "os/stream.h"
#include "os/tcp.h"

static const char *
own_name(const struct lobby *d)
{
	return d->conf.name != NULL ? d->conf.name : pki_host();
}

int
own_load(struct lobby *d)
{
	if (d->pki == NULL) {
		int err = pki_open(d->conf.state, d->conf.side, NULL, &d->pki);
		if (err != 0)
			return err;
	}
	return bond_show(d->pki, own_name(d), d->conf.peer, d->conf.site, wall_now(), &d->own);
}

static enum pki_role
far_role(const struct lobby *d)
{
	return d->conf.connect ? PKI_SERVER : PKI_CLIENT;
}

static bool
judge(void *arg, const uint8_t *chain, size_t len)
{
	struct half *h = arg;
	struct lobby *d = h->d;
	struct pki_verdict *v = calloc(1, sizeof *v);
	unsigned long left_out;
	bool ok = v != NULL && bond_judge(d->pki, d->conf.peer, far_role(d), chain, len, h->from, wall_now(), v);

	if (!ok && v != NULL) {
		snprintf(h->refused, sizeof h->refused, "%s: %.500s", pki_status_name(v->status), v->text);
		if (log_limit_ok(&d->quiet, mono_now(), &left_out))
			log_warn("link_peer_refused", "%s from=%s status=%s subject=\"%s\" sha1=%s why=\"%s\" left_out=%lu", d->what, h->from,
			    pki_status_name(v->status), v->subject, v->sha1, v->text, left_out);
	}
	free(v);
	free(h->chain);
	h->chain = ok ? malloc(len) : NULL;
	h->chain_len = h->chain != NULL ? len : 0;
	if (h->chain != NULL)
		memcpy(h->chain, chain, len);
	return h->chain != NULL;
}

static int
frame(void *arg, const struct link_frame *f)
{
	struct half *h = arg;

	if (f->kind != LINK_HELLO)
		return ERR_PROTO;
	if (strcmp(f->name, h->d->conf.peer) != 0) {
		snprintf(h->n->c.why, sizeof h->n->c.why, "the node there calls itself \"%.200s\", not \"%.200s\" as peer: says", f->name,
		    h->d->conf.peer);
		return ERR_DENIED;
	}
	h->n->window = f->window;
	h->greeted = true;
	h->n->c.hold = true;	/* what comes behind it is for the loop */
	return 0;
}

static ssize_t io_read(int fd, void *p, size_t len) { return stream_read(fd, p, len); }
static ssize_t io_write(int fd, const void *p, size_t len) { return stream_write(fd, p, len); }

void
lobby_conn_free(struct lobby_conn *n)
{
	if (n == NULL)
		return;
	link_conn_fini(&n->c);
	bond_fini(&n->bond);
	stream_close(n->c.fd);
	free(n);
}

void
half_drop(struct half *h)
{
	struct lobby *d = h->d;
	unsigned i = 0;

	while (d->halves[i] != h)
		i++;
	d->nhalves--;
	memmove(&d->halves[i], &d->halves[i + 1], (d->nhalves - i) * sizeof d->halves[0]);
	lobby_conn_free(h->n);
	stream_close(h->fd);
	pki_own_fini(&h->shown);
	free(h->chain);
	free(h);
}

static bool
out(struct half *h, int err, const char *why)
{
	struct lobby *d = h->d;
	char text[LOBBY_TEXT];

	if (h->refused[0] != '\0')
		snprintf(text, sizeof text, "%.190s: %s", why, h->refused);
	else
		snprintf(text, sizeof text, "%s", why);
	half_drop(h);
	lobby_say(d, err, text);
	return true;
}

/* TCP is through: TLS. */
static int
greet(struct half *h, struct mono now)
{
	struct lobby *d = h->d;
	struct link_io io = { .read = io_read, .write = io_write, .frame = frame, .arg = h, .silence_ns = d->conf.silence_ns };
	struct link_tls *tls = NULL;
	int err = own_load(d);

	if (err == 0)
		err = pki_own_copy(&h->shown, &d->own);
	if (err == 0) {
		struct link_tls_conf conf = { .server = !d->conf.connect, .chain = d->own.chain, .chain_len = d->own.chain_len, .key = d->own.key,
		    .key_len = d->own.key_len, .judge = judge, .arg = h };
		err = link_tls_new(&conf, &tls);
	}
	struct lobby_conn *n = err == 0 ? calloc(1, sizeof *n) : NULL;
	if (err == 0 && n == NULL) {
		link_tls_free(tls);
		err = ERR_NOMEM;
	}
	if (err != 0)
		return err;
	link_conn_init(&n->c, h->fd, tls, &io, now);
	snprintf(n->from, sizeof n->from, "%s", h->from);
	link_put_hello(&n->c.out, own_name(d), d->conf.window);
	h->n = n;
	h->fd = -1;
	h->began = now;
	return 0;
}

void
half_begin(struct lobby *d, int fd, const char *from, bool connecting, struct mono now)
{
	if (d->nhalves == LOBBY_HALF_MAX)
		half_drop(d->halves[0]);
	struct half *h = calloc(1, sizeof *h);
	if (h == NULL) {
		stream_close(fd);
		return;
	}
	*h = (struct half){ .d = d, .fd = fd, .began = now };
	snprintf(h->from, sizeof h->from, "%s", from);
	d->halves[d->nhalves++] = h;
	if (!connecting)
		half_step(h, now);
}

struct mono
half_deadline(const struct half *h)
{
	return mono_add(h->began, h->n == NULL ? LOBBY_OPEN_NS : LOBBY_GREET_NS);
}

bool
half_step(struct half *h, struct mono now)
{
	struct lobby *d = h->d;
	char why[700];

	if (h->n == NULL) {
		int errnum = d->conf.connect ? tcp_result(h->fd) : 0;
		if (errnum == EINPROGRESS)
			return false;
		if (errnum != 0)
			return out(h, ERR_CONN, tcp_cause(errnum));
		int err = greet(h, now);
		if (err != 0) {
			snprintf(why, sizeof why, "no certificate to show: %.600s", d->pki != NULL ? pki_why(d->pki) : err_text(err));
			return out(h, err, why);
		}
	}
	int err = link_conn_step(&h->n->c, now);
	if (err == 0 && !h->greeted && !mono_before(now, half_deadline(h))) {
		snprintf(h->n->c.why, sizeof h->n->c.why, "%.100s did not say who it is in time", h->from);
		err = ERR_TIMEOUT;
	}
	if (err != 0) {
		snprintf(why, sizeof why, "%s", h->n->c.why);
		return out(h, err, why);
	}
	if (!h->greeted || h->n->c.blocked)	/* our HELLO is to be out as well */
		return false;
	const struct bond_begin k = { .state = d->conf.state, .peer = d->conf.peer, .what = d->what, .side = d->conf.side, .role = far_role(d),
	    .shown = &h->shown, .chain = h->chain, .chain_len = h->chain_len, .now = now, .wall = wall_now() };
	err = bond_begin(&h->n->bond, &k, why, sizeof why);
	if (err != 0)
		return out(h, err, why);
	struct lobby_conn *n = h->n;
	h->n = NULL;
	half_drop(h);
	lobby_hand_over(d, n);
	return true;
}
