/*
 * penstock cert: certificates of our own, and whom we believe. It works on the files of the state directory, so nothing
 * needs to run; what runs reads them anew at its next connect. This file reads arguments; cert_show.c and cert_change.c do.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/num.h"
#include "cli/cert.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "os/file.h"
#include "os/who.h"

static const char usage[] =
    "usage: penstock cert list [--side ot|it] [--json]\n"
    "       penstock cert show [own|next|previous|THUMBPRINT|FILE] [--side ot|it] [--json]\n"
    "       penstock cert new --side ot|it [--site NAME] [--host NAME] [--uri URI] [--name CN] [--organization O]\n"
    "                [--dns NAME]... [--ip ADDRESS]... [--bits 2048|3072|4096] [--days N] [--csr]\n"
    "       penstock cert trust THUMBPRINT|FILE... --side ot|it\n"
    "       penstock cert reject THUMBPRINT... --side ot|it\n"
    "       penstock cert renew --stage [--days N] | --activate | --back | --cancel | --auto [--before DAYS] [--overlap DAYS]\n"
    "                --side ot|it\n"
    "       penstock cert import FILE... --side ot|it\n"
    "ot is the side of the machines, it that of the offices. --state DIR: the state directory.\n"
    "list: what there is and how long it lasts; status 1 when something in use is damaged or ends within 30 days.\n"
    "new: a self-signed certificate, or with --csr a request for the plant's CA. trust: believe what was rejected (the\n"
    "beginning of a thumbprint will do) or what a file holds. reject: believe it no more. renew: --stage makes the next\n"
    "certificate to be shown to peers, --activate puts it in force, --back returns to the one before, --auto does what is\n"
    "due (--before 30, --overlap 7 days ahead of the end). import: what a CA signed for us, revocation lists, and CAs that\n"
    "complete chains without being believed.\n";

struct pki *
cert_open(const struct cert_args *a, enum pki_side side)
{
	struct pki *p = NULL;

	int err = pki_open(a->state, side, NULL, &p);
	if (err != 0) {
		fprintf(stderr, "penstock cert: %s\n", p != NULL ? pki_why(p) : err_text(err));
		pki_close(p);
		return NULL;
	}
	pki_set_actor(p, a->actor);
	return p;
}

int
cert_failed(const struct pki *p, int err)
{
	fprintf(stderr, "penstock cert: %s\n", pki_why(p));
	return err == ERR_NOTFOUND || err == ERR_EXISTS || err == ERR_RANGE || err == ERR_TYPE || err == ERR_DENIED ?
	    EXIT_FINDINGS : EXIT_CANNOT;
}

static bool
take_days(const char *text, unsigned *out)
{
	uint64_t n;

	if (num_parse_u64(text, strlen(text), &n) != 0 || n < 1 || n > 36500)
		return false;
	*out = (unsigned)n;
	return true;
}

enum { O_SITE = 1, O_HOST, O_URI, O_NAME, O_ORGANIZATION, O_DNS, O_IP, O_BITS, O_DAYS, O_CSR, O_STAGE, O_ACTIVATE,
    O_BACK, O_CANCEL, O_AUTO,
	O_BEFORE, O_OVERLAP, O_STATE, O_SIDE, O_JSON, O_HELP };

static const struct option options[] = {
	{ "site", required_argument, NULL, O_SITE }, { "host", required_argument, NULL, O_HOST },
	{ "uri", required_argument, NULL, O_URI },
	{ "name", required_argument, NULL, O_NAME }, { "organization", required_argument, NULL, O_ORGANIZATION },
	{ "dns", required_argument, NULL, O_DNS }, { "ip", required_argument, NULL, O_IP },
	{ "bits", required_argument, NULL, O_BITS },
	{ "days", required_argument, NULL, O_DAYS }, { "csr", no_argument, NULL, O_CSR }, { "stage", no_argument, NULL, O_STAGE },
	{ "activate", no_argument, NULL, O_ACTIVATE }, { "back", no_argument, NULL, O_BACK },
	{ "cancel", no_argument, NULL, O_CANCEL },
	{ "auto", no_argument, NULL, O_AUTO }, { "before", required_argument, NULL, O_BEFORE },
	{ "overlap", required_argument, NULL, O_OVERLAP },
	{ "state", required_argument, NULL, O_STATE }, { "side", required_argument, NULL, O_SIDE },
	{ "json", no_argument, NULL, O_JSON }, { "help", no_argument, NULL, O_HELP }, { 0 },
};

static bool
take_switch(struct cert_args *a, int c)
{
	bool *const switches[] = { [O_CSR] = &a->csr, [O_STAGE] = &a->stage, [O_ACTIVATE] = &a->activate, [O_BACK] = &a->back,
		[O_CANCEL] = &a->cancel, [O_AUTO] = &a->automatic, [O_JSON] = &a->json };

	if (c <= 0 || (size_t)c >= sizeof switches / sizeof switches[0] || switches[c] == NULL)
		return false;
	*switches[c] = true;
	return true;
}

static bool
take(struct cert_args *a, int c)
{
	uint64_t bits;

	switch (c) {
	case O_SITE:		a->site = optarg; return true;
	case O_HOST:		a->host = optarg; return true;
	case O_URI:		a->spec.uri = optarg; return true;
	case O_NAME:		a->spec.common_name = optarg; return true;
	case O_ORGANIZATION:	a->spec.organization = optarg; return true;
	case O_STATE:		a->state = optarg; return true;
	case O_DAYS:		return take_days(optarg, &a->days);
	case O_BEFORE:		return take_days(optarg, &a->before_days);
	case O_OVERLAP:		return take_days(optarg, &a->overlap_days);
	case O_DNS:
		if (a->ndns == (int)PKI_NAMES_MAX)
			return false;
		a->spec.dns[a->ndns++] = optarg;
		return true;
	case O_IP:
		if (a->nip == (int)PKI_NAMES_MAX)
			return false;
		a->spec.ip[a->nip++] = optarg;
		return true;
	case O_BITS:
		if (num_parse_u64(optarg, strlen(optarg), &bits) != 0 || bits > 65536)
			return false;
		a->spec.bits = (unsigned)bits;
		return true;
	case O_SIDE:
		a->has_side = true;
		return pki_side_parse(optarg, &a->side) == 0;
	default:
		return take_switch(a, c);
	}
}

/* 0; 1: help was asked for; -1: usage. */
static int
parse(struct cert_args *a, int argc, char **argv)
{
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == O_HELP)
			return 1;
		if (c == '?' || !take(a, c))
			return -1;
	}
	if (optind >= argc || argc - optind - 1 > CERT_ARGS_MAX)
		return -1;
	for (int i = optind + 1; i < argc; i++)
		a->arg[a->n++] = argv[i];
	return 0;
}

