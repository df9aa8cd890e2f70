/* penstock cert list and show: what there is, for people and for programs. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "cli/cert.h"
#include "cli/cli.h"
#include "os/clock.h"

struct listing {
	const struct cert_args	*a;
	enum pki_side		 side;
	bool			 findings, any;
};

static bool
in_use(enum pki_place place)
{
	return place != PKI_PREVIOUS && place != PKI_REJECTED && place != PKI_PLACES;
}

static const char *
state_of(const struct pki_item *it)
{
	if (it->err != 0)
		return "DAMAGED";
	return it->days_left < 0 ? "ENDED" : it->days_left < PKI_DAYS_WARN ? "SOON" : "ok";
}

static void
json_time(struct json *j, const char *key, struct wall t)
{
	char text[WALL_TEXT];

	json_key_text(j, key, t.ns != 0 && t.ns != INT64_MAX ? wall_format(t, 0, text) : NULL);
}

void
cert_item_json(const char *side, const struct pki_item *it)
{
	struct buf out = { 0 };
	struct json j = { .out = &out };
	const struct { const char *key, *text; } texts[] = {
		{ "side", side }, { "place", it->place < PKI_PLACES ? pki_place_name(it->place) : NULL }, { "path", it->path },
		{ "state", state_of(it) }, { "error", it->err != 0 ? err_name(it->err) : NULL },
		{ "subject", it->subject }, { "issuer", it->issuer },
		{ "sha1", it->sha1 }, { "sha256", it->sha256 }, { "uri", it->uri }, { "from", it->from }, { "status", it->status },
		{ "why", it->why },
	};

	json_open(&j, '{');
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (texts[i].text == NULL || texts[i].text[0] == '\0')
			continue;
		json_key_text(&j, texts[i].key, texts[i].text);
	}
	if (it->err == 0) {
		json_key_bool(&j, "ca", it->ca);
		json_key_bool(&j, "self-signed", it->self_signed);
		json_time(&j, "not-before", it->not_before);
		json_time(&j, "not-after", it->not_after);
		json_key_i64(&j, "days-left", it->days_left);
	}
	if (it->seen.ns != 0)
		json_time(&j, "seen", it->seen);
	json_close(&j, '}');
	printf("%s\n", buf_text(&out));
	buf_fini(&out);
}

static void
print_row(const struct listing *l, const struct pki_item *it)
{
	char day[WALL_TEXT] = "-", left[32] = "-", seen[WALL_TEXT];

	if (!l->any)
		printf("%-4s %-14s %-8s %7s  %-10s  %-40s  %s\n", "SIDE", "PLACE", "STATE", "DAYS", "UNTIL", "SHA-1", "SUBJECT");
	if (it->err != 0) {
		printf("%-4s %-14s %-8s %7s  %-10s  %-40s  %s: %s\n", pki_side_name(l->side),
		    pki_place_name(it->place), "DAMAGED", left, day, "", it->path, err_text(it->err));
		return;
	}
	if (it->not_after.ns != INT64_MAX) {
		wall_format(it->not_after, 0, day);
		day[10] = '\0';
		snprintf(left, sizeof left, "%d", it->days_left);
	}
	printf("%-4s %-14s %-8s %7s  %-10s  %-40s  %s%s\n", pki_side_name(l->side), pki_place_name(it->place),
	    state_of(it), left, day, it->sha1, it->subject, it->ca ? " (a CA)" : "");
	if (it->from[0] != '\0')
		printf("     shown by %s at %s: %s\n", it->from, wall_format(it->seen, 0, seen), it->status);
}

static int
list_one(void *arg, const struct pki_item *it)
{
	struct listing *l = arg;

	if (l->a->json)
		cert_item_json(pki_side_name(l->side), it);
	else
		print_row(l, it);
	l->any = true;
	l->findings |= in_use(it->place) && strcmp(state_of(it), "ok") != 0;
	return 0;
}

/* Certificate and key must be a pair, and the key a secret; a list that leaves that out would lie by silence. */
static void
check_own(struct listing *l, struct pki *p)
{
	struct pki_own o;

	if (pki_own_generation(p) == 0)
		return;
	if (pki_own_load(p, &o) == 0) {
		pki_own_fini(&o);
		return;
	}
	l->findings = true;
	fprintf(stderr, "penstock cert: %s\n", pki_why(p));
}

