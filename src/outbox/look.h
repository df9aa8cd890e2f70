/*
 * Looking into an outbox beside the one who works with it: for the command line, whether or not anything runs. Read-only; read in small
 * pieces, so that a reader who stops to think holds up nobody.
 */
#ifndef OUTBOX_LOOK_H
#define OUTBOX_LOOK_H

#include "outbox/outbox.h"

struct outbox_look;
/* 0 with *out given (outbox_look_close). ERR_NOTFOUND: there is none, so nothing was ever put in. why: cause and remedy. */
int outbox_look_open(const char *path, struct outbox_look **out, char *why, size_t size);
void outbox_look_close(struct outbox_look *l);

/* What stands in the file: without what only a running outbox knows (down_ns, down_why, in_window, strays). */
int outbox_look_counts(struct outbox_look *l, struct outbox_counts *out);

struct outbox_filter {
	int		 state;		/* enum outbox_state */
	bool		 complaint;	/* only those with one, whatever the state */
	const char	*lane, *code;	/* NULL: any */
	uint64_t	 limit;		/* 0: none */
};
/* In order of number. each(): borrowed during the call; false ends it. 0 or an error. */
int outbox_look_each(struct outbox_look *l, const struct outbox_filter *f, bool (*each)(void *arg, const struct outbox_item *i), void *arg);

/* One line of an event's history. */
struct outbox_try {
	uint32_t	 n;		/* from 1; the middle of a long history is left out */
	struct wall	 at;
	int64_t		 took_ns;
	const char	*call, *verdict;	/* "post", "lookup", "follow-up"; "done", "refused", ... */
	const char	*document, *code, *text, *target;
};
/* What a person did with it. */
struct outbox_change {
	struct wall	 at;
	const char	*who, *verb, *why, *what, *before, *after;
};
struct outbox_visitor {
	void	(*item)(void *arg, const struct outbox_item *i);
	/* NULL: not wanted */
	void	(*attempt)(void *arg, const struct outbox_try *t);
	void	(*change)(void *arg, const struct outbox_change *c);
	void	*arg;
};
/* All that is known of one event. ERR_NOTFOUND: no such event. */
int outbox_look_item(struct outbox_look *l, int64_t seq, const struct outbox_visitor *v);

#endif
