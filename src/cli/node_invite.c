/*
 * penstock node invite: waits for one node, for so long, at one address. The secret lives in this process alone:
 * nothing of it is stored here, so an end of this process, however it comes, withdraws the invitation. Strangers who
 * reach the port cost a TLS handshake each, ten a second at most, and keep a place of eight for some seconds; after
 * ENROL_WRONG_MAX wrong proofs it ends.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/node.h"
#include "os/clock.h"
#include "os/stream.h"
#include "os/tcp.h"
#include "os/watch.h"

#define GUESTS		8
#define ACCEPT_NS	(100 * NS_PER_MS)	/* between two who come */
#define WRONG_NS	NS_PER_S		/* after a wrong proof */
#define SILENT_NS	(3 * NS_PER_S)		/* who has said nothing for so long makes room */

struct guest {
	int		fd;		/* -1: nobody */
	struct mono	came;
	struct enrol	e;
};

struct inviting {
	struct node_args	*a;
	struct pki		*pki;
	struct pki_own		 own;
	struct enrol_secret	 secret;
	struct invitation	 invitation;
	struct enrol_conf	 conf;
	int			 watch, listen_fd;
	struct mono		 until, accept_at;
	struct guest		 guests[GUESTS];
	struct log_limit	 quiet;
	bool			 done;
};

static volatile sig_atomic_t stop;

static void
on_stop(int sig)
{
	stop = sig;
}

/* ---- the secret's file ---- */