/* Before root's rights are given up: the file may be in root's own folder. A thumbprint is no file, unless one is called so. */
static int
read_files(struct cert_args *a)
{
	struct pki_print print;

	for (int i = 0; i < a->n; i++) {
		struct stat st;
		bool is_print = pki_print_parse(a->arg[i], &print) == 0;
		if (stat(a->arg[i], &st) != 0 && (is_print || strchr(a->arg[i], '/') == NULL))
			continue;
		a->is_file[i] = true;
		a->file[i].max = PKI_FILE_MAX + 1;
		int err = file_read(a->arg[i], PKI_FILE_MAX, &a->file[i]);
		if (err != 0) {
			fprintf(stderr, "penstock cert: %s: %s\n", a->arg[i], err_text(err));
			return err;
		}
	}
	return 0;
}

static const struct verb {
	const char	*name;
	int		(*look)(struct cert_args *a);			/* one of the two */
	int		(*change)(struct cert_args *a, struct pki *p);
	int		 min, max;					/* arguments */
} verbs[] = {
	{ "list", cert_list, NULL, 0, 0 }, { "show", cert_show, NULL, 0, 1 }, { "new", NULL, cert_new, 0, 0 },
	{ "trust", NULL, cert_trust, 1, CERT_ARGS_MAX }, { "reject", NULL, cert_reject, 1, CERT_ARGS_MAX },
	{ "renew", NULL, cert_renew, 0, 0 }, { "import", NULL, cert_import, 1, CERT_ARGS_MAX },
};

/* Of the store, which may belong to a user of its own (`users` of the section security), else of the state directory. */
static int
become_owner(const struct cert_args *a)
{
	char path[DISK_PATH_MAX];

	snprintf(path, sizeof path, "%s/pki/%s", a->state, a->side == PKI_OT ? "ot" : "it");
	if (a->has_side && disk_os.stat(disk_os.ctx, path, &(struct disk_stat){ 0 }) == 0)
		return who_become_owner(path);
	return who_become_owner(a->state);
}

static int
run(const struct verb *v, struct cert_args *a)
{
	if (read_files(a) != 0)
		return EXIT_CANNOT;
	who_user(a->actor, sizeof a->actor);
	int err = become_owner(a);
	if (err != 0) {
		fprintf(stderr, "penstock cert: the state directory %s: %s; name it with --state DIR or PENSTOCK_STATE\n", a->state, err_text(err));
		return EXIT_CANNOT;
	}
	if (v->look != NULL)
		return v->look(a);
	if (!a->has_side) {
		fprintf(stderr, "penstock cert %s: say which side: --side ot (machines) or --side it (offices)\n", v->name);
		return EXIT_CANNOT;
	}
	struct pki *p = cert_open(a, a->side);
	int status = p == NULL ? EXIT_CANNOT : v->change(a, p);
	pki_close(p);
	return status;
}

int
cmd_cert(int argc, char **argv)
{
	struct cert_args *a = calloc(1, sizeof *a);
	const struct verb *v = NULL;

	if (a == NULL)
		return EXIT_CANNOT;
	log_open("cert", LOG_LEVEL_WARN);
	a->before_days = 30;
	a->overlap_days = 7;
	int parsed = parse(a, argc, argv);
	for (size_t i = 0; parsed == 0 && i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verbs[i].name, argv[argc - a->n - 1]) == 0 && a->n >= verbs[i].min && a->n <= verbs[i].max)
			v = &verbs[i];
	a->state = ctl_state_dir(a->state);
	int status = v == NULL ? cli_usage(usage, parsed > 0) : run(v, a);
	for (int i = 0; i < a->n; i++)
		buf_fini(&a->file[i]);
	free(a);
	return status;
}
