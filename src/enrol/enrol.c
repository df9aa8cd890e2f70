/* See enrol.h. */
#include "enrol/enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX	2048u	/* what strangers may make us keep; all that is said here is shorter */

static int __attribute__((format(printf, 3, 4)))
fail(struct enrol *e, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->why, sizeof e->why, fmt, ap);
	va_end(ap);
	return err;
}

/* Anybody may come so far; who it is, is judged when the proof is there. */
static bool
keep_chain(void *arg, const uint8_t *chain, size_t len)
{
	struct enrol *e = arg;

	free(e->chain);
	e->chain = malloc(len > 0 ? len : 1);
	e->chain_len = e->chain != NULL ? len : 0;
	if (e->chain != NULL)
		memcpy(e->chain, chain, len);
	e->leaf_len = e->chain != NULL ? pki_leaf(e->chain, len) : 0;
	return e->leaf_len > 0;
}

static int frame(void *arg, const struct link_frame *f);

int
enrol_init(struct enrol *e, const struct enrol_conf *conf, int fd, const char *from, struct mono now)
{
	*e = (struct enrol){ .conf = conf, .until = mono_add(now, ENROL_TIME_NS) };
	struct link_io io = { .read = conf->read, .write = conf->write, .frame = frame, .arg = e, .silence_ns = ENROL_TIME_NS, .frame_max = FRAME_MAX };
	struct link_tls_conf tls_conf = { .server = conf->role == ENROL_INVITER, .chain = conf->own->chain, .chain_len = conf->own->chain_len,
	    .key = conf->own->key, .key_len = conf->own->key_len, .judge = keep_chain, .arg = e };
	struct link_tls *tls = NULL;

	snprintf(e->from, sizeof e->from, "%s", from);
	e->facts.name[conf->role] = conf->name;
	e->facts.name[!conf->role] = conf->peer;
	int err = link_tls_new(&tls_conf, &tls);
	if (err != 0) {
		e->state = ENROL_OVER;
		return fail(e, err, "our own certificate cannot be used: %s", err_text(err));
	}
	link_conn_init(&e->c, fd, tls, &io, now);
	return 0;
}

void
enrol_fini(struct enrol *e)
{
	if (e->c.tls != NULL)
		link_conn_fini(&e->c);
	free(e->chain);
	e->chain = NULL;
}

const uint8_t *
enrol_cert(const struct enrol *e, size_t *len)
{
	*len = e->leaf_len;
	return e->leaf_len > 0 ? e->chain : NULL;
}

/* What both proofs are over. */
static int
gather(struct enrol *e)
{
	const struct enrol_conf *c = e->conf;
	int err = link_tls_binding(e->c.tls, e->facts.binding);

	if (err == 0)
		err = pki_sha256(c->own->cert, c->own->cert_len, e->facts.cert[c->role]);
	if (err == 0)
		err = pki_sha256(e->chain, e->leaf_len, e->facts.cert[!c->role]);
	return err == 0 ? 0 : fail(e, err, "the connection could not be bound: %s", err_text(err));
}

/* The certificate must be one that the link would take: its name, its dates, its key. Then it is believed. */
static int
judge_and_pin(struct enrol *e)
{
	const struct enrol_conf *c = e->conf;
	struct pki_verdict v;
	struct pki_peer peer = { .chain = e->chain, .len = e->chain_len, .role = c->role == ENROL_INVITER ? PKI_CLIENT : PKI_SERVER, .from = e->from,
	    .host = c->peer, .crl_optional = true, .introduced = true, .ca_as_peer = true, .now = e->wall };

	if (e->leaf_len == c->own->cert_len && memcmp(e->chain, c->own->cert, e->leaf_len) == 0)
		return fail(e, ERR_EXISTS, "that is this node itself, by its own certificate");
	if (pki_verify(c->pki, &peer, &v) != 0)
		return fail(e, ERR_DENIED, "%s knows the secret, but its certificate is of no use: %.900s", c->peer, v.text);
	int err = pki_pin(c->pki, e->chain, e->leaf_len, e->wall);
	return err == 0 ? 0 : fail(e, err, "%.900s", pki_why(c->pki));
}

/* From now on the link shows the other one this certificate, whichever else we have (pki/succeed.h). */
static int
note_known(struct enrol *e)
{
	const struct enrol_conf *c = e->conf;
	int err = pki_known_by(c->pki, c->peer, e->facts.cert[c->role]);

	return err == 0 ? 0 : fail(e, err, "%.900s", pki_why(c->pki));
}

/* ---- who invited ---- */

static int
wrong_proof(struct enrol *e)
{
	struct invitation *inv = e->conf->invitation;

	e->wrong = true;
	inv->wrong++;
	return fail(e, ERR_DENIED, "the proof does not fit: another secret, or somebody stands between and relays; wrong ones so far: %u of %u",
	    inv->wrong, ENROL_WRONG_MAX);
}

