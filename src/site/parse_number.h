/* Inside site/: the readers of numbers that parse.c has in its table, and what all readers share. */
#ifndef SITE_PARSE_NUMBER_H
#define SITE_PARSE_NUMBER_H

#include "site/parse.h"

struct text {
	const char	*s;
	size_t		 len;
};

/* A reader: t, trimmed, to out. On failure it may fill env's why and remedy; key_parse fills what it leaves empty. */
typedef int parse_fn(const struct key *k, struct text t, struct parse_env *env, struct keyval *out);

parse_fn parse_int, parse_real, parse_duration, parse_size, parse_ratio, parse_deadband, parse_range;

struct text text_trim(const char *s, size_t len);
bool text_is(struct text t, const char *word);
/* 0, or ERR_RANGE with why and remedy. v: the number, or the bytes of a text. */
int key_in_limits(const struct key *k, double v, struct parse_env *env);

#endif
