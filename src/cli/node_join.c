/* penstock node join: goes to a node that waits with an invitation, and proves the secret. What is tried is said step by step. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "cli/cli.h"
#include "cli/node.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/lookup.h"
#include "os/stream.h"
#include "os/tcp.h"
#include "os/terminal.h"
#include "os/watch.h"

#define CONNECT_NS	(10 * NS_PER_S)
#define ADDRESSES	8u

/* ---- the secret ---- */

static const char *
secret_fault(int err)
{
	switch (err) {
	case ERR_SHORT:		return "it is too short: 36 signs in nine groups of four";
	case ERR_LONG:		return "it is too long: 36 signs in nine groups of four";
	case ERR_CORRUPT:	return "a sign is mistyped: its last four signs do not fit the others";
	default:		return "it has a sign that no secret has: letters without U, and digits";
	}
}

static int
read_secret(const struct node_args *a, struct enrol_secret *out)
{
	struct buf text = { 0 };
	struct stat st;

	int err = a->secret_file != NULL ? file_read(a->secret_file, ENROL_TEXT_MAX, &text) :
	    terminal_secret("Secret of the invitation: ", ENROL_TEXT_MAX, &text);
	if (err != 0)
		fprintf(stderr, "penstock node: the secret cannot be read%s%s: %s\n", a->secret_file != NULL ? " from " : "",
		    a->secret_file != NULL ? a->secret_file : "", err_text(err));
	else if ((err = enrol_secret_parse(buf_text(&text), text.len, out)) != 0)
		fprintf(stderr, "penstock node: this is no secret of an invitation: %s\n", secret_fault(err));
	else if (a->secret_file != NULL && stat(a->secret_file, &st) == 0 && (st.st_mode & 077) != 0)
		fprintf(stderr, "penstock node: others on this machine may read %s; used all the same, since it works once only\n", a->secret_file);
	if (text.p != NULL)
		OPENSSL_cleanse(text.p, text.cap);
	buf_fini(&text);
	return err;
}

/* Where others on this machine could have read it. */
static bool
stands_in_arguments(const struct node_args *a)
{
	struct enrol_secret s;
	bool yes = a->place != NULL && enrol_secret_parse(a->place, strlen(a->place), &s) == 0;

	enrol_secret_wipe(&s);
	if (yes)
		fprintf(stderr, "penstock node: the secret stood in the command line, where every user of this machine can read it, and the shell keeps it. It "
		    "is not used: withdraw that invitation, make another, and type its secret when it is asked for\n");
	return yes;
}

/* ---- the way ---- */

static int
connect_one(int watch, const struct lookup_address *to, int *fd)
{
	struct mono until = mono_add(mono_now(), CONNECT_NS), now;

	if (tcp_connect((const struct sockaddr *)&to->a, to->len, fd) != 0)
		return errno != 0 ? errno : ECONNREFUSED;
	int err = watch_set(watch, *fd, false, true);
	while (err == 0 && mono_before(now = mono_now(), until)) {
		int ready = watch_wait(watch, (int)(mono_diff(until, now) / NS_PER_MS) + 1);
		if (ready == 0) {
			err = tcp_result(*fd);
			if (err == 0)
				return 0;
			break;
		}
	}
	watch_set(watch, *fd, false, false);
	stream_close(*fd);
	*fd = -1;
	return err > 0 ? err : ETIMEDOUT;
}

static int
go_there(const struct node_args *a, int watch, int *fd, char from[TCP_ADDR_TEXT])
{
	struct lookup_address to[ADDRESSES];
	char why[300];
	int errnum = 0;

	*fd = -1;
	unsigned n = lookup_host(a->at.host, a->at.port, to, ADDRESSES, why, sizeof why);
	if (n == 0) {
		fprintf(stderr, "penstock node: %s\n", why);
		return ERR_NOTFOUND;
	}
	for (unsigned i = 0; i < n; i++) {
		tcp_format((const struct sockaddr *)&to[i].a, to[i].len, from);
		errnum = connect_one(watch, &to[i], fd);
		if (errnum == 0)
			return 0;
	}
	fprintf(stderr, "penstock node: no connection to %s: %s. Does penstock node invite wait there, at this address and port?\n", from, tcp_cause(errnum));
	return ERR_CONN;
}

static int
talk(struct enrol *e, int watch, int fd)
{
	for (;;) {	/* ends: enrol_step() gives up after ENROL_TIME_NS */
		int err = enrol_step(e, mono_now(), wall_now());
		if (err != 0 || e->state == ENROL_DONE)
			return err;
		watch_set(watch, fd, true, e->c.blocked);
		int64_t ms = mono_diff(enrol_next(e), mono_now()) / NS_PER_MS + 1;
		watch_wait(watch, ms < 0 ? 0 : (int)ms);
	}
}

static void
say_refused(const struct enrol *e)
{
	fprintf(stderr, "penstock node: not joined: %s\n", e->why);
	if (e->wrong)
		fprintf(stderr, "Do not try again before you know that %s really is the other node's: compare what `penstock node invite` says there.\n",
		    e->from);
	else if (e->leaf_len == 0)
		fprintf(stderr, "What answers at %s did not get as far as showing a certificate: is it penstock node invite?\n", e->from);
}

static int
join(struct node_args *a, const struct enrol_secret *secret, struct pki *p, const struct pki_own *own)
{
	const struct enrol_conf conf = { .role = ENROL_JOINER, .name = a->name, .peer = a->peer, .secret = secret,
	    .pki = p, .own = own, .read = stream_read, .write = stream_write };
	struct enrol e = { 0 };
	char from[TCP_ADDR_TEXT], detail[400];
	int watch = -1, fd = -1;
	size_t len;

	int err = watch_open(&watch);
	if (err == 0)
		err = go_there(a, watch, &fd, from);
	if (err != 0) {
		stream_close(watch);
		return EXIT_CANNOT;
	}
	printf("connected to %s; proving the secret\n", from);
	fflush(stdout);
	err = enrol_init(&e, &conf, fd, from, mono_now());
	if (err == 0)
		err = talk(&e, watch, fd);
	const uint8_t *der = enrol_cert(&e, &len);
	snprintf(detail, sizeof detail, "peer=\"%.100s\" from=%.80s%s%.150s%s", a->peer, from, err != 0 ? " why=\"" : "",
	    err != 0 ? e.why : "", err != 0 ? "\"" : "");
	node_remark(a, p, err == 0 ? "joined" : "not-joined", der, len, detail);
	if (err == 0) {
		printf("Joined: %s is trusted here, and trusts this node. A link between them works from its next attempt on.\n", a->peer);
		node_say_namesakes(a, p, &e);
	} else
		say_refused(&e);
	if (err == 0) {
		link_tls_end(e.c.tls);
		link_conn_flush(&e.c, mono_now());
	}
	enrol_fini(&e);
	stream_close(fd);
	stream_close(watch);
	return err == 0 ? EXIT_OK : EXIT_FINDINGS;
}

int
node_join(struct node_args *a)
{
	struct enrol_secret secret;
	struct pki_own own;
	int status = EXIT_CANNOT;

	if (stands_in_arguments(a) || !node_fill(a, ENROL_JOINER) || read_secret(a, &secret) != 0)
		return EXIT_CANNOT;
	struct pki *p = node_store(a, &own);
	if (p != NULL)
		status = join(a, &secret, p, &own);
	enrol_secret_wipe(&secret);
	pki_own_fini(&own);
	pki_close(p);
	return status;
}