/* Made before root's rights are given up, and never one that is there: somebody may have it open. */
static int
open_file(const struct node_args *a)
{
	if (a->secret_file == NULL)
		return -1;
	int fd = open(a->secret_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		perror(a->secret_file);
	return fd;
}

static bool
write_file(int fd, const char *path, const char *text)
{
	size_t len = strlen(text);
	bool ok = fchmod(fd, 0600) == 0 && write(fd, text, len) == (ssize_t)len && write(fd, "\n", 1) == 1 && fsync(fd) == 0;

	if (!ok)
		fprintf(stderr, "penstock node: the secret cannot be written to %s\n", path);
	return ok;
}

/* ---- guests ---- */

static void
let_go(struct inviting *v, struct guest *g)
{
	watch_set(v->watch, g->fd, false, false);
	enrol_fini(&g->e);
	stream_close(g->fd);
	g->fd = -1;
}

static void
say_refused(struct inviting *v, const struct guest *g, struct mono now)
{
	char when[WALL_TEXT], detail[400];
	unsigned long left_out = 0;
	size_t len;
	const uint8_t *der = enrol_cert(&g->e, &len);

	if (!log_limit_ok(&v->quiet, now, &left_out))
		return;
	printf("%s from %s: %s\n", wall_format(wall_now(), 0, when), g->e.from, g->e.why);
	if (left_out > 0)
		printf("(%lu more were turned away)\n", left_out);
	fflush(stdout);
	snprintf(detail, sizeof detail, "from=%.90s wrong=%u why=\"%.250s\"", g->e.from, v->invitation.wrong, g->e.why);
	node_remark(v->a, v->pki, "refused", der, len, detail);
}

static struct guest *
place_for(struct inviting *v, struct mono now)
{
	struct guest *oldest = &v->guests[0];

	for (int i = 0; i < GUESTS; i++) {
		if (v->guests[i].fd < 0)
			return &v->guests[i];
		if (mono_before(v->guests[i].came, oldest->came))
			oldest = &v->guests[i];
	}
	if (mono_diff(now, oldest->came) < SILENT_NS)
		return NULL;
	let_go(v, oldest);
	return oldest;
}

static void
let_in(struct inviting *v, struct mono now)
{
	struct sockaddr_storage a;
	socklen_t len;
	char from[TCP_ADDR_TEXT];
	int fd = tcp_accept(v->listen_fd, &a, &len);

	if (fd < 0)
		return;
	v->accept_at = mono_add(now, ACCEPT_NS);
	struct guest *g = place_for(v, now);
	if (g == NULL) {
		stream_close(fd);
		return;
	}
	*g = (struct guest){ .fd = fd, .came = now };
	if (enrol_init(&g->e, &v->conf, fd, tcp_format((struct sockaddr *)&a, len, from), now) != 0) {
		say_refused(v, g, now);
		let_go(v, g);
	}
}

static void
serve(struct inviting *v, struct guest *g, struct mono now)
{
	int err = enrol_step(&g->e, now, wall_now());
	char detail[120];
	size_t len;
	const uint8_t *der = enrol_cert(&g->e, &len);

	if (err == 0 && g->e.state != ENROL_DONE) {
		watch_set(v->watch, g->fd, true, g->e.c.blocked);
		return;
	}
	if (err == 0) {
		v->done = true;
		printf("%s has joined, from %s. Each node now believes the other's certificate.\n", v->a->peer, g->e.from);
		fflush(stdout);
		snprintf(detail, sizeof detail, "from=%.90s", g->e.from);
		node_remark(v->a, v->pki, "let-in", der, len, detail);
		node_say_namesakes(v->a, v->pki, &g->e);
	} else {
		if (g->e.wrong)
			v->accept_at = mono_add(now, WRONG_NS);
		say_refused(v, g, now);
	}
	let_go(v, g);
}

/* ---- the whole ---- */

static bool
do_listen(struct inviting *v)
{
	struct sockaddr_storage a;
	const struct endpoint *at = &v->a->at;
	socklen_t len;

	int err = tcp_numeric(at->host, at->port, &a, &len);
	if (err != 0 || strcmp(at->host, "0.0.0.0") == 0 || strcmp(at->host, "::") == 0) {
		fprintf(stderr, "penstock node: --listen %s: name one address of this machine by its number, the one that faces the other node; nothing else "
		    "is to be open\n", v->a->place);
		return false;
	}
	err = tcp_listen((struct sockaddr *)&a, len, &v->listen_fd);
	if (err == 0)
		err = watch_open(&v->watch);
	if (err != 0)
		fprintf(stderr, "penstock node: cannot listen on %s port %d: %s; it must be an address of this machine, and nobody else's port\n", at->host,
		    at->port, err_text(err));
	return err == 0;
}

static void
say_invitation(const struct inviting *v, const char *secret)
{
	const struct node_args *a = v->a;
	char until[WALL_TEXT];
	struct wall end = { wall_now().ns + a->valid_ns };

	printf("Invitation for %s: works once, until %s, while this command runs.\nOn %s, as root or the user of its penstock:\n\n"
	    "    penstock node join %s%s%s:%d --name %s --peer %s\n\n", a->peer, wall_format(end, 0, until), a->peer, a->at.v6 ? "[" : "", a->at.host,
	    a->at.v6 ? "]" : "", a->at.port, a->peer, a->name);
	if (a->secret_file != NULL)
		printf("with --file FILE: the secret stands in %s. Carry it there, and remove it afterwards.\n", a->secret_file);
	else
		printf("It asks for this secret, which is shown here only and stored nowhere:\n\n    %s\n\n", secret);
	printf("Waiting at %s port %d. Ctrl-C withdraws the invitation.\n", a->at.host, a->at.port);
	fflush(stdout);
}

static void
wait_for_guest(struct inviting *v)
{
	struct mono now = mono_now();

	while (!v->done && stop == 0 && mono_before(now, v->until) && v->invitation.wrong < ENROL_WRONG_MAX) {
		bool open = !mono_before(now, v->accept_at);
		struct mono next = open ? v->until : mono_min(v->until, v->accept_at);
		watch_set(v->watch, v->listen_fd, open, false);
		for (int i = 0; i < GUESTS; i++)
			if (v->guests[i].fd >= 0)
				next = mono_min(next, enrol_next(&v->guests[i].e));
		int64_t ms = mono_diff(next, now) / NS_PER_MS + 1;
		int err = watch_wait(v->watch, ms < 0 ? 0 : ms > 60000 ? 60000 : (int)ms);
		now = mono_now();
		if (err == 0 && open)
			let_in(v, now);
		for (int i = 0; i < GUESTS && !v->done; i++)
			if (v->guests[i].fd >= 0)
				serve(v, &v->guests[i], now);
	}
}

static int
say_end(struct inviting *v)
{
	const char *what = v->invitation.wrong >= ENROL_WRONG_MAX ? "ended-by-wrong-secrets" : stop != 0 ? "withdrawn" : "expired";

	if (v->done)
		return EXIT_OK;
	node_remark(v->a, v->pki, what, NULL, 0, v->invitation.taken ? "half=yes" : "half=no");
	if (v->invitation.taken)
		printf("%s proved the secret and is trusted here, but the connection was lost before it said that it trusts this node. See there: penstock "
		    "cert list --side it. If this node is not in it, invite again.\n", v->a->peer);
	else if (v->invitation.wrong >= ENROL_WRONG_MAX)
		printf("The invitation has ended: %u proofs did not fit. Nobody was let in. Either the secret was mistaken, or somebody who should not reaches "
		    "this port or stands between: find out who it is before you invite again.\n", v->invitation.wrong);
	else if (stop != 0)
		printf("Withdrawn. Nobody was let in.\n");
	else
		printf("The time is over, and %s did not come. Is its way to %s port %d open in the firewalls? Then invite again.\n", v->a->peer,
		    v->a->at.host, v->a->at.port);
	return EXIT_FINDINGS;
}

static int
invite(struct inviting *v, int file)
{
	char secret[ENROL_TEXT], detail[300], until[WALL_TEXT];
	const struct sigaction catch = { .sa_handler = on_stop };	/* without SA_RESTART: waiting ends */

	if (!do_listen(v))
		return EXIT_CANNOT;
	if (enrol_secret_make(&v->secret) != 0) {
		fprintf(stderr, "penstock node: the system gives no random numbers\n");
		return EXIT_CANNOT;
	}
	enrol_secret_text(&v->secret, secret);
	if (file >= 0 && !write_file(file, v->a->secret_file, secret))
		return EXIT_CANNOT;
	v->until = mono_add(mono_now(), v->a->valid_ns);
	v->conf = (struct enrol_conf){ .role = ENROL_INVITER, .name = v->a->name, .peer = v->a->peer,
	    .secret = &v->secret, .pki = v->pki, .own = &v->own,
	    .invitation = &v->invitation, .read = stream_read, .write = stream_write };
	sigaction(SIGINT, &catch, NULL);
	sigaction(SIGTERM, &catch, NULL);
	sigaction(SIGHUP, &catch, NULL);
	snprintf(detail, sizeof detail, "peer=\"%.120s\" at=%.60s:%d until=%s", v->a->peer, v->a->at.host, v->a->at.port,
	    wall_format((struct wall){ wall_now().ns + v->a->valid_ns }, 0, until));
	node_remark(v->a, v->pki, "invited", NULL, 0, detail);
	say_invitation(v, secret);
	memset(secret, 0, sizeof secret);
	wait_for_guest(v);
	return say_end(v);
}

int
node_invite(struct node_args *a)
{
	static struct inviting v;
	int status = EXIT_CANNOT;

	v = (struct inviting){ .a = a, .watch = -1, .listen_fd = -1, .quiet = { .burst = 10, .period_ms = 60000 } };
	for (int i = 0; i < GUESTS; i++)
		v.guests[i].fd = -1;
	if (!node_fill(a, ENROL_INVITER))
		return EXIT_CANNOT;
	int file = open_file(a);
	if (a->secret_file == NULL || file >= 0)
		v.pki = node_store(a, &v.own);
	if (v.pki != NULL)
		status = invite(&v, file);
	for (int i = 0; i < GUESTS; i++)
		if (v.guests[i].fd >= 0)
			let_go(&v, &v.guests[i]);
	stream_close(v.listen_fd);
	stream_close(v.watch);
	stream_close(file);
	enrol_secret_wipe(&v.secret);
	pki_own_fini(&v.own);
	pki_close(v.pki);
	return status;
}
