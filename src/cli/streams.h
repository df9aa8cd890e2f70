/* The streams of a state directory, for the commands that look at the spool: listed, and chosen by name. */
#ifndef CLI_STREAMS_H
#define CLI_STREAMS_H

#include <stddef.h>

#define STREAMS_MAX	10000u

struct stream_name {
	char	*dir;		/* name of its directory, "speeds@00abc123" */
	char	*path;		/* whole */
	char	*flow;
};

struct streams {
	struct stream_name	*v;
	size_t			 n;
};

/*
 * The streams under <state>/spool whose directory or flow is called `only` (NULL: all), in order. given, to be freed
 * with streams_fini(). 0, or a negative error that was said on standard error; command: who speaks. None at all is
 * ERR_NOTFOUND if one was asked for.
 */
int streams_find(const char *command, const char *state, const char *only, struct streams *out);
void streams_fini(struct streams *s);

#endif