static int
take_join(struct enrol *e, const struct link_frame *f)
{
	const struct enrol_conf *c = e->conf;
	struct invitation *inv = c->invitation;
	uint8_t proof[ENROL_PROOF];

	if (f->kind != LINK_JOIN)
		return fail(e, ERR_PROTO, "it does not want to join: it says something else");
	int err = gather(e);
	if (err != 0)
		return err;
	if (enrol_proof_check(c->secret, ENROL_JOINER, &e->facts, f->hash) != 0) {
		/* The proof covers the names. With other names it may be right by itself: then only these are wrong, and that can be told. */
		struct enrol_facts theirs = e->facts;
		theirs.name[ENROL_JOINER] = f->name;
		theirs.name[ENROL_INVITER] = f->peer;
		if (enrol_proof_check(c->secret, ENROL_JOINER, &theirs, f->hash) != 0)
			return wrong_proof(e);
		return fail(e, ERR_DENIED, "it knows the secret, but joins as \"%.150s\" to \"%.150s\", and \"%.150s\" was invited by \"%.150s\": --name and "
		    "--peer there must be these", f->name, f->peer, c->peer, c->name);
	}
	if (inv->taken && memcmp(inv->by, e->facts.cert[ENROL_JOINER], PKI_SHA256) != 0)
		return fail(e, ERR_EXISTS, "the invitation was used already, by another machine: if that was not %.150s, whoever had the secret is in, so "
		    "reject its certificate (penstock cert list, penstock cert reject)", c->peer);
	if ((err = judge_and_pin(e)) != 0 || (err = enrol_proof(c->secret, ENROL_INVITER, &e->facts, proof)) != 0)
		return err;
	inv->taken = true;
	memcpy(inv->by, e->facts.cert[ENROL_JOINER], PKI_SHA256);
	link_put_welcome(&e->c.out, proof);
	e->state = ENROL_SAID;
	return 0;
}

/* ---- who joins ---- */

static int
say_join(struct enrol *e)
{
	const struct enrol_conf *c = e->conf;
	uint8_t proof[ENROL_PROOF];
	int err = gather(e);

	if (err == 0 && (err = enrol_proof(c->secret, ENROL_JOINER, &e->facts, proof)) != 0)
		fail(e, err, "no proof could be made: %s", err_text(err));
	if (err != 0)
		return err;
	link_put_join(&e->c.out, c->name, c->peer, proof);
	e->state = ENROL_SAID;
	return 0;
}

static int
take_welcome(struct enrol *e, const struct link_frame *f)
{
	if (f->kind != LINK_WELCOME)
		return fail(e, ERR_PROTO, "the other end says something else than an invitation does");
	if (enrol_proof_check(e->conf->secret, ENROL_INVITER, &e->facts, f->hash) != 0) {
		e->wrong = true;
		return fail(e, ERR_DENIED, "the other end does not know the secret: it is not %.150s, or somebody stands between; nothing was believed",
		    e->conf->peer);
	}
	int err = judge_and_pin(e);
	if (err == 0)
		err = note_known(e);
	if (err != 0)
		return err;
	link_put_pinned(&e->c.out);
	e->state = ENROL_DONE;
	return 0;
}

static int
frame(void *arg, const struct link_frame *f)
{
	struct enrol *e = arg;
	int err;

	if (e->conf->role == ENROL_JOINER)
		err = e->state == ENROL_SAID ? take_welcome(e, f) : fail(e, ERR_PROTO, "the other end speaks out of turn");
	else if (e->state == ENROL_GREETING)
		err = take_join(e, f);
	else if (e->state == ENROL_SAID && f->kind == LINK_PINNED) {
		err = note_known(e);
		if (err == 0)
			e->state = ENROL_DONE;
	} else
		err = fail(e, ERR_PROTO, "the other end speaks out of turn");
	return err;
}

/* Say why, since at the other end a person waits. */
static void
end(struct enrol *e, struct mono now)
{
	if (e->c.tls != NULL && link_tls_ready(e->c.tls) && e->why[0] != '\0') {
		link_put_close(&e->c.out, e->why);
		link_conn_flush(&e->c, now);
	}
	if (e->why[0] == '\0')
		snprintf(e->why, sizeof e->why, "%.1000s", e->c.why);
	pki_clean(e->why);	/* the other end wrote some of it, and it goes to a terminal */
	e->state = ENROL_OVER;
}

int
enrol_step(struct enrol *e, struct mono now, struct wall wall)
{
	e->wall = wall;
	int err = link_conn_step(&e->c, now);

	if (err == 0 && e->conf->role == ENROL_JOINER && e->state == ENROL_GREETING && link_tls_ready(e->c.tls)) {
		err = say_join(e);
		if (err == 0)
			err = link_conn_flush(&e->c, now);
	}
	if (e->state == ENROL_DONE) {	/* whatever becomes of the connection now */
		link_conn_flush(&e->c, now);
		return 0;
	}
	if (err == 0 && !mono_before(now, e->until))
		err = fail(e, ERR_TIMEOUT, "it took more than %lld s", (long long)(ENROL_TIME_NS / NS_PER_S));
	if (err != 0)
		end(e, now);
	return err;
}

struct mono
enrol_next(const struct enrol *e)
{
	return mono_min(e->until, link_conn_next(&e->c));
}
