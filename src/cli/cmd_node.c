/*
 * penstock node: how a new node and one that is there come to know each other's certificates, without a cloud and
 * without carrying files. This file reads arguments and the site file; node_invite.c and node_join.c do. What is said
 * between them: enrol/enrol.h.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "cli/load.h"
#include "cli/node.h"
#include "os/who.h"
#include "proc/catalog.h"
#include "proc/supervisor.h"
#include "site/parse.h"
#include "site/roles.h"

static const char usage[] =
    "usage: penstock node invite NAME [--site SITE] [--listen ADDRESS[:PORT]] [--valid 1h] [--file FILE] [--name OWN] [--side ot|it]\n"
    "       penstock node join [ADDRESS[:PORT]] [--site SITE] [--file FILE] [--name OWN] [--peer NAME] [--side it|ot]\n"
    "invite, on the node that the other one is to connect to (the upper one of a link): makes a secret that works once, shows\n"
    "it, and waits at ADDRESS until NAME has come with it, at most --valid (10 s to 24 h). Nothing listens after that.\n"
    "join, on the other node: asks for the secret (or reads it from FILE or standard input), goes to ADDRESS, and proves it.\n"
    "Then each believes the other's certificate, and a link between them works. Names and addresses come from the link in\n"
    "the site file, or in the plan that runs; --name, --peer, --listen and ADDRESS say them without one. Port 7434 where none\n"
    "is written. --side: the store, ot for who is connected to (invite), it for who connects (join). --state DIR: the state\n"
    "directory. Status 0: done; 1: refused, or nobody came; 2: could not be tried.\n";

enum { O_SITE = 1, O_LISTEN, O_VALID, O_FILE, O_NAME, O_PEER, O_SIDE, O_STATE, O_HELP };

static const struct option options[] = {
	{ "site", required_argument, NULL, O_SITE }, { "listen", required_argument, NULL, O_LISTEN },
	{ "valid", required_argument, NULL, O_VALID },
	{ "file", required_argument, NULL, O_FILE }, { "name", required_argument, NULL, O_NAME },
	{ "peer", required_argument, NULL, O_PEER },
	{ "side", required_argument, NULL, O_SIDE }, { "state", required_argument, NULL, O_STATE },
	{ "help", no_argument, NULL, O_HELP }, { 0 },
};

static bool
take_valid(struct node_args *a, const char *text)
{
	static const struct key valid = { "valid", KEY_DURATION, .min = 10e9, .max = 24 * 3600e9, .help = "" };
	struct parse_env env = { 0 };
	struct keyval v;

	if (key_parse(&valid, text, strlen(text), &env, &v) != 0) {
		fprintf(stderr, "penstock node: --valid \"%s\": write a time from 10 s to 24 h, such as 1h\n", text);
		return false;
	}
	a->valid_ns = v.i;
	return true;
}

static bool
take(struct node_args *a, int c)
{
	switch (c) {
	case O_SITE:	a->site_file = optarg; return true;
	case O_LISTEN:	a->place = optarg; return true;
	case O_VALID:	return take_valid(a, optarg);
	case O_FILE:	a->secret_file = optarg; return true;
	case O_NAME:	a->name = optarg; return true;
	case O_PEER:	a->peer = optarg; return true;
	case O_STATE:	a->state = optarg; return true;
	case O_SIDE:
		a->has_side = true;
		return pki_side_parse(optarg, &a->side) == 0;
	default:	return false;
	}
}

/* ---- what the site file says ---- */

static const struct keyval *
value_of(const struct key *keys, const struct keyval *values, const char *name)
{
	for (size_t i = 0; keys[i].name != NULL; i++)
		if (strcmp(keys[i].name, name) == 0 && values[i].set)
			return &values[i];
	return NULL;
}

struct found {
	const struct key	*keys;
	const struct keyval	*values;
	const char		*endpoint;
	bool			 source;	/* else a sink */
	unsigned		 n;	/* how many there are */
};

/* A link of the plan, if its other end has this name, or any if NULL. */
static void
note_link(struct found *f, const char *peer, const struct key *keys, const struct keyval *values, const char *endpoint, bool source)
{
	const struct keyval *v = value_of(keys, values, "peer");

	if (v == NULL || (peer != NULL && strcmp(v->s, peer) != 0))
		return;
	f->n++;
	f->source = source;
	f->endpoint = endpoint;
	f->keys = keys;
	f->values = values;
}

static const struct driver_info *
link_source(void)
{
	const struct driver_info *const *d = catalog_all()->drivers;

	while (*d != NULL && strcmp((*d)->name, "link") != 0)
		d++;
	return *d;
}

static const struct sink_info *
link_sink(void)
{
	const struct sink_info *const *k = catalog_all()->sinks;

	while (*k != NULL && strcmp((*k)->name, "link") != 0)
		k++;
	return *k;
}

/* Who is connected to invites, who connects joins: of sources and of sinks. */
static struct found
find_link(const struct plan *p, enum enrol_role role, const char *peer)
{
	const struct driver_info *d = link_source();
	const struct sink_info *k = link_sink();
	struct found f = { 0 };

	for (uint32_t i = 0; d != NULL && i < p->nsources; i++) {
		const struct source *s = &p->sources[i];
		if (strcmp(s->driver, d->name) == 0 && source_listens(d, s) == (role == ENROL_INVITER))
			note_link(&f, peer, d->keys, s->keys, s->endpoint, true);
	}
	for (uint32_t i = 0; k != NULL && i < p->nsinks; i++) {
		const struct sink *s = &p->sinks[i];
		const struct keyval *to = strcmp(s->kind, k->name) == 0 ? value_of(k->keys, s->keys, "to") : NULL;
		if (to != NULL && sink_listens(k, s) == (role == ENROL_INVITER))
			note_link(&f, peer, k->keys, s->keys, to->s, false);
	}
	return f;
}

