/* See asking.h. */
#include "cli/asking.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/num.h"
#include "cli/cli.h"
#include "cli/ctl.h"

struct run {
	const struct asking	*a;
	bool			 json;
	int			 status;
};

const char *
asking_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s != NULL ? s : "";
}

void
asking_print_value(const json_t *v)
{
	char *text = json_is_string(v) || json_is_real(v) ? NULL : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT), number[NUM_TEXT];

	if (json_is_real(v)) {
		num_f64(json_real_value(v), number);
		printf("%s", number);
	} else if (text != NULL)
		printf("%s", text);
	else if (json_is_string(v)) {
		struct buf b = { 0 };
		json_quote(&b, json_string_value(v), json_string_length(v));
		printf("%.*s", b.len >= 2 ? (int)b.len - 2 : 0, b.len >= 2 ? b.p + 1 : "");
		buf_fini(&b);
	}
	free(text);
}

static bool
one_line(void *arg, char *text, size_t len)
{
	struct run *r = arg;
	json_t *o = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	const char *error = asking_text(o, "error");

	if (r->json)
		printf("%.*s\n", (int)len, text);
	if (*error != '\0') {
		const char *name = *asking_text(o, "tag") != '\0' ? asking_text(o, "tag") : asking_text(o, "source");
		if (!r->json)
			fprintf(stderr, "penstock %s: %s%s%s\n", r->a->verb, name, *name != '\0' ? ": " : "", error);
		r->status = EXIT_FINDINGS;
	} else if (o != NULL) {
		if (!r->json)
			r->a->show(o);
		if (r->a->bad != NULL && r->a->bad(o))
			r->status = EXIT_FINDINGS;
	}
	json_decref(o);
	return fflush(stdout) == 0;	/* nobody reads any more: no reason to go on asking */
}

static int
ask_one(struct run *r, const char *state, const char *arg)
{
	int fd = ctl_request(ctl_state_dir(state), r->a->verb, 1, &arg);

	if (fd < 0)
		return EXIT_CANNOT;	/* the reason has been printed */
	const struct timeval patience = { .tv_sec = r->a->patience_s };	/* 0: without end */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	int err = ctl_lines(fd, one_line, r);
	ctl_close(fd);
	if (err == ERR_AGAIN) {
		fprintf(stderr, "penstock %s: no answer within %d s: the process that knows hangs, or is very busy; look at 'penstock status' and "
		    "the log\n", r->a->verb, r->a->patience_s);
		return EXIT_CANNOT;
	}
	if (err != 0) {
		fprintf(stderr, "penstock %s: the answer broke off: %s\n", r->a->verb, err_text(err));
		return EXIT_CANNOT;
	}
	return EXIT_OK;
}

int
asking_main(const struct asking *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct run r = { .a = a };
	const char *state = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "s:jh", options, NULL)) != -1)
		switch (opt) {
		case 's':
			state = optarg;
			break;
		case 'j':
			r.json = true;
			break;
		default:
			return cli_usage(a->usage, opt == 'h');
		}
	if (optind == argc || (a->max_args > 0 && argc - optind > a->max_args))
		return cli_usage(a->usage, false);
	for (int i = optind; i < argc && r.status != EXIT_CANNOT; i++)
		if (ask_one(&r, state, argv[i]) != EXIT_OK)
			r.status = EXIT_CANNOT;
	return r.status;
}
