/*
 * One text of the site file, or one cell of a table, to a value of its key's type. Everything the file can say in one
 * scalar goes through here, so YAML, CSV, defaults and the web form agree.
 */
#ifndef SITE_PARSE_H
#define SITE_PARSE_H

#include "base/buf.h"
#include "site/key.h"
#include "site/strings.h"

#define PARSE_WHY_MAX 256u

struct parse_env {
	struct strings	*strings;	/* where texts are kept; borrowed */
	const char	*folder;	/* of the site file, for KEY_PATH and KEY_SECRET; NULL: leave paths as written */
	struct map	*units;		/* verdicts on texts of `strings`, by their address; NULL: judge each time */
	char		 decimal;	/* decimal sign: '.' or ',' */
	char		 why[PARSE_WHY_MAX];	/* on failure: what is wrong, to follow the value: "is not a whole number" */
	char		 remedy[PARSE_WHY_MAX];	/* on failure: what to write instead */
};

/*
 * Parse len bytes at s for key k into out (value fields and `set`; the place is the caller's). Lists are not parsed
 * here. 0, ERR_SYNTAX or ERR_RANGE with why and remedy filled.
 */
int key_parse(const struct key *k, const char *s, size_t len, struct parse_env *env, struct keyval *out);

/* "a duration": what a type is called, and how it is written, for messages and the reference. Static. */
const char *key_type_name(enum key_type t);
const char *key_type_form(enum key_type t);
/* The limits of a key as text ("10 ms to 1 d"), "" if none. Returns out. */
const char *key_limits(const struct key *k, char *out, size_t size);

#endif