int
cert_list(struct cert_args *a)
{
	struct listing l = { .a = a };
	int status = EXIT_OK;

	for (int side = PKI_OT; side <= PKI_IT; side++) {
		l.side = (enum pki_side)side;
		if (a->has_side && a->side != l.side)
			continue;
		struct pki *p = cert_open(a, l.side);
		int err = p == NULL ? ERR_IO : pki_each(p, wall_now(), list_one, &l);
		if (p != NULL && err != 0)
			cert_failed(p, err);
		if (p != NULL)
			check_own(&l, p);
		status = err != 0 ? EXIT_CANNOT : status;
		pki_close(p);
	}
	if (!l.any && !a->json && status == EXIT_OK)
		printf("there is no certificate yet; make one: penstock cert new --side ot --site NAME\n");
	return status != EXIT_OK ? status : l.findings ? EXIT_FINDINGS : EXIT_OK;
}

/* ---- show ---- */

struct showing {
	const struct cert_args	*a;
	const char		*side;
	const char		*place;		/* wanted; or */
	struct pki_print	 print;
	char			 shown[PKI_SHA256_TEXT];
	int			 n;
};

static int
show_one(void *arg, const struct pki_item *it)
{
	struct showing *s = arg;
	struct buf out = { 0 };

	if (it->place != PKI_PLACES && it->der == NULL)
		return 0;
	if (s->place != NULL && strcmp(pki_place_name(it->place), s->place) != 0)
		return 0;
	if (s->print.len > 0 && strncmp(it->sha1, s->print.hex, s->print.len) != 0 &&
	    strncmp(it->sha256, s->print.hex, s->print.len) != 0)
		return 0;
	s->n++;
	if (s->a->json) {
		cert_item_json(s->side, it);
		return 0;
	}
	if (s->n > 1)
		printf("\n");
	if (s->side != NULL)
		printf("%-16s%s, %s\n%-16s%s\n", "place", s->side, pki_place_name(it->place), "file", it->path);
	if (it->from[0] != '\0')
		printf("%-16s%s\n%-16s%s\n", "shown by", it->from, "refused", it->why);
	if (it->der != NULL && pki_describe(it->der, it->der_len, wall_now(), &out) == 0)
		printf("%s", buf_text(&out));
	else if (it->err == 0)
		printf("%-16s%s\n", "revocation list", it->subject);
	else
		printf("this is neither a certificate nor a revocation list\n");
	buf_fini(&out);
	return 0;
}

static int
show_stores(struct showing *s)
{
	const struct cert_args *a = s->a;

	for (int side = PKI_OT; side <= PKI_IT; side++) {
		if (a->has_side && a->side != (enum pki_side)side)
			continue;
		struct pki *p = cert_open(a, (enum pki_side)side);
		s->side = pki_side_name((enum pki_side)side);
		int err = p == NULL ? ERR_IO : pki_each(p, wall_now(), show_one, s);
		if (p != NULL && err != 0)
			cert_failed(p, err);
		pki_close(p);
		if (err != 0)
			return EXIT_CANNOT;
	}
	return EXIT_OK;
}

int
cert_show(struct cert_args *a)
{
	static const char *const places[] = { "own", "next", "previous" };
	struct showing s = { .a = a };
	const char *what = a->n == 0 ? "own" : a->arg[0];

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		if (strcmp(what, places[i]) == 0)
			s.place = places[i];
	if (s.place == NULL && a->is_file[0]) {
		pki_each_in(buf_text(&a->file[0]), a->file[0].len, wall_now(), show_one, &s);
		return s.n > 0 ? EXIT_OK : EXIT_FINDINGS;
	}
	if (s.place == NULL && pki_print_parse(what, &s.print) != 0) {
		fprintf(stderr, "penstock cert show: '%s' is none of own, next, previous, a thumbprint (8 digits at least), a file\n", what);
		return EXIT_CANNOT;
	}
	int status = show_stores(&s);
	if (status == EXIT_OK && s.n == 0) {
		fprintf(stderr, "penstock cert show: there is no certificate '%s'; penstock cert list shows what there is\n", what);
		return EXIT_FINDINGS;
	}
	return status;
}