static void
take_link(struct node_args *a, const struct found *f)
{
	const struct keyval *name = value_of(f->keys, f->values, "name"), *peer = value_of(f->keys, f->values, "peer"),
	    *pki = value_of(f->keys, f->values, "pki");
	struct endpoint e;
	const char *path;
	char why[160];

	snprintf(a->own_name, sizeof a->own_name, "%s", name != NULL ? name->s : pki_host());
	snprintf(a->peer_name, sizeof a->peer_name, "%s", peer->s);
	if (!a->has_side)
		a->side = f->source ? PKI_OT : PKI_IT;
	a->has_side = true;
	if (pki != NULL)
		snprintf(a->pki_state, sizeof a->pki_state, "%s", pki->s);
	if (endpoint_parse_url(f->endpoint, "link", &e, &path, why, sizeof why) == 0 && strlen(e.host) < sizeof a->host - 2)
		snprintf(a->host, sizeof a->host, e.v6 ? "[%.250s]" : "%.250s", e.host);
}

/* False: something is wrong with it, and was said. A plan or a link that is not there leaves all as it is. */
static bool
ask_site(struct node_args *a, enum enrol_role role)
{
	struct plan *plan = NULL;
	bool ok = true;

	if (a->site_file != NULL) {
		if (load_site_file(a->site_file, false, &plan) != 0)
			return false;
	} else if (plans_load(a->state, false, &plan) != 0)
		return true;
	snprintf(a->site, sizeof a->site, "%s", plan->site != NULL ? plan->site : "");
	struct found f = find_link(plan, role, a->peer);
	if (f.n == 1)
		take_link(a, &f);
	else if (f.n > 1 && (a->name == NULL || a->place == NULL || a->peer == NULL)) {
		fprintf(stderr, "penstock node: the site file has %u links%s%s; say which: %s\n", f.n,
		    a->peer != NULL ? " to " : "",
		    a->peer != NULL ? a->peer : "", role == ENROL_INVITER ? "--listen and --name" :
		    "--peer NAME, with --name and the address if need be");
		ok = false;
	}
	plan_free(plan);
	return ok;
}

static bool
missing(enum enrol_role role, const char *what)
{
	fprintf(stderr, "penstock node: %s; the site file (--site, or the plan that runs) has no %s\n", what,
	    role == ENROL_INVITER ? "link that listens, or none with this peer" : "link that connects, or none with this peer");
	return false;
}

static bool
read_place(struct node_args *a)
{
	char why[200];

	if (endpoint_parse(a->place, &a->at, why, sizeof why) != 0 || a->at.device || strlen(a->at.host) > ENDPOINT_HOST_MAX) {
		fprintf(stderr, "penstock node: \"%s\" is no address: write 10.4.0.2 or 10.4.0.2:%d\n", a->place, ENROL_PORT);
		return false;
	}
	if (a->at.port == 0)
		a->at.port = ENROL_PORT;
	return true;
}

bool
node_fill(struct node_args *a, enum enrol_role role)
{
	if (!ask_site(a, role))
		return false;
	if (a->name == NULL && a->own_name[0] != '\0')
		a->name = a->own_name;
	if (a->peer == NULL && a->peer_name[0] != '\0')
		a->peer = a->peer_name;
	if (a->place == NULL && a->host[0] != '\0')
		a->place = a->host;
	if (a->name == NULL)
		return missing(role, "say what this node is called: --name NAME");
	if (a->peer == NULL)
		return missing(role, "say whom to join: --peer NAME");
	if (a->place == NULL)
		return missing(role, role == ENROL_INVITER ? "say where to wait: --listen ADDRESS" :
		    "say where to go: penstock node join ADDRESS");
	if (strlen(a->name) > LINK_NAME_MAX || strlen(a->peer) > LINK_NAME_MAX || *a->name == '\0' || *a->peer == '\0') {
		fprintf(stderr, "penstock node: a node's name has 1 to %u characters\n", LINK_NAME_MAX);
		return false;
	}
	if (!a->has_side)
		a->side = role == ENROL_INVITER ? PKI_OT : PKI_IT;
	return read_place(a);
}

/* ---- the command ---- */

/* 0; 1: help; -1: usage. */
static int
parse(struct node_args *a, int argc, char **argv, bool *invite)
{
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == O_HELP)
			return 1;
		if (c == '?' || !take(a, c))
			return -1;
	}
	const char *verb = optind < argc ? argv[optind] : "";
	int n = argc - optind - 1;
	*invite = strcmp(verb, "invite") == 0;
	if (*invite && n == 1 && a->peer == NULL) {
		a->peer = argv[optind + 1];
		return 0;
	}
	if (strcmp(verb, "join") != 0 || n > 1 || (n == 1 && a->place != NULL))
		return -1;
	if (n == 1)
		a->place = argv[optind + 1];
	return 0;
}

int
cmd_node(int argc, char **argv)
{
	struct node_args *a = calloc(1, sizeof *a);
	bool invite = false;

	if (a == NULL)
		return EXIT_CANNOT;
	log_open("node", LOG_LEVEL_WARN);
	a->valid_ns = 3600 * NS_PER_S;
	int parsed = parse(a, argc, argv, &invite);
	a->state = ctl_state_dir(a->state);
	who_user(a->actor, sizeof a->actor);
	int status = parsed != 0 ? cli_usage(usage, parsed > 0) : invite ? node_invite(a) : node_join(a);
	free(a);
	return status;
}
