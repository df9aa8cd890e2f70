/* What is shown to whom, and when the next pair is made: see succeed.h. offer.c has what goes between two nodes. */
#include "pki/succeed.h"

#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "pki/peers.h"

static const char *const pairs[] = { "own/next.cert.der", "own/cert.der", "own/previous.cert.der" };
#define PAIRS	(sizeof pairs / sizeof pairs[0])
enum { NEXT, PRESENT };

#define LOOKS		200		/* in the life of a certificate */
#define LOOK_MIN_NS	NS_PER_S
#define LOOK_MAX_NS	(3600 * NS_PER_S)

/* Is it one that the nodes renew themselves? A CA's are renewed by the CA, and who trusts the CA need not be told. */
static bool
is_ours_to_renew(struct pki *p, const char *rel)
{
	struct pki_pair pair;
	bool yes = pki_pair_load(p, rel, &pair) == 0 && cert_is_self_signed(pair.cert);

	pki_pair_free(&pair);
	return yes;
}

int
pki_own_shown(struct pki *p, const char *peer, struct wall now, struct pki_own *out)
{
	uint64_t generation = pki_shown_generation(p, peer);
	struct pki_own own[PAIRS];
	struct peer_file f;
	size_t best = PRESENT;
	char hex[PKI_SHA256_TEXT];
	uint8_t hash[PKI_SHA256];

	int err = pki_own_load(p, out);
	if (err != 0)
		return err;
	out->generation = generation;
	peer_load(p, peer, &f);
	if (f.knows[0] == '\0' || !is_ours_to_renew(p, pairs[PRESENT]))
		return 0;
	bool found = false, present_ended = out->not_after.ns <= now.ns;
	for (size_t i = 0; i < PAIRS; i++) {
		if (pki_own_load_pair(p, pairs[i], &own[i]) != 0 || own[i].not_after.ns <= now.ns || pki_sha256(own[i].cert, own[i].cert_len, hash) != 0)
			continue;
		if (strcmp(hash_text(hash, hex), f.knows) == 0) {
			best = i;
			found = true;
		}
	}
	/* What the peer knows is gone or has ended: then whatever is valid. */
	if (!found && present_ended && own[NEXT].cert != NULL)
		best = NEXT;
	if (best != PRESENT && own[best].cert != NULL) {
		pki_own_fini(out);
		*out = own[best];
		out->generation = generation;
		own[best] = (struct pki_own){ 0 };
	}
	for (size_t i = 0; i < PAIRS; i++)
		pki_own_fini(&own[i]);
	return 0;
}

uint64_t
pki_shown_generation(struct pki *p, const char *peer)
{
	uint64_t own = pki_own_generation(p), h = own;
	char path[PKI_PATH];
	struct disk_stat st;

	for (size_t i = 0; own != 0 && i <= PAIRS; i++) {
		if (i < PAIRS)
			pki_path(p, path, pairs[i]);
		else
			peer_path(p, peer, path);
		if (p->disk->stat(p->disk->ctx, path, &st) == 0)
			h = (h ^ st.id ^ (uint64_t)st.mtime_ns) * 0x9e3779b97f4a7c15u + i;
	}
	return own == 0 ? 0 : h == 0 ? 1 : h;
}

int
pki_own_newest(struct pki *p, struct pki_own *out)
{
	char path[PKI_PATH];

	pki_path(p, path, pairs[NEXT]);
	return pki_exists(p, path) && pki_own_load_pair(p, pairs[NEXT], out) == 0 ? 0 : pki_own_load(p, out);
}

int
pki_known_by(struct pki *p, const char *peer, const uint8_t sha256[PKI_SHA256])
{
	char hex[PKI_SHA256_TEXT];
	struct peer_file f;

	peer_load(p, peer, &f);
	if (strcmp(f.knows, hash_text(sha256, hex)) == 0)
		return 0;
	memcpy(f.knows, hex, sizeof f.knows);
	return peer_store(p, peer, &f);
}

/* ---- when ---- */

enum pki_due
pki_succession_due(struct pki *p, struct wall now, int64_t *life_ns)
{
	struct pki_pair own, next;
	enum pki_due due = PKI_DUE_NOTHING;

	*life_ns = 0;
	if (pki_pair_load(p, pairs[PRESENT], &own) != 0)
		return PKI_DUE_NOTHING;
	bool staged = pki_pair_load(p, pairs[NEXT], &next) == 0;
	int64_t end = cert_time(X509_get0_notAfter(own.cert)).ns, life = end - cert_time(X509_get0_notBefore(own.cert)).ns, left = end - now.ns;
	if (staged && left < life / PKI_SHARE_ACTIVATE && cert_time(X509_get0_notBefore(next.cert)).ns <= now.ns)
		due = PKI_DUE_ACTIVATE;
	else if (!staged && left < life / PKI_SHARE_STAGE)
		due = cert_is_self_signed(own.cert) ? PKI_DUE_STAGE : PKI_DUE_PERSON;
	*life_ns = life;
	pki_pair_free(&own);
	pki_pair_free(&next);
	return due;
}

struct job {
	char		state[300];
	enum pki_side	side;
	enum pki_due	due;
};

static atomic_flag busy = ATOMIC_FLAG_INIT;

static void *
work(void *arg)
{
	struct job *j = arg;
	struct pki *p = NULL;

	int err = pki_open(j->state, j->side, NULL, &p);
	if (err == 0) {
		pki_set_actor(p, "the nodes themselves");
		err = j->due == PKI_DUE_STAGE ? pki_renew_stage(p, 0, wall_now()) : pki_renew_activate(p);
	}
	/* ERR_EXISTS, ERR_NOTFOUND: a process beside us was faster. */
	if (err != 0 && err != ERR_EXISTS && err != ERR_NOTFOUND)
		log_error("certificate_not_renewed", "side=%s why=\"%s\" remedy=\"penstock cert renew --stage --side %s says more\"", pki_side_name(j->side),
		    p != NULL ? pki_why(p) : err_text(err), pki_side_name(j->side));
	pki_close(p);
	free(j);
	atomic_flag_clear(&busy);
	return NULL;
}

/* Signals are for the thread that has the loop. */
static int
start(struct job *j)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;

	if (pthread_attr_init(&attr) != 0)
		return ERR_NOMEM;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&thread, &attr, work, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return failed != 0 ? ERR_NOMEM : 0;
}

static void
begin(const struct pki *p, enum pki_due due)
{
	size_t tail = strlen("/pki/") + strlen(pki_side_name(p->side)), len = strlen(p->dir);

	if (len <= tail || atomic_flag_test_and_set(&busy))
		return;
	struct job *j = malloc(sizeof *j);
	if (j != NULL) {
		*j = (struct job){ .side = p->side, .due = due };
		snprintf(j->state, sizeof j->state, "%.*s", (int)(len - tail), p->dir);
		if (start(j) == 0)
			return;
	}
	free(j);
	atomic_flag_clear(&busy);
	log_warn("certificate_not_renewed", "side=%s why=\"out of memory, or of threads\" remedy=\"it is tried again\"", pki_side_name(p->side));
}

int64_t
pki_renew_soon(struct pki *p, struct wall now)
{
	int64_t life, again;
	enum pki_due due = pki_succession_due(p, now, &life);

	if (due == PKI_DUE_STAGE || due == PKI_DUE_ACTIVATE)
		begin(p, due);
	again = life / LOOKS;
	return again < LOOK_MIN_NS ? LOOK_MIN_NS : again > LOOK_MAX_NS ? LOOK_MAX_NS : again;
}
